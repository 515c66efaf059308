"""A registry that is edited, its feed, and subscribers in a fake web behind the real guard."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from operators import AlarmKind
from proofs import Algorithm, Signer, SignerAway
from registry import Cause, Entity, Fact, FactChange
from registry.feed import ReceivedSet, read_set
from registry.feed.changes import ChangePage, Filter
from registry.feed.deliveries import Deliveries
from registry.feed.reading import Feed, Wanted
from registry.feed.subscribers import Subscribers
from registry.feed.views import CreateSubscriber, Replay, SubscriberView
from registry.model import Grant, Identifier, kind_of
from server.receivers import Receivers, receiver_of
from storage import Engine
from tests.actors import ROOT
from tests.clock import Clock
from tests.databases import Place
from tests.proofs.documents import SIGNERS
from tests.registry.databases import a_database
from tests.registry.examples import NOW
from tests.registry.wing import Wing
from tests.simulator import Host, Request, Script, World, canned

TAKEN = canned(b"", 202)


def an_entity(name: str, **changes: Any) -> Entity:
    identifiers = (Identifier(value=f"did:web:{name}.example"),)
    return Entity(**({"id": name, "names": {"en": name}, "identifiers": identifiers} | changes))


def a_grant_to(entity_id: str, **changes: Any) -> Grant:
    values: dict[str, Any] = {
        "id": f"may-{entity_id}",
        "kind": "authorization",
        "authority_id": "edu",
        "entity_id": entity_id,
        "action": "issue",
        "resource": "Degree",
        "valid_from": NOW,
    }
    return Grant(**(values | changes))


class Feeding:
    """
    One process that edits, shows and pushes.

    Attributes:
        alarms: what is wrong, by subject.
        received: what each subscriber took or refused, in order, verified.
    """

    def __init__(self, database: Engine, clock: Clock, world: World, post: Any) -> None:
        self.database, self.clock, self.world = database, clock, world
        self.wing = Wing(database, clock)
        self.feed = Feed(self.wing.registry, database, clock=clock)
        self.subscribers = Subscribers(database, check_url=receiver_of, clock=clock)
        self.alarms: dict[str, str] = {}
        self.received: dict[str, list[ReceivedSet]] = {}
        self.signing: Signer | None = SIGNERS[Algorithm.ED25519]
        self.deliveries = Deliveries(
            database,
            post=post,
            signer=self._signer,
            clock=clock,
            timer=clock,
            jitter=lambda: 1.0,
            on_state=self._on_state,
        )

    def _signer(self) -> Signer:
        if self.signing is None:
            raise SignerAway("the token is away")
        return self.signing

    def _on_state(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        assert kind is AlarmKind.SUBSCRIBER_BEHIND
        self.alarms.pop(subject, None)
        if reason is not None:
            self.alarms[subject] = reason

    async def record(self, *facts: Fact, what: str = "add", occasion: str = "change-set") -> None:
        """Record facts as one version."""
        changes = tuple(
            FactChange(kind_of(fact), fact.id, fact, what, int(self.clock() * 1_000_000)) for fact in facts
        )
        await self.change(*changes, occasion=occasion)

    async def change(self, *changes: FactChange, occasion: str = "change-set") -> None:
        cause = Cause("ada", occasion, change_set=7)
        await self.wing.registry.edit(lambda known, now: changes, lambda tx, edit: None, cause)

    async def entities(self, *numbers: int) -> None:
        """Record entities, each as a version of its own."""
        for number in numbers:
            await self.record(an_entity(f"e{number}"))

    async def page(self, since: int = 0, limit: int = 100, **filters: str) -> ChangePage:
        return await self.feed.page(Wanted(since=since, limit=limit, **filters))

    async def subscribe(
        self, name: str, *, script: Script = TAKEN, since: int | None = 0, **filters: Any
    ) -> Host:
        """Add a subscriber, whose host answers by `script`."""
        host = self.world.host(f"{name}.example")
        await self.subscribers.add(
            ROOT,
            CreateSubscriber(
                id=name,
                url=f"https://{name}.example/events",
                audience=f"https://{name}.example",
                since=since,
                filters=Filter(**filters),
            ),
        )
        self.answers(host, script)
        return host

    def answers(self, host: Host, script: Script) -> None:
        """Let a subscriber answer by `script` from now on; what it is sent is verified and kept."""
        host.answer("/events", self._keeping(host.name.removesuffix(".example"), script))

    def _keeping(self, name: str, script: Script) -> Script:
        async def keep(request: Request, writer: asyncio.StreamWriter) -> None:
            signer = SIGNERS[Algorithm.ED25519]
            found = read_set(
                request.body,
                signer.public_key,
                issuer=signer.controller,
                audience=f"https://{name}.example",
            )
            self.received.setdefault(name, []).append(found)
            await script(request, writer)

        return keep

    async def push(self) -> None:
        """Take one step, and wait for all that it began."""
        await self.deliveries.step()
        await asyncio.gather(*self.deliveries.under_way())

    async def replay(self, name: str, position: int) -> None:
        await self.subscribers.replay(ROOT, name, Replay(from_=position))

    async def shown(self, name: str) -> SubscriberView:
        page = await self.subscribers.page()
        return next(each for each in page.subscribers if each.id == name)

    def positions(self, name: str) -> list[int]:
        return [each.change.position for each in self.received.get(name, [])]


@asynccontextmanager
async def feeding_at(place: Place, clock: Clock, **parameters: Any) -> AsyncIterator[Feeding]:
    async with a_database(place) as database, World() as world, world.guard(**parameters) as guard:
        feeding = Feeding(database, clock, world, Receivers(guard).post)
        await feeding.wing.load()
        try:
            yield feeding
        finally:
            await feeding.deliveries.leave()


def refusing(status: int, err: str = "", description: str = "") -> Script:
    """Answer as RFC 8935, section 2.3."""
    body = json.dumps({"err": err, "description": description}).encode() if err else b""
    return canned(body, status, content_type="application/json")


def in_turn(*scripts: Script) -> Script:
    """Answer by each script once, and by the last from then on."""
    waiting = list(scripts)

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request, writer)

    return script


Settled = Callable[[], bool]


async def until(settled: Settled, seconds: float = 30.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not settled():
            await asyncio.sleep(0.01)
