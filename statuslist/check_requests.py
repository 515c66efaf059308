"""
What `POST /status/check` reads and answers. Pure.
"""

from typing import Annotated, Any

import msgspec

MAX_LIST_ISSUERS = 8
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=8_192)]


class EntryCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Entries to check for a caller who has verified the credential that carried them.

    Attributes:
        credential_status: `credentialStatus` of the credential as it is: one entry, or an array of up to 8.
        issuer: the credential's issuer.
        list_issuers: whose lists the caller trusts besides those of `issuer` itself.
    """

    credential_status: Any
    issuer: Url
    list_issuers: Annotated[tuple[Url, ...], msgspec.Meta(max_length=MAX_LIST_ISSUERS)] = ()


class CheckedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    What a list says about one entry (Bitstring Status List v1.0, section 3.2), and whose list it is.

    Attributes:
        status: the value in the list.
        valid: `status` is 0, and the list's issuer is the credential's or one that the caller trusts.
        issuer_bound: the list's issuer is the credential's. The standard lets them differ (section 2.2),
            so that the signature of a list proves nothing by itself: anybody can sign a list.
        list_retrieved_at, list_valid_until: RFC 3339; how old the answer can be.
        message: for the purpose `message`; for developers, not for end users.
    """

    status: int
    purpose: str
    valid: bool
    issuer_bound: bool
    status_list_credential: str
    status_list_index: str
    list_issuer: str
    list_retrieved_at: str
    list_valid_until: str | None = None
    message: str | None = None


class StatusCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    The answer: `valid` only if every result is, and there is one at least.

    `credential_verified`: we verified the credential itself; otherwise the caller vouches for it.
    """

    valid: bool
    credential_verified: bool
    checked_at: str
    results: tuple[CheckedEntry, ...]
