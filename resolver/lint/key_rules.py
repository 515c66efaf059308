"""
Rules of the document linter about keys: secrets, keys that cannot be read or used, dates, types. Pure.

Controlled Identifiers v1.0 (CID), section 2.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from resolver.documents.members import SIGNATURE_RELATIONSHIPS, maps_of
from resolver.documents.secrets import refuse_secrets_in
from resolver.errors import InvalidDidDocument, KeyRefused, KeyTypeUnsupported, SecretKeyFound
from resolver.keys.multikey import JWK_TYPES, decode_multikey, public_key_of
from resolver.lint.subject import Finding, Part, Severity, Subject, maps_with_pointers, moment_of, name_of
from resolver.results import JsonObject

# Types whose keys `public_key_of` reads.
_READ_TYPES = frozenset(
    {"Multikey", "JsonWebKey", "JsonWebKey2020", "Ed25519VerificationKey2020", "X25519KeyAgreementKey2020"}
)
_BASE58_TYPES = frozenset({"Ed25519VerificationKey2018", "X25519KeyAgreementKey2019"})
# What a JWK may be that we do not check: curves that are registered for JOSE (RFC 8037), or that others write with
# the names of drafts (BLS12-381) or of COSE (brainpool). Any other is a mistake. AKP (ML-DSA) has no crv.
_BRAINPOOL = ("brainpoolP256r1", "brainpoolP320r1", "brainpoolP384r1", "brainpoolP512r1")
_BLS = ("BLS12381G1", "BLS12381G2", "BLS12381_G1", "BLS12381_G2")
_RARE_CURVES = frozenset(
    {("OKP", "Ed448"), ("OKP", "X448"), ("AKP", None), *(("EC", name) for name in _BRAINPOOL + _BLS)}
)
# A hash of a key, as in did:pkh.
_ACCOUNT_TYPES = frozenset(
    {
        "EcdsaSecp256k1RecoveryMethod2020",
        "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
        "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
    }
)
# Types that newer ones have replaced; W3C, Verification Method property extensions.
_OLD_TYPES = frozenset(
    {
        "Bls12381G1Key2020",
        "Bls12381G2Key2020",
        "EcdsaSecp256k1VerificationKey2019",
        "EcdsaSecp256r1VerificationKey2019",
        "Ed25519VerificationKey2018",
        "JwsVerificationKey2020",
        "P256Key2021",
        "RsaVerificationKey2018",
        "Secp256k1VerificationKey2018",
        "X25519KeyAgreementKey2019",
    }
)


def private_keys(subject: Subject) -> Iterator[Finding]:
    """CID, section 2.2: a secret key is never part of a document."""
    told: set[str] = set()
    for pointer, found, is_context in maps_with_pointers(subject.document):
        if pointer.rpartition("/")[0] in told:
            continue  # A JWK in a method that has been told of.
        try:
            refuse_secrets_in(found, is_context=is_context)
        except SecretKeyFound as error:
            told.add(pointer)
            advice = "take it out, and replace the key: it is known to everybody now"
            yield Finding("private-key", pointer, Severity.ERROR, error.detail, advice)
        except InvalidDidDocument:
            continue  # Of the wrong shape of a public key: `keys` tells, or the refusal itself.


def keys(subject: Subject) -> Iterator[Finding]:
    """Keys that do not decode, and keys in a relationship that their curve cannot serve."""
    signing = {item.target for item in subject.references if item.relationship in SIGNATURE_RELATIONSHIPS}
    read = [method for method in subject.methods if _is_read(method)]
    for method in read[: subject.max_keys]:
        try:
            key = public_key_of(method.value)
        except InvalidDidDocument as error:
            if not _has_secret(method):
                yield _unreadable_key(method, error.detail)
            continue
        signs = method.relationship in SIGNATURE_RELATIONSHIPS or method.absolute_id(subject.did) in signing
        if signs and isinstance(key, X25519PublicKey):
            detail = "the key can agree on secrets, and cannot sign"
            yield Finding(
                "unusable-relationship",
                method.pointer,
                Severity.WARNING,
                detail,
                "list it in keyAgreement only",
            )


def _has_secret(method: Part) -> bool:
    """Tell whether `private_keys` has told of a method: one fault is told once."""
    try:
        for found in maps_of(method.value):
            refuse_secrets_in(found)
    except SecretKeyFound:
        return True
    except InvalidDidDocument:
        return False
    return False


def _is_read(method: Part) -> bool:
    """Tell whether `public_key_of` reads such a method; those of 2018 and 2019 have other forms of key as well."""
    return method.kind in _READ_TYPES or (method.kind in _BASE58_TYPES and "publicKeyBase58" in method.value)


def _unreadable_key(method: Part, reason: str) -> Finding:
    if _is_of_rare_type(method.value):
        detail, advice = "a key of a type that is not checked here", "make sure that verifiers know it"
        return Finding("unchecked-key", method.pointer, Severity.HINT, detail, advice)
    advice = "write the public key in the form of its type"
    return Finding("undecodable-key", method.pointer, Severity.ERROR, reason, advice)


def _is_of_rare_type(method: JsonObject) -> bool:
    """Tell whether a key is of a type that is experimental, or known by its name or code at most."""
    if method.get("type") in JWK_TYPES and isinstance(jwk := method.get("publicKeyJwk"), dict):
        names = (jwk.get("kty"), jwk.get("crv"))
        return all(isinstance(name, str | None) for name in names) and names in _RARE_CURVES
    try:
        if method.get("type") == "Multikey" and isinstance(
            multibase := method.get("publicKeyMultibase"), str
        ):
            decode_multikey(multibase)  # Experimental ones it refuses unchecked: the check of one takes 2 ms.
            return True  # One that can be decoded, and was not loaded.
    except KeyTypeUnsupported:
        return True
    except KeyRefused:
        return False
    return False


def dates(subject: Subject) -> Iterator[Finding]:
    """CID, section 2.2: `expires` and `revoked` are dateTimeStamps; past them the key must not be used."""
    for method in subject.methods:
        for name in ("expires", "revoked"):
            if method.value.get(name) is None:
                continue
            pointer = f"{method.pointer}/{name}"
            try:
                moment = moment_of(method.value[name])
            except ValueError as error:
                advice = "write it as 2026-01-31T12:00:00Z"
                yield Finding("malformed-date", pointer, Severity.WARNING, str(error), advice)
                continue
            if subject.now is not None and moment <= subject.now:
                advice = "use another key; this one is kept for old proofs at most"
                yield Finding(
                    f"{_PAST[name]}-key", pointer, Severity.WARNING, f"the key is {_PAST[name]}", advice
                )


_PAST = {"expires": "expired", "revoked": "revoked"}


def types(subject: Subject) -> Iterator[Finding]:
    """Types that are old or not known. Those of did:pkh the method settles, and nobody can change them."""
    if subject.did.startswith("did:pkh:"):
        return
    for method in subject.methods:
        kind, pointer = method.kind, f"{method.pointer}/type"
        if kind in _OLD_TYPES:
            detail, advice = f"{kind} has been replaced", "new software reads Multikey or JsonWebKey"
            yield Finding("superseded-type", pointer, Severity.HINT, detail, advice)
        elif kind and kind not in _READ_TYPES | _ACCOUNT_TYPES:
            detail = f"the type {name_of(kind)} is not known here"
            yield Finding("unknown-type", pointer, Severity.WARNING, detail, "use Multikey or JsonWebKey")
