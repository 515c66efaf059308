"""
Status list credentials of before Bitstring Status List v1.0, anyone's: read, never made. Pure.

StatusList2021 (W3C Credentials Community Group, draft of 2023-04-27), section 4.2, in the data model of then (VCDM
1.1) or of now. And a BitstringStatusListCredential in VCDM 1.1, as JWTs with the claim `vc` have it: the standard
asks for VCDM 2.0, and the list is the same.
"""

from credentials.data_model import CREDENTIALS_V2
from credentials.forms.former_jwt import CREDENTIALS_V1
from credentials.members import Members
from credentials.times import earliest
from proofs import JsonObject
from statuslist.errors import MalformedStatusList
from statuslist.formats.bitstring_credential import (
    CREDENTIAL_TYPE,
    LIST_TYPE,
    StatusListCredential,
    list_issuer,
    list_subject,
    refuse_status,
    validity_period,
)

FORMER_CREDENTIAL_TYPE = "StatusList2021Credential"
FORMER_LIST_TYPE = "StatusList2021"
# VCDM 2.0, section 4.9, and 1.1, sections 4.6 and 4.7
_PERIODS = (("validFrom", "validUntil"), ("issuanceDate", "expirationDate"))
_AS_BASE64URL = str.maketrans("+/", "-_")


def read_former_credential(document: JsonObject) -> StatusListCredential:
    """
    Read a list of either kind; a proof, where it has one, is not looked at.

    Raises:
        MalformedStatusList: something does not comply with the specification of its kind.
    """
    credential = Members(document, MalformedStatusList)
    _check_context(credential)
    is_former = FORMER_CREDENTIAL_TYPE in credential.strings("type")
    kind, list_type = (
        (FORMER_CREDENTIAL_TYPE, FORMER_LIST_TYPE) if is_former else (CREDENTIAL_TYPE, LIST_TYPE)
    )
    credential.require_types("VerifiableCredential", kind)
    refuse_status(credential)
    subject = list_subject(document)
    subject.require_types(list_type)
    periods = [
        validity_period(credential, *names) for names in _PERIODS
    ]  # The context is in no proof over RDF.
    encoded = subject.string("encodedList")
    return StatusListCredential(
        id=credential.optional_url("id"),
        issuer=list_issuer(credential),
        purposes=subject.strings("statusPurpose"),
        encoded_list=_multibase(encoded) if is_former else encoded,
        ttl_ms=subject.optional_integer("ttl", least=0),
        valid_from=max((begins for begins, _ in periods if begins is not None), default=None),
        valid_until=earliest(*(ends for _, ends in periods)),
        status_size=subject.optional_integer("statusSize", least=1),
        kind=kind,
    )


def _check_context(credential: Members) -> None:
    """VCDM 1.1, section 4.1, and 2.0, section 4.3: an ordered set whose first item tells the model."""
    context = credential.members.get("@context")
    first = context[0] if isinstance(context, list) and context else None
    if first not in (CREDENTIALS_V1, CREDENTIALS_V2):
        raise credential.fault("@context", f"an array that begins with {CREDENTIALS_V2} or {CREDENTIALS_V1}")


def _multibase(encoded: str) -> str:
    """
    Return an `encodedList` of Status List 2021 as one of Bitstring Status List.

    Section 4.2 says base64url, earlier drafts base64; both are written with padding and without.
    """
    return "u" + encoded.translate(_AS_BASE64URL).rstrip("=")
