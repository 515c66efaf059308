"""
did:jwk, a JSON Web Key as a DID. Pure.

did:jwk (quartzjer/did-jwk, 2023-08-19). What it leaves open:

- A key of Curve25519 without `use` gets the relationships that it can have, not all five, and a warning in
  didResolutionMetadata says so; with a `use` that it cannot have the DID is refused. EC and RSA keys without
  `use` get all five, by the letter.
- Null for `use` is as if it were absent: so write libraries that know no absence. It stays in the JWK.
- A `use` other than `sig` and `enc` (RFC 7517, section 4.2, allows more) is refused: by the letter the key
  would get every relationship, the ones that its owner meant to exclude among them.
- The canonical form of the JWK is not required, so a key has many DIDs; the DID is never spelled anew.
- All members of the JWK are published, whatever they are; but no secret key, at any depth.
"""

from resolver.did import Did
from resolver.documents.document import did_document
from resolver.documents.secrets import refuse_secrets
from resolver.encoding import EncodingError, decode_base64url
from resolver.errors import (
    FeatureNotSupported,
    InvalidDid,
    InvalidDidDocument,
    InvalidOptions,
    KeyRefused,
    KeyTypeUnsupported,
)
from resolver.keys.jwk import PRIVATE_MEMBERS, jwk_to_key
from resolver.methods.formats import FORMATS, JWK_2020, PublicKeyFormat
from resolver.methods.method import ComputedMethod, refuse_key_agreement, refuse_versions
from resolver.results import JsonObject, Options, Resolved
from wire import JsonError, read

_SIGNING = ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation")
_AGREEMENT = ("keyAgreement",)

_BY_USE: dict[str | None, tuple[str, ...]] = {
    None: _SIGNING + _AGREEMENT,
    "sig": _SIGNING,
    "enc": _AGREEMENT,
}
# What OKP keys can do; every other key of ours could do all.
_BY_CURVE = {"Ed25519": frozenset(_SIGNING), "X25519": frozenset(_AGREEMENT)}

_LESS = {
    "code": "relationships-omitted",
    "detail": "the JWK has no use: verification relationships that its curve cannot have were left out",
}

_MAX_JWK_BYTES = 6_144  # bytes; three quarters of the longest DID


class JwkMethod(ComputedMethod):
    """did:jwk; every document is computed from its DID."""

    name = "jwk"

    def plan(self, did: Did, options: Options) -> Resolved:
        """
        Return the document of a did:jwk: one method, `#0`, with the JWK as it is (section Read).

        Raises:
            InvalidDid: not base64url of a JSON object, private members, a `use` that is not a string or that
                the key cannot have, or a key that we refuse.
            InvalidOptions: a `publicKeyFormat` that is neither Multikey nor one of a JWK.
            FeatureNotSupported: a version, a `keyAgreement`, another `use`, a key type that is not ours.
        """
        jwk = _jwk_in(did)
        names = _relationships(jwk)
        refuse_versions(options)
        refuse_key_agreement(options)
        form, own_id = _format(options.public_key_format), f"{did.text}#0"
        method = {"id": own_id, "type": form.type, "controller": did.text, "publicKeyJwk": jwk}
        document = did_document(did.text, list(form.context), [method], {name: [own_id] for name in names})
        _refuse_secrets(document)
        is_less = jwk.get("use") is None and len(names) < len(_BY_USE[None])
        return Resolved(
            did=did.text,
            document=document,
            resolution_metadata={"warnings": [dict(_LESS)]} if is_less else {},
        )


def _format(name: str | None) -> PublicKeyFormat:
    """Return the format; a Multikey is made of the JWK afterwards (`conversion.py`)."""
    form = JWK_2020 if name in (None, "Multikey") else FORMATS.get(name)
    if form is None or form.material != "publicKeyJwk":
        names = [name for name, form in FORMATS.items() if form.material == "publicKeyJwk"]
        raise InvalidOptions(f"publicKeyFormat: a did:jwk has one of Multikey, {', '.join(names)}")
    return form


def _refuse_secrets(document: JsonObject) -> None:
    try:
        refuse_secrets(document)
    except InvalidDidDocument as error:
        raise InvalidDid(f"did:jwk: {error.detail}") from None


def _jwk_in(did: Did) -> JsonObject:
    """Return the JWK in the DID, all members as they are; its key has been checked."""
    try:
        jwk = read(decode_base64url(did.method_specific_id), max_bytes=_MAX_JWK_BYTES)
        if not isinstance(jwk, dict):
            raise InvalidDid("did:jwk: expected a JSON object")
        if not PRIVATE_MEMBERS.isdisjoint(jwk):  # Null, too: it would stay, and look like a private key.
            raise InvalidDid("did:jwk: the JWK has members of a private or symmetric key")
        jwk_to_key(jwk)
    except KeyTypeUnsupported as error:
        raise FeatureNotSupported(f"did:jwk: {error}") from None
    except (EncodingError, JsonError, KeyRefused) as error:
        raise InvalidDid(f"did:jwk: {error}") from None
    return jwk


def _relationships(jwk: JsonObject) -> tuple[str, ...]:
    use = jwk.get("use")
    if use is not None and not isinstance(use, str):
        raise InvalidDid("did:jwk: use is not a string")
    if use not in _BY_USE:
        raise FeatureNotSupported('did:jwk: expected the use "sig", "enc" or none')
    possible = _BY_CURVE[jwk["crv"]] if jwk["kty"] == "OKP" else None
    names = tuple(name for name in _BY_USE[use] if possible is None or name in possible)
    if not names:
        raise InvalidDid("did:jwk: the use is one that a key of this curve cannot have")
    return names


JWK = JwkMethod()
