"""Whatever was learned late is told as late, with when it was learned: of TRQP, and of `/trust/evaluate`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.events import Cause
from registry.known import FactChange
from registry.model import Delegation, Fact, FactKind, Identifier
from tests.registry.examples import EDU, UNI
from tests.registry.told import Told, a_grant, a_registry, a_state, an_authority, an_entity, at
from wire import decode, encode

pytestmark = pytest.mark.anyio

OTHER, DEAN = "did:web:other.example", "did:web:dean.example"
THEN, LATE = "2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z"
POWER = Delegation(
    id="d1",
    authority_id="edu",
    grantor_id="edu",
    delegate_id="dean",
    actions=("issue",),
    valid_from=at("2024-01-01"),
)
DELEGATED = (an_entity("dean", DEAN), a_grant(granted_by="dean"))


async def void(told: Told, kind: FactKind, fact_id: str) -> None:
    before, told.now = told.now, at(LATE)
    change = FactChange(kind, fact_id, None, "void", at("2024-01-01"))
    await told.registry.edit(lambda *_: (change,), lambda *_: None, Cause("ada", "x"))
    told.now = before


async def verdict(told: Told, **question: Any) -> dict[str, Any]:
    asked = encode({"did": UNI, "resource": "Degree", "authority": EDU, "time": THEN} | question)
    answer = await told.trust.evaluate(asked, "application/json", None)
    (result,) = decode(answer.body, dict[str, Any], max_bytes=100_000)["results"]
    return dict(result)


@asynccontextmanager
async def corrected(
    folder: Path, before: tuple[Fact, ...], after: Fact | tuple[FactKind, str]
) -> AsyncIterator[Told]:
    """Open a registry that was told one thing, or that something was never so, long after it was."""
    async with a_registry(folder, *before) as told:
        if isinstance(after, tuple):
            await void(told, *after)
        else:
            await told.tell(after, when=at(LATE))
        yield told


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((*DELEGATED, POWER), msgspec.structs.replace(POWER, valid_until=at("2025-01-01")), False),
        (
            (*DELEGATED, POWER),
            msgspec.structs.replace(POWER, history=(a_state("revoked", "2025-01-01"),)),
            False,
        ),
        ((*DELEGATED, POWER), ("delegation", "d1"), False),
        ((*DELEGATED, POWER), an_entity("dean", DEAN, valid_until=at("2025-01-01")), False),
        (DELEGATED, POWER, True),
        ((a_grant(),), ("authorization", "g1"), False),
        ((a_grant(),), ("entity", "uni"), False),
        ((a_grant(),), an_entity("uni", OTHER), False),
        ((a_grant(),), an_entity("uni", Identifier(value=UNI, valid_until=at("2025-01-01"))), False),
        ((a_grant(),), a_grant(entity_id="lic"), False),
        ((a_grant(), an_entity("edu", OTHER)), an_entity("edu", EDU), True),
        ((a_grant(), an_authority("edu", valid_from=at("2025-09-01"))), an_authority("edu"), True),
    ],
)
async def test_a_late_correction_is_told_as_late_whatever_it_is_of(
    tmp_path: Path, before: tuple[Fact, ...], after: Any, expected: bool
) -> None:
    async with corrected(tmp_path, before, after) as told:
        answer = await told.ask(context={"time": THEN})
        then = await told.ask(context={"time": "2026-06-01T00:00:00Z"})
        result = await verdict(told)

    assert (answer["authorized"], answer.get("late"), answer["recorded_at"]) == (expected, True, LATE)
    assert (result["decision"] == "yes", result.get("late"), result["recorded_at"]) == (expected, True, LATE)
    assert "late" not in then, "by then it was learned"


async def test_a_compromise_of_what_is_held_beside_that_is_learned_late_is_told_as_late(
    tmp_path: Path,
) -> None:
    compromised = an_entity("uni", Identifier(value=UNI, compromised_since=at("2025-01-01")))
    async with corrected(tmp_path, (a_grant(),), compromised) as told:
        result = await verdict(told)

    assert (result["reason"], result.get("late"), result["recorded_at"]) == ("compromised", True, LATE)


async def test_a_correction_that_changes_no_answer_of_that_time_is_not_late(tmp_path: Path) -> None:
    ended = a_grant(valid_until=at("2027-01-01"))
    async with corrected(tmp_path, (a_grant(),), ended) as told:
        answer, result = await told.ask(context={"time": THEN}), await verdict(told)

    assert "late" not in answer
    assert "late" not in result


async def test_one_whose_entity_has_ended_confers_no_power(tmp_path: Path) -> None:
    ended = an_entity("dean", DEAN, valid_until=at("2025-01-01"))
    async with a_registry(tmp_path, ended, POWER, a_grant(granted_by="dean")) as told:
        before = await told.ask(context={"time": "2024-06-01T00:00:00Z"})
        after = await told.ask(context={"time": THEN})

    assert (before["authorized"], after["authorized"]) == (True, False)
    assert before["meta"]["expires_at"] == "2026-11-24T12:05:00Z"


async def test_an_answer_expires_when_who_passes_the_power_on_ends(tmp_path: Path) -> None:
    ending = an_entity("dean", DEAN, valid_until=at("2026-11-24T12:00:07Z"))
    async with a_registry(tmp_path, ending, POWER, a_grant(granted_by="dean")) as told:
        answer = await told.ask()

    assert answer["authorized"] is True
    assert answer["meta"]["expires_at"] == "2026-11-24T12:00:07Z"
