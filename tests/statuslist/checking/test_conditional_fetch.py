"""A list that is fetched anew is asked for with its ETag; 304 spares the list, and no look at its key."""

import pytest

from statuslist.errors import StatusRetrievalError, StatusVerificationError
from statuslist.formats.bitstring import encode_list, with_statuses
from tests.simulator import canned
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID, secured
from tests.statuslist.wing import did_document

pytestmark = pytest.mark.anyio

FRESH = 60  # seconds: `max-age` of every list below


def asked(house: House) -> list[str | None]:
    """Return the If-None-Match of each request for the list."""
    requests = [request for request in house.world.requests if request.target == PATH]
    return [request.headers.get("if-none-match") for request in requests]


async def after_its_freshness(house: House, index: int = VALID) -> bool:
    house.wing.clock.ahead += FRESH + 1
    return (await house.check(house.issuer.entry(index))).valid


@pytest.mark.parametrize("form", ["jcs", "jwt", "token.jwt", "token.cwt"])
async def test_list_that_did_not_change_is_confirmed_and_counts_as_new(house: House, form: str) -> None:
    headers = {"etag": '"1"', "cache_control": f"max-age={FRESH}"}
    if form.startswith("token"):
        house.issuer.publish_token_list(form, **headers)  # type: ignore[arg-type]
    else:
        house.issuer.publish_list(form=form, **headers)
    entry = {"status": house.issuer.claim()} if form.startswith("token") else {}

    async def check() -> str | None:
        request = entry or {"credentialStatus": house.issuer.entry()}
        answer = await house.post_json({"issuer": house.issuer.did} | request)
        retrieved: str = answer.json()["results"][0]["listRetrievedAt"]
        return retrieved

    first = await check()
    house.wing.clock.ahead += FRESH + 1
    second = await check()
    house.wing.clock.ahead += FRESH - 2
    third = await check()

    assert asked(house) == [None, '"1"']
    assert first is not None and second is not None
    assert first < second == third


async def test_list_that_changed_takes_the_place_of_the_one_that_is_kept(house: House) -> None:
    house.issuer.publish_list(etag='"1"', cache_control=f"max-age={FRESH}")
    assert (await house.check(house.issuer.entry(VALID))).valid
    house.issuer.publish_list(
        house.issuer.list_document(encoded_list=encoded(VALID)),
        etag='"2"',
        cache_control=f"max-age={FRESH}",
    )

    assert not await after_its_freshness(house, VALID)
    assert await after_its_freshness(house, REVOKED)
    assert asked(house) == [None, '"1"', '"2"']


def encoded(index: int) -> str:
    return encode_list(with_statuses(131_072, [(index, 1)]))


async def test_list_without_an_etag_is_fetched_whole(house: House) -> None:
    house.issuer.publish_list(cache_control=f"max-age={FRESH}")
    await house.check(house.issuer.entry())

    assert await after_its_freshness(house)
    assert asked(house) == [None, None]


async def test_confirmed_list_of_a_key_that_is_gone_is_refused(house: House) -> None:
    """304 says that the bytes are the same, not that the key may still sign."""
    house.issuer.publish_list(etag='"1"', cache_control=f"max-age={FRESH}")
    await house.check(house.issuer.entry())
    document = did_document(house.issuer.signer)
    house.issuer.publish_did(document | {"assertionMethod": []})
    house.wing.clock.ahead += 700  # the DID document has to be asked for anew

    with pytest.raises(StatusVerificationError, match="assertionMethod"):
        await house.check(house.issuer.entry())


async def test_confirmed_list_is_not_kept_beyond_its_end(house: House) -> None:
    document = house.issuer.list_document(valid_until=house.now + 100_000_000)
    house.issuer.publish_list(document, etag='"1"', cache_control=f"max-age={FRESH}")
    await house.check(house.issuer.entry())

    assert await after_its_freshness(house)
    house.wing.clock.ahead += FRESH + 61
    with pytest.raises(StatusVerificationError, match="no longer valid"):
        await house.check(house.issuer.entry())


async def test_304_that_nobody_asked_for_is_no_list(house: House) -> None:
    house.issuer.host.answer(PATH, canned(b"", 304))

    with pytest.raises(StatusRetrievalError, match="304"):
        await house.check(house.issuer.entry())


async def test_list_whose_origin_is_down_does_not_serve_on(house: House) -> None:
    house.issuer.publish_list(etag='"1"', cache_control=f"max-age={FRESH}")
    await house.check(house.issuer.entry())
    house.issuer.serve(b"", 503)

    with pytest.raises(StatusRetrievalError, match="503"):
        await after_its_freshness(house)

    house.issuer.serve(
        secured(house.issuer.list_document(), house.issuer.signer, "jcs"),
        content_type="application/vc",
        cache_control=f"max-age={FRESH}",
    )
    assert await after_its_freshness(house)
