"""
The status list credential: build ours, read anyone's. Pure.

Bitstring Status List v1.0 (W3C REC, 2025-05-15), section 2.2, on VCDM 2.0. The reader is strict: what does not
comply with a MUST is refused with MALFORMED_VALUE_ERROR, and nothing is coerced.

One leniency: a list for the purpose `message` need not repeat the messages (`statusMessages`, section 2.2).
The v2 context does not define that term, so the entry's `statusMessage` is what issuers can sign.
"""

import msgspec

from credentials.data_model import CREDENTIALS_V2
from credentials.members import Members
from proofs import JsonObject
from statuslist.errors import MalformedStatusList
from wire import format_utc

CREDENTIAL_TYPE = "BitstringStatusListCredential"
LIST_TYPE = "BitstringStatusList"


class StatusListCredential(msgspec.Struct, frozen=True, kw_only=True):
    """
    A BitstringStatusListCredential as read; whether it verifies is not known here.

    Attributes:
        id: its `id`, or None where it has none.
        issuer: the issuer's URL, from the string or the object.
        purposes: `statusPurpose`, one or more.
        encoded_list: not yet expanded.
        ttl_ms: `ttl` in milliseconds, or None.
        valid_from, valid_until: microseconds since 1970, or None.
        status_size: `statusSize` in bits, or None where the list does not say.
        kind: which of the two types it has.
    """

    id: str | None
    issuer: str
    purposes: tuple[str, ...]
    encoded_list: str
    ttl_ms: int | None
    valid_from: int | None
    valid_until: int | None
    status_size: int | None = None
    kind: str = CREDENTIAL_TYPE


def status_list_credential(
    *, url: str, issuer: str, purpose: str, encoded_list: str, valid_from: int, valid_until: int, ttl_ms: int
) -> JsonObject:
    """
    Return an unsecured BitstringStatusListCredential for a list of one purpose (section 2.2).

    One purpose as a string: readers in the field compare it with `===`. `id` is always set, as it is all that
    binds a list to its URL.

    Args:
        url: where this very form of the list is served.
        issuer: a DID.
        valid_from, valid_until: microseconds since 1970, rounded down to seconds; the caller back-dates
            `valid_from` by the clock skew that it tolerates.
        ttl_ms: milliseconds; HTTP caching must not exceed it.
    """
    return {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": issuer,
        "validFrom": format_utc(valid_from),
        "validUntil": format_utc(valid_until),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": LIST_TYPE,
            "statusPurpose": purpose,
            "encodedList": encoded_list,
            "ttl": ttl_ms,
        },
    }


def read_status_list_credential(document: JsonObject) -> StatusListCredential:
    """
    Read a status list credential; a proof, where it has one, is not looked at.

    Raises:
        MalformedStatusList: something does not comply with section 2.2, or with the VCDM 2.0 that we read.
    """
    credential = Members(document, MalformedStatusList)
    _check_context(credential)
    credential.require_types("VerifiableCredential", CREDENTIAL_TYPE)
    refuse_status(credential)
    subject = list_subject(document)
    subject.require_types(LIST_TYPE)
    valid_from, valid_until = validity_period(credential, "validFrom", "validUntil")
    return StatusListCredential(
        id=credential.optional_url("id"),
        issuer=list_issuer(credential),
        purposes=subject.strings("statusPurpose"),
        encoded_list=subject.string("encodedList"),
        ttl_ms=subject.optional_integer("ttl", least=0),
        valid_from=valid_from,
        valid_until=valid_until,
        status_size=subject.optional_integer("statusSize", least=1),
    )


def _check_context(credential: Members) -> None:
    """VCDM 2.0, section 4.3: an ordered set whose first item is the v2 context."""
    context = credential.members.get("@context")
    if not isinstance(context, list) or context[:1] != [CREDENTIALS_V2]:
        raise credential.fault("@context", f"an array that begins with {CREDENTIALS_V2}")


def list_issuer(credential: Members) -> str:
    """VCDM 2.0, section 4.7: a URL, or an object with a URL as its id."""
    value = credential.members.get("issuer")
    if isinstance(value, dict):
        return Members(value, MalformedStatusList, "/issuer").url("id")
    return credential.url("issuer")


def validity_period(credential: Members, begins: str, ends: str) -> tuple[int | None, int | None]:
    """VCDM 2.0, section 4.9: both are optional, and the end is not before the beginning."""
    valid_from, valid_until = credential.optional_time(begins), credential.optional_time(ends)
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise credential.fault(ends, f"a time not before {begins}")
    return valid_from, valid_until


def list_subject(document: JsonObject) -> Members:
    """Return the list in a credential: its subject, or the only item of an array."""
    subject = document.get("credentialSubject")
    only = subject[0] if isinstance(subject, list) and len(subject) == 1 else subject
    return Members(only, MalformedStatusList, "/credentialSubject")


def refuse_status(credential: Members) -> None:
    """Refuse a list with a status of its own: nobody looks it up, and the list may be revoked by it."""
    if "credentialStatus" in credential.members:
        raise credential.fault("credentialStatus", "none: the status of a status list is not read")
