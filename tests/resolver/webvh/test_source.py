"""did:webvh through the resolver and the guard: what is fetched, verified again, kept, and refused as a fork."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
    Resolver,
)
from resolver.outbound.fetch import GuardLimits
from resolver.sources.heads import MemoryHeads
from resolver.webvh import InvalidLog
from resolver.webvh.slices import Slices, in_slices
from resolver.webvh.source import MAX_UNDER_WAY
from tests.clock import Clock
from tests.resolver.webvh.logs import Log, Signer, witnessed
from tests.resolver.webvh.verifying import NOW
from tests.simulator import Host, Request, World, canned, held

pytestmark = pytest.mark.anyio

LOG, WITNESS_FILE = "/.well-known/did.jsonl", "/.well-known/did-witness.json"
WITNESS = Signer(10)
FAST = GuardLimits(host_burst=1_000)
AT_ONCE = FreshnessBounds(revalidate_seconds=0)
EXPLAIN = Options(explain=True)


class Scene:
    """A world with a host for logs, and resolvers in it that share a clock."""

    def __init__(self, world: World, fetch: Any, clock: Clock) -> None:
        self.world, self.fetch, self.clock = world, fetch, clock
        self.host = world.host("issuer.example")
        self.resolver = self.another()

    def another(self, **parameters: Any) -> Resolver:
        return Resolver(
            fetcher=self.fetch, clock=self.clock, timer=self.clock, freshness=AT_ONCE, **parameters
        )

    def publish(self, log: Log, host: Host | None = None, **headers: str) -> None:
        (host or self.host).answer(LOG, canned(log.text, content_type="text/jsonl", **headers))
        if log.approvals:
            (host or self.host).answer(WITNESS_FILE, canned(log.witness_file))

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.world.requests]

    def pass_time(self) -> None:
        self.clock.now += 601  # past the ceiling of freshness


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    clock = Clock(float(NOW))
    async with World() as world, world.guard(FAST, clock=clock) as guard:
        yield Scene(world, guard.fetch_stranger, clock)


async def verified_now(resolver: Resolver, log: Log) -> int:
    resolved = await resolver.resolve(log.did, EXPLAIN)
    steps = [step.detail["verifiedNow"] for step in resolved.steps if step.step == "verify"]
    return int(steps[0])


def code_in(error: InvalidDidDocument) -> str:
    code: str = error.members["problemDetails"]["type"].rpartition("#")[2]
    return code


async def test_a_log_is_fetched_verified_and_its_newest_document_handed_on_as_published() -> None:
    async with scene() as at:
        log = Log().append().append()
        at.publish(log)

        resolved = await at.resolver.resolve(log.did)

        assert resolved.document == log.entries[-1]["state"]
        assert resolved.metadata["versionId"] == log.entries[-1]["versionId"]
        assert at.targets == [LOG]


async def test_what_is_doubtful_about_the_newest_document_is_told_with_it_and_with_no_older_one() -> None:
    async with scene() as at:
        state = {"id": "did:webvh:{SCID}:issuer.example"}
        log = Log().append(state=state | {"service": [{"id": "#a", "type": "A", "serviceEndpoint": "a:b"}]})
        log.append(state=log.entries[0]["state"] | {"publicKey": []})
        at.publish(log, etag='"v1"')

        first = await at.resolver.resolve(log.did)
        older = await at.resolver.resolve(log.did, Options(version_number=1))
        at.pass_time()
        confirmed = await at.resolver.resolve(log.did)

        codes = [warning["code"] for warning in first.resolution_metadata["warnings"]]
        assert codes == ["legacy-public-key", "relative-id"]
        assert "warnings" not in older.resolution_metadata
        assert confirmed.resolution_metadata == first.resolution_metadata


async def test_of_a_log_that_does_not_hold_nor_lives_nothing_doubtful_is_told() -> None:
    async with scene() as at:
        log = Log().append(state={"id": "did:webvh:{SCID}:issuer.example", "publicKey": []}).append()
        at.publish(log.copy().append(sign_with=Signer(66)))
        newest_valid = await at.resolver.resolve(log.did, Options(version_number=2))
        at.publish(log.append({"deactivated": True, "updateKeys": []}))

        deactivated = await at.resolver.resolve(log.did)

        assert newest_valid.resolution_metadata.keys() == {"problemDetails"}
        assert deactivated.document is None
        assert "warnings" not in deactivated.resolution_metadata


async def test_one_fetch_answers_for_every_version() -> None:
    async with scene() as at:
        log = Log().append().append()
        at.publish(log)

        first = await at.resolver.resolve(log.did, Options(version_number=1))
        await at.resolver.resolve(log.did)
        named = await at.resolver.dereference(f"{log.did}?versionId={log.entries[0]['versionId']}")

        assert first.metadata["versionId"] == log.entries[0]["versionId"]
        assert named.content_metadata == first.metadata
        assert at.targets == [LOG]


async def test_only_the_new_entries_of_a_known_log_are_verified() -> None:
    async with scene() as at:
        log = Log().append().append()
        at.publish(log)
        assert await verified_now(at.resolver, log) == 2

        at.publish(log.append())
        at.pass_time()

        assert await verified_now(at.resolver, log) == 1


async def test_a_new_entry_is_held_against_the_parameters_of_the_known_ones() -> None:
    async with scene() as at:
        log = Log().append().append({"updateKeys": [Signer(2).multikey]})
        at.publish(log)
        await at.resolver.resolve(log.did)

        at.publish(log.copy().append())
        at.pass_time()
        with pytest.raises(InvalidLog) as caught:
            await at.resolver.resolve(log.did)
        at.publish(log.copy().append(sign_with=Signer(2)))
        resolved = await at.resolver.resolve(log.did)

        assert code_in(caught.value) == "key-not-authorized-to-update"
        assert resolved.metadata["versionId"].startswith("3-")


async def test_a_log_with_an_etag_is_confirmed_instead_of_sent_again() -> None:
    async with scene() as at:
        log = Log().append()
        at.publish(log, etag='"v1"')
        await at.resolver.resolve(log.did)
        at.pass_time()

        resolved = await at.resolver.resolve(log.did)

        assert [r.headers.get("if-none-match") for r in at.world.requests] == [None, '"v1"']
        assert resolved.made_at == at.clock.now


@pytest.mark.parametrize(
    ("ttl", "headers", "kept"),
    [
        (120, {}, 120),
        (0, {}, 30),
        (None, {}, 600),
        (3_600, {"cache_control": "max-age=60"}, 60),
        (60, {"cache_control": "max-age=600"}, 60),
        (120, {"cache_control": "no-store"}, 30),
    ],
)
async def test_a_log_is_kept_for_its_ttl_within_the_operator_s_bounds(
    ttl: int | None, headers: dict[str, str], kept: float
) -> None:
    async with scene() as at:
        log = Log().append({} if ttl is None else {"ttl": ttl})
        at.publish(log, **headers)

        resolved = await at.resolver.resolve(log.did)

        assert resolved.fresh_until == at.clock.now + kept


async def test_a_witness_file_is_fetched_only_where_it_is_needed_and_after_the_log() -> None:
    async with scene() as at:
        log = Log().append(witnessed(1, WITNESS)).approve(WITNESS)
        at.publish(log)

        await at.resolver.resolve(log.did)
        at.pass_time()
        await at.resolver.resolve(log.did)

        assert at.targets == [LOG, WITNESS_FILE, LOG]


async def test_the_steps_tell_what_was_fetched_verified_and_why_it_is_kept_so_long() -> None:
    async with scene() as at:
        log = Log().append(witnessed(1, WITNESS) | {"ttl": 60}).append().approve(WITNESS)
        at.publish(log)

        resolved = await at.resolver.resolve(log.did, EXPLAIN)

        cached, fetched, witnesses, verified, fresh = resolved.steps
        assert cached.step == "cache"
        assert [step.detail["url"].rpartition("/")[2] for step in (fetched, witnesses)] == [
            "did.jsonl",
            "did-witness.json",
        ]
        assert (verified.step, verified.detail) == ("verify", {"versions": 2, "verifiedNow": 2})
        assert fresh.detail == {"seconds": 60, "because": "as the log's ttl says"}


async def test_a_missing_witness_file_approves_nothing_and_one_that_cannot_be_had_says_nothing() -> None:
    async with scene() as at:
        log = Log().append(witnessed(1, WITNESS))
        at.publish(log)
        with pytest.raises(InvalidLog) as missing:
            await at.resolver.resolve(log.did)
        at.host.answer(WITNESS_FILE, canned(b"", 503))

        with pytest.raises(InternalError) as unavailable:
            await at.resolver.resolve(log.did)

        assert code_in(missing.value) == "witness-verification-failed"
        assert unavailable.value.members["originStatus"] == 503


async def test_a_host_name_that_ends_before_the_witness_file_is_had_says_nothing_that_is_kept() -> None:
    async with scene() as at:
        log = Log().append(witnessed(1, WITNESS)).approve(WITNESS)
        at.publish(log)
        served = canned(log.text, content_type="text/jsonl", connection="close")

        async def serve_and_vanish(request: Request, writer: asyncio.StreamWriter) -> None:
            at.world.name("issuer.example")
            await served(request, writer)

        at.host.answer(LOG, serve_and_vanish)
        with pytest.raises(NotFound) as missing:
            await at.resolver.resolve(log.did)
        at.host.answer(LOG, served)
        at.world.name("issuer.example", [at.host.address])

        assert missing.value.members == {"cause": "name_not_found"}
        assert (await at.resolver.resolve(log.did)).document is not None


async def test_versions_before_an_invalid_entry_are_answered_and_the_newest_is_refused() -> None:
    async with scene() as at:
        log = Log().append().append().append(sign_with=Signer(66))
        at.publish(log)

        with pytest.raises(InvalidLog):
            await at.resolver.resolve(log.did)
        resolved = await at.resolver.resolve(log.did, Options(version_number=2))
        with pytest.raises(InvalidLog):
            await at.resolver.resolve(log.did, Options(version_number=3))
        earlier = await at.resolver.resolve(log.did, Options(version_time="2025-01-01T00:01:30Z"))
        with pytest.raises(InvalidLog):  # Until when version 2 was the newest, nobody can tell.
            await at.resolver.resolve(log.did, Options(version_time="2025-01-01T00:02:00Z"))

        problem = resolved.resolution_metadata["problemDetails"]
        assert problem["type"].endswith("#key-not-authorized-to-update")
        assert (earlier.metadata["versionId"], resolved.metadata["updated"]) == (
            log.entries[0]["versionId"],
            "2025-01-01T00:02:00Z",
        )


async def test_an_invalid_log_is_asked_for_again_and_takes_the_place_of_what_was_known() -> None:
    async with scene() as at:
        log = Log().append()
        at.publish(log)
        await at.resolver.resolve(log.did)
        broken = log.copy().append(sign_with=Signer(66))
        at.publish(broken)
        at.pass_time()

        for _ in range(2):
            with pytest.raises(InvalidLog):
                await at.resolver.resolve(log.did)
        at.publish(log.append())
        mended = await at.resolver.resolve(log.did)

        assert len(at.targets) == 4
        assert mended.metadata["versionId"] == log.entries[-1]["versionId"]


async def test_a_log_that_is_gone_is_not_found_and_an_origin_that_fails_leaves_the_stale_one() -> None:
    async with scene() as at:
        log = Log().append()
        at.publish(log)
        await at.resolver.resolve(log.did)
        at.host.answer(LOG, canned(b"", 503))
        at.pass_time()
        stale = await at.resolver.resolve(log.did)
        at.host.answer(LOG, canned(b"", 410))
        at.pass_time()

        with pytest.raises(NotFound):
            await at.resolver.resolve(log.did)

        assert stale.stale


async def test_a_log_at_another_place_than_its_did_says_is_refused() -> None:
    """Anybody can copy a log; only its own DIDs are what it speaks for."""
    async with scene() as at:
        log = Log("issuer.example").append()
        at.publish(log, at.world.host("copy.example"))

        with pytest.raises(InvalidLog) as caught:
            await at.resolver.resolve(f"did:webvh:{log.scid}:copy.example")

        assert code_in(caught.value) == "did-log-id-mismatch"


async def test_a_log_of_another_scid_is_refused() -> None:
    async with scene() as at:
        log, other = Log().append(), Log().append({"ttl": 5})
        at.publish(log)

        with pytest.raises(InvalidLog) as caught:
            await at.resolver.resolve(other.did)

        assert code_in(caught.value) == "did-log-id-mismatch"


async def test_a_did_that_moved_is_answered_at_its_new_place_and_refused_with_its_name_at_the_old_one() -> (
    None
):
    async with scene() as at:
        log = Log().append({"portable": True})
        old, new = log.did, f"did:webvh:{log.scid}:new.example"
        log.append(state=log.entries[0]["state"] | {"id": new, "alsoKnownAs": [old]})
        at.publish(log)
        at.publish(log, at.world.host("new.example"))

        resolved = await at.resolver.resolve(new)
        with pytest.raises(InvalidLog) as at_old:
            await at.resolver.resolve(old)
        before = await at.resolver.resolve(old, Options(version_number=1))
        with pytest.raises(InvalidLog) as at_new:
            await at.resolver.resolve(new, Options(version_number=1))

        assert resolved.document is not None and resolved.document["id"] == new
        assert before.document is not None and before.document["id"] == old
        assert at_old.value.members["canonicalId"] == new
        assert at_new.value.members["documentId"] == old


async def test_a_deactivated_did_has_no_document_and_its_older_versions_have_theirs() -> None:
    async with scene() as at:
        log = Log().append().append({"deactivated": True, "updateKeys": []})
        at.publish(log)

        resolved = await at.resolver.resolve(log.did)
        older = await at.resolver.resolve(log.did, Options(version_number=1))
        named = await at.resolver.resolve(log.did, Options(version_id=log.entries[1]["versionId"]))

        assert (resolved.document, resolved.metadata["deactivated"]) == (None, True)
        assert (older.document, older.metadata["deactivated"]) == (log.entries[0]["state"], True)
        assert named.document is None


async def test_a_document_that_must_not_be_passed_on_is_refused_though_its_log_holds() -> None:
    async with scene() as at:
        log = Log().append()
        log.append(state=log.entries[0]["state"] | {"privateKeyPem": "x"}).append(
            state=log.entries[0]["state"]
        )
        at.publish(log)

        await at.resolver.resolve(log.did)
        with pytest.raises(InvalidDidDocument, match="secret"):
            await at.resolver.resolve(log.did, Options(version_number=2))


async def test_a_document_with_a_secret_is_refused_as_the_newest_one_too() -> None:
    async with scene() as at:
        log = Log().append()
        at.publish(log.append(state=log.entries[0]["state"] | {"privateKeyPem": "x"}))

        for _ in range(2):
            with pytest.raises(InvalidDidDocument, match="secret"):
                await at.resolver.resolve(log.did)


# Forks.


async def test_a_fork_is_refused_by_who_has_seen_the_other_branch() -> None:
    """Both branches hold, each for whoever sees only one of them."""
    async with scene() as at:
        log = Log().append()
        mine, yours = log.copy().append(), log.copy().append({"ttl": 60})
        heads = MemoryHeads()
        at.publish(mine)
        await at.another(log_heads=heads).resolve(log.did)
        at.publish(yours)

        with pytest.raises(InvalidLog) as caught:
            await at.another(log_heads=heads).resolve(log.did)
        stranger = await at.another().resolve(log.did)

        assert code_in(caught.value) == "log-forked"
        assert stranger.metadata["ttl"] == "60"


async def test_a_longer_fork_and_each_of_its_versions_are_refused() -> None:
    async with scene() as at:
        log = Log().append()
        heads = MemoryHeads()
        at.publish(log.copy().append())
        await at.another(log_heads=heads).resolve(log.did)
        at.publish(log.copy().append({"ttl": 60}).append().append())
        resolver = at.another(log_heads=heads)

        for options in (Options(), Options(version_number=2), Options(version_number=1)):
            with pytest.raises(InvalidLog) as caught:
                await resolver.resolve(log.did, options)
            assert code_in(caught.value) == "log-forked"


async def test_a_roll_back_is_refused_and_the_full_log_is_taken_again() -> None:
    async with scene() as at:
        short = Log().append()
        full = short.copy().append()
        at.publish(full)
        await at.resolver.resolve(full.did)
        at.publish(short)
        at.pass_time()

        with pytest.raises(InvalidLog) as caught:
            await at.resolver.resolve(full.did)
        at.publish(full)
        resolved = await at.resolver.resolve(full.did)

        assert code_in(caught.value) == "log-rolled-back"
        assert resolved.metadata["versionId"] == full.entries[-1]["versionId"]


async def test_a_restart_with_the_same_store_still_knows_a_fork() -> None:
    async with scene() as at:
        log = Log().append()
        heads = MemoryHeads()
        at.publish(log.copy().append())
        async with at.another(log_heads=heads) as before:
            await before.resolve(log.did)
        at.publish(log.copy().append({"ttl": 60}))

        async with at.another(log_heads=heads) as after:
            with pytest.raises(InvalidLog) as caught:
                await after.resolve(log.did)

        assert code_in(caught.value) == "log-forked"


async def test_a_fork_is_not_hidden_behind_an_entry_that_does_not_hold() -> None:
    async with scene() as at:
        log = Log().append()
        heads = MemoryHeads()
        at.publish(log.copy().append().append())
        await at.another(log_heads=heads).resolve(log.did)
        at.publish(log.copy().append({"ttl": 60}).append(sign_with=Signer(66)))

        with pytest.raises(InvalidLog) as caught:
            await at.another(log_heads=heads).resolve(log.did, Options(version_number=2))

        assert code_in(caught.value) == "log-rolled-back"


async def test_a_node_that_another_one_overtook_with_a_fork_is_told() -> None:
    """Both nodes verify version 2 at the same time; the store lets the first one win."""
    async with scene() as at:
        log = Log().append()
        mine, yours = log.copy().append(), log.copy().append({"ttl": 60})

        class Overtaken(MemoryHeads):
            async def highest(self, scid: str) -> str | None:
                seen = await super().highest(scid)
                await self.advance(scid, yours.entries[-1]["versionId"])
                return seen

        at.publish(mine)
        with pytest.raises(InvalidLog) as caught:
            await at.another(log_heads=Overtaken()).resolve(log.did)

        assert code_in(caught.value) == "log-forked"


async def test_a_copy_of_a_log_that_its_did_does_not_name_moves_no_head() -> None:
    async with scene() as at:
        log = Log("issuer.example").append()
        heads = MemoryHeads()
        at.publish(log.copy().append(), at.world.host("copy.example"))
        at.publish(log)
        resolver = at.another(log_heads=heads)
        with pytest.raises(InvalidLog):
            await resolver.resolve(f"did:webvh:{log.scid}:copy.example")

        assert await heads.highest(log.scid) is None
        await resolver.resolve(log.did)


async def test_an_origin_that_confirms_an_old_log_is_held_against_the_head_as_well() -> None:
    async with scene() as at:
        log = Log().append()
        heads = MemoryHeads()
        resolver = at.another(log_heads=heads)
        at.publish(log, etag='"v1"')
        await resolver.resolve(log.did)
        await heads.advance(log.scid, log.append().entries[-1]["versionId"])
        at.pass_time()

        with pytest.raises(InvalidLog) as caught:
            await resolver.resolve(log.did)

        assert code_in(caught.value) == "log-rolled-back"


async def test_where_the_heads_cannot_be_asked_no_log_is_taken_and_what_is_known_is_served_on() -> None:
    class Away(MemoryHeads):
        is_away = False

        async def highest(self, scid: str) -> str | None:
            if self.is_away:
                raise InternalError("the heads are away")
            return await super().highest(scid)

    async with scene() as at:
        log, new = Log().append(), Log().append({"ttl": 60})
        heads = Away()
        resolver = at.another(log_heads=heads)
        at.publish(log)
        await resolver.resolve(log.did)
        heads.is_away = True
        at.pass_time()

        known = await resolver.resolve(log.did)
        at.publish(new)
        with pytest.raises(InternalError):
            await resolver.resolve(new.did)

        assert known.stale


# Caps and turns.


async def test_many_callers_of_one_log_cost_one_fetch_and_one_verification() -> None:
    async with scene() as at:
        log = Log().append()
        release = asyncio.Event()
        at.host.answer(LOG, held(release, canned(log.text)))
        callers = [asyncio.create_task(at.resolver.resolve(log.did)) for _ in range(200)]
        await asyncio.sleep(0.05)
        release.set()
        await asyncio.gather(*callers)

        assert at.targets == [LOG]


async def test_more_logs_than_can_wait_are_told_to_come_again_before_they_are_fetched() -> None:
    logs = {log.host: log for log in (Log(f"host-{n}.example").append() for n in range(MAX_UNDER_WAY + 1))}
    *first, last = logs.values()
    release = asyncio.Event()
    asked: list[str] = []

    async def fetch(plan: FetchPlan, headers: Any) -> Fetched:
        asked.append(plan.host)
        await release.wait()
        return Fetched(status=200, headers={}, body=logs[plan.host].text)

    async with Resolver(fetcher=fetch) as resolver:
        waiting = [asyncio.create_task(resolver.resolve(log.did)) for log in first]
        while len(asked) < MAX_UNDER_WAY:
            await asyncio.sleep(0)
        with pytest.raises(InternalError) as caught:
            await resolver.resolve(last.did)
        release.set()
        await asyncio.gather(*waiting)

        assert (caught.value.status, caught.value.headers) == (503, {"retry-after": "1"})
        assert last.host not in asked
        await resolver.resolve(last.did)


async def test_a_verification_lets_others_run_between_its_slices() -> None:
    def busy() -> Slices[str]:
        for _ in range(20):
            end = asyncio.get_running_loop().time() + 0.001
            while asyncio.get_running_loop().time() < end:
                pass
            yield
        return "done"

    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    assert await in_slices(busy(), seconds=0.002) == "done"
    other.cancel()

    assert turns >= 5
