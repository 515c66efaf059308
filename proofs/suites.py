"""
The cryptosuites of Data Integrity that we make and verify: which keys they take, and which bytes they sign. Pure.

Data Integrity EdDSA Cryptosuites v1.0 and Data Integrity ECDSA Cryptosuites v1.0 (both W3C REC, 2025-05-15). All
of them sign two hashes, one after the other: of the canonical proof options, then of the canonical document. The
hash is SHA-384 with P-384, otherwise SHA-256. Canonical is JCS of any document, or RDFC-1.0: of a status list by a
template (`nquads.py`), of any other document by what the caller hands in, as that takes an RDF library, and long.

With P-384, RDFC-1.0 shall use SHA-384 too. It would, to tell blank nodes apart; our templates have at most one.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeAlias

import msgspec

from proofs.algorithms import Algorithm
from proofs.canonical import JsonObject, canonicalize
from proofs.errors import MalformedProof, UnsupportedCryptosuite
from proofs.nquads import canonical_proof_options, canonical_status_list

Transformation = Literal["rdfc", "jcs"]
Canonical = tuple[bytes, bytes]  # the proof options, and the document
# Options with the document's `@context`, the document and the name of a hash to the canonical N-Quads of both.
# Raises TransformationFailed and UnsupportedCryptosuite; may wait.
Canonicalize: TypeAlias = Callable[[JsonObject, JsonObject, str], Canonical]


class Suite(msgspec.Struct, frozen=True):
    """
    A cryptosuite.

    Attributes:
        name: `cryptosuite` of the proof.
        transformation: how options and document become bytes.
        algorithms: of the keys that it takes; each key decides on its hash.
    """

    name: str
    transformation: Transformation
    algorithms: frozenset[Algorithm]

    @property
    def signature_sizes(self) -> frozenset[int]:
        """How many bytes a proof value may have."""
        return frozenset(algorithm.signature_size for algorithm in self.algorithms)


EDDSA_JCS_2022 = "eddsa-jcs-2022"
EDDSA_RDFC_2022 = "eddsa-rdfc-2022"
ECDSA_JCS_2019 = "ecdsa-jcs-2019"
ECDSA_RDFC_2019 = "ecdsa-rdfc-2019"
# A type of proof of its own, before there was DataIntegrityProof. It is verified, and never made.
ED25519_SIGNATURE_2020 = "Ed25519Signature2020"

_EDDSA = frozenset({Algorithm.ED25519})
_ECDSA = frozenset({Algorithm.P256, Algorithm.P384})
SUITES = {
    suite.name: suite
    for suite in (
        Suite(EDDSA_JCS_2022, "jcs", _EDDSA),
        Suite(EDDSA_RDFC_2022, "rdfc", _EDDSA),
        Suite(ECDSA_JCS_2019, "jcs", _ECDSA),
        Suite(ECDSA_RDFC_2019, "rdfc", _ECDSA),
    )
}
FORMER_SUITES = {ED25519_SIGNATURE_2020: Suite(ED25519_SIGNATURE_2020, "rdfc", _EDDSA)}
_KNOWN = SUITES | FORMER_SUITES


def suite_named(name: str) -> Suite:
    """
    Return the suite that a proof names.

    Raises:
        UnsupportedCryptosuite: another one than ours.
    """
    suite = _KNOWN.get(name)
    if suite is None:
        raise UnsupportedCryptosuite(
            f"expected one of {', '.join(SUITES)}, found {name[:40]!r}", pointer="/proof/cryptosuite"
        )
    return suite


@cache
def suite_for(algorithm: Algorithm, transformation: Transformation) -> Suite:
    """Return the one suite in which a key signs after a transformation."""
    return next(
        suite
        for suite in SUITES.values()
        if algorithm in suite.algorithms and suite.transformation == transformation
    )


def transformed(
    suite: Suite,
    options: JsonObject,
    unsecured: JsonObject,
    algorithm: Algorithm,
    canonicalize_rdf: Canonicalize | None = None,
) -> Canonical:
    """
    Return the canonical proof options and the canonical document (vc-di-ecdsa and vc-di-eddsa, 3.2.3 and 3.3.3).

    Raises:
        MalformedProof: the proof has an `@context` that is not the document's.
        UnsupportedCryptosuite: `rdfc`, and neither `nquads.py` nor what was handed in covers document and proof.
        TransformationFailed: there is no canonical form.
    """
    if "@context" in options and options["@context"] != unsecured.get("@context"):
        raise MalformedProof("the proof and the document differ in @context", pointer="/proof/@context")
    if suite.transformation == "jcs":
        return canonicalize(options), canonicalize(unsecured)
    try:
        return canonical_proof_options(options), canonical_status_list(unsecured)
    except UnsupportedCryptosuite:
        if canonicalize_rdf is None:
            raise
    with_context = {**options, "@context": unsecured.get("@context")}
    return canonicalize_rdf(with_context, unsecured, algorithm.hash_name)


def hash_data(canonical: Canonical, algorithm: Algorithm) -> bytes:
    """Return the bytes to sign (vc-di-ecdsa and vc-di-eddsa, 3.2.4 and 3.3.4)."""
    return b"".join(hashlib.new(algorithm.hash_name, part).digest() for part in canonical)
