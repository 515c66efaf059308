"""
The credential whose status is asked for (the "base credential"): may it be relied on but for that? Pure.

Verifiable Credentials Data Model 2.0: sections 4.3 (contexts), 4.5 (types), 4.9 (validity), 4.10 (status).
"""

from proofs import JsonObject, parse_date_time_stamp
from statuslist.check import CLOCK_SKEW
from statuslist.credential import CREDENTIALS_V2, Entry, read_entry
from statuslist.errors import MalformedValue, StatusListError

MAX_ENTRIES = 8  # status entries of one credential
MAX_NUMERIC_DATE = (
    253_402_300_799  # seconds since 1970: the end of the year 9999, the last that a dateTimeStamp has
)


class CredentialNotValid(StatusListError):
    """The credential verifies, but outside its validity period its status does not matter."""

    type = "/problems/credential-not-valid"
    title = "Credential not valid"
    status = 422


def check_holds(credential: JsonObject, now: int) -> None:
    """
    Refuse what is no VCDM 2.0 credential, or one outside its validity period (60 s of skew are tolerated).

    `exp` and `nbf` count too where a JWT has them (VC-JOSE-COSE, section 3.1.3): the narrower window rules.

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
    for name, read in (("validFrom", _time_stamp), ("nbf", _numeric_date)):
        if name in credential and now + CLOCK_SKEW < read(credential[name], name):
            raise CredentialNotValid("the credential is not valid yet", pointer=f"/{name}")
    for name, read in (("validUntil", _time_stamp), ("exp", _numeric_date)):
        if name in credential and now - CLOCK_SKEW > read(credential[name], name):
            raise CredentialNotValid("the credential is no longer valid", pointer=f"/{name}")


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


def _time_stamp(value: object, name: str) -> int:
    try:
        return parse_date_time_stamp(value if isinstance(value, str) else "")
    except ValueError as error:
        raise MalformedValue(str(error), pointer=f"/{name}") from None


def _numeric_date(value: object, name: str) -> int:
    """RFC 7519, section 2: seconds since 1970, perhaps with a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMERIC_DATE:
        raise MalformedValue("expected seconds since 1970, before the year 10000", pointer=f"/{name}")
    return int(value * 1_000_000)
