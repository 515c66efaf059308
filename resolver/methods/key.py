"""
did:key, a public key as a DID. Pure.

The did:key Method v0.9 (CG draft of 2025-11-02). Where its text contradicts itself we hold to this:

- The DID has three parts; a version part (`did:key:1:z...`) is refused: it is not in the grammar, and would
  be a second DID for a key. So would the base64url form be (`u...`), which the algorithm refuses as well; but
  the suites of post-quantum keys demand it, so those have both.
- A verification method's fragment is the multibase value, as in all examples, not the multicodec value.
- The derived X25519 key is a verification method of its own, and keyAgreement refers to it, as the algorithm
  says and the examples do not (the formats legacy2020 and legacy2018 embed it).
- An X25519 DID has keyAgreement only: the key cannot sign. Keys of elliptic curves have none, unless the option
  `keyAgreement=ecdh` asks for it.

Beyond its table: P-521 and RSA (v0.7), jwk_jcs-pub (the wallets of EBSI), ML-DSA, and the experimental types.
"""

from resolver.did import Did
from resolver.documents.document import did_document
from resolver.encoding import encode_base58btc
from resolver.errors import FeatureNotSupported, InvalidDid, KeyRefused, KeyTypeUnsupported
from resolver.keys.curve25519 import x25519_of_ed25519
from resolver.keys.multikey import Multikey, decode_multikey, multibase_of
from resolver.keys.types import (
    BLS12_381_G1,
    BLS12_381_G1G2,
    BLS12_381_G2,
    ED25519,
    P256,
    P384,
    P521,
    X25519,
    KeyType,
)
from resolver.methods.formats import PublicKeyFormat, format_for, legacy_format_of
from resolver.methods.method import ComputedMethod, refuse_versions
from resolver.results import DEFAULT_OPTIONS, JsonObject, Options, Resolved

# Curves of the key agreement ECDH-ES (RFC 7518, section 4.6); of secp256k1 no such use is registered.
ECDH_CURVES = (P256, P384, P521)
_G1_BYTES = 48


class KeyMethod(ComputedMethod):
    """did:key; every document is computed from its DID."""

    name = "key"

    def plan(self, did: Did, options: Options) -> Resolved:
        """
        Return the document of a did:key (v0.9, section Document Creation Algorithm).

        Raises:
            InvalidDid: not `did:key:z...`, or a key that we refuse; `did_key_error` tells which.
            InvalidOptions: an unknown `publicKeyFormat`, or one that this key cannot have.
            FeatureNotSupported: a version, a public key of a type that is not ours, or one of an experimental
                type without `enableExperimentalPublicKeyTypes`.
        """
        key = multikey_in(did, did.method_specific_id, options)
        refuse_versions(options)
        return Resolved(
            did=did.text,
            document=document_of(did.text, did.method_specific_id, key, options),
            resolution_metadata=warnings_of(key),
        )


def multikey_in(did: Did, multibase: str, options: Options = DEFAULT_OPTIONS) -> Multikey:
    """
    Return the key in a DID.

    Raises:
        InvalidDid: a multibase value or a key that we refuse.
        FeatureNotSupported: a public key of a type that is not ours, or is experimental and was not asked for.
    """
    try:
        return decode_multikey(multibase, experimental=bool(options.enable_experimental_public_key_types))
    except KeyTypeUnsupported as error:
        raise FeatureNotSupported(str(error), did_key_error=error.did_key_error) from None
    except KeyRefused as error:
        raise InvalidDid(f"did:{did.method}: {error}", did_key_error=error.did_key_error) from None


