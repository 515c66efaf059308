"""Entries of a credential that was verified here: each has its own outcome, those of an unknown type as well."""

from typing import Any

import pytest

from credentials.errors import MalformedValue
from server.edge.limits import TooManyRequests
from statuslist.checking.outcomes import Relying
from statuslist.checking.requests import CheckedEntry
from statuslist.errors import RangeError, StatusRetrievalError
from tests.statuslist.checking.purse import Purse
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID, Stranger
from tests.statuslist.wing import ISSUERS

pytestmark = pytest.mark.anyio

UNKNOWN = {"type": "RevocationList2020Status", "revocationListIndex": "7"}


def relying(house: House, **members: Any) -> Relying:
    return Relying(**{"issuer": house.issuer.did} | members)


async def test_each_entry_has_its_own_outcome_in_order(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    other.serve(b"", 404)
    house.issuer.publish_list()
    entries = [
        house.issuer.entry(REVOKED),
        other.entry(),
        house.issuer.entry(statusListIndex=7),
        UNKNOWN,
        house.issuer.entry(131_072),
        house.issuer.entry(VALID),
        "no entry",
    ]

    outcomes = await house.checker.check_held_entries(entries, relying(house))

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [
        CheckedEntry,
        StatusRetrievalError,
        MalformedValue,
        CheckedEntry,
        RangeError,
        CheckedEntry,
        MalformedValue,
    ]
    checked = [outcome for outcome in outcomes if isinstance(outcome, CheckedEntry)]
    assert [outcome.reason for outcome in checked] == ["revoked", "unsupported", None]


async def test_claim_of_a_token_is_checked_as_it_stands(house: House) -> None:
    house.issuer.publish_token_list()

    (outcome,) = await house.checker.check_held_entries([house.issuer.claim(REVOKED)], relying(house))

    assert isinstance(outcome, CheckedEntry)
    assert (outcome.type, outcome.reason) == ("status_list", "revoked")


async def test_each_mechanism_of_a_claim_has_an_outcome(house: House) -> None:
    house.issuer.publish_token_list()
    claim = house.issuer.claim() | {"identifier_list": {"id": "7", "uri": "https://a.example/1"}}

    outcomes = await house.checker.check_held_entries([claim], relying(house))

    assert [(one.type, one.valid) for one in outcomes if isinstance(one, CheckedEntry)] == [
        ("status_list", True),
        ("identifier_list", False),
    ]


@pytest.mark.parametrize("value", [{}, [], None, "x", {"status_list": None}, {"type": 7}])
async def test_what_is_no_entry_is_an_outcome_and_never_valid(house: House, value: Any) -> None:
    (outcome,) = await house.checker.check_held_entries([value], relying(house))

    assert isinstance(outcome, MalformedValue)


async def test_whoever_cannot_pay_makes_us_fetch_none(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    purse = Purse(2)
    purse.pay(1)

    with pytest.raises(TooManyRequests):
        await house.checker.check_held_entries([house.issuer.entry(), other.entry()], relying(house), purse)

    assert house.world.requests == []


async def test_lists_of_others_are_trusted_where_whoever_relies_says_so(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_token_list(signer=other.signer)
    claim = [house.issuer.claim()]

    (alone,) = await house.checker.check_held_entries(claim, relying(house))
    (trusting,) = await house.checker.check_held_entries(claim, relying(house, list_issuers=(other.did,)))

    assert isinstance(alone, CheckedEntry) and isinstance(trusting, CheckedEntry)
    assert (alone.reason, trusting.reason) == ("list-issuer-not-trusted", None)


# An unknown type, asked over HTTP.


async def test_entry_of_an_unknown_type_is_a_result_and_not_valid(house: House) -> None:
    house.issuer.publish_list()

    answer = await house.post_entries(UNKNOWN, house.issuer.entry(VALID))

    assert answer.status_code == 200
    body = answer.json()
    assert (body["valid"], body["reason"]) == (False, "unsupported")
    assert body["results"][0] == {
        "valid": False,
        "reason": "unsupported",
        "type": "RevocationList2020Status",
    }
    assert body["results"][1]["valid"] is True


async def test_entry_of_an_unknown_type_alone_makes_us_fetch_nothing(house: House) -> None:
    answer = await house.post_json(
        {"issuer": house.issuer.did, "status": {"identifier_list": {"id": "7", "uri": "https://a.example"}}}
    )

    assert answer.json()["results"] == [{"valid": False, "reason": "unsupported", "type": "identifier_list"}]
    assert house.world.requests == []


async def test_type_of_an_unknown_entry_is_told_only_so_far(house: House) -> None:
    answer = await house.post_entries({"type": "x" * 10_000})

    assert len(answer.json()["results"][0]["type"]) == 200


async def test_entries_of_both_standards_are_checked_in_one_request(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_list()
    other.publish_token_list(signer=house.issuer.signer)
    body = {
        "issuer": house.issuer.did,
        "credentialStatus": house.issuer.entry(),
        "status": other.claim(REVOKED),
    }

    answer = (await house.post_json(body)).json()

    assert [result["valid"] for result in answer["results"]] == [True, False]
    assert answer["reason"] == "revoked"


async def test_nine_entries_in_all_are_refused(house: House) -> None:
    body = {
        "issuer": house.issuer.did,
        "credentialStatus": [house.issuer.entry()] * 8,
        "status": house.issuer.claim(),
    }

    answer = await house.post_json(body)

    assert answer.status_code == 422
    assert house.world.requests == []


# Lists of ours.


@pytest.mark.parametrize("form", ["token.jwt", "token.cwt"])
async def test_own_token_list_is_checked_in_process(house: House, form: str) -> None:
    index = await house.wing.set_with_entry("badges")
    await house.wing.publisher.publish_dirty()
    claim = {"status_list": {"idx": index, "uri": f"https://status.example.com/status-lists/badges/{form}"}}

    before = await house.check_claim(claim, ISSUERS["acme"])
    await house.wing.revoke("badges", index)
    await house.wing.publisher.publish_dirty()
    after = await house.check_claim(claim, ISSUERS["acme"])

    assert (before.valid, after.reason) == (True, "revoked")
    assert before.results[0].issuer_bound
    assert house.world.requests == []


@pytest.mark.parametrize(
    ("list_id", "form", "is_claim"),
    [("badges", "token.jwt", False), ("badges-revocation", "credential.json", True)],
)
async def test_entry_for_a_list_of_ours_of_the_other_standard_is_the_callers_mistake(
    house: House, list_id: str, form: str, is_claim: bool
) -> None:
    index = await house.wing.set_with_entry("badges")
    await house.wing.publisher.publish_dirty()
    url = f"https://status.example.com/status-lists/{list_id}/{form}"
    entry = {"status": {"status_list": {"idx": index, "uri": url}}}
    if not is_claim:
        entry = {"credentialStatus": house.issuer.entry(index, statusListCredential=url)}

    answer = await house.post_json({"issuer": ISSUERS["acme"]} | entry)

    assert answer.status_code == 422
    assert "as it was allocated" in answer.json()["detail"]


async def test_urls_of_one_fetch_serve_both_kinds_of_request(house: House) -> None:
    """A list is kept by its URL, whoever asks for it and for whatever."""
    house.issuer.publish_token_list()

    await house.check_claim(house.issuer.claim())
    await house.checker.check_held_entries([house.issuer.claim(REVOKED)], relying(house))

    assert [request.target for request in house.world.requests].count(PATH) == 1
