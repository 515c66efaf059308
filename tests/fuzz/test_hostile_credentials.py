"""What was issued is relied on; what somebody made of it is not, and costs little. `make soak` tries 100,000."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.credentials import Maker
from tests.fuzz.relying import Hostile, Report, hostile_in

pytestmark = pytest.mark.anyio

CASES = 3_000
SEED = 20_261_201


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[Hostile]:
    async with hostile_in(tmp_path) as opened:
        yield opened


async def test_what_was_issued_is_relied_on(hostile: Hostile) -> None:
    report = Report()
    for sound in hostile.sound:
        await hostile.run_case(sound.text, report)

    assert report.failures == []
    assert report.relied_on == len(hostile.sound) == 17


async def test_some_thousand_hostile_credentials_are_not_relied_on(hostile: Hostile) -> None:
    report = await hostile.run(CASES, SEED)

    assert report.failures == []
    assert 0 < report.relied_on < CASES / 5  # those that say what was issued: in part, or with a space behind


@pytest.mark.parametrize("form", ["vc_jwt", "sd_jwt", "former_jwt"])
async def test_a_signature_that_is_not_checked_is_found(
    hostile: Hostile, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"credentials.forms.{form}.check_signature", lambda *_: None)
    report = await hostile.run(2_000, SEED, max_failures=1)

    assert [failure.reason for failure in report.failures] == ["relied on"]


async def test_a_context_that_is_fetched_and_a_fault_are_found(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report()
    hostile.scene.world.resolutions.append(("contexts.example", 443))
    await hostile.run_case(b"{}", report)
    monkeypatch.setattr("credentials.forms.sd_jwt.disclosed", lambda *_, **__: [].pop())
    await hostile.run_case(hostile.sound[3].text, report)

    assert report.failures[0].reason == "a context was fetched"
    assert report.failures[1].reason.startswith("IndexError")


async def test_the_same_seed_gives_the_same_cases(hostile: Hostile) -> None:
    stranger = hostile.scene.issuers["stranger"]
    first, second = (Maker(hostile.sound, stranger, Random(5)) for _ in range(2))

    assert [first.case() for _ in range(200)] == [second.case() for _ in range(200)]
