"""Documents past their freshness: when they are served, how they are marked, and when they are not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from resolver import (
    Fetched,
    FetchPlan,
    FreshnessBounds,
    InternalError,
    InvalidDidDocument,
    NotFound,
    Options,
    ResolutionError,
    Resolver,
)
from resolver.binding.answering import touch
from resolver.outbound.errors import OriginUnreachable
from resolver.outbound.fetch import GuardLimits
from resolver.sources.source import Nothing, Observed
from tests.resolver.asking import answer, may_fetch
from tests.resolver.scenes import AT_ONCE, DID, DOCUMENT, KEY, PATH, Clock, Scene, web
from tests.simulator import canned

pytestmark = pytest.mark.anyio

NEW = DOCUMENT | {"service": [{"id": "#new", "type": "A", "serviceEndpoint": "https://a.example"}]}
HOUR = FreshnessBounds(revalidate_seconds=30, stale_seconds=3_600)


@asynccontextmanager
async def holding(freshness: FreshnessBounds) -> AsyncIterator[Scene]:
    """Yield a scene whose resolver has just fetched the document, fresh for 60 s."""
    async with web(freshness=freshness) as scene:
        _, issuer, resolver, _ = scene
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60")
        await resolver.resolve(DID)
        yield scene


async def settled() -> None:
    """Let a load behind the scenes come to its end."""
    for _ in range(100):
        await asyncio.sleep(0.005)
        if not [task for task in asyncio.all_tasks() if "_renew" in repr(task)]:
            return
    raise AssertionError("a load is still under way")


async def test_shortly_past_freshness_the_old_document_is_served_and_a_new_one_fetched_behind_it() -> None:
    async with holding(freshness=HOUR) as (world, issuer, resolver, clock):
        issuer.publish(PATH, NEW, cache_control="max-age=60")
        clock.now += 61

        stale = await resolver.resolve(DID)
        await settled()
        fresh = await resolver.resolve(DID)

        assert (stale.document, stale.stale) == (DOCUMENT, True)
        assert stale.resolution_metadata["staleReason"] == "stale-while-revalidate"
        assert (fresh.document, fresh.stale, "staleReason" in fresh.resolution_metadata) == (
            NEW,
            False,
            False,
        )
        assert len(world.requests) == 2


async def test_later_the_new_document_is_waited_for() -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.publish(PATH, NEW, cache_control="max-age=60")
        clock.now += 60 + 30

        resolved = await resolver.resolve(DID)

        assert (resolved.document, resolved.stale) == (NEW, False)


@pytest.mark.parametrize("status", [500, 503, 429, 302])
async def test_while_the_origin_fails_the_old_document_is_served_with_a_mark_and_for_an_hour(
    status: int,
) -> None:
    async with web(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60")
        first = await resolver.resolve(DID)
        issuer.answer(PATH, canned(b"", status))

        clock.now += 60 + 3_599
        stale = await resolver.resolve(DID)
        clock.now += 1
        with pytest.raises(InternalError):
            await resolver.resolve(DID)

        assert (stale.document, stale.stale, stale.made_at) == (DOCUMENT, True, first.made_at)
        assert stale.resolution_metadata == {
            "staleReason": "stale-if-error",
            "retrieved": "1970-01-12T13:46:40Z",
        }


async def test_a_host_that_is_cut_off_is_asked_once_in_five_seconds() -> None:
    async with holding(freshness=HOUR) as (world, _, resolver, clock):
        world.name("issuer.example", [])
        clock.now += 100

        causes = []
        for seconds in (0, 1, 3, 1.5):
            clock.now += seconds
            causes.append((await resolver.resolve(DID)).resolution_metadata["cause"])

        assert causes == ["origin_unreachable"] * 4
        assert len(world.resolutions) == 1 + 2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (canned(b"{}", 404), NotFound),
        (canned(json.dumps({"id": "did:web:other.example"}).encode(), 200), InvalidDidDocument),
    ],
)
async def test_what_the_origin_took_back_never_comes_back(script: Any, error: type[Exception]) -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, script)
        clock.now += 100
        with pytest.raises(error):
            await resolver.resolve(DID)
        issuer.answer(PATH, canned(b"", 500))
        clock.now += 100

        with pytest.raises(InternalError):
            await resolver.resolve(DID)


async def test_a_deactivated_did_never_comes_back_when_its_origin_fails() -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 410))
        clock.now += 100
        gone = await resolver.resolve(DID)
        issuer.answer(PATH, canned(b"", 500))
        clock.now += 100

        assert gone.deactivated
        with pytest.raises(InternalError):
            await resolver.resolve(DID)


async def test_a_purged_document_never_comes_back_and_what_was_under_way_is_not_kept() -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        clock.now += 61
        await resolver.resolve(DID)  # The load that goes on behind it was begun before the purge.

        purged = resolver.purge(did="did:web:ISSUER.example")
        await settled()
        issuer.answer(PATH, canned(b"", 500))

        assert purged == 1
        with pytest.raises(InternalError):
            await resolver.resolve(DID)


async def test_a_purge_of_a_host_leaves_the_others() -> None:
    async with web() as (world, issuer, resolver, _clock):
        other = world.host("other.example")
        issuer.publish(PATH, DOCUMENT)
        issuer.publish("/a/did.json", {"id": f"{DID}:a"})
        other.publish(PATH, {"id": "did:web:other.example"})
        for did in (DID, f"{DID}:a", "did:web:other.example"):
            await resolver.resolve(did)

        assert resolver.purge(host="issuer.example") == 2
        assert resolver.purge() == 1


@pytest.mark.parametrize(("max_stale", "is_served"), [(0, False), (39, False), (41, True), (None, True)])
async def test_a_request_can_take_less_that_is_stale_but_never_more(
    max_stale: int | None, is_served: bool
) -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 500))
        clock.now += 100

        if is_served:
            assert (await resolver.resolve(DID, Options(max_stale=max_stale))).stale
        else:
            with pytest.raises(InternalError):
                await resolver.resolve(DID, Options(max_stale=max_stale))
        clock.now += 3_600
        with pytest.raises(InternalError):
            await resolver.resolve(DID, Options(max_stale=1_000_000))


async def test_who_goes_around_the_cache_gets_nothing_stale() -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 500))
        clock.now += 61

        with pytest.raises(InternalError):
            await resolver.resolve(DID, Options(no_cache=True))


async def test_a_stale_answer_says_so_and_is_not_to_be_stored() -> None:
    path = f"/1.0/identifiers/{DID}".encode()
    async with web(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60")
        await answer(resolver, path, b"", None)
        issuer.answer(PATH, canned(b"", 500))
        clock.now += 200

        found = await answer(resolver, path, b"", None)

        metadata = json.loads(found.body)["didResolutionMetadata"]
        assert (found.status, found.fresh_until, found.immutable) == (200, None, False)
        assert (metadata["stale"], metadata["staleReason"]) == (True, "stale-if-error")


async def test_every_spelling_of_a_did_shares_one_entry_and_one_fetch() -> None:
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish("/a/did.json", {"id": f"{DID}:a"})

        resolved = await resolver.resolve(f"{DID}:a")
        for other in ("did:web:Issuer.example:a", f"{DID}:%61", f"{DID}%3A443:a"):
            with pytest.raises(InvalidDidDocument):
                await resolver.resolve(other)

        assert resolved.document == {"id": f"{DID}:a"}
        assert len(world.requests) == 1


async def test_a_document_may_be_published_under_another_spelling_than_the_normal_form() -> None:
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, {"id": "did:web:Issuer.Example"})

        resolved = await resolver.resolve("did:web:Issuer.Example")

        assert resolved.document == {"id": "did:web:Issuer.Example"}
        with pytest.raises(InvalidDidDocument):
            await resolver.resolve(DID)


class Notebook:
    """An observer in memory."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, bytes | Nothing, float]] = []

    def seen(self, did: str, found: bytes | Nothing, at: float) -> None:
        self.notes.append((did, found, at))

    async def observed(self, did: str, at: float) -> Observed | None:
        for noted, document, first_seen in reversed(self.notes):
            if noted == did and first_seen <= at and isinstance(document, bytes):
                return Observed(document=document, digest="d", first_seen=first_seen, last_seen=at)
        return None