def document_of(did: str, multibase: str, key: Multikey, options: Options) -> JsonObject:
    """
    Return the document of a DID that is the key `multibase`.

    Raises:
        InvalidOptions: as `plan`.
    """
    form = _format_of(options, key.key_type)
    if key.key_type is ED25519 and options.enable_encryption_key_derivation:
        return _derived_document(did, multibase, key, form)
    if key.agrees:
        return _agreement_document(did, multibase, key, form)
    methods = [_method(did, part, of, form, form.type) for part, of in _parts(multibase, key)]
    document = _signing_document(did, [*form.context], methods, [method["id"] for method in methods])
    if options.key_agreement is not None and key.key_type in ECDH_CURVES:
        document["keyAgreement"] = [method["id"] for method in methods]
    return document


def _format_of(options: Options, key_type: KeyType) -> PublicKeyFormat:
    if options.public_key_format is None and options.old_suites:
        return format_for(legacy_format_of(key_type), key_type)
    lists_only = options.enable_experimental_public_key_types is False
    return format_for(options.public_key_format, key_type, lists_only=lists_only)


def warnings_of(key: Multikey) -> JsonObject:
    """Return the members of didResolutionMetadata for a key: `warnings`, if its type is experimental."""
    codec, unchecked = key.key_type.codec, key.key_type.unchecked
    if not key.key_type.experimental:
        return {}
    warnings = [
        {"code": "experimental-key-type", "detail": f"no specification says what a did:key of {codec} is"}
    ]
    if unchecked:
        warnings.append({"code": "key-not-fully-checked", "detail": f"not checked: {unchecked}"})
    return {"warnings": warnings}


def _parts(multibase: str, key: Multikey) -> list[tuple[str, Multikey]]:
    """Return the keys in a key: itself, but of bls12_381-g1g2-pub its two halves."""
    if key.key_type is not BLS12_381_G1G2:
        return [(multibase, key)]
    halves = (
        Multikey(BLS12_381_G1, key.raw[:_G1_BYTES]),
        Multikey(BLS12_381_G2, key.raw[_G1_BYTES:]),
    )
    return [(multibase_of(half.key_type, half.raw), half) for half in halves]


def _agreement_document(did: str, multibase: str, key: Multikey, form: PublicKeyFormat) -> JsonObject:
    method = _method(did, multibase, key, form, form.agreement_type or form.type)
    context = [form.context[0], *form.agreement_context] if form.agreement_context else list(form.context)
    return did_document(did, context, [method], {"keyAgreement": [method["id"]]})


def _derived_document(did: str, multibase: str, key: Multikey, form: PublicKeyFormat) -> JsonObject:
    """Return the document of an Ed25519 key and its X25519 key (v0.9, Derive Encryption Key Algorithm)."""
    derived = Multikey(X25519, x25519_of_ed25519(key.raw))
    method = _method(did, multibase, key, form, form.type)
    agreement = _method(
        did, multibase_of(X25519, derived.raw), derived, form, form.agreement_type or form.type
    )
    document = _signing_document(
        did,
        [*form.context, *form.agreement_context],
        [method] if form.embeds else [method, agreement],
        [method["id"]],
    )
    document["keyAgreement"] = [agreement if form.embeds else agreement["id"]]
    return document


def _signing_document(did: str, context: list[str], methods: list[JsonObject], ids: list[str]) -> JsonObject:
    """Return the document whose signatures are by the keys `ids`; each relationship has a list of its own."""
    return {
        "@context": context,
        "id": did,
        "verificationMethod": methods,
        "authentication": [*ids],
        "assertionMethod": [*ids],
        "capabilityInvocation": [*ids],
        "capabilityDelegation": [*ids],
    }


def _method(did: str, multibase: str, key: Multikey, form: PublicKeyFormat, kind: str) -> JsonObject:
    method: JsonObject = {"id": f"{did}#{multibase}", "type": kind, "controller": did}
    if form.material == "publicKeyMultibase":
        method["publicKeyMultibase"] = multibase
    elif form.material == "publicKeyJwk":
        method["publicKeyJwk"] = key.jwk
    else:
        method["publicKeyBase58"] = encode_base58btc(key.raw)
    return method


KEY = KeyMethod()
