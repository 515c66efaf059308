"""
A W3C credential with a Data Integrity proof in it. Pure.

Verifiable Credential Data Integrity 1.0 (W3C REC, 2025-05-15); its suites are `proofs/suites.py`.
"""

from credentials.secured import VC, Secured, issuer_of
from proofs import Canonicalize, JsonObject, MalformedProof, proof_of, verify_proof
from wire import read
from wire.json import MAX_VALUES


def read_with_proof(
    body: bytes,
    *,
    max_bytes: int,
    max_values: int = MAX_VALUES,
    canonicalize_rdf: Canonicalize | None = None,
) -> Secured:
    """
    Read a credential without verifying it.

    Args:
        canonicalize_rdf: for the suites with `rdfc` in their names, over all but plain status lists; then `verify`
            may wait for it, and is for a thread.

    Raises:
        JsonError: not strict JSON, over `max_bytes`, or over `max_values` JSON values.
        MalformedProof: not one proof that can be read, or no issuer.
    """
    document = read(body, max_bytes=max_bytes, max_values=max_values)
    if not isinstance(document, dict):
        raise MalformedProof("expected a credential, a JSON object")
    return secured_of(document, canonicalize_rdf)


def secured_of(document: JsonObject, canonicalize_rdf: Canonicalize | None = None) -> Secured:
    """Return the credential that a document is, as `wire.read` gave it; raises MalformedProof as above."""

    def verify(public_key: object, now: int) -> None:
        verify_proof(document, public_key, now=now, canonicalize_rdf=canonicalize_rdf)

    proof = proof_of(document)
    return Secured(
        form=VC,
        document=document,
        issuer=issuer_of(document),
        key_id=proof.verification_method,
        expires=proof.expires,
        verify=verify,
    )