async def test_an_observer_is_told_of_every_document_and_answers_for_a_time_as_an_observation() -> None:
    notebook = Notebook()
    async with web(observer=notebook) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT)
        await resolver.resolve(DID)
        issuer.publish(PATH, NEW)
        clock.now += 10_000
        await resolver.resolve(DID)

        before = await resolver.resolve(DID, Options(version_time="1970-01-12T14:00:00Z"))
        midnight = await resolver.resolve(DID, Options(version_time="1970-01-12T24:00:00Z"))
        with pytest.raises(NotFound):
            await resolver.resolve(DID, Options(version_time="1970-01-01T00:00:00Z"))

        assert [json.loads(found) for _, found, _ in notebook.notes] == [DOCUMENT, NEW]
        assert (before.document, before.metadata) == (DOCUMENT, {})
        assert midnight.document == NEW
        assert before.resolution_metadata["observation"]["firstSeen"] == "1970-01-12T13:46:40Z"


async def test_an_observer_is_told_also_that_there_was_no_document_and_of_no_failure_to_ask() -> None:
    notebook = Notebook()
    async with web(observer=notebook) as (_, issuer, resolver, clock):
        for script in (
            canned(b"", 410),
            canned(b"", 404),
            canned(json.dumps({"id": "did:web:other.example"}).encode(), 200),
            canned(b"", 500),
        ):
            issuer.answer(PATH, script)
            clock.now += 1_000
            with suppress(NotFound, InvalidDidDocument, InternalError):
                await resolver.resolve(DID)

    assert [found for _, found, _ in notebook.notes] == [
        Nothing.DEACTIVATED,
        Nothing.NOT_FOUND,
        Nothing.REFUSED,
    ]


