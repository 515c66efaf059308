"""
What `POST /status/check` reads and answers. Pure.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET

from statuslist.formats.bitstring_entry import ENTRY_TYPE
from statuslist.formats.token_bits import INVALID, SUSPENDED
from wire import parse_utc

MAX_LIST_ISSUERS = 8
MAX_ANCHORS = 8
MAX_CERTIFICATE_CHARS = 21_848  # characters of base64: 16 KiB, as much as is read of one certificate
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=8_192)]
Certificate = Annotated[str, msgspec.Meta(max_length=MAX_CERTIFICATE_CHARS)]


class EntryCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Entries to check for a caller who has verified the credential that carried them; at most 8 in all.

    Attributes:
        issuer: the credential's issuer, a DID or an https URL; needed unless `anchors` are given, since a
            credential with certificates may name none.
        credential_status: `credentialStatus` of a W3C credential as it is: one entry, or an array.
        status: the claim `status` of any other token as it is: `{"status_list": {"idx": 7, "uri": "https://..."}}`.
        list_issuers: whose lists the caller trusts besides those of `issuer` itself.
        anchors: base64 of the DER of certificates that the caller trusts with statuses: authorities, or signers
            themselves. Without them, the registry's.
        at: the time in UTC that is asked about, not in the future; now, if it is missing.
    """

    issuer: Url | None = None
    credential_status: Any = UNSET
    status: Any = UNSET
    list_issuers: Annotated[tuple[Url, ...], msgspec.Meta(max_length=MAX_LIST_ISSUERS)] = ()
    anchors: Annotated[tuple[Certificate, ...], msgspec.Meta(max_length=MAX_ANCHORS)] = ()
    at: str | None = None

    def __post_init__(self) -> None:
        if self.credential_status is UNSET and self.status is UNSET:
            raise ValueError("Object missing required field `credentialStatus`")
        if self.issuer is None and not self.anchors:
            raise ValueError("Object missing required field `issuer`")
        if self.at is not None:
            parse_utc(self.at)


Reason = Literal[
    "unsupported", "list-issuer-not-trusted", "revoked", "suspended", "refresh", "message", "status-set"
]
_REASONS: dict[str, Reason] = {
    "revocation": "revoked",
    "suspension": "suspended",
    "refresh": "refresh",
    "message": "message",
}
_OF_TOKENS: dict[int, Reason] = {INVALID: "revoked", SUSPENDED: "suspended"}


def reason_of(purpose: str | None, status: int, *, is_trusted: bool) -> Reason | None:
    """
    Return why an entry is not valid; None where it is.

    That the list's issuer is not trusted comes first: what such a list says means nothing. Then what a status other
    than 0 means: by the list's purpose (Bitstring Status List v1.0, section 2.1), or where it has none, by its
    value (Token Status List, section 7.1); of what neither standard has a name for, that it is set.
    """
    if not is_trusted:
        return "list-issuer-not-trusted"
    if not status:
        return None
    return _OF_TOKENS.get(status, "status-set") if purpose is None else _REASONS.get(purpose, "status-set")


class CheckedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    What a list says about one entry (Bitstring Status List v1.0, section 3.2; Token Status List, section 8.3), and
    whose list it is. Of an entry that is not supported, `type`, `valid` and `reason` alone.

    Attributes:
        type: the entry's type, absent of a `BitstringStatusListEntry`; of the claim `status`, the name of the
            mechanism, `status_list`.
        status: the value in the list.
        purpose: absent of a token list, whose values say what they mean.
        valid: `status` is 0, and the list's issuer is the credential's or one that the caller trusts.
        reason: why it is not valid, in a word; absent where it is.
        issuer_bound: the list's issuer is the credential's. The standard lets them differ (section 2.2),
            so that the signature of a list proves nothing by itself: anybody can sign a list.
        status_list_credential, status_list_index: of the claim `status`, its `uri` and `idx`.
        list_issuer: a DID or an https URL; where only certificates say who signed, the `ni` of the signer's.
        list_retrieved_at, list_valid_until: RFC 3339; how old the answer can be.
        list_key_stale: what says that the key is the issuer's may be out of date, since its origin could not be
            asked.
        message: for the purpose `message`; for developers, not for end users.
    """

    status: int | None = None
    purpose: str | None = None
    valid: bool
    issuer_bound: bool | None = None
    status_list_credential: str | None = None
    status_list_index: str | None = None
    list_issuer: str | None = None
    list_retrieved_at: str | None = None
    list_valid_until: str | None = None
    list_key_stale: bool = False
    message: str | None = None
    reason: Reason | None = None
    type: str = ENTRY_TYPE


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
