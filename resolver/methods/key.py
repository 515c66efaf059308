"""
did:key, a public key as a DID. Pure.

The did:key Method v0.9 (CG draft of 2025-11-02). Where its text contradicts itself we hold to this:

- The DID has three parts; a version part (`did:key:1:z...`) is refused: it is not in the grammar, and would
  be a second DID for a key. So would the base64url form be (`u...`), which the algorithm refuses as well.
- A verification method's fragment is the multibase value, as in all examples, not the multicodec value.
- The derived X25519 key is a verification method of its own, and keyAgreement refers to it, as the algorithm
  says and the examples do not.
- An X25519 DID has keyAgreement only: the key cannot sign.
- The contexts define every term that the document uses; v0.9's table of them does not for the 2020 suites.

Beyond its table: P-521 and RSA (v0.7), and jwk_jcs-pub (the wallets of EBSI).
"""

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from resolver.curve25519 import x25519_of_ed25519
from resolver.did import Did
from resolver.document import DID_V1, DID_V1_1, SIGNATURE_RELATIONSHIPS, did_document
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, KeyRefused, KeyTypeUnsupported
from resolver.jwk import PublicKey, jwk_of
from resolver.keys import ED25519, Multikey, decode_multikey, x25519_multibase
from resolver.methods.method import ComputedMethod, refuse_versions
from resolver.results import JsonObject, Options, Resolved

_SUITES = "https://w3id.org/security/suites"


class PublicKeyFormat(msgspec.Struct, frozen=True):
    """
    A `publicKeyFormat`: the type of verification method and the contexts that define its terms.

    `agreement_type` and `agreement_context` are those of X25519 keys where they differ.
    """

    type: str
    context: tuple[str, ...]
    as_jwk: bool = False
    agreement_type: str = ""
    agreement_context: tuple[str, ...] = ()


MULTIKEY = PublicKeyFormat("Multikey", (DID_V1_1,))
ED25519_2020 = PublicKeyFormat(
    "Ed25519VerificationKey2020",
    (DID_V1, f"{_SUITES}/ed25519-2020/v1"),
    agreement_type="X25519KeyAgreementKey2020",
    agreement_context=(f"{_SUITES}/x25519-2020/v1",),
)
FORMATS = {
    form.type: form
    for form in (
        MULTIKEY,
        PublicKeyFormat("JsonWebKey", (DID_V1_1,), as_jwk=True),
        PublicKeyFormat("JsonWebKey2020", (DID_V1, f"{_SUITES}/jws-2020/v1"), as_jwk=True),
        ED25519_2020,
    )
}


class KeyMethod(ComputedMethod):
    """did:key; every document is computed from its DID."""

    name = "key"

    def plan(self, did: Did, options: Options) -> Resolved:
        """
        Return the document of a did:key (v0.9, section Document Creation Algorithm).

        Raises:
            InvalidDid: not `did:key:z...`, or a key that we refuse; `did_key_error` tells which.
            InvalidOptions: an unknown `publicKeyFormat`, or one that this key cannot have.
            FeatureNotSupported: a version, or a public key of a type that we cannot check.
        """
        key = _multikey_of(did)
        refuse_versions(options)
        form = _format(options.public_key_format, key)
        return Resolved(did=did.text, document=_document(did, key, form, options))


def _multikey_of(did: Did) -> Multikey:
    try:
        return decode_multikey(did.method_specific_id)
    except KeyTypeUnsupported as error:
        raise FeatureNotSupported(str(error), did_key_error=error.did_key_error) from None
    except KeyRefused as error:
        raise InvalidDid(f"did:key: {error}", did_key_error=error.did_key_error) from None


def _format(name: str | None, key: Multikey) -> PublicKeyFormat:
    form = MULTIKEY if name is None else FORMATS.get(name)
    if form is None:
        raise InvalidOptions(
            f"publicKeyFormat: expected one of {', '.join(FORMATS)}", did_key_error="unsupportedPublicKeyType"
        )
    if form is ED25519_2020 and key.key_type is not ED25519:
        raise InvalidOptions(
            f"publicKeyFormat: a key of type {key.key_type.codec} cannot be an {form.type}",
            did_key_error="unsupportedPublicKeyType",
        )
    return form


def _document(did: Did, key: Multikey, form: PublicKeyFormat, options: Options) -> JsonObject:
    method = _method(did, did.method_specific_id, form.type, key.public_key, as_jwk=form.as_jwk)
    context = list(form.context)
    if isinstance(key.public_key, X25519PublicKey):
        return did_document(did.text, context, [method], {"keyAgreement": [method["id"]]})
    relationships = {name: [method["id"]] for name in SIGNATURE_RELATIONSHIPS}
    if key.key_type is not ED25519 or not options.enable_encryption_key_derivation:
        return did_document(did.text, context, [method], relationships)
    derived = _derived_method(did, key, form)
    relationships["keyAgreement"] = [derived["id"]]
    return did_document(did.text, [*context, *form.agreement_context], [method, derived], relationships)


def _derived_method(did: Did, key: Multikey, form: PublicKeyFormat) -> JsonObject:
    """Return the X25519 method of an Ed25519 key (v0.9, Derive Encryption Key Algorithm)."""
    raw = x25519_of_ed25519(key.raw)
    public_key = X25519PublicKey.from_public_bytes(raw)
    return _method(
        did, x25519_multibase(raw), form.agreement_type or form.type, public_key, as_jwk=form.as_jwk
    )


def _method(did: Did, multibase: str, kind: str, public_key: PublicKey, *, as_jwk: bool) -> JsonObject:
    method: JsonObject = {"id": f"{did.text}#{multibase}", "type": kind, "controller": did.text}
    if as_jwk:
        method["publicKeyJwk"] = jwk_of(public_key)
    else:
        method["publicKeyMultibase"] = multibase
    return method


KEY = KeyMethod()
