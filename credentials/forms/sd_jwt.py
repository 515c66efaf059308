"""
An SD-JWT VC, from its bytes: the issuer's token, what was disclosed, and the holder's binding. Pure.

SD-JWT-based Verifiable Digital Credentials (draft-ietf-oauth-sd-jwt-vc-26), section 2, on RFC 9901.

    <the issuer's JWT>~<disclosure>~...~<disclosure>~[<Key Binding JWT>]

`vct` alone is the type that anybody is trusted for; `aka_vcts`, and `extends` of type metadata, confer nothing: it
is the issuer of the credential who wrote them.
"""

import re

from credentials.forms.disclosures import disclosed, hash_name_of
from credentials.forms.x5c import certificates_of
from credentials.numeric_dates import numeric_date
from credentials.secured import FORMER_SD_JWT, SD_JWT, Binding, Form, Secured
from proofs import JsonObject, MalformedProof, media_type_of_header, read_compact
from proofs.jose import check_signature
from wire import read
from wire.json import MAX_VALUES

TYPES: dict[str | None, Form] = {f"application/{form}": form for form in (SD_JWT, FORMER_SD_JWT)}
_TOKEN = re.compile(
    rb"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII
)  # a JWS in compact form; not read unless it is asked for
# Section 2.2.2.3: these are never disclosed, but stand in the token.
_NEVER_DISCLOSED = (
    *("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"),
    "credentialStatus",  # What decides as those do must not be withheld either.
)


def read_sd_jwt(body: bytes, *, max_bytes: int, max_values: int = MAX_VALUES) -> Secured:
    """
    Read a credential without verifying it. One line ending behind it is left out.

    Raises:
        JsonError: the payload is not strict JSON, or has over `max_values` values.
        MalformedProof: not of that form; another `typ`; no `vct`; a claim disclosed that must not be; `issuer` that
            is no string; what is no token behind the last ~; or as `disclosed`.
        MalformedValue: `nbf`, `exp` or `iat` is no time.
    """
    parts = body.removesuffix(b"\n").removesuffix(b"\r").split(b"~")
    if len(parts) < 2:
        raise MalformedProof("expected an SD-JWT: a token, disclosures, and ~ behind each of them")
    jws = read_compact(parts[0], max_bytes=max_bytes)
    form = TYPES.get(media_type_of_header(jws.header, "typ"))
    if form is None:
        raise MalformedProof("expected the header typ dc+sd-jwt")
    payload = read(jws.payload, max_bytes=max_bytes, max_values=max_values)
    if not isinstance(payload, dict):
        raise MalformedProof("expected the claims, a JSON object")
    said = disclosed(payload, parts[1:-1], max_values=max_values)
    _check_claims(payload, said)
    return Secured(
        form=form,
        document=said,
        issuer=_optional_string(payload, "iss", "/iss"),
        key_id=_optional_string(jws.header, "kid", None),
        algorithm=jws.algorithm,
        certificates=certificates_of(jws),
        not_before=numeric_date(payload, "nbf"),
        expires=numeric_date(payload, "exp"),
        verify=lambda public_key, _: check_signature(jws, public_key),
        binding=_binding(parts, payload),
    )


def _check_claims(payload: JsonObject, said: JsonObject) -> None:
    for name in _NEVER_DISCLOSED:
        if name in said and name not in payload:
            raise MalformedProof(f"{name} must stand in the token, and not be disclosed", pointer=f"/{name}")
    if not isinstance(payload.get("vct"), str) or not payload["vct"]:
        raise MalformedProof("expected vct, the type of the credential, as a string", pointer="/vct")
    numeric_date(said, "iat")
    issuer = _id_of(said.get("issuer"))
    if issuer is not None and issuer != payload.get("iss"):
        raise MalformedProof("issuer names another party than iss", pointer="/issuer")


def _id_of(issuer: object) -> str | None:
    """Return the DID or URL in a member `issuer`, as of W3C credentials; None where it is anything else."""
    found = issuer.get("id") if isinstance(issuer, dict) else issuer
    return found if isinstance(found, str) and found.startswith(("did:", "https://")) else None


def _binding(parts: list[bytes], payload: JsonObject) -> Binding | None:
    if not parts[-1]:
        return None
    if _TOKEN.fullmatch(parts[-1]) is None:
        raise MalformedProof("expected nothing behind the last ~, or a Key Binding JWT")
    bound = b"~".join(parts[:-1]) + b"~"
    return Binding(token=parts[-1], bound=bound, hash_name=hash_name_of(payload))


def _optional_string(members: JsonObject, name: str, pointer: str | None) -> str | None:
    value = members.get(name)
    if name in members and (not isinstance(value, str) or not value):
        raise MalformedProof(f"expected {name} as a string", pointer=pointer)
    return value
