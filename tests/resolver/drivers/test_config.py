"""Drivers as an operator names them: both shapes of a file, and every fault told before the start."""

import time
from typing import Any

import msgspec
import pytest

from resolver import parse_did
from resolver.drivers.breaker import MAX_SUSPECTS, Breaker, BreakerState
from resolver.drivers.config import Driver, DriverFaults, read_drivers
from resolver.drivers.patterns import MATCH_SECONDS

NATIVE = frozenset({"key", "web"})
GIVEN: dict[str, Any] = {"name": "x", "pattern": "did:example:.+", "url": "http://driver.internal:8080"}
# Of the Universal Resolver's application.yml.
UNIVERSAL = {
    "uniresolver": {
        "drivers": [
            {
                "pattern": "^(did:sov:(?:(?:\\w[-\\w]*(?::\\w[-\\w]*)*):)?(?:[1-9A-HJ-NP-Za-km-z]{21,22}))$",
                "url": "http://driver-did-sov:8080/",
                "propertiesEndpoint": "true",
                "testIdentifiers": ["did:sov:WRfXPg8dantKVubE3HX8pw", "did:sov:test:6cgbu8ZPoWTnR5Rv5JcSMB"],
                "traits": {"deactivatable": True},
            },
            {
                "id": "cheqd",
                "pattern": "^(did:cheqd:.+)$",
                "url": "http://cheqd-did-driver:8080/1.0/identifiers/$1",
                "supportsOptions": "true",
                "supportsDereference": True,
                "acceptHeaderValue": "application/did+ld+json",
            },
            {"pattern": "^(did:ion:(?!test).+)$", "url": "http://driver-did-ion:8080/"},
            {"pattern": "^(did:ion:test.+)$", "url": "http://driver-did-ion-test:8080/"},
        ]
    }
}


def faults(**changes: Any) -> list[str]:
    with pytest.raises(DriverFaults) as raised:
        read_drivers([GIVEN | changes], NATIVE)
    return raised.value.faults


def test_the_file_of_the_universal_resolver_is_read() -> None:
    sov, cheqd, ion, ion_test = read_drivers(UNIVERSAL, NATIVE)

    assert [driver.name for driver in (sov, cheqd, ion, ion_test)] == ["sov", "cheqd", "ion", "ion-2"]
    assert (cheqd.supports_options, cheqd.accept) == (True, "application/did+ld+json")
    assert sov.url_of(parse_did("did:sov:WRfXPg8dantKVubE3HX8pw")) == (
        "http://driver-did-sov:8080/1.0/identifiers/did%3Asov%3AWRfXPg8dantKVubE3HX8pw"
    )
    assert cheqd.url_of(parse_did("did:cheqd:main:a")) == (
        "http://cheqd-did-driver:8080/1.0/identifiers/did:cheqd:main:a"
    )
    assert sov.traits == {"deactivatable": True}
    assert not ion.takes(parse_did("did:ion:test:x"))
    assert ion_test.takes(parse_did("did:ion:test:x"))