async def test_explain_tells_the_steps_and_why_the_time_to_live() -> None:
    async with web(GuardLimits(host_burst=1_000)) as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=7000")

        loaded = await resolver.resolve(DID, Options(explain=True))
        clock.now += 5
        kept = await resolver.resolve(DID, Options(explain=True))
        plain = await resolver.resolve(DID)

        assert [step.step for step in loaded.steps] == ["cache", "fetch", "freshness"]
        assert loaded.steps[0].detail["state"] == "loaded"
        assert kept.steps[0].detail["state"] == "fresh"
        assert loaded.steps[2].detail == {
            "seconds": 600,
            "because": "the origin allows more than our ceiling",
        }
        assert plain.steps == ()


async def test_an_explained_answer_is_never_stored_not_even_of_a_computed_did() -> None:
    async with Resolver() as resolver:
        path = b"/1.0/identifiers/did%3Akey%3Az6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"

        explained = await answer(resolver, path, b"explain=true", None)
        plain = await answer(resolver, path, b"", None)

        steps = json.loads(explained.body)["didResolutionMetadata"]["explain"]
        assert steps == [{"step": "computed from the DID"}]
        assert (explained.immutable, explained.fresh_until, plain.immutable) == (False, None, True)


async def test_past_its_budget_a_client_may_not_go_around_the_cache_but_its_reload_is_answered() -> None:
    path = f"/1.0/identifiers/{DID}".replace("did:web:", "did%3Aweb%3A").encode()
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=600")
        await answer(resolver, path, b"", None)

        refused = await answer(resolver, path, b"noCache=true", None, wait_to_renew=lambda: 4.2)
        reloaded = await answer(resolver, path, b"", None, no_cache=True, wait_to_renew=lambda: 4.2)
        allowed = await answer(resolver, path, b"noCache=true", None, wait_to_renew=lambda: 0.0)

        error = json.loads(refused.body)["didResolutionMetadata"]["error"]
        assert (refused.status, dict(refused.headers)) == (501, {"retry-after": "5"})
        assert error["type"].endswith("#FEATURE_NOT_SUPPORTED")
        assert "permitted again in 5 s" in error["detail"]
        assert (reloaded.status, allowed.status) == (200, 200)
        assert len(world.requests) == 2


async def test_explain_tells_the_steps_of_a_failure_too_and_the_public_nothing_confidential() -> None:
    path = f"/1.0/identifiers/{DID}".replace("did:web:", "did%3Aweb%3A").encode()
    async with web() as (world, issuer, resolver, _clock):
        issuer.answer(PATH, canned(b"{}", 404, connection="close"))
        missing = json.loads((await answer(resolver, path, b"explain=true", None)).body)
        resolver.purge()
        world.name("issuer.example", ["10.0.0.1"])
        cut_off = json.loads((await answer(resolver, path, b"explain=true", None)).body)
        plain = json.loads((await answer(resolver, path, b"", None)).body)

    steps = missing["didResolutionMetadata"]["explain"]
    assert [step["step"] for step in steps] == ["cache", "fetch"]
    assert (steps[1]["status"], "milliseconds" in steps[1]) == (404, False)
    assert cut_off["didResolutionMetadata"]["explain"] == [
        {"step": "fetch", "url": f"https://issuer.example{PATH}", "cause": "address_refused"}
    ]
    assert "explain" not in plain["didResolutionMetadata"]


