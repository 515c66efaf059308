"""Lists whose signer is trusted and whose content is anything: read, or refused with a place, and nothing else."""

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import ListRefused, RegistryFileError
from registry.imports.lote.meaning import ListTerms, meaning_of
from registry.imports.lote.reading import read_list
from registry.imports.lote.signature import verify_list
from registry.imports.terms import Right
from tests.registry.imports.lists import (
    ANCHORS,
    AT,
    GRANTED,
    ISSUANCE,
    SIGNER,
    document,
    entity,
    header,
    identity,
    instance,
    service,
    sign,
)
from tests.registry.sources.test_planning import World

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
KNOWN_BY = identity("did:web:a.example", "https://A.example", certificates=[SIGNER], keys=[KEY])
LIST = document(
    entity(
        "Issuer",
        service(
            KNOWN_BY, GRANTED, "2026-01-01T00:00:00Z", instance(KNOWN_BY, GRANTED, "2025-01-01T00:00:00Z")
        ),
        service(identity("did:web:b.example")),
    )
)
TERMS = ListTerms("did:web:authority.example", {ISSUANCE: (Right("issue", "PID"),)})
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "did:web:a.example",
            "\u202eabc",
            "9999-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z",
            "AAAA",
            GRANTED,
            "ni:///",
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value of a document but the document itself."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found: list[tuple[Any, ...]] = []
    for key, member in members:
        found += [(*path, key), *places(member, (*path, key))]
    return found


def changed(paths: list[tuple[Any, ...]], values: list[Any]) -> dict[str, Any]:
    """Return the list with other values, or none, at some places."""
    listed = copy.deepcopy(LIST)
    for path, value in zip(paths, values, strict=False):
        inside: Any = listed
        try:
            for key in path[:-1]:
                inside = inside[key]
            if value is None:
                del inside[path[-1]]
            else:
                inside[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # Something above it is gone.
    return listed


@given(
    st.lists(st.sampled_from(places(LIST)), min_size=1, max_size=3),
    st.lists(ANYTHING, min_size=3, max_size=3),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_a_list_says_it_is_read_or_refused(paths: list[tuple[Any, ...]], values: list[Any]) -> None:
    signed = verify_list(sign(changed(paths, values)), ANCHORS, now=AT)

    try:
        current = read_list(signed, now=AT, last=None)
    except (RegistryFileError, ListRefused):
        return
    meaning = meaning_of(current, TERMS, lambda *_: AT)
    plan = World().plan_items(meaning.items)

    assert all(detail for _, detail in (*meaning.remarks, *plan.findings))


@given(
    st.dictionaries(
        st.sampled_from(["alg", "crit", "x5c", "x5t#S256", "x5t#o", "sigT", "iat", "b64"]), ANYTHING
    )
)
@settings(deadline=None)
def test_whatever_a_header_says_only_a_true_one_is_trusted(members: dict[str, Any]) -> None:
    try:
        verify_list(sign(LIST, header(**members)), ANCHORS, now=AT)
    except ListRefused:
        return

    # None leaves a member out; nothing says when it was signed but one of two times.
    assert all(value is None for name, value in members.items() if name not in ("iat", "sigT"))
