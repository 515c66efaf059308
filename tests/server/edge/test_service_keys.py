"""API keys on the public listener, one by one: when the database is asked, and what holds until it answers."""

import asyncio
from collections import Counter

import pytest

from operators import EVERYTHING, Principal, Role, Scope, issuer_scope
from operators.actors.api_keys import new_api_key
from server.edge.callers import Caller
from server.edge.limits import TokenBuckets
from server.edge.service_keys import BELIEVED_SECONDS, WAIT_SECONDS, ServiceKeys
from server.telemetry.counters import Telemetry
from storage import DatabaseUnavailable
from tests.actors import acting
from tests.clock import Clock
from wire import Unauthenticated

pytestmark = pytest.mark.anyio

HERE = Caller("203.0.113.7", "203.0.113.7")
KEY = b"Bearer tsk_" + b"A" * 12 + b"_" + b"B" * 43
SERVICE = HERE.as_service("verifier")


class Node:
    """What a listener knows of keys, over operators who answer as they are told."""

    def __init__(self, clock: Clock, *, cpu_rate: float = 100.0) -> None:
        self.asked: Counter[str] = Counter()
        self.good = {KEY.decode()}
        self.scopes = frozenset[Scope]()
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.telemetry = Telemetry()
        buckets = TokenBuckets(cpu_rate, clock)
        self.keys = ServiceKeys(
            self._authenticate,
            buckets.take,
            scopes_of=self._scopes_of,
            telemetry=self.telemetry,
            timer=lambda: clock.now,
        )

    async def _scopes_of(self, principal_id: str) -> frozenset[Scope]:
        assert principal_id == "verifier"
        return self.scopes

    async def _authenticate(self, authorization: str) -> Principal:
        self.asked[authorization] += 1
        await self.answers.wait()
        if self.is_away:
            raise DatabaseUnavailable("away")
        if authorization not in self.good:
            raise Unauthenticated("this API key is not valid")
        return acting("verifier", Role.VIEWER)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def node(clock: Clock) -> Node:
    return Node(clock)


async def test_a_key_is_looked_up_once_in_the_time_for_which_it_is_believed(node: Node, clock: Clock) -> None:
    together = await asyncio.gather(*(node.keys.caller(KEY, HERE) for _ in range(20)))
    clock.now += BELIEVED_SECONDS * 0.9
    later = await node.keys.caller(KEY, HERE)
    before = node.asked.total()
    clock.now += BELIEVED_SECONDS * 0.2
    await node.keys.caller(KEY, HERE)

    assert [*together, later] == [SERVICE] * 21
    assert (before, node.asked.total()) == (1, 2)


@pytest.mark.parametrize(
    ("scopes", "account"),
    [
        ((), "trusted verifier"),
        ((EVERYTHING, issuer_scope("acme")), "trusted verifier"),
        ((issuer_scope("acme"),), "trusted issuer:acme"),
        ((issuer_scope("bank"), issuer_scope("acme")), "trusted issuer:acme"),
    ],
)
async def test_services_that_an_administrator_of_one_issuer_can_make_share_an_account(
    node: Node, scopes: tuple[Scope, ...], account: str
) -> None:
    node.scopes = frozenset(scopes)
    found = await node.keys.caller(KEY, HERE)

    assert found == Caller(account, HERE.address, "key", "verifier")


async def test_a_revoked_key_is_a_strangers_once_it_is_looked_up_again(node: Node, clock: Clock) -> None:
    first = await node.keys.caller(KEY, HERE)
    node.good.clear()
    clock.now += BELIEVED_SECONDS
    found = [await node.keys.caller(KEY, HERE) for _ in range(3)]

    assert (first, found) == (SERVICE, [HERE] * 3)
    assert node.asked.total() == 2


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        b"Basic dXNlcjpwYXNzd29yZA==",
        KEY[:-1],
        KEY + b"B",
        KEY + b"," + KEY,
        KEY.replace(b"Bearer", b"Basic"),
        b"Bearer \xff\xfe",
        b"\xa0" + KEY,
    ],
)
async def test_what_has_not_the_form_of_a_key_is_passed_over(node: Node, header: bytes) -> None:
    assert await node.keys.caller(header, HERE) == HERE
    assert not node.asked


def _made_up(count: int) -> list[bytes]:
    return [f"Bearer {new_api_key(lambda n, i=i: bytes([i] * n)).text}".encode() for i in range(count)]


async def test_made_up_keys_are_looked_up_at_the_rate_of_a_strangers_computations(clock: Clock) -> None:
    node = Node(clock, cpu_rate=5.0)
    flood = _made_up(100)
    callers = [await node.keys.caller(key, HERE) for key in flood]
    at_once = node.asked.total()
    clock.now += 2.0
    await asyncio.gather(*(node.keys.caller(key, HERE) for key in flood))

    assert callers == [HERE] * 100
    assert (at_once, node.asked.total()) == (10, 20)
    assert node.telemetry.service_keys == {"refused": 20, "unpaid": 180}


async def test_strangers_at_the_same_address_cannot_keep_a_good_key_from_being_known(clock: Clock) -> None:
    node = Node(clock, cpu_rate=0.5)
    await node.keys.caller(KEY, HERE)
    for key in _made_up(100):
        await node.keys.caller(key, HERE)
    clock.now += BELIEVED_SECONDS

    assert await node.keys.caller(KEY, HERE) == SERVICE
    assert node.asked[KEY.decode()] == 2


async def test_while_the_database_is_away_a_key_is_what_it_was(node: Node, clock: Clock) -> None:
    await node.keys.caller(KEY, HERE)
    node.is_away = True
    for _ in range(3):
        clock.now += BELIEVED_SECONDS
        known, unknown = await node.keys.caller(KEY, HERE), await node.keys.caller(_made_up(1)[0], HERE)

        assert (known, unknown) == (SERVICE, HERE)
    assert node.telemetry.service_keys == {"good": 1, "unavailable": 6}


async def test_while_the_database_hangs_requests_wait_once_and_a_key_is_what_it_was(
    node: Node, clock: Clock
) -> None:
    await node.keys.caller(KEY, HERE)
    node.answers.clear()
    clock.now += BELIEVED_SECONDS
    async with asyncio.timeout(WAIT_SECONDS * 4):
        found = [await node.keys.caller(KEY, HERE) for _ in range(50)]
    node.good.clear()
    node.answers.set()
    while node.asked.total() != node.telemetry.service_keys.total():
        await asyncio.sleep(0)

    assert found == [SERVICE] * 50
    assert node.asked.total() == 2
    assert await node.keys.caller(KEY, HERE) == HERE
