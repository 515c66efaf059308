"""The resolver: the order of its refusals, and what it asks origins for, and how often."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from resolver import (
    FeatureNotSupported,
    Fetched,
    FreshnessBounds,
    InternalError,
    InvalidDid,
    InvalidDidDocument,
    InvalidDidUrl,
    InvalidOptions,
    MethodNotSupported,
    NotFound,
    Options,
    ResolutionError,
)
from resolver.errors import OriginFailed
from resolver.methods.question import Question
from resolver.outbound.fetch import GuardLimits
from resolver.sources.web import Asking, WebSource
from tests.resolver.scenes import AT_ONCE, DID, DOCUMENT, KEY, PATH, Clock, web
from tests.simulator import canned, held

pytestmark = pytest.mark.anyio


async def test_a_did_web_is_fetched_and_its_document_is_handed_on_as_published() -> None:
    async with web() as (world, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=120")

        resolved = await resolver.resolve(DID)

        assert (resolved.did, resolved.document, resolved.metadata) == (DID, DOCUMENT, {})
        assert (resolved.made_at, resolved.fresh_until) == (clock.now, clock.now + 120)
        assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("did", "options", "error"),
    [
        ("did:nope:%zz", Options(version_id="1"), InvalidDid),
        ("did:nope:x", Options(version_id="1"), MethodNotSupported),
        (KEY, Options(version_id="1"), FeatureNotSupported),
        (DID, Options(version_id="1"), FeatureNotSupported),
        ("did:web:127.0.0.1", Options(), InvalidDid),
    ],
)
async def test_refusals_come_in_the_order_of_the_algorithm_and_before_any_traffic(
    did: str, options: Options, error: type[Exception]
) -> None:
    async with web() as (world, _, resolver, _clock):
        with pytest.raises(error):
            await resolver.resolve(did, options)

        assert world.resolutions == []


async def test_a_fresh_document_is_not_fetched_again_and_a_stale_one_is() -> None:
    async with web(freshness=AT_ONCE) as (world, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=120")

        await resolver.resolve(DID)
        clock.now += 119
        second = await resolver.resolve(DID)
        clock.now += 1
        third = await resolver.resolve(DID)

        assert len(world.requests) == 2
        assert (second.made_at, third.made_at) == (clock.now - 120, clock.now)


async def test_a_stale_document_with_an_etag_is_confirmed_instead_of_sent_again() -> None:
    async with web(freshness=AT_ONCE) as (world, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60", etag='"v1"')

        await resolver.resolve(DID)
        clock.now += 60
        confirmed = await resolver.resolve(DID)
        clock.now += 59
        await resolver.resolve(DID)

        assert [request.headers.get("if-none-match") for request in world.requests] == [None, '"v1"']
        assert (confirmed.document, confirmed.made_at) == (DOCUMENT, clock.now - 59)


async def test_a_document_that_changed_replaces_the_one_that_its_etag_named() -> None:
    async with web(freshness=AT_ONCE) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60", etag='"v1"')
        await resolver.resolve(DID)
        issuer.publish(PATH, {"id": DID}, cache_control="max-age=60", etag='"v2"')
        clock.now += 60

        resolved = await resolver.resolve(DID)

        assert resolved.document == {"id": DID}


async def test_a_304_that_was_not_asked_for_is_an_error_of_the_origin() -> None:
    async with web() as (_, issuer, resolver, _clock):
        issuer.answer(PATH, canned(b"", 304))

        with pytest.raises(InternalError):
            await resolver.resolve(DID)


async def test_two_thousand_callers_cause_one_lookup_one_dial_and_one_request() -> None:
    async with web() as (world, issuer, resolver, _clock):
        gate = asyncio.Event()
        issuer.answer(
            PATH, held(gate, canned(json.dumps(DOCUMENT).encode(), content_type="application/json"))
        )

        callers = [asyncio.create_task(resolver.resolve(DID)) for _ in range(2_000)]
        await asyncio.sleep(0.1)
        gate.set()
        results = await asyncio.gather(*callers)

        assert all(result.document == DOCUMENT for result in results)
        assert (len(world.resolutions), len(world.dials), len(world.requests)) == (1, 1, 1)


async def test_two_thousand_callers_share_one_failure() -> None:
    async with web() as (world, _, resolver, _clock):
        world.name("issuer.example", ["127.0.0.1"])

        results = await asyncio.gather(*(resolver.resolve(DID) for _ in range(2_000)), return_exceptions=True)

        assert {type(result) for result in results} == {OriginFailed}
        assert (len(world.resolutions), world.dials) == (1, [])


async def test_one_caller_cannot_change_the_document_of_the_next() -> None:
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT)

        first = await resolver.resolve(DID)
        assert first.document is not None
        first.document["service"].append("mine")
        second = await resolver.resolve(DID)

        assert second.document == DOCUMENT


async def test_no_cache_asks_the_origin_although_the_document_is_fresh() -> None:
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT, etag='"v1"')

        await resolver.resolve(DID)
        await resolver.resolve(DID, Options(no_cache=True))

        assert len(world.requests) == 2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (canned(b"", 404), NotFound),
        (canned(b'{"id":"did:web:other.example"}', content_type="application/json"), InvalidDidDocument),
        (canned(b"<html>", content_type="application/json"), InvalidDidDocument),
    ],
    ids=["404", "another id", "not JSON"],
)
async def test_what_the_origin_does_not_have_is_remembered_for_fifteen_seconds(
    script: Any, error: type[Exception]
) -> None:
    async with web() as (world, issuer, resolver, clock):
        issuer.answer(PATH, script)

        refusals = []
        for seconds in (0, 14.9, 0.1):
            clock.now += seconds
            with pytest.raises(error) as refused:
                await resolver.resolve(DID)
            refusals.append(refused.value)

        assert len(world.requests) == 2
        assert refusals[0] is not refusals[1]  # One of each caller's own: tracebacks do not pile up.


async def test_a_remembered_refusal_keeps_neither_the_body_nor_the_calls_that_led_to_it() -> None:
    async def fetch(*_: object) -> Fetched:
        return Fetched(status=200, headers={"content-type": "application/json"}, body=b"{" * 1_000)

    asking = Asking(fetch, FreshnessBounds(), Clock())
    entry = await WebSource(asking, FreshnessBounds(), Clock()).load(Question(DID, "issuer.example"), None)

    assert isinstance(entry.value, InvalidDidDocument)
    assert (entry.value.__traceback__, entry.value.__context__) == (None, None)


async def test_a_gone_document_is_a_deactivated_did_for_fifteen_seconds() -> None:
    async with web() as (world, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 410))

        first = await resolver.resolve(DID)
        clock.now += 15
        await resolver.resolve(DID)

        assert (first.document, first.metadata, first.deactivated) == (None, {"deactivated": True}, True)
        assert len(world.requests) == 2


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_a_failure_of_the_origin_is_not_remembered(status: int) -> None:
    async with web() as (_, issuer, resolver, _clock):
        issuer.answer(PATH, canned(b"", status))
        with pytest.raises(InternalError):
            await resolver.resolve(DID)
        issuer.publish(PATH, DOCUMENT)

        resolved = await resolver.resolve(DID)

        assert resolved.document == DOCUMENT


async def test_a_guard_that_refuses_is_an_internal_error_with_its_cause_and_without_the_address() -> None:
    async with web() as (world, _, resolver, _clock):
        world.name("issuer.example", ["10.1.2.3"])

        with pytest.raises(InternalError) as refused:
            await resolver.resolve(DID)

        assert (refused.value.status, refused.value.members) == (500, {"cause": "address_refused"})
        assert "10.1" not in refused.value.detail


async def test_an_exceeded_budget_says_when_to_come_back_and_is_not_remembered() -> None:
    async with web(GuardLimits(host_burst=1)) as (_, issuer, resolver, clock):
        issuer.publish("/a/did.json", {"id": DID + ":a"})
        issuer.publish("/b/did.json", {"id": DID + ":b"})
        await resolver.resolve(DID + ":a")

        with pytest.raises(InternalError) as refused:
            await resolver.resolve(DID + ":b")
        clock.now += 1
        resolved = await resolver.resolve(DID + ":b")

        assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
        assert refused.value.members == {"cause": "outbound_budget_exceeded"}
        assert resolved.document == {"id": DID + ":b"}


async def test_a_flood_of_unknown_dids_of_one_host_reaches_it_no_more_than_its_budget() -> None:
    # Its 10,000 refusals are one turn of the loop, which a busy machine makes longer than a deadline.
    patient = GuardLimits(total_seconds=60, name_seconds=60, connect_seconds=60)
    async with web(patient) as (world, _, resolver, _clock):
        await asyncio.gather(
            *(resolver.resolve(f"{DID}:{number}") for number in range(10_000)), return_exceptions=True
        )

        assert 0 < len(world.requests) <= patient.host_burst


async def test_own_dids_are_answered_in_process_and_unknown_ones_of_our_host_are_not_found() -> None:
    own = {"id": "did:web:localhost%3A8000"}
    async with web(
        own_document={own["id"]: own}.get, own_hosts=frozenset({"localhost:8000", "we.example"})
    ) as (world, _, resolver, clock):
        resolved = await resolver.resolve(own["id"])
        local = resolver.resolve_local(own["id"])
        for unknown in ("did:web:localhost%3A8000:x", "did:web:WE.example", "did:web:we.example%3a443:a"):
            with pytest.raises(NotFound):
                await resolver.resolve(unknown)

        assert resolved == local
        assert (resolved.document, resolved.made_at) == (own, clock.now)
        assert world.resolutions == []


async def test_an_own_did_has_no_versions() -> None:
    async with web(own_document=lambda did: {"id": did}) as (_, _issuer, resolver, _clock):
        with pytest.raises(FeatureNotSupported):
            await resolver.resolve("did:web:localhost%3A8000", Options(version_id="1"))


async def test_resolve_local_computes_what_needs_no_network_and_leaves_the_rest() -> None:
    async with web() as (world, _, resolver, _clock):
        computed = resolver.resolve_local(KEY)

        assert computed is not None
        assert computed.document is not None
        assert computed.document["id"] == KEY
        assert computed == await resolver.resolve(KEY)
        assert resolver.resolve_local(DID) is None
        assert resolver.dereference_local(f"{DID}#key-1") is None
        assert world.resolutions == []


async def test_relative_ids_are_expanded_on_request_and_not_in_the_cache() -> None:
    document = {"id": DID, "verificationMethod": [{"id": "#a", "type": "Multikey", "controller": DID}]}
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish(PATH, document)

        expanded = await resolver.resolve(DID, Options(expand_relative_urls=True))
        plain = await resolver.resolve(DID)

        assert expanded.document is not None
        assert expanded.document["verificationMethod"][0]["id"] == f"{DID}#a"
        assert plain.document == document
        assert len(world.requests) == 1


async def test_a_did_url_names_a_part_of_the_document_it_fetches() -> None:
    method = {"id": f"{DID}#a", "type": "Multikey", "controller": DID}
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, {"id": DID, "verificationMethod": [method]})

        found = await resolver.dereference(f"{DID}#a")
        with pytest.raises(NotFound):
            await resolver.dereference(f"{DID}#b")

        assert found.content == method


@pytest.mark.parametrize(
    ("did_url", "options", "error"),
    [
        (f"{KEY}?versionId=1", Options(), FeatureNotSupported),
        (f"{KEY}?versionId=1", Options(version_id="2"), InvalidOptions),
        (f"{KEY}?a=1&a=2", Options(), InvalidDidUrl),
        (f"{KEY}# ", Options(), InvalidDidUrl),
        ("did:nope:x#a", Options(), MethodNotSupported),
    ],
)
async def test_the_parameters_of_a_did_url_are_options_of_its_resolution(
    did_url: str, options: Options, error: type[Exception]
) -> None:
    async with web() as (_, _issuer, resolver, _clock):
        with pytest.raises(error):
            await resolver.dereference(did_url, options)


async def test_what_is_doubtful_about_a_fetched_document_is_told_in_the_metadata_and_nothing_is_changed() -> (
    None
):
    document = {"id": DID, "verificationMethod": [{"id": "#a", "type": "Multikey", "controller": DID}]}
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, document, etag='"1"', cache_control="max-age=60")
        first = await resolver.resolve(DID)
        _clock.now += 1_000
        confirmed = await resolver.resolve(DID)

    codes = [warning["code"] for warning in first.resolution_metadata["warnings"]]
    assert "relative-id" in codes
    assert confirmed.resolution_metadata == first.resolution_metadata
    assert first.document == document


async def test_dids_that_do_not_exist_do_not_use_up_what_renews_one_that_does() -> None:
    slow = GuardLimits(host_rate_per_second=0.01, host_burst=1)  # No turn comes in time, so nobody waits.
    async with web(slow) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT)
        await resolver.resolve(DID)
        clock.now += 1_000
        for number in range(20):
            with contextlib.suppress(ResolutionError):
                await resolver.resolve(f"{DID}:x{number}")

        renewed = await resolver.resolve(DID, Options(no_cache=True))

        assert not renewed.stale
        with pytest.raises(InternalError):
            await resolver.resolve(f"{DID}:another")
