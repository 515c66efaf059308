"""
The credential whose status is asked for (the "base credential"): may it be relied on but for that? Pure.

Verifiable Credentials Data Model 2.0: sections 4.3 (contexts), 4.5 (types), 4.9 (validity), 4.10 (status).
"""

from credentials.errors import CredentialNotValid, MalformedValue
from credentials.times import CLOCK_SKEW
from proofs import JsonObject, parse_date_time_stamp

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"


def check_holds(credential: JsonObject, now: int) -> None:
    """
    Refuse what is no VCDM 2.0 credential, or one outside its validity period (60 s of skew are tolerated).

    What secures it may end sooner: `times.check_in_time`.

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


def _time_stamp(credential: JsonObject, name: str) -> int:
    value = credential[name]
    try:
        return parse_date_time_stamp(value if isinstance(value, str) else "")
    except ValueError as error:
        raise MalformedValue(str(error), pointer=f"/{name}") from None
