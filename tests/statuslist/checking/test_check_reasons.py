"""Why an entry is not valid: a word in each result, and that of the first of them in the answer."""

from typing import Any

import msgspec
import pytest

from statuslist.entries.requests import Allocate
from tests.statuslist.house import House
from tests.statuslist.stranger import REVOKED, VALID, Stranger, vc_jwt
from tests.statuslist.wing import ISSUERS, ROOT

pytestmark = pytest.mark.anyio

MESSAGES = [{"status": "0x0", "message": "fine"}, {"status": "0x1", "message": "delayed"}]


@pytest.mark.parametrize(
    ("purpose", "members", "reason"),
    [
        ("revocation", {}, "revoked"),
        ("suspension", {}, "suspended"),
        ("refresh", {}, "refresh"),
        ("message", {"statusMessage": MESSAGES}, "message"),
        ("https://example.org/lost", {}, "status-set"),
    ],
)
async def test_reason_is_what_the_status_means_by_its_purpose(
    house: House, purpose: str, members: dict[str, Any], reason: str
) -> None:
    house.issuer.publish_list(house.issuer.list_document(purpose=purpose))

    answer = (await house.post_entries(house.issuer.entry(REVOKED, statusPurpose=purpose, **members))).json()

    assert (answer["valid"], answer["reason"]) == (False, reason)
    assert (answer["results"][0]["valid"], answer["results"][0]["reason"]) == (False, reason)


async def test_what_is_valid_has_no_reason(house: House) -> None:
    house.issuer.publish_list()

    answer = (await house.post_entries(house.issuer.entry(VALID))).json()

    assert answer["valid"] is True
    assert "reason" not in answer
    assert "reason" not in answer["results"][0]


@pytest.mark.parametrize("index", [VALID, REVOKED])
async def test_list_of_an_issuer_who_is_not_trusted_is_the_reason_whatever_it_says(
    house: House, index: int
) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_list(house.issuer.list_document(issuer=other.did), signer=other.signer)

    answer = (await house.post_entries(house.issuer.entry(index))).json()

    assert (answer["valid"], answer["reason"]) == (False, "list-issuer-not-trusted")
    assert answer["results"][0]["reason"] == "list-issuer-not-trusted"


async def test_answer_has_the_reason_of_the_first_entry_that_is_not_valid(house: House) -> None:
    await house.wing.create("badges", "revocation", "suspension")
    allocated = await house.wing.sets.allocate(ROOT, "badges", Allocate())
    entries = list(map(msgspec.to_builtins, allocated.entries[0].credential_status))
    await house.wing.change("badges", int(entries[0]["statusListIndex"]), "suspension", 1)
    await house.wing.publisher.publish_dirty()

    checked = await house.check(entries, ISSUERS["acme"])

    assert [result.reason for result in checked.results] == [None, "suspended"]
    assert checked.reason == "suspended"


async def test_whole_credential_has_a_reason_too(house: House) -> None:
    house.issuer.publish_list()
    token = vc_jwt(house.issuer.credential(house.issuer.entry(REVOKED)), house.issuer.signer)

    answer = (await house.post(token, "application/vc+jwt")).json()

    assert (answer["credentialVerified"], answer["valid"], answer["reason"]) == (True, False, "revoked")