@pytest.mark.parametrize(
    ("pattern", "methods"),
    [
        ("did:a:.+", {"a"}),
        ("^(did:a:.+)$", {"a"}),
        ("^((?:did:a:.+))$", {"a"}),
        ("did:(?:a|b2):.+", {"a", "b2"}),
        ("^(did:(a|b):.+)$", {"a", "b"}),
        ("did:.+", set()),
        ("did:(?:a:|b:).+", set()),
        (".*", set()),
        ("did:a.*", set()),
        ("did:[ab]:.+", set()),
    ],
)
def test_the_methods_of_a_pattern_are_those_that_it_names(pattern: str, methods: set[str]) -> None:
    driver = Driver(name="x", pattern=pattern, url="http://x")

    assert driver.methods == methods


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pattern": "did:key:.+"}, "did:key is resolved by this server itself"),
        ({"pattern": "did:(?:other|web):.+"}, "did:web is resolved by this server itself"),
        ({"pattern": ".+"}, "expected one that begins with did:<method>:"),
        ({"pattern": "did:example:("}, "not a regular expression"),
        ({"pattern": "did:example:(a+)+:"}, "nest no repetitions"),
        ({"pattern": "did:example:(?:zz|z)*q"}, "nest no repetitions"),
        ({"pattern": "did:example:(?:.*:)*x"}, "nest no repetitions"),
        ({"test_identifiers": ["did:example:"]}, "test_identifiers"),
        ({"test_identifiers": ["did:other:a"]}, "test_identifiers"),
        ({"test_identifiers": ["did:example:a b"]}, "test_identifiers"),
        ({"url": "ftp://x/"}, "url: expected http(s)"),
        ({"url": "http://user:pass@x/"}, "url: expected http(s)"),
        ({"url": "http://$1.example/"}, "url: expected http(s)"),
        ({"url": "http://x/../$1"}, "dot segment"),
        ({"url": "http://x/%2e%2E/$1"}, "dot segment"),
        ({"url": "http://x/$3"}, "url: expected http(s)"),
        ({"url": "http://x/a b"}, "url: expected http(s)"),
        ({"url": "http://x/#a"}, "url: expected http(s)"),
        ({"name": "A b"}, "name: expected"),
        ({"accept": "a\r\nb: c"}, "accept: expected"),
        ({"timeout_seconds": 0}, "timeout_seconds: expected a number above 0"),
        ({"ttl_seconds": float("nan")}, "ttl_seconds: expected a number above 0"),
        ({"max_bytes": -1}, "max_bytes: expected a number above 0"),
        ({"concurrent": 0}, "concurrent: expected a number above 0"),
        ({"max_bytes": "x"}, "driver 1: max_bytes: expected a whole number, found 'x'"),
        ({"supports_options": "perhaps"}, "supports_options: expected true or false, found 'perhaps'"),
        ({"test_identifiers": "did:example:a"}, "test_identifiers: expected a list of texts"),
        ({"traits": []}, "traits: expected a table"),
        ({"colour": "red"}, "driver 1: colour: a driver has no such member"),
        ({"replaces_native": True}, "replaces_native"),
    ],
)
def test_a_driver_that_cannot_be_used_is_told_of(changes: dict[str, Any], told: str) -> None:
    assert told in "\n".join(faults(**changes))


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Driver)])
def test_a_member_of_a_wrong_type_is_told_without_a_word_of_python(field: str) -> None:
    (fault,) = faults(**{field: object()})

    assert fault.startswith(f"driver 1: {field}: expected ")
    assert "`" not in fault


def test_a_driver_without_pattern_and_url_is_told_of_both() -> None:
    with pytest.raises(DriverFaults) as raised:
        read_drivers([{"name": "x"}], NATIVE)

    assert raised.value.faults == ["driver 1: pattern: is missing", "driver 1: url: is missing"]


@pytest.mark.parametrize("given", [None, "x", {}, {"drivers": {}}, {"uniresolver": []}, [GIVEN] * 257, [1]])
def test_what_is_no_list_of_drivers_is_told_of(given: Any) -> None:
    with pytest.raises(DriverFaults):
        read_drivers(given, NATIVE)


def test_every_fault_is_told_at_once_and_two_drivers_cannot_have_one_name_or_pattern() -> None:
    with pytest.raises(DriverFaults) as raised:
        read_drivers([GIVEN, GIVEN | {"timeout_seconds": 0}, GIVEN | {"name": "y", "url": "x"}], NATIVE)

    assert len(raised.value.faults) == 4
    assert "driver 'x': 2 drivers have this name" in raised.value.faults
    assert (
        "pattern 'did:example:.+': 3 drivers have it, and only the first would be asked"
        in raised.value.faults
    )


