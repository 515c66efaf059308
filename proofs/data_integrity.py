"""
Data Integrity proofs with Ed25519: `eddsa-jcs-2022` for all, `eddsa-rdfc-2022` for status lists. Pure.

Verifiable Credential Data Integrity 1.0 and Data Integrity EdDSA Cryptosuites v1.0 (W3C REC, 2025-05-15).
Both suites sign 64 bytes: SHA-256 of the canonical proof options, then SHA-256 of the canonical document.

Our proofs carry no `created` (it is optional): the same content gives the same bytes on every replica.

Stricter than the specification, on purpose:
- exactly one proof per document, and no proof chain (`previousProof`);
- `@context` of an eddsa-jcs-2022 proof must equal the document's: the specification lets a document append
  contexts that nobody signed (section 3.3.2, step 4).
"""

import hashlib
import re

import base58
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proofs.algorithms import Algorithm
from proofs.canonical import JsonObject, canonicalize
from proofs.errors import MalformedProof, ProofInvalid, UnsupportedCryptosuite
from proofs.nquads import canonical_proof_options, canonical_status_list
from proofs.signing import Signer
from proofs.timestamps import parse_date_time_stamp
from wire.base58 import EncodingError, decode_base58btc

EDDSA_JCS_2022 = "eddsa-jcs-2022"
EDDSA_RDFC_2022 = "eddsa-rdfc-2022"
_MAX_SIGNATURE_CHARS = 88  # of base58btc, without the "z" of multibase (VC Data Integrity 1.0, section 2.4)
MAX_URL_CHARS = 8_192  # characters; the house's cap on a DID

# An absolute URL with a fragment; whether its scheme is one that we resolve is not decided here.
_VERIFICATION_METHOD = re.compile(r"[a-z][a-z0-9+.-]*:[^\s#]+#[^\s#]+")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """
    A DataIntegrityProof as read, not yet verified.

    Attributes:
        cryptosuite: the name of the suite; perhaps one that we cannot verify.
        verification_method: absolute URL of the key, with its fragment.
        proof_value: the signature, 64 bytes.
        created, expires: microseconds since 1970, or None where the proof does not say.
        options: the proof without `proofValue`, as received: the part of it that is signed.
    """

    cryptosuite: str
    verification_method: str
    proof_value: bytes
    created: int | None
    expires: int | None
    options: JsonObject


def add_jcs_proof(document: JsonObject, signer: Signer) -> JsonObject:
    """
    Return `document` with an `eddsa-jcs-2022` proof (section 3.3.1).

    Raises:
        ValueError: `document` has a proof already.
        TransformationFailed: it has no canonical form.
    """
    options = _options(EDDSA_JCS_2022, signer)
    if "@context" in document:
        options["@context"] = document["@context"]
    return _sign(document, options, signer)


def add_rdfc_proof(document: JsonObject, signer: Signer) -> JsonObject:
    """
    Return `document`, a status list credential, with an `eddsa-rdfc-2022` proof (section 3.2.1).

    Raises:
        ValueError: `document` has a proof already.
        UnsupportedCryptosuite: it has a member that `nquads.py` does not cover.
    """
    return _sign(document, _options(EDDSA_RDFC_2022, signer), signer)


def proof_of(document: JsonObject) -> Proof:
    """
    Read the one proof of `document`.

    Raises:
        MalformedProof: no proof or several, not a DataIntegrityProof for assertionMethod, a proof chain, or
            a member of the wrong shape.
    """
    proof = document.get("proof")
    if isinstance(proof, list) and len(proof) == 1:
        proof = proof[0]
    if not isinstance(proof, dict):
        raise MalformedProof("expected exactly one proof, an object", pointer="/proof")
    _expect(proof, "type", "DataIntegrityProof")
    _expect(proof, "proofPurpose", "assertionMethod")
    if "previousProof" in proof:
        raise MalformedProof("proof chains (previousProof) are not read here", pointer="/proof/previousProof")
    return Proof(
        cryptosuite=_string(proof, "cryptosuite"),
        verification_method=_verification_method(proof),
        proof_value=_proof_value(proof),
        created=_time(proof, "created"),
        expires=_time(proof, "expires"),
        options={name: value for name, value in proof.items() if name != "proofValue"},
    )


