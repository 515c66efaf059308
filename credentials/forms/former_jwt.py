"""
A VC 1.1 in a JWT, in its claim `vc`: a legacy form, read and labelled so. Pure.

Verifiable Credentials Data Model 1.1, section 6.3.1: registered claims stand for members of the credential, which
may be left out or repeated. What is repeated must say the same; of two words one would be the forger's.
"""

from typing import Any

from credentials.errors import MalformedValue
from credentials.forms.x5c import certificates_of
from credentials.members import Members
from credentials.numeric_dates import numeric_date
from credentials.secured import VC11_JWT, Secured
from proofs import JsonObject, MalformedProof, ProofInvalid, media_type_of_header, read_compact
from proofs.jose import check_signature
from wire import read
from wire.json import MAX_VALUES

CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
# Section 6.3.1 asks for none; "JWT" is what it says of a `typ` that is there.
# Beside `vc` they count as in it.
_BESIDE = (
    "credentialStatus",
    "status",
    "iat",
    "validFrom",
    "validUntil",
    "issuanceDate",
    "expirationDate",
)
_TYPES = (None, "application/jwt", "application/vc+jwt", "application/vc+ld+jwt")


def read_former_jwt(body: bytes, *, max_bytes: int, max_values: int = MAX_VALUES) -> Secured:
    """
    Read a credential without verifying it. One line ending behind it is left out.

    Raises:
        JsonError: the payload is not strict JSON, or has over `max_values` values.
        MalformedProof: not of that form; no issuer.
        ProofInvalid: a claim contradicts the member that it stands for.
        MalformedValue: a time is none, or the credential has another context than the first of VC 1.1.
    """
    jws = read_compact(body.removesuffix(b"\n").removesuffix(b"\r"), max_bytes=max_bytes)
    if media_type_of_header(jws.header, "typ") not in _TYPES:
        raise MalformedProof("expected the header typ JWT")
    payload = read(jws.payload, max_bytes=max_bytes, max_values=max_values)
    credential = payload.get("vc") if isinstance(payload, dict) else None
    if not isinstance(credential, dict) or "vp" in payload:
        raise MalformedProof("expected a claim vc, an object, and no claim vp")
    _check_context(credential)
    document = _with_claims(credential, payload)
    issuer, key_id = payload.get("iss"), jws.header.get("kid")
    if not isinstance(issuer, str) or not (key_id is None or isinstance(key_id, str)):
        raise MalformedProof("expected iss, and kid where it is there, as strings")
    return Secured(
        form=VC11_JWT,
        document=document,
        issuer=issuer,
        key_id=key_id,
        algorithm=jws.algorithm,
        certificates=certificates_of(jws),
        not_before=numeric_date(payload, "nbf"),
        expires=numeric_date(payload, "exp"),
        verify=lambda public_key, _: check_signature(jws, public_key),
    )


def _check_context(credential: JsonObject) -> None:
    context = credential.get("@context")
    if (context[:1] if isinstance(context, list) else [context]) != [CREDENTIALS_V1]:
        raise MalformedValue(f"expected an array that begins with {CREDENTIALS_V1}", pointer="/vc/@context")


def _with_claims(credential: JsonObject, payload: JsonObject) -> JsonObject:
    """Return the credential with the members that claims stand for."""
    document = dict(credential)
    _put(document, "issuer", payload.get("iss"), _id_of(credential.get("issuer")))
    _put(document, "id", payload.get("jti"), credential.get("id"))
    subject = credential.get("credentialSubject")
    if isinstance(subject, dict) and "sub" in payload:
        document["credentialSubject"] = dict(subject)
        _put(document["credentialSubject"], "id", payload["sub"], subject.get("id"))
    for name in _BESIDE:
        if name in payload and payload[name] != document.setdefault(name, payload[name]):
            raise ProofInvalid(f"the claim {name} is another than the member of the credential")
    _check_times(credential, payload)
    return document


def _put(members: JsonObject, name: str, claimed: Any, said: Any) -> None:
    if claimed is None:
        return
    if said is None:
        members[name] = claimed
    elif said != claimed:
        raise ProofInvalid(f"{name} in the credential is another than the claim that stands for it")


def _check_times(credential: JsonObject, payload: JsonObject) -> None:
    """Refuse times that contradict one another; a claim has whole seconds, which a member may have cut off."""
    members = Members(credential, MalformedValue, "/vc")
    for name, claim in (("issuanceDate", "nbf"), ("expirationDate", "exp")):
        said, claimed = members.optional_time(name), numeric_date(payload, claim)
        if said is not None and claimed is not None and abs(said - claimed) >= 1_000_000:
            raise ProofInvalid(f"{name} in the credential is another than the claim {claim}")


def _id_of(issuer: Any) -> Any:
    return issuer.get("id") if isinstance(issuer, dict) else issuer
