"""What was issued is relied on; what somebody made of it is not, and costs little. `make soak` tries 100,000."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from credentials.forms.disclosures import MAX_DISCLOSURES
from tests.credentials.sd_jwts import digest, encoded, sd_jwt
from tests.fuzz.credentials import Maker, Sound
from tests.fuzz.relying import Hostile, Report, hostile_in
from tests.statuslist.stranger import secured
from tests.verification.issuing import Issuer, Wanted

pytestmark = pytest.mark.anyio

CASES = 3_000
SEED = 20_261_201


def _many_disclosures(issuer: Issuer) -> bytes:
    """As many as may be, each 28 levels deep, among digests of nothing."""
    nested = "[" * 28 + "1" + "]" * 28
    shown = [encoded(f'["s{number}","n{number}",{nested}]'.encode()) for number in range(MAX_DISCLOSURES)]
    digests = [*map(digest, shown), *(f"d{number}" for number in range(4_900))]
    return sd_jwt(
        Wanted(issuer).sd_jwt(issuer.did, "did") | {"_sd": digests}, issuer.signer, disclosures=shown
    ).encode()


def _numbers(form: str) -> Callable[[Issuer], bytes]:
    def made(issuer: Issuer) -> bytes:
        subject = {f"k{number}": number / 7 * 1e300 for number in range(5_900)}
        return secured(Wanted(issuer).w3c() | {"credentialSubject": subject}, issuer.signer, form)

    return made


def _escapes(issuer: Issuer) -> bytes:
    subject = {"a": "\x01" * 140_000 + "é" * 40_000}
    return secured(Wanted(issuer).w3c() | {"credentialSubject": subject}, issuer.signer, "jcs")


DEAR: dict[str, Callable[[Issuer], bytes]] = {
    "disclosures": _many_disclosures,
    "numbers to canonicalise": _numbers("jcs"),
    "numbers in a token": _numbers("jwt"),
    "escapes": _escapes,
}


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


@pytest.mark.parametrize("name", DEAR)
async def test_what_its_issuer_made_dear_to_read_costs_less_than_100_ms(hostile: Hostile, name: str) -> None:
    case = DEAR[name](hostile.scene.issuers["good"])
    hostile.sound.append(Sound(name, case, hostile.scene.issuers["good"]))
    report = Report()
    await Hostile(hostile.scene, hostile.sound).run_case(case, report)

    assert report.failures == []
    assert report.relied_on == 1


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
