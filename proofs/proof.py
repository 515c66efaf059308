"""
The one Data Integrity proof of a document, read and not yet verified. Pure.

Verifiable Credential Data Integrity 1.0 (W3C REC, 2025-05-15), section 2.1.

Stricter than the specification, on purpose: exactly one proof per document, and no proof chain (`previousProof`).
"""

import re

import msgspec

from proofs.algorithms import Algorithm
from proofs.canonical import JsonObject
from proofs.errors import MalformedProof
from proofs.suites import ED25519_SIGNATURE_2020, FORMER_SUITES, SUITES
from proofs.timestamps import parse_date_time_stamp
from wire.base58 import EncodingError, decode_base58btc

_SIZES = frozenset(algorithm.signature_size for algorithm in Algorithm)  # bytes; for suites that are not ours
_MAX_SIGNATURE_CHARS = 132  # of 96 bytes in base58btc, without the "z" of multibase (section 2.4)
MAX_URL_CHARS = 8_192  # characters; the house's cap on a DID

# An absolute URL with a fragment; whether its scheme is one that we resolve is not decided here.
_VERIFICATION_METHOD = re.compile(r"[a-z][a-z0-9+.-]*:[^\s#]+#[^\s#]+")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """
    A proof as read, not yet verified.

    Attributes:
        cryptosuite: the name of the suite, perhaps one that we cannot verify; or the type of a former proof.
        verification_method: absolute URL of the key, with its fragment.
        proof_value: the signature, of a size that its suite knows.
        expires: microseconds since 1970, or None where the proof does not say.
        options: the proof without `proofValue`, as received: the part of it that is signed.
    """

    cryptosuite: str
    verification_method: str
    proof_value: bytes
    expires: int | None
    options: JsonObject


def proof_of(document: JsonObject) -> Proof:
    """
    Read the one proof of `document`.

    Raises:
        MalformedProof: no proof or several, not a DataIntegrityProof or Ed25519Signature2020 for assertionMethod,
            a proof chain, or a member of the wrong shape.
    """
    proof = document.get("proof")
    if isinstance(proof, list) and len(proof) == 1:
        proof = proof[0]
    if not isinstance(proof, dict):
        raise MalformedProof("expected exactly one proof, an object", pointer="/proof")
    cryptosuite = _cryptosuite(proof)
    _expect(proof, "proofPurpose", "assertionMethod")
    if "previousProof" in proof:
        raise MalformedProof("proof chains (previousProof) are not read here", pointer="/proof/previousProof")
    suite = (SUITES | FORMER_SUITES).get(cryptosuite)
    _time(proof, "created")  # Nothing depends on it, but it has to be one (section 2.1).
    return Proof(
        cryptosuite=cryptosuite,
        verification_method=_verification_method(proof),
        proof_value=_proof_value(proof, suite.signature_sizes if suite else _SIZES),
        expires=_time(proof, "expires"),
        options={name: value for name, value in proof.items() if name != "proofValue"},
    )


def _cryptosuite(proof: JsonObject) -> str:
    """Return the suite, which once was the type of the proof (vc-di-eddsa, section 3.1 of its drafts)."""
    if proof.get("type") == ED25519_SIGNATURE_2020 and "cryptosuite" not in proof:
        return ED25519_SIGNATURE_2020
    _expect(proof, "type", "DataIntegrityProof")
    cryptosuite = _string(proof, "cryptosuite")
    if cryptosuite in FORMER_SUITES:
        raise MalformedProof(f"{cryptosuite} is a type, and no cryptosuite", pointer="/proof/cryptosuite")
    return cryptosuite


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


def _proof_value(proof: JsonObject, sizes: frozenset[int]) -> bytes:
    text = _string(proof, "proofValue")
    try:
        signature = decode_base58btc(text[1:], max_chars=_MAX_SIGNATURE_CHARS)
    except EncodingError:
        signature = b""
    if len(signature) not in sizes or text[0] != "z":
        expected = " or ".join(map(str, sorted(sizes)))
        raise MalformedProof(f"expected {expected} bytes as multibase base58btc", pointer="/proof/proofValue")
    return signature


def _time(proof: JsonObject, name: str) -> int | None:
    if name not in proof:
        return None
    try:
        return parse_date_time_stamp(_string(proof, name))
    except ValueError as error:
        raise MalformedProof(str(error), pointer=f"/proof/{name}") from None
