"""
The proofs in a log and in its witness file: `eddsa-jcs-2022` by a did:key, to the letter. Pure.

VC Data Integrity 1.0 and Data Integrity EdDSA Cryptosuites v1.0, section 3.3; did:webvh v1.0, sections Authorized
Keys and The Witness Proofs File.
"""

import hashlib

from cryptography.exceptions import InvalidSignature

from proofs import EDDSA_JCS_2022, Proof, ProofError, canonicalize, proof_of
from resolver.results import JsonObject
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.keys import ed25519_of

_DID_KEY = "did:key:"


def read_proof(value: JsonObject, *, now: int) -> tuple[str, Proof]:
    """
    Read a proof; return the multikey that it says it is by.

    1. A DataIntegrityProof for assertionMethod, no proof chain (`proofs.proof_of`).
    2. The cryptosuite is eddsa-jcs-2022, whatever a verifier might make of another one.
    3. The verification method is `did:key:X#X`, both halves equal: else one key signs in the name of another.
    4. It has no `@context`, since what it signs has none (section 3.3.2, step 4), and has not expired.

    Args:
        now: microseconds since 1970.

    Raises:
        InvalidLog: one of these does not hold.
    """
    try:
        proof = proof_of({"proof": value})
    except ProofError as error:
        raise _failed(f"a proof is malformed: {error.detail}") from None
    if proof.cryptosuite != EDDSA_JCS_2022:
        raise _failed(f"expected a proof of the cryptosuite {EDDSA_JCS_2022}")
    did, _, fragment = proof.verification_method.partition("#")
    if did != _DID_KEY + fragment:
        raise _failed("expected a proof by did:key:<multikey>#<multikey>, both the same")
    if "@context" in proof.options:
        raise _failed("the proof has an @context, and what it signs has none")
    if proof.expires is not None and proof.expires <= now:
        raise _failed("the proof has expired")
    return fragment, proof


def verify_proof(multikey: str, proof: Proof, document_hash: bytes) -> None:
    """
    Verify the signature over SHA-256(JCS(proof options)) and the SHA-256 of the canonical document.

    Raises:
        InvalidLog: not an Ed25519 key that we accept, or not its signature.
    """
    key = ed25519_of(multikey)
    if key is None:
        raise _failed("the key of the proof is not an Ed25519 key that we accept")
    try:
        options_hash = hashlib.sha256(canonicalize(proof.options)).digest()
        key.verify(proof.proof_value, options_hash + document_hash)
    except ProofError:
        raise _failed("the proof has no canonical form") from None
    except InvalidSignature:
        raise _failed("the proof is not a signature of its key over the entry") from None


def _failed(detail: str) -> InvalidLog:
    return invalid_log("proof-verification-failed", detail)
