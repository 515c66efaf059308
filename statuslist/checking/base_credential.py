"""
The credential whose status is asked for (the "base credential"): may it be relied on but for that? Pure.

Verifiable Credentials Data Model 2.0: sections 4.3 (contexts), 4.5 (types), 4.9 (validity), 4.10 (status).
"""

from proofs import JsonObject, parse_date_time_stamp
from statuslist.errors import MalformedValue, StatusListError
from statuslist.formats.bitstring_credential import CREDENTIALS_V2
from statuslist.formats.bitstring_entry import Entry, read_entry
from statuslist.formats.tokens import CLOCK_SKEW

MAX_ENTRIES = 8  # status entries of one credential


class CredentialNotValid(StatusListError, type="/problems/credential-not-valid", status=422):
    """The credential verifies, but outside its validity period its status does not matter."""


def check_holds(credential: JsonObject, now: int) -> None:
    """
    Refuse what is no VCDM 2.0 credential, or one outside its validity period (60 s of skew are tolerated).

    What secures it may end sooner: `tokens.check_in_time`.

    Args:
        now: microseconds since 1970.

    Raises:
        MalformedValue: another context or type, or a time that is none.
        CredentialNotValid: it is not valid yet, or no longer.
    """
    context = credential.get("@context")
    if not isinstance(context, list) or context[:1] != [CREDENTIALS_V2]:
        raise MalformedValue(f"expected an array that begins with {CREDENTIALS_V2}", pointer="/@context")
    types = credential.get("type")
    if "VerifiableCredential" not in (types if isinstance(types, list) else [types]):
        raise MalformedValue("expected the type VerifiableCredential", pointer="/type")
    if "validFrom" in credential and now + CLOCK_SKEW < _time_stamp(credential, "validFrom"):
        raise CredentialNotValid("the credential is not valid yet", pointer="/validFrom")
    if "validUntil" in credential and now - CLOCK_SKEW > _time_stamp(credential, "validUntil"):
        raise CredentialNotValid("the credential is no longer valid", pointer="/validUntil")


def read_entries(value: object) -> list[Entry]:
    """
    Read `credentialStatus` of a credential: one entry or an array.

    Raises:
        MalformedValue: none, more than 8, or one that is malformed; its pointer begins at the credential.
    """
    if isinstance(value, dict):
        return [_read_entry(value, "/credentialStatus")]
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ENTRIES:
        raise MalformedValue(f"expected 1 to {MAX_ENTRIES} status entries", pointer="/credentialStatus")
    return [_read_entry(entry, f"/credentialStatus/{number}") for number, entry in enumerate(value)]


def _read_entry(value: object, pointer: str) -> Entry:
    if not isinstance(value, dict):
        raise MalformedValue("expected a status entry, a JSON object", pointer=pointer)
    try:
        return read_entry(value)
    except MalformedValue as error:
        raise MalformedValue(error.detail, pointer=pointer + (error.pointer or "")) from None


def _time_stamp(credential: JsonObject, name: str) -> int:
    value = credential[name]
    try:
        return parse_date_time_stamp(value if isinstance(value, str) else "")
    except ValueError as error:
        raise MalformedValue(str(error), pointer=f"/{name}") from None
