"""What a check costs its client: a token for each request to a stranger, paid before it is made."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from server.edge.limits import TooManyRequests
from statuslist.checking.list_fetching import ListUrlRefused
from statuslist.entries.requests import CreateSet
from statuslist.errors import StatusRetrievalError
from tests.simulator import canned, held
from tests.statuslist.checking.purse import Purse
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, Stranger, vc_jwt
from tests.statuslist.wing import ISSUERS, ROOT

pytestmark = pytest.mark.anyio


async def test_check_of_our_own_lists_costs_nothing(house: House) -> None:
    index = await house.wing.set_with_entry("badges")
    await house.wing.publisher.publish_dirty()
    url = "https://status.example.com/status-lists/badges-revocation/credential.json"
    entry = house.issuer.entry(index, statusListCredential=url)
    purse = Purse(1)

    for _ in range(60):
        assert (await house.check(entry, ISSUERS["acme"], account=purse)).valid

    assert purse.spent == 0


async def _own_entries(house: House, length: int, count: int) -> list[Any]:
    """Publish sets of ours, and return an entry of each."""
    names = [f"set-{number}" for number in range(count)]
    for name in names:
        wanted = {"id": name, "issuerId": "acme", "purposes": ["revocation"], "length": length}
        await house.wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
    await house.wing.publisher.publish_dirty()
    url = "https://status.example.com/status-lists/{}-revocation/credential.json"
    return [house.issuer.entry(1, statusListCredential=url.format(name)) for name in names]


async def test_long_list_of_ours_costs_a_token_of_computation_for_each_mebibyte_until_it_is_in_memory(
    house: House,
) -> None:
    entries = await _own_entries(house, 2**24, 2)
    first, second = Purse(0, computing=4), Purse(0, computing=4)

    await house.check(entries, ISSUERS["acme"], account=first)
    await house.check(entries, ISSUERS["acme"], account=second)

    assert (first.computed_bytes >> 20, second.computed_bytes) == (4, 0)
    assert first.spent == 0


async def test_who_cannot_pay_for_the_expansion_of_our_lists_is_told_when_and_none_is_expanded(
    house: House,
) -> None:
    entries = await _own_entries(house, 2**24, 2)
    purse = Purse(0, computing=6)
    await house.check(entries, ISSUERS["acme"], account=purse)
    house.checker.purge_lists()

    with pytest.raises(TooManyRequests) as refused:
        await house.check(entries, ISSUERS["acme"], account=purse)

    assert int(refused.value.headers["retry-after"]) >= 1
    assert purse.computed_bytes >> 20 == 4


async def test_short_list_of_ours_costs_no_computation_beside_the_request(house: House) -> None:
    entries = await _own_entries(house, 2**17, 2)
    purse = Purse(0, computing=1)

    for _ in range(3):
        house.checker.purge_lists()
        assert (await house.check(entries, ISSUERS["acme"], account=purse)).valid


@pytest.mark.parametrize("form", ["jcs", "jwt"])
async def test_check_costs_the_list_and_the_did_document_and_again_nothing(house: House, form: str) -> None:
    house.issuer.publish_list(form=form)
    first, second = Purse(10), Purse(10)

    await house.check(house.issuer.entry(), account=first)
    for index in range(60):
        await house.check(house.issuer.entry(100 + index), account=second)

    assert (first.spent, second.spent) == (len(house.world.requests), 0)
    assert first.spent == 2


async def test_list_of_an_issuer_whose_document_is_in_memory_costs_one(house: House) -> None:
    house.issuer.publish_list()
    await house.check(house.issuer.entry())
    house.checker.purge_lists()
    purse = Purse(10)

    await house.check(house.issuer.entry(), account=purse)

    assert purse.spent == 1


async def test_check_of_eight_lists_at_eight_dead_hosts_costs_eight(house: House) -> None:
    entries = [
        house.issuer.entry(statusListCredential=f"https://dead{number}.example.com/lists/1")
        for number in range(8)
    ]
    purse = Purse(10)

    with pytest.raises(StatusRetrievalError):
        await house.check(entries, account=purse)
    asked = len(house.world.resolutions)
    with pytest.raises(TooManyRequests) as raised:
        await house.check(entries, account=purse)

    assert (asked, purse.spent) == (8, 8)
    assert raised.value.status == 429
    assert raised.value.headers == {"retry-after": "2"}
    assert len(house.world.resolutions) == 8


async def test_client_that_cannot_pay_for_all_lists_makes_us_fetch_none(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_list()
    purse = Purse(2)
    purse.pay(1)

    with pytest.raises(TooManyRequests):
        await house.check([house.issuer.entry(), other.entry()], account=purse)

    assert house.world.requests == []


async def test_entries_of_one_list_cost_one_fetch(house: House) -> None:
    house.issuer.publish_list()
    purse = Purse(10)

    await house.check([house.issuer.entry(100 + number) for number in range(8)], account=purse)

    assert purse.spent == 2


async def test_did_document_that_turns_out_to_be_needed_is_owed(house: House) -> None:
    """Whose list it is, the list tells; what has begun is finished, and the client waits the longer later."""
    house.issuer.publish_list()
    purse = Purse(1)

    assert (await house.check(house.issuer.entry(), account=purse)).valid
    house.checker.purge_lists()
    with pytest.raises(TooManyRequests) as raised:
        await house.check(house.issuer.entry(), account=purse)

    assert purse.spent == 2
    assert raised.value.headers == {"retry-after": "4"}


async def test_whoever_asks_first_pays_for_a_list_that_others_wait_for(house: House) -> None:
    house.issuer.publish_list()
    until = asyncio.Event()
    house.issuer.host.answer(PATH, held(until, house.issuer.host._scripts[PATH]))
    first, others = Purse(10), Purse(10)

    checks = [asyncio.create_task(house.check(house.issuer.entry(100), account=first))]
    await asyncio.sleep(0.05)
    checks += [
        asyncio.create_task(house.check(house.issuer.entry(100 + number), account=others))
        for number in range(30)
    ]
    await asyncio.sleep(0.05)
    until.set()
    await asyncio.gather(*checks)

    assert (first.spent, others.spent) == (2, 0)


@pytest.mark.parametrize("url", ["http://issuer.example.com/lists/1", "https://127.0.0.1/lists/1"])
async def test_url_that_is_refused_costs_nothing(house: House, url: str) -> None:
    purse = Purse(10)

    with pytest.raises(ListUrlRefused):
        await house.check(house.issuer.entry(statusListCredential=url), account=purse)

    assert purse.spent == 0


async def test_whole_credential_costs_its_issuers_document_and_its_list(house: House) -> None:
    house.issuer.publish_list()
    token = vc_jwt(house.issuer.credential(), house.issuer.signer)
    first, second = Purse(10), Purse(10)

    await house.checker.check_credential(token, first)
    await house.checker.check_credential(token, second)

    assert (first.spent, second.spent) == (2, 0)


async def test_credential_whose_issuer_cannot_be_paid_for_is_refused_unasked(house: House) -> None:
    token = vc_jwt(house.issuer.credential(), house.issuer.signer)
    purse = Purse(2)
    purse.pay(2)

    with pytest.raises(TooManyRequests):
        await house.checker.check_credential(token, purse)

    assert house.world.requests == []


async def test_list_whose_fetch_fails_is_paid_for_each_time(house: House) -> None:
    house.issuer.host.answer(PATH, canned(b"", 503))
    purse = Purse(10)

    for _ in range(3):
        with pytest.raises(StatusRetrievalError):
            await house.check(house.issuer.entry(), account=purse)

    assert purse.spent == len(house.world.requests) == 3


async def test_list_in_memory_is_expanded_once_however_many_entries_are_asked_for(house: House) -> None:
    """The longest list takes 26 ms to expand; eight of it in each request of a client would be a weapon."""
    house.issuer.publish_list(house.issuer.list_document(length=2**26))
    entries = [house.issuer.entry(10**6 * number) for number in range(8)]

    began = time.process_time()
    await house.check(entries)
    first = time.process_time() - began
    spent = []
    for _ in range(5):
        began = time.process_time()
        await house.check(entries)
        spent.append(time.process_time() - began)

    assert min(spent) < first / 5


async def test_new_version_of_an_own_list_counts_at_once(house: House) -> None:
    index = await house.wing.set_with_entry("badges")
    await house.wing.publisher.publish_dirty()
    url = "https://status.example.com/status-lists/badges-revocation/credential.json"
    entry = house.issuer.entry(index, statusListCredential=url)
    before = [(await house.check(entry, ISSUERS["acme"])).results[0] for _ in range(2)]
    await house.wing.revoke("badges", index)
    await house.wing.publisher.publish_dirty()
    after = (await house.check(entry, ISSUERS["acme"])).results[0]

    assert [result.valid for result in before] == [True, True]
    assert (after.valid, after.reason) == (False, "revoked")