def verify_proof(document: JsonObject, public_key: object, *, now: int) -> None:
    """
    Verify the one proof of `document` (sections 3.2.2 and 3.3.2); return if it holds, raise if not.

    The caller's part (`resolver.keys.multikey`): that the key belongs to the proof's verification method, that the
    method stands under assertionMethod of its controller, and that the key is not of small order.

    Args:
        document: as received, proof included.
        public_key: the key of the proof's verification method; a key of the `cryptography` package.
        now: microseconds since 1970.

    Raises:
        MalformedProof: as `proof_of`, or an eddsa-jcs-2022 proof under another `@context` than the document.
        UnsupportedCryptosuite: another suite, or an eddsa-rdfc-2022 document that `nquads.py` does not cover.
        TransformationFailed: the document has no canonical form.
        ProofInvalid: expired, not an Ed25519 key, or not that key's signature over that document.
    """
    proof = proof_of(document)
    data = _data_to_sign(document, proof.options, proof.cryptosuite)
    if proof.expires is not None and proof.expires <= now:
        raise ProofInvalid("the proof has expired", pointer="/proof/expires")
    if not isinstance(public_key, Ed25519PublicKey):
        raise ProofInvalid(f"{proof.cryptosuite} needs an Ed25519 key, found {type(public_key).__name__}")
    try:
        public_key.verify(proof.proof_value, data)
    except InvalidSignature:
        raise ProofInvalid(
            "the proof is not this key's signature over this document", pointer="/proof/proofValue"
        ) from None


def _options(cryptosuite: str, signer: Signer) -> JsonObject:
    if signer.algorithm is not Algorithm.ED25519:
        raise UnsupportedCryptosuite(f"{cryptosuite} needs an Ed25519 key, found one of {signer.algorithm}")
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": cryptosuite,
        "verificationMethod": signer.verification_method,
        "proofPurpose": "assertionMethod",
    }


def _sign(document: JsonObject, options: JsonObject, signer: Signer) -> JsonObject:
    if "proof" in document:
        raise ValueError("the document has a proof already")
    signature = signer.sign(_data_to_sign(document, options, options["cryptosuite"]))
    proof_value = "z" + base58.b58encode(signature).decode()
    return {**document, "proof": {**options, "proofValue": proof_value}}


def _data_to_sign(document: JsonObject, options: JsonObject, cryptosuite: str) -> bytes:
    """Transform and hash (sections 3.2.3 to 3.2.5 and 3.3.3 to 3.3.5)."""
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if cryptosuite == EDDSA_JCS_2022:
        _check_same_context(unsecured, options)
        canonical = canonicalize(options), canonicalize(unsecured)
    elif cryptosuite == EDDSA_RDFC_2022:
        canonical = canonical_proof_options(options), canonical_status_list(unsecured)
    else:
        raise UnsupportedCryptosuite(
            f"expected {EDDSA_JCS_2022} or {EDDSA_RDFC_2022}, found {cryptosuite[:40]!r}",
            pointer="/proof/cryptosuite",
        )
    return b"".join(hashlib.sha256(part).digest() for part in canonical)


def _check_same_context(unsecured: JsonObject, options: JsonObject) -> None:
    if "@context" in options and options["@context"] != unsecured.get("@context"):
        raise MalformedProof("the proof and the document differ in @context", pointer="/proof/@context")


def _expect(proof: JsonObject, name: str, expected: str) -> None:
    if proof.get(name) != expected:
        raise MalformedProof(f"expected {name} {expected!r}", pointer=f"/proof/{name}")


def _string(proof: JsonObject, name: str) -> str:
    value = proof.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedProof(f"expected {name} as a string", pointer=f"/proof/{name}")
    return value


def _verification_method(proof: JsonObject) -> str:
    url = _string(proof, "verificationMethod")
    if len(url) > MAX_URL_CHARS or _VERIFICATION_METHOD.fullmatch(url) is None:
        raise MalformedProof("expected an absolute URL with a fragment", pointer="/proof/verificationMethod")
    return url


def _proof_value(proof: JsonObject) -> bytes:
    text = _string(proof, "proofValue")
    try:
        signature = decode_base58btc(text[1:], max_chars=_MAX_SIGNATURE_CHARS)
    except EncodingError:
        signature = b""
    if len(signature) != 64 or text[0] != "z":
        raise MalformedProof("expected 64 bytes as multibase base58btc", pointer="/proof/proofValue")
    return signature


def _time(proof: JsonObject, name: str) -> int | None:
    if name not in proof:
        return None
    try:
        return parse_date_time_stamp(_string(proof, name))
    except ValueError as error:
        raise MalformedProof(str(error), pointer=f"/proof/{name}") from None