async def test_explain_tells_the_steps_where_a_did_url_names_nothing() -> None:
    explain = Options(explain=True)
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT)
        errors = []
        for did_url in (f"{DID}#nope", f"{DID}/path", f"{DID}?hl=zh", f"{DID}?service=a&relativeRef=/..#x"):
            with pytest.raises(ResolutionError) as caught:
                await resolver.dereference(did_url, explain)
            errors.append(caught.value)
        with pytest.raises(ResolutionError) as computed:
            resolver.dereference_local(f"{KEY}#nope", explain)
        with pytest.raises(ResolutionError) as plain:
            await resolver.dereference(f"{DID}#nope")

    assert [[step.step for step in error.steps] for error in errors] == [["cache", "fetch", "freshness"]] * 4
    assert [step.step for step in computed.value.steps] == ["computed from the DID"]
    assert plain.value.steps == ()


async def test_explain_tells_that_a_version_was_answered_from_an_observation_or_had_none() -> None:
    seen = {"versionTime": "1970-01-12T14:00:00Z", "found": "a document was kept for that time"}
    missed = {"versionTime": "1970-01-01T00:00:01Z", "found": "nothing was kept for that time"}
    observer = Notebook()
    async with web(observer=observer) as (_, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT)
        await resolver.resolve(DID)
        found = await resolver.resolve(DID, Options(explain=True, version_time=seen["versionTime"]))
        plain = await resolver.resolve(DID, Options(version_time=seen["versionTime"]))
        with pytest.raises(NotFound) as caught:
            await resolver.resolve(DID, Options(explain=True, version_time=missed["versionTime"]))

    assert [(step.step, step.detail) for step in found.steps] == [("observations", seen)]
    assert [(step.step, step.detail) for step in caught.value.steps] == [("observations", missed)]
    assert plain.steps == ()


async def test_only_what_is_not_fresh_in_the_cache_may_cost_a_request_to_an_origin() -> None:
    path = f"/1.0/identifiers/{DID}".encode()
    async with web() as (_, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60")
        costs = [may_fetch(resolver, path, b"")]
        await resolver.resolve(DID)
        costs.append(may_fetch(resolver, path, b""))
        clock.now += 60
        costs.append(may_fetch(resolver, path, b""))

    assert costs == [True, False, True]


async def test_what_fails_at_another_port_or_for_another_document_says_nothing_of_a_did() -> None:
    async with web() as (_, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT)
        issuer.answer("/large/did.json", canned(b"x" * 300_000, 200))
        issuer.answer("/zipped/did.json", canned(b"{}", 200, content_encoding="gzip"))
        for other in (f"{DID}:large", f"{DID}:zipped") * 4:
            with pytest.raises(InternalError):
                await resolver.resolve(other)

        assert (await resolver.resolve(DID)).document == DOCUMENT


async def test_a_server_that_takes_no_connection_is_left_alone_after_three_attempts_and_tried_again() -> None:
    async with web() as (world, issuer, resolver, clock):
        world.name("issuer.example", [])
        for number in range(6):
            with pytest.raises(InternalError) as refused:
                await resolver.resolve(f"{DID}:{number}")
        attempts = len(world.resolutions)
        world.name("issuer.example", [issuer.address])
        issuer.publish(PATH, DOCUMENT)
        clock.now += 5

        assert attempts == 3
        assert refused.value.members == {"cause": "origin_unreachable"}
        assert (await resolver.resolve(DID)).document == DOCUMENT


async def test_while_its_origin_is_down_a_hot_did_costs_no_more_than_a_fresh_one() -> None:
    path = f"/1.0/identifiers/{DID}".encode()
    async with holding(freshness=HOUR) as (world, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 503))
        clock.now += 100
        costs, stale = [], []
        for _ in range(20):
            costs.append(may_fetch(resolver, path, b""))
            stale.append((await resolver.resolve(DID)).stale)
        clock.now += 5
        costs.append(may_fetch(resolver, path, b""))

    assert costs == [True] + [False] * 19 + [True]
    assert all(stale)
    assert len(world.requests) == 2


async def test_an_origin_that_comes_back_is_asked_within_five_seconds() -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 503))
        clock.now += 100
        await resolver.resolve(DID)
        issuer.publish(PATH, NEW, cache_control="max-age=60")
        clock.now += 4.9
        still = await resolver.resolve(DID)
        clock.now += 0.1
        after = await resolver.resolve(DID)

    assert (still.document, still.stale) == (DOCUMENT, True)
    assert (after.document, after.stale) == (NEW, False)


