"""Methods by drivers: a real driver process behind the resolver, well behaved, hostile, dead and back again."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from resolver import (
    DEFAULT_OPTIONS,
    FeatureNotSupported,
    FreshnessBounds,
    InternalError,
    InvalidDid,
    InvalidDidDocument,
    InvalidOptions,
    MethodNotSupported,
    NotFound,
    Options,
    RepresentationNotSupported,
    ResolutionError,
    Resolver,
    parse_did,
)
from resolver.drivers.breaker import MAX_PROBES, BreakerState
from resolver.drivers.config import Driver
from resolver.outbound.asker import asking_for
from tests.clock import Clock
from tests.driver_process import DriverProcess, document

pytestmark = pytest.mark.anyio

GOOD = "did:example:good"


@pytest.fixture(scope="module")
def process() -> Iterator[DriverProcess]:
    with DriverProcess() as process:
        yield process


def driver_of(process: DriverProcess, **parameters: Any) -> Driver:
    given = {"name": "ex", "pattern": "did:example:.+", "timeout_seconds": 0.5, "open_seconds": 0.2}
    return Driver(**({"url": process.url} | given | parameters))


@asynccontextmanager
async def resolving(*drivers: Driver, **parameters: Any) -> AsyncIterator[Resolver]:
    async with Resolver(drivers=drivers, **parameters) as resolver:
        yield resolver


async def test_a_driver_resolves_and_the_result_is_marked_as_its_word(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve(GOOD)

    assert resolved.document == document(GOOD)
    assert resolved.resolution_metadata["driver"] == "ex"
    assert resolved.resolution_metadata["verified"] is False


async def test_the_metadata_of_a_driver_is_passed_on_and_cannot_say_what_is_ours_to_say(
    process: DriverProcess,
) -> None:
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve("did:example:legacy")

    assert resolved.metadata == {"created": "2026-01-01T00:00:00Z"}
    assert resolved.resolution_metadata == {
        "network": "test",
        "duration": 7,
        "driver": "ex",
        "verified": False,
        "upstream": {"contentType": "application/did+ld+json", "verified": True, "warnings": ["theirs"]},
    }


async def test_what_is_doubtful_about_a_document_is_told_with_it(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve("did:example:doubtful")

    codes = [warning["code"] for warning in resolved.resolution_metadata["warnings"]]
    assert codes == ["undefined-term", "undefined-type"]


@pytest.mark.parametrize("name", ["bare", "legacy", "unmarked", "good"])
async def test_a_bare_document_and_both_generations_of_results_are_read(
    process: DriverProcess, name: str
) -> None:
    did = f"did:example:{name}"
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve(did)

    assert resolved.document == document(did)


@pytest.mark.parametrize(
    ("name", "error", "cause"),
    [
        ("missing", NotFound, None),
        ("missing-told", NotFound, None),
        ("missing-200", NotFound, None),
        ("invalid", InvalidDid, None),
        ("not-mine", MethodNotSupported, None),
        ("no-media-type", RepresentationNotSupported, None),
        ("wrong-id", InvalidDidDocument, None),
        ("private", InvalidDidDocument, None),
        ("private-metadata", InvalidDidDocument, None),
        ("private-told", InvalidDidDocument, None),
        ("broken", InternalError, "driver_failed"),
        ("broken-told", InternalError, "driver_failed"),
        ("strange-error", InternalError, "driver_failed"),
        ("away", InternalError, "driver_unavailable"),
        ("away-told", InternalError, "driver_failed"),
        ("moved", InternalError, "driver_failed"),
        ("garbage", InternalError, "driver_answer"),
        ("twice", InternalError, "driver_answer"),
        ("list", InternalError, "driver_answer"),
        ("nothing", InternalError, "driver_answer"),
        ("gone-text", InternalError, "driver_answer"),
        ("long-metadata", InternalError, "driver_answer"),
        ("huge", InternalError, "origin_too_large"),
        ("slow", InternalError, "origin_timed_out"),
        ("no-http", InternalError, "origin_malformed"),
    ],
)
async def test_what_a_driver_does_badly_is_an_error_that_tells_nothing_of_where_it_is(
    process: DriverProcess, name: str, error: type[ResolutionError], cause: str | None
) -> None:
    async with resolving(driver_of(process)) as resolver:
        with pytest.raises(error) as raised:
            await resolver.resolve(f"did:example:{name}")

    told = msgspec.json.encode([raised.value.detail, raised.value.members]).decode()
    assert isinstance(raised.value, error)
    assert raised.value.members.get("cause") == cause
    assert raised.value.members["driver"] == "ex"
    assert str(process.port) not in told
    assert "127.0.0.1" not in told
    assert "secret" not in told


async def test_a_driver_that_asks_to_be_asked_again_is_quoted(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        failure = await failure_of(resolver, "did:example:away-told")

    assert (failure.status, failure.headers["retry-after"]) == (503, "7")
    assert failure.members["originStatus"] == 503


@pytest.mark.parametrize("name", ["gone", "gone-bare", "gone-200"])
async def test_a_deactivated_did_has_no_document(process: DriverProcess, name: str) -> None:
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve(f"did:example:{name}")

    assert resolved.deactivated
    assert resolved.metadata["deactivated"] is True
    assert resolved.resolution_metadata["verified"] is False


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("", "/1.0/identifiers/did%3Aexample%3Aa%2540b"),
        ("/", "/1.0/identifiers/did%3Aexample%3Aa%2540b"),
        ("/1.0/identifiers/$1", "/1.0/identifiers/did:example:a%40b"),
        ("/1.0/identifiers/$2", "/1.0/identifiers/did%3Aexample%3Aa%2540b"),
        ("/1.0/identifiers/$2?key=1", "/1.0/identifiers/did%3Aexample%3Aa%2540b?key=1"),
    ],
)
async def test_the_did_is_percent_encoded_exactly_once_or_as_the_operator_says_verbatim(
    process: DriverProcess, url: str, target: str
) -> None:
    driver = driver_of(process, url=process.url + url)
    async with resolving(driver) as resolver:
        resolver_answer = await asyncio.gather(resolver.resolve("did:example:a%40b"), return_exceptions=True)

    assert len(resolver_answer) == 1
    assert process.seen()[-1] == target


def test_what_the_groups_of_a_pattern_match_takes_the_place_of_the_did() -> None:
    driver = Driver(name="x", pattern="did:example:(a|b):(.+)", url="http://d.example/$1/$2")
    did = parse_did("did:example:a:%41")

    assert driver.url_of(did) == "http://d.example/a%41/a%2541"


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e%2fadmin", "x%2F..%2F..%2Fadmin", "a%3Fb", "a%23b", "a%5Cb", "a%0Ab"]
)
def test_no_did_leads_to_another_place_of_the_driver(name: str) -> None:
    driver = Driver(name="x", pattern="did:example:(.+)", url="http://d.example/ids/$1")

    with pytest.raises(InvalidDid):
        driver.url_of(parse_did(f"did:example:{name}"))


async def test_what_is_known_is_kept_for_the_ttl_of_the_driver(process: DriverProcess) -> None:
    clock = Clock()
    did = "did:example:kept"
    async with resolving(driver_of(process, ttl_seconds=60), clock=clock, timer=clock) as resolver:
        first = await resolver.resolve(did)
        clock.now += 59
        await resolver.resolve(did)
        before = process.seen().count("/1.0/identifiers/did%3Aexample%3Akept")
        clock.now += 40
        await resolver.resolve(did, Options(no_cache=True))
        after = process.seen().count("/1.0/identifiers/did%3Aexample%3Akept")

    assert first.fresh_until == 1_000_060.0
    assert (before, after) == (1, 2)


async def test_that_a_did_is_not_there_is_kept_for_a_short_time(process: DriverProcess) -> None:
    async with resolving(driver_of(process), freshness=FreshnessBounds(negative_seconds=60)) as resolver:
        for _ in range(2):
            with pytest.raises(NotFound):
                await resolver.resolve("did:example:n:missing")

    assert process.seen().count("/1.0/identifiers/did%3Aexample%3An%3Amissing") == 1


async def test_many_who_wait_for_one_did_cost_one_request(process: DriverProcess) -> None:
    did = "did:example:many"
    async with resolving(driver_of(process)) as resolver:
        await asyncio.gather(*(resolver.resolve(did) for _ in range(200)))

    assert process.seen().count("/1.0/identifiers/did%3Aexample%3Amany") == 1


async def test_versions_are_passed_on_only_to_a_driver_that_supports_options(process: DriverProcess) -> None:
    asked = Options(version_id="3 4")
    async with resolving(driver_of(process)) as without:
        with pytest.raises(FeatureNotSupported):
            await without.resolve("did:example:options", asked)
    async with resolving(driver_of(process, supports_options=True)) as resolver:
        versioned = await resolver.resolve("did:example:options", asked)
        plain = await resolver.resolve("did:example:options")
        with pytest.raises(FeatureNotSupported):
            await resolver.resolve("did:example:options", Options(public_key_format="legacy2020"))

    assert versioned.resolution_metadata["asked"] == "versionId=3%204"
    assert plain.resolution_metadata["asked"] == ""


async def test_the_first_driver_whose_pattern_matches_is_asked(process: DriverProcess) -> None:
    narrow = driver_of(process, name="narrow", pattern="did:example:main:.+")
    wide = driver_of(process, name="wide", pattern="did:(?:example|other):.+")
    async with resolving(narrow, wide) as resolver:
        names = [
            (await resolver.resolve(did)).resolution_metadata["driver"]
            for did in ("did:example:main:x", "did:example:x", "did:other:x")
        ]

    assert names == ["narrow", "wide", "wide"]
    assert resolver.methods == tuple(sorted({*resolver.methods, "example", "other"}))


async def test_what_a_driver_may_be_asked_for_costs_a_client_a_token_of_its_own(
    process: DriverProcess,
) -> None:
    """What is fresh costs none; but a version is another question, and may be asked for in a body."""
    did = "did:example:cost"
    for supports_options, after in ((False, False), (True, True)):
        async with resolving(driver_of(process, supports_options=supports_options)) as resolver:
            before = resolver.would_ask(did)
            await resolver.resolve(did)

            assert (before, resolver.would_ask(did)) == (True, after)


async def test_a_did_that_no_pattern_matches_is_of_no_method_of_ours(process: DriverProcess) -> None:
    async with resolving(driver_of(process, pattern="did:example:main:.+")) as resolver:
        with pytest.raises(MethodNotSupported):
            await resolver.resolve("did:example:test:x")

        assert resolver.would_ask("did:example:main:x")
        assert not resolver.would_ask("did:example:test:x")


async def test_a_driver_cannot_replace_a_method_of_ours(process: DriverProcess) -> None:
    """Settings refuse such a driver; a library that is handed one does not ask it either."""
    key = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    async with resolving(driver_of(process, pattern="did:key:.+")) as resolver:
        resolved = await resolver.resolve(key)

    assert "driver" not in resolved.resolution_metadata
    assert process.seen()[-1] != f"/1.0/identifiers/{key.replace(':', '%3A')}"


async def test_a_driver_that_dies_is_left_alone_and_asked_again_when_it_is_back() -> None:
    with DriverProcess() as process:
        driver = driver_of(process, failures_to_open=3)
        async with resolving(driver) as resolver:
            await resolver.resolve(GOOD)
            process.stop()
            failures = [await failure_of(resolver, f"did:example:{n}") for n in range(5)]
            while_open = resolver.driver_states[0]
            process.start()
            still_open = await failure_of(resolver, "did:example:5")
            await asyncio.sleep(0.25)
            half_open = resolver.driver_states[0].breaker
            resolved = await resolver.resolve("did:example:6")
            closed = resolver.driver_states[0].breaker

    causes = [failure.members["cause"] for failure in failures]
    assert causes == ["origin_unreachable"] * 3 + ["driver_open"] * 2
    assert {failure.fault for failure in failures} == {"origin"}
    assert (while_open.breaker, while_open.requests, while_open.failures) == (BreakerState.OPEN, 4, 3)
    assert (still_open.status, still_open.headers["retry-after"]) == (503, "1")
    assert (half_open, closed) == (BreakerState.HALF_OPEN, BreakerState.CLOSED)
    assert resolved.document is not None


async def test_a_probe_that_fails_opens_the_breaker_again() -> None:
    with DriverProcess() as process:
        driver = driver_of(process, failures_to_open=2)
        async with resolving(driver) as resolver:
            process.stop()
            for n in range(2):
                await failure_of(resolver, f"did:example:{n}")
            await asyncio.sleep(0.25)
            probes = await asyncio.gather(*(failure_of(resolver, f"did:example:p{n}") for n in range(9)))

            causes = [probe.members["cause"] for probe in probes]
            assert causes == ["origin_unreachable"] * MAX_PROBES + ["driver_open"] * (9 - MAX_PROBES)
            assert resolver.driver_states[0].breaker is BreakerState.OPEN


async def test_no_did_and_no_option_opens_the_breaker_for_all_others(process: DriverProcess) -> None:
    """What a stranger can provoke, again and again: answers that are too large, errors, URLs that are too long."""
    driver = driver_of(process, failures_to_open=1, supports_options=True)
    long = "did:example:" + 8_150 * ":" + "x"
    dids = ["huge", "broken", "garbage", "private", "invalid", "moved", "away-told", "no-media-type"]
    async with resolving(driver) as resolver:
        for name in dids:
            await failure_of(resolver, f"did:example:{name}")
        too_long = await failure_of(resolver, long, Options(version_id="%" * 1_025))
        longest = await resolver.resolve(long, Options(version_id="%" * 1_024))

        assert type(too_long) is InvalidOptions
        assert longest.document is not None
        assert resolver.driver_states[0].breaker is BreakerState.CLOSED


async def test_a_did_that_the_driver_never_answers_opens_nothing_whatever_its_options(
    process: DriverProcess,
) -> None:
    driver = driver_of(process, failures_to_open=2, supports_options=True)
    async with resolving(driver) as resolver:
        for number in range(6):
            failure = await failure_of(resolver, "did:example:away", Options(version_number=number + 1))
            assert failure.members["cause"] == "driver_unavailable"

        assert resolver.driver_states[0].breaker is BreakerState.CLOSED
        assert (await resolver.resolve(GOOD)).document is not None


async def test_what_was_known_is_served_while_the_driver_is_away() -> None:
    clock = Clock()
    with DriverProcess() as process:
        async with resolving(driver_of(process, ttl_seconds=60), clock=clock, timer=clock) as resolver:
            await resolver.resolve(GOOD)
            process.stop()
            clock.now += 120
            resolved = await resolver.resolve(GOOD)

    assert resolved.stale
    assert resolved.document == document(GOOD)
    assert resolved.resolution_metadata["cause"] == "origin_unreachable"


async def test_a_slow_driver_has_no_more_requests_under_way_than_it_may(process: DriverProcess) -> None:
    driver = driver_of(process, concurrent=2, failures_to_open=100)
    async with resolving(driver) as resolver:
        began = asyncio.get_running_loop().time()
        failures = await asyncio.gather(*(failure_of(resolver, f"did:example:slow{n}") for n in range(12)))
        seconds = asyncio.get_running_loop().time() - began

    causes = {failure.members["cause"] for failure in failures}
    assert causes == {"origin_timed_out", "driver_busy"}
    assert {failure.fault for failure in failures} == {"origin", "limit"}
    assert seconds < 4
    assert sum("slow" in target for target in process.seen()) <= 5


async def test_a_client_that_fills_a_slow_driver_leaves_half_of_it_to_others(process: DriverProcess) -> None:
    driver = driver_of(process, concurrent=4, failures_to_open=100)
    async with resolving(driver) as resolver:
        with asking_for("greedy"):
            slow = [
                asyncio.create_task(failure_of(resolver, f"did:example:slow{number}"))
                for number in range(300)
            ]
        await asyncio.sleep(0.1)
        with asking_for("other"):
            resolved = await resolver.resolve("did:example:quick")
        failures = await asyncio.gather(*slow)

    assert resolved.document is not None
    assert {failure.members["cause"] for failure in failures} == {"origin_timed_out", "driver_busy"}


async def test_explain_names_the_driver_and_its_url_only_to_operators(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        resolved = await resolver.resolve("did:example:explained", Options(explain=True))

    step = next(step for step in resolved.steps if step.step == "driver")
    assert step.detail == {"driver": "ex", "status": 200, "bytes": step.detail["bytes"], "breaker": "closed"}
    assert step.confidential["url"].startswith(process.url)
    assert "url" not in json.dumps(step.detail)


async def test_explain_tells_which_driver_failed_and_how(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        failures = [
            await failure_of(resolver, f"did:example:{name}", Options(explain=True))
            for name in ("slow", "garbage", "missing")
        ]

    told = [failure.steps[-1].detail for failure in failures]
    assert [(detail["driver"], detail.get("cause"), detail.get("status")) for detail in told] == [
        ("ex", "origin_timed_out", None),
        ("ex", None, 200),
        ("ex", None, 404),
    ]


async def test_a_purge_by_the_name_of_a_driver_forgets_what_it_said(process: DriverProcess) -> None:
    async with resolving(driver_of(process)) as resolver:
        await resolver.resolve(GOOD)

        assert resolver.purge(host="other") == 0
        assert resolver.purge(host="ex") == 1


async def failure_of(resolver: Resolver, did: str, options: Options = DEFAULT_OPTIONS) -> ResolutionError:
    with pytest.raises(ResolutionError) as raised:
        await resolver.resolve(did, options)
    return raised.value