def test_a_pattern_of_exponential_cost_is_found_out_in_a_moment() -> None:
    began = time.thread_time()
    faults(pattern="did:example:(?:[a-z0-9]+)*!")

    assert time.thread_time() - began < 100 * MATCH_SECONDS


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tried(breaker: Breaker, did: str, timer: Timer, *, succeeds: bool = False) -> BreakerState:
    assert breaker.admit(did) == 0
    if succeeds:
        breaker.succeeded(did)
    else:
        breaker.failed(did, timer.now)
    breaker.ended(did)
    return breaker.state


def opened(timer: Timer) -> Breaker:
    """Return a breaker that `did:ex:slow` opened ten seconds ago."""
    breaker = Breaker(failures_to_open=1, open_seconds=10, clock=timer)
    tried(breaker, "did:ex:slow", timer)
    timer.now += 10
    return breaker


def test_a_breaker_opens_after_failures_in_a_row_and_closes_where_a_probe_succeeds() -> None:
    timer = Timer()
    breaker = Breaker(failures_to_open=2, open_seconds=10, clock=timer)

    states = [tried(breaker, f"did:ex:{n}", timer, succeeds=n == 1) for n in range(4)]
    timer.now = 4
    waiting = breaker.admit("did:ex:x")
    timer.now = 10

    assert states == [BreakerState.CLOSED] * 3 + [BreakerState.OPEN]
    assert (waiting, breaker.state) == (6, BreakerState.HALF_OPEN)
    assert tried(breaker, "did:ex:x", timer, succeeds=True) is BreakerState.CLOSED


def test_a_did_that_fails_again_and_again_counts_once() -> None:
    timer = Timer()
    breaker = Breaker(failures_to_open=2, open_seconds=10, clock=timer)

    states = [tried(breaker, "did:ex:slow", timer) for _ in range(20)]

    assert states == [BreakerState.CLOSED] * 20
    assert tried(breaker, "did:ex:other", timer) is BreakerState.OPEN


def test_slow_dids_do_not_count_where_others_were_answered_meanwhile() -> None:
    timer = Timer()
    breaker = Breaker(failures_to_open=2, open_seconds=10, clock=timer)
    timer.now = 1
    tried(breaker, "did:ex:good", timer, succeeds=True)

    for n in range(20):
        breaker.failed(f"did:ex:slow{n}", began_at=0)

    assert breaker.state is BreakerState.CLOSED


def test_a_half_open_breaker_has_a_few_probes_of_different_dids() -> None:
    breaker = opened(Timer())

    admitted = [breaker.admit(did) for did in ("did:ex:a", "did:ex:a", "did:ex:b", "did:ex:c", "did:ex:d")]

    assert admitted == [0, 1, 0, 0, 1]


def test_dids_that_failed_before_leave_the_probes_to_others() -> None:
    timer = Timer()
    breaker = opened(timer)
    tried(breaker, "did:ex:slower", timer)
    timer.now += 10

    suspects = [breaker.admit("did:ex:slow"), breaker.admit("did:ex:slower")]
    good = tried(breaker, "did:ex:good", timer, succeeds=True)
    breaker.failed("did:ex:slow", began_at=timer.now - 1)

    assert suspects == [0, 1]
    assert (good, breaker.state) == (BreakerState.CLOSED, BreakerState.CLOSED)


def test_a_probe_that_was_given_up_makes_room_for_another() -> None:
    breaker = opened(Timer())
    for did in ("did:ex:a", "did:ex:b", "did:ex:c"):
        breaker.admit(did)
    breaker.ended("did:ex:b")

    assert breaker.admit("did:ex:d") == 0


def test_a_flood_of_dids_that_fail_is_not_remembered_whole() -> None:
    timer = Timer()
    breaker = opened(timer)
    for n in range(10 * MAX_SUSPECTS):
        breaker.failed(f"did:ex:{n}", timer.now)

    assert len(breaker._suspects) == MAX_SUSPECTS
    assert len(breaker._in_a_row) == 1