class Origin:
    """A fetcher of one document, with no guard that has a clock of its own; it refuses the ports in `closed`."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        self.document = document
        self.closed: set[int] = set()

    async def fetch(self, plan: FetchPlan, _headers: object) -> Fetched:
        if plan.port in self.closed:
            raise OriginUnreachable("closed")
        status = 404 if self.document is None else 200
        body = json.dumps(self.document).encode()
        return Fetched(status=status, headers={"content-type": "application/json"}, body=body)


@pytest.mark.parametrize("seconds", [-9 * 86_400, -7_200, -1, 1, 7_200, 9 * 86_400])
async def test_setting_the_clock_changes_no_documents_life(seconds: float) -> None:
    """Two hours back kept a document, and with it a stolen key, alive for two hours more."""
    async with holding(freshness=AT_ONCE) as (_, issuer, resolver, clock):
        issuer.publish(PATH, NEW, cache_control="max-age=60")
        clock.set_by += seconds
        clock.now += 59
        kept = await resolver.resolve(DID)
        clock.now += 1
        renewed = await resolver.resolve(DID)

        assert (kept.document, renewed.document) == (DOCUMENT, NEW)
        assert (kept.made_at, kept.fresh_until) == (clock() - 60, clock())


@pytest.mark.parametrize("seconds", [-7_200, 7_200])
async def test_setting_the_clock_changes_no_stale_life(seconds: float) -> None:
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 503))
        clock.set_by += seconds
        clock.now += 60 + 3_599
        stale = await resolver.resolve(DID)
        clock.now += 1

        assert stale.stale is True
        with pytest.raises(InternalError):
            await resolver.resolve(DID)


async def test_a_server_that_was_down_is_asked_again_though_the_clock_was_set_back() -> None:
    clock, origin = Clock(), Origin(DOCUMENT)
    origin.closed = {443}
    async with Resolver(fetcher=origin.fetch, clock=clock, timer=clock.timer) as resolver:
        for _ in range(4):
            with pytest.raises(InternalError):
                await resolver.resolve(DID)
        origin.closed = set()
        clock.set_by -= 7_200
        clock.now += 5

        assert (await resolver.resolve(DID)).document == DOCUMENT


async def test_a_port_that_is_closed_says_nothing_of_another() -> None:
    origin = Origin(DOCUMENT)
    origin.closed = {1025}
    async with Resolver(fetcher=origin.fetch, clock=Clock()) as resolver:
        for _ in range(10):
            with pytest.raises(InternalError):
                await resolver.resolve(f"{DID}%3A1025")

        assert (await resolver.resolve(DID)).document == DOCUMENT


async def test_a_stale_answer_says_so_in_its_head_whatever_its_form() -> None:
    path = f"/1.0/identifiers/{DID}".encode()
    async with holding(freshness=HOUR) as (_, issuer, resolver, clock):
        issuer.answer(PATH, canned(b"", 503))
        clock.now += 100

        bare = await answer(resolver, path, b"", "application/did")
        full = await answer(resolver, path, b"", None)

    assert (
        dict(bare.headers) == dict(full.headers) == {"cache-status": "touchstone; hit; detail=stale-if-error"}
    )
    assert json.loads(bare.body) == DOCUMENT


async def test_the_bytes_of_dids_are_counted_those_that_do_not_exist_among_them() -> None:
    origin = Origin(None)
    async with Resolver(fetcher=origin.fetch, clock=Clock(), max_cache_bytes=1_000_000) as resolver:
        for number in range(100):
            with pytest.raises(NotFound):
                await resolver.resolve(f"{DID}:{'a' * 8_000}:{number}")

        assert 900_000 < resolver.cache_bytes <= 1_000_000
        assert resolver.purge() <= 1_000_000 // 32_000


async def test_a_use_that_was_answered_elsewhere_keeps_a_document_through_a_flood() -> None:
    origin = Origin(DOCUMENT)
    async with Resolver(fetcher=origin.fetch, clock=Clock(), max_cache_bytes=100_000) as resolver:
        await resolver.resolve(DID)
        for number in range(500):
            for _ in range(2):  # Each of the flood is asked for twice, so that it is protected as well.
                with pytest.raises(InvalidDidDocument):
                    await resolver.resolve(f"{DID}:{number}")
            touch(resolver, f"/1.0/identifiers/{DID}".encode())
        origin.closed = {443}

        assert (await resolver.resolve(DID)).document == DOCUMENT


async def test_what_is_no_identifier_is_no_use() -> None:
    async with Resolver() as resolver:
        for path in (
            b"/",
            b"/1.0/identifiers/",
            b"/1.0/identifiers/did:web:127.0.0.1",
            b"/1.0/identifiers/\xff",
        ):
            touch(resolver, path)
