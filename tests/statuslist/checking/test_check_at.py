"""A check of a time in the past: a list answers only if it was valid then."""

from typing import Any

import pytest

from statuslist.errors import ListOfAnotherTime
from tests.statuslist.former_lists import former_list
from tests.statuslist.house import House
from tests.statuslist.stranger import REVOKED, VALID
from wire import BadRequest, format_exact, format_utc

pytestmark = pytest.mark.anyio

MINUTE = 60_000_000  # microseconds; each list below begins one before it is asked about
KINDS = ["bitstring", "vc+jwt", "token.jwt", "token.cwt", "2021"]
each_kind = pytest.mark.parametrize("kind", KINDS)


def publish(house: House, kind: str) -> dict[str, Any]:
    """Serve a list of a kind; return the members of a request that refer to it."""
    issuer = house.issuer
    if kind in ("token.jwt", "token.cwt"):
        issuer.publish_token_list(kind)  # type: ignore[arg-type]
        return {"status": issuer.claim(REVOKED)}
    if kind == "2021":
        issuer.publish_list(former_list(issuer))
        return {"credentialStatus": issuer.entry(REVOKED, type="StatusList2021Entry")}
    issuer.publish_list(form="jwt" if kind == "vc+jwt" else "jcs")
    return {"credentialStatus": issuer.entry(REVOKED)}


async def ask(house: House, at: int, kind: str) -> tuple[int, dict[str, Any]]:
    body = {"issuer": house.issuer.did, "at": format_exact(at)} | publish(house, kind)
    answer = await house.post_json(body)
    return answer.status_code, answer.json()


@each_kind
@pytest.mark.parametrize("before", [0, MINUTE // 2, MINUTE - 1_000_000])
async def test_list_that_was_valid_then_answers(house: House, kind: str, before: int) -> None:
    status, answer = await ask(house, house.now - before, kind)

    assert (status, answer["reason"]) == (200, "revoked")


@each_kind
@pytest.mark.parametrize("before", [MINUTE + 1_000_000, 10**13])
async def test_list_that_begins_later_says_nothing(house: House, kind: str, before: int) -> None:
    """No clocks differ: the tolerance of a minute is for now alone."""
    status, answer = await ask(house, house.now - before, kind)

    assert status == 422
    assert answer["type"].endswith("#STATUS_VERIFICATION_ERROR")
    assert "begins after that time" in answer["detail"]
    assert answer["statusListCredential"] == house.issuer.list_url


@each_kind
async def test_time_to_come_is_refused_and_nothing_is_asked(house: House, kind: str) -> None:
    status, answer = await ask(house, house.now + MINUTE, kind)

    assert (status, answer["errors"][0]["pointer"]) == (400, "/at")
    assert house.world.requests == []


async def test_list_that_does_not_say_when_it_begins_answers_for_now_alone(house: House) -> None:
    document = house.issuer.list_document()
    del document["validFrom"]
    house.issuer.publish_list(document)

    now = await house.check(house.issuer.entry(VALID))
    with pytest.raises(ListOfAnotherTime, match="does not say"):
        await house.check(house.issuer.entry(), at=format_utc(house.now))

    assert now.valid


async def test_list_that_is_kept_and_has_ended_by_then_says_nothing(house: House) -> None:
    """Within the tolerance a list that has ended answers for now, but not for a time after its end."""
    house.issuer.publish_list(house.issuer.list_document(valid_until=house.now + MINUTE))
    house.wing.clock.set_by += 90

    assert (await house.check(house.issuer.entry())).valid
    with pytest.raises(ListOfAnotherTime, match="ended before"):
        await house.check(house.issuer.entry(), at=format_utc(house.now + MINUTE + 20_000_000))


@pytest.mark.parametrize("at", ["yesterday", "2026-01-01", "2026-01-01T00:00:00+01:00", ""])
async def test_time_that_is_none_is_malformed(house: House, at: str) -> None:
    body = {"issuer": house.issuer.did, "at": at, "credentialStatus": house.issuer.entry()}

    answer = await house.post_json(body)

    assert answer.status_code == 400


async def test_the_refusal_of_a_time_to_come_is_the_callers(house: House) -> None:
    with pytest.raises(BadRequest):
        await house.check_claim(house.issuer.claim(), at=format_utc(house.now + 10 * MINUTE))
