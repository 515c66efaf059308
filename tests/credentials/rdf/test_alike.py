"""Objects without an id that look alike are told apart while that is quick, and refused before it takes long."""

import time
from typing import Any

import pytest

from credentials.rdf.__main__ import CPU_SECONDS
from credentials.rdf.canonical import WEIGHTY_IN_CREDENTIALS, canonical_document
from proofs import JsonObject, UnsupportedCryptosuite
from tests.credentials.rdf.credentials import CONTEXTS, V2, credential

UNDEFINED_TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"
MANY = [str(number) for number in range(50)]


def canonical(**members: Any) -> bytes:
    document = credential(**{"@context": [V2, UNDEFINED_TERMS], "type": "VerifiableCredential"} | members)
    return canonical_document(document, CONTEXTS, "sha384", WEIGHTY_IN_CREDENTIALS)


def pair(number: int, **leaf: Any) -> JsonObject:
    """Two objects that look alike, each with as many that do."""
    leaf = leaf or {"y": "1"}
    return {"credentialSubject": {"z": [{"x": [leaf] * number}] * 2}}


def tree(branches: int, depth: int) -> JsonObject:
    return {"x": [tree(branches, depth - 1)] * branches} if depth else {"y": "1"}


@pytest.mark.parametrize(
    "members",
    [
        pair(9),
        pair(6),
        {"evidence": [{"about": [{}] * 10}] * 2},
        {"credentialSubject": {"z": [{"x": [{"y": "1"}] * 7, "w": [{"y": "2"}] * 7}] * 3}},
        {"credentialSubject": {"z": [tree(2, 5)] * 2}},
        {"credentialSubject": {"z": [tree(3, 3)] * 2}},
        {"evidence": [{"type": "VerifiableCredential", "proof": [{"type": "DataIntegrityProof"}] * 9}] * 2},
        pair(4, y="1" * 100_000),
        pair(5, y=[*MANY, "x" * 10_000]),
    ],
)
def test_what_takes_too_long_is_refused_before_it_is_begun(members: JsonObject) -> None:
    with pytest.raises(UnsupportedCryptosuite, match="look alike"):
        canonical(**members)


@pytest.mark.parametrize(
    ("members", "n_quads"),
    [
        (pair(5), 1 + 2 + 2 * (5 + 5)),
        (pair(2, y=MANY), 1 + 2 + 2 * (2 + 2 * 50)),
        ({"credentialSubject": {"z": [{}] * 300}}, 1 + 300),
        ({"credentialSubject": {"z": [{"a": {"n": str(number)}} for number in range(300)]}}, 1 + 3 * 300),
        ({"credentialSubject": {"z": [{"y": MANY}] * 40}}, 1 + 40 + 40 * 50),
        ({"credentialSubject": {"z": [tree(1, 10)] * 9}}, 1 + 9 * (1 + 10 + 1)),
        ({"credentialSubject": [tree(2, 2)] * 2}, 2 + 2 * (2 + 4 + 4)),
        ({"credentialSubject": {"z": [{"x": {"y": "1" * 10_000}}] * 9}}, 1 + 9 * 3),
    ],
)
def test_what_is_quick_is_told_apart(members: JsonObject, n_quads: int) -> None:
    lines = canonical(**members).count(b"\n")

    assert lines == 3 + n_quads


@pytest.mark.parametrize(
    "members",
    [pair(5), {"credentialSubject": {"z": [{"x": [{"y": "1"}] * 4}] * 100}}, pair(3, y="1" * 100_000)],
    ids=["five alike in two", "four alike in a hundred", "three long ones in two"],
)
def test_the_worst_that_is_let_through_is_far_from_the_limit(members: JsonObject) -> None:
    started = time.process_time()
    canonical(**members)

    assert time.process_time() - started < CPU_SECONDS
