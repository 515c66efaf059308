"""A verdict that was given before is given again only while it is what would be worked out."""

from pathlib import Path

import pytest

from registry.asking.evaluation import EvaluationRequest
from registry.kept_verdicts import KEPT
from registry.trust import Trust
from tests.registry.examples import EDU, LICENSING, UNI
from tests.registry.told import NOW, SERVICE, Told, a_grant, a_registry, a_state, at

pytestmark = pytest.mark.anyio

SECOND = 1_000_000  # microseconds
SUSPENDED, RESUMED, ENDED = "2026-11-24T12:00:30Z", "2026-11-24T12:01:00Z", "2026-11-24T12:10:00Z"
NOW_ASKED = EvaluationRequest(did=UNI, resource="Degree", authority=EDU)
THEN_ASKED = EvaluationRequest(did=UNI, resource="Degree", time="2026-11-01T00:00:00Z")


def anew(told: Told) -> Trust:
    return Trust(told.registry, SERVICE.freshness_seconds)


async def test_it_says_what_would_be_worked_out_at_any_time(tmp_path: Path) -> None:
    history = (a_state("suspended", SUSPENDED), a_state("active", RESUMED))
    questions = [NOW_ASKED, THEN_ASKED, EvaluationRequest(did=LICENSING, resource="Degree")]
    turns = [at(each) - NOW for each in (SUSPENDED, RESUMED, ENDED)]
    seen = set()
    async with a_registry(tmp_path, a_grant(valid_until=at(ENDED), history=history)) as told:
        for offset in [0, 999_999, *(turn + off for turn in turns for off in (-SECOND, -1, 0, 1)), 10**9, 5]:
            told.now = NOW + offset
            kept = await told.trust.weigh(questions)

            worked_out = await anew(told).weigh(questions)
            assert [each.results for each in kept] == [each.results for each in worked_out]
            assert all(at(each.expires_at) >= told.now - SECOND for each in kept)
            seen.add(kept[0].reason)
    assert seen == {"active", "suspended", "expired"}


async def test_it_is_not_worked_out_again(tmp_path: Path) -> None:
    async with a_registry(tmp_path, a_grant()) as told:
        first = await told.trust.weigh([NOW_ASKED, THEN_ASKED])
        told.now += KEPT - 1
        again = await told.trust.weigh([NOW_ASKED, THEN_ASKED])
        told.now += 1
        later = await told.trust.weigh([NOW_ASKED, THEN_ASKED])

        assert [id(each) for each in again] == [id(each) for each in first]
        assert later[0].expires_at > first[0].expires_at


@pytest.mark.parametrize("asked", [NOW_ASKED, THEN_ASKED], ids=["now", "then"])
async def test_what_is_recorded_counts_at_once(tmp_path: Path, asked: EvaluationRequest) -> None:
    async with a_registry(tmp_path, a_grant()) as told:
        before = await told.trust.weigh([asked])
        await told.tell(a_grant(history=(a_state("revoked", "2026-01-01"),)))

        after = await told.trust.weigh([asked])
        assert [before[0].decision, after[0].decision] == ["yes", "no"]


async def test_a_clock_that_is_set_back_is_believed(tmp_path: Path) -> None:
    async with a_registry(tmp_path, a_grant(valid_from=at(RESUMED))) as told:
        told.now = at(RESUMED)
        after = await told.trust.weigh([NOW_ASKED])
        told.now -= 1

        before = await told.trust.weigh([NOW_ASKED])
        assert [before[0].decision, after[0].decision] == ["no", "yes"]


async def test_long_questions_are_not_kept(tmp_path: Path) -> None:
    long = EvaluationRequest(did=UNI, resource="Degree", action="a" * 512, authority="b" * 512)
    async with a_registry(tmp_path, a_grant()) as told:
        first, again = [(await told.trust.weigh([long]))[0] for _ in range(2)]

        assert (first, first is again) == (again, False)


async def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.kept_verdicts.MOST", 1)
    async with a_registry(tmp_path, a_grant()) as told:
        first, _, again = await told.trust.weigh([NOW_ASKED, THEN_ASKED, NOW_ASKED])

        assert (first, first is again) == (again, False)
