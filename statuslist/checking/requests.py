"""
What `POST /status/check` reads and answers. Pure.
"""

from typing import Annotated, Any, Literal

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


Reason = Literal["list-issuer-not-trusted", "revoked", "suspended", "refresh", "message", "status-set"]
_REASONS: dict[str, Reason] = {
    "revocation": "revoked",
    "suspension": "suspended",
    "refresh": "refresh",
    "message": "message",
}


def reason_of(purpose: str, status: int, *, is_trusted: bool) -> Reason | None:
    """
    Return why an entry is not valid; None where it is.

    That the list's issuer is not trusted comes first: what such a list says means nothing. Then what a status other
    than 0 means by the list's purpose (Bitstring Status List v1.0, section 2.1); of a purpose that the standard has
    no name for, that it is set.
    """
    if not is_trusted:
        return "list-issuer-not-trusted"
    return _REASONS.get(purpose, "status-set") if status else None


class CheckedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    What a list says about one entry (Bitstring Status List v1.0, section 3.2), and whose list it is.

    Attributes:
        status: the value in the list.
        valid: `status` is 0, and the list's issuer is the credential's or one that the caller trusts.
        reason: why it is not valid, in a word; absent where it is.
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
    reason: Reason | None = None


class StatusCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    The answer: `valid` only if every result is, and there is one at least.

    Attributes:
        credential_verified: we verified the credential itself; otherwise the caller vouches for it.
        reason: that of the first result that is not valid; absent where all are.
    """

    valid: bool
    credential_verified: bool
    checked_at: str
    results: tuple[CheckedEntry, ...]
    reason: Reason | None = None
