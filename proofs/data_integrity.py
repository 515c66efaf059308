"""
Data Integrity proofs, made and verified in the suites of `suites.py`. Pure.

Verifiable Credential Data Integrity 1.0 (W3C REC, 2025-05-15), sections 4.2 (Add Proof) and 4.4 (Verify Proof).

Our proofs carry no `created` (it is optional): with a key in memory the same content gives the same bytes on every
replica (`algorithms.py`). A token may sign at random.

Stricter than the specification, on purpose:
- exactly one proof per document, and no proof chain (`proof.py`);
- `@context` of a proof must equal the document's: for `jcs` the specification lets a document append contexts that
  nobody signed (vc-di-eddsa and vc-di-ecdsa, section 3.3.2, step 4).
"""

import base58

from proofs.algorithms import algorithm_of, is_signature
from proofs.canonical import JsonObject
from proofs.errors import ProofInvalid
from proofs.proof import proof_of
from proofs.signing import Signer
from proofs.suites import Canonicalize, Suite, Transformation, hash_data, suite_for, suite_named, transformed


def add_proof(document: JsonObject, signer: Signer, transformation: Transformation) -> JsonObject:
    """
    Return `document` with a proof in the suite of the signer's key (section 3.2.1 or 3.3.1 of the suites).

    Raises:
        ValueError: `document` has a proof already.
        TransformationFailed: `jcs`, and it has no canonical form.
        UnsupportedCryptosuite: `rdfc`, and it is no status list that `nquads.py` covers.
        SignerAway: the signer cannot sign just now.
    """
    if "proof" in document:
        raise ValueError("the document has a proof already")
    suite = suite_for(signer.algorithm, transformation)
    options = _options(suite, signer, document)
    canonical = transformed(suite, options, document, signer.algorithm)
    signature = signer.sign(hash_data(canonical, signer.algorithm))
    return {**document, "proof": {**options, "proofValue": "z" + base58.b58encode(signature).decode()}}


def verify_proof(
    document: JsonObject, public_key: object, *, now: int, canonicalize_rdf: Canonicalize | None = None
) -> None:
    """
    Verify the one proof of `document` (section 3.2.2 or 3.3.2 of the suites); return if it holds, raise if not.

    The caller's part (`resolver.keys.multikey`): that the key belongs to the proof's verification method, that the
    method stands under assertionMethod of its controller, and that the key is not of small order.

    Args:
        document: as received, proof included.
        public_key: the key of the proof's verification method; a key of the `cryptography` package.
        now: microseconds since 1970.
        canonicalize_rdf: what canonicalises other documents than status lists for `rdfc`; None: nothing does.

    Raises:
        MalformedProof: as `proof_of`, or a proof under another `@context` than the document.
        UnsupportedCryptosuite: another suite, or a document for `rdfc` that nothing covers.
        TransformationFailed: the document has no canonical form.
        ProofInvalid: expired, not a key that the suite takes, or not that key's signature over that document.
    """
    proof = proof_of(document)
    suite = suite_named(proof.cryptosuite)
    if proof.expires is not None and proof.expires <= now:
        raise ProofInvalid("the proof has expired", pointer="/proof/expires")
    algorithm = algorithm_of(public_key)
    if algorithm not in suite.algorithms:
        raise ProofInvalid(f"{suite.name} needs a key of {_names(suite)}, found one of {algorithm}")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    canonical = transformed(suite, proof.options, unsecured, algorithm, canonicalize_rdf)
    if not is_signature(public_key, proof.proof_value, hash_data(canonical, algorithm)):
        raise ProofInvalid(
            "the proof is not this key's signature over this document", pointer="/proof/proofValue"
        )


def _options(suite: Suite, signer: Signer, document: JsonObject) -> JsonObject:
    options: JsonObject = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite.name,
        "verificationMethod": signer.verification_method,
        "proofPurpose": "assertionMethod",
    }
    if suite.transformation == "jcs" and "@context" in document:
        options["@context"] = document["@context"]
    return options


def _names(suite: Suite) -> str:
    return " or ".join(sorted(suite.algorithms))
