"""
The shapes of a did:key document: the values of `publicKeyFormat`. Pure.

did:key v0.9 names a format by its type of verification method. The names in lower case are shapes of documents
that implementations have: for the same key they differ in contexts, suites and where the X25519 key stands.
Each format comes with contexts that define every term in the document; v0.9's table of them does not.

| format                                     | contexts            | X25519 key of an Ed25519 key             |
|--------------------------------------------|---------------------|------------------------------------------|
| Multikey, the default                      | did/v1.1            | Multikey, referenced                     |
| multikey-v1                                | did/v1, multikey/v1 | Multikey, referenced                     |
| JsonWebKey, jwk                            | did/v1.1            | JsonWebKey, referenced                   |
| JsonWebKey2020, jwk2020                    | did/v1, jws-2020/v1 | JsonWebKey2020, referenced               |
| Ed25519VerificationKey2020                 | did/v1, the suites' | X25519KeyAgreementKey2020, referenced    |
| Ed25519VerificationKey2018                 | did/v1, the suites' | X25519KeyAgreementKey2019, referenced    |
| legacy2020, legacy2018                     | the same            | the same, embedded in keyAgreement       |

The last two are for clients that were written to such documents: keys of other types than Ed25519 and X25519 are
JsonWebKey2020 in them.
"""

import msgspec

from resolver.documents.members import DID_V1, DID_V1_1
from resolver.errors import InvalidOptions
from resolver.keys.types import ED25519, X25519, KeyType

_SECURITY = "https://w3id.org/security"


class PublicKeyFormat(msgspec.Struct, frozen=True):
    """
    A `publicKeyFormat`: the type of verification method and the contexts that define its terms.

    Attributes:
        material: the member that holds the key.
        agreement_type, agreement_context: those of X25519 keys where they differ; the contexts come last.
        embeds: the derived key stands in `keyAgreement` itself.
    """

    type: str
    context: tuple[str, ...]
    material: str = "publicKeyMultibase"
    agreement_type: str = ""
    agreement_context: tuple[str, ...] = ()
    embeds: bool = False


MULTIKEY = PublicKeyFormat("Multikey", (DID_V1_1,))
_MULTIKEY_V1 = PublicKeyFormat("Multikey", (DID_V1, f"{_SECURITY}/multikey/v1"))
_JWK = PublicKeyFormat("JsonWebKey", (DID_V1_1,), "publicKeyJwk")
JWK_2020 = PublicKeyFormat("JsonWebKey2020", (DID_V1, f"{_SECURITY}/suites/jws-2020/v1"), "publicKeyJwk")
_ED25519_2020 = PublicKeyFormat(
    "Ed25519VerificationKey2020",
    (DID_V1, f"{_SECURITY}/suites/ed25519-2020/v1"),
    agreement_type="X25519KeyAgreementKey2020",
    agreement_context=(f"{_SECURITY}/suites/x25519-2020/v1",),
)
_ED25519_2018 = PublicKeyFormat(
    "Ed25519VerificationKey2018",
    (DID_V1, f"{_SECURITY}/suites/ed25519-2018/v1"),
    "publicKeyBase58",
    agreement_type="X25519KeyAgreementKey2019",
    agreement_context=(f"{_SECURITY}/suites/x25519-2019/v1",),
)
FORMATS = {
    "Multikey": MULTIKEY,
    "JsonWebKey": _JWK,
    "JsonWebKey2020": JWK_2020,
    "Ed25519VerificationKey2020": _ED25519_2020,
    "Ed25519VerificationKey2018": _ED25519_2018,
    "multikey-v1": _MULTIKEY_V1,
    "jwk": _JWK,
    "jwk2020": JWK_2020,
    "legacy2020": msgspec.structs.replace(_ED25519_2020, embeds=True),
    "legacy2018": msgspec.structs.replace(_ED25519_2018, embeds=True),
}
# The names in the algorithm of v0.9; its drafts until 2025 have JsonWebKey2020 in the place of JsonWebKey.
LISTED = ("Multikey", "JsonWebKey", "JsonWebKey2020", "Ed25519VerificationKey2020")


def format_for(name: str | None, key_type: KeyType, *, lists_only: bool = False) -> PublicKeyFormat:
    """
    Return the format of this name, for a key of this type; of None, the default.

    `lists_only`: none but those that did:key names itself (v0.9, section Signature Method Creation Algorithm:
    `enableExperimentalPublicKeyTypes` is false).

    Raises:
        InvalidOptions: no format has the name, it is not listed (invalidPublicKeyType), or a key of the type cannot
            have it.
    """
    if name is None:
        return MULTIKEY
    form = FORMATS.get(name)
    if form is None:
        raise _refused(f"expected one of {', '.join(FORMATS)}")
    if lists_only and name not in LISTED:
        raise _refused(
            f"without enableExperimentalPublicKeyTypes expected one of {', '.join(LISTED)}",
            "invalidPublicKeyType",
        )
    if form.embeds and key_type not in (ED25519, X25519):
        form = JWK_2020
    if form.agreement_type and not form.embeds and key_type is not ED25519:
        raise _refused(f"a key of type {key_type.codec} cannot be an {form.type}")
    if form.material == "publicKeyJwk" and not key_type.has_jwk:
        raise _refused(f"a key of type {key_type.codec} is a Multikey only")
    return form


def legacy_format_of(key_type: KeyType) -> str:
    """Return the format of this type that loaders of the time before did:key v0.9 know best."""
    if key_type is ED25519:
        return "Ed25519VerificationKey2020"
    if key_type is X25519:
        return "legacy2020"  # X25519KeyAgreementKey2020: a suite of its own, which no format is named after.
    return "JsonWebKey2020" if key_type.has_jwk else "multikey-v1"


def _refused(reason: str, did_key_error: str = "unsupportedPublicKeyType") -> InvalidOptions:
    return InvalidOptions(f"publicKeyFormat: {reason}", did_key_error=did_key_error)
