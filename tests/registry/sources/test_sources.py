"""Standing sources over the real registry, with a fake web."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from operators import Principal
from operators.approvals.approvals import Approvals
from proofs import MalformedCertificate
from registry.asking.standing import Asked, find
from registry.errors import SourceNotFound
from registry.events import Cause
from registry.identifiers import certificate_identifier
from registry.imports.terms import Right
from registry.known import FactChange
from registry.model import Authority, Definition, Entity, Fact, Identifier, kind_of
from registry.registry import Registry
from registry.sources import sources
from registry.sources.model import AnchorSource, ListSource, SourceView
from registry.sources.sources import SourceProblem, Sources
from registry.trust import Trust
from resolver import plan_for_url
from resolver.outbound.errors import UrlRefused
from storage import Engine
from tests.databases import Place
from tests.proofs.authorities import Authority as Certifier
from tests.proofs.authorities import der
from tests.registry.databases import a_database
from tests.registry.imports.lists import (
    AT,
    ISSUANCE,
    ROOT,
    document,
    entity,
    identity,
    service,
    sign,
)
from wire import Conflict, parse_utc

pytestmark = pytest.mark.anyio

URL = "https://agency.example/list.jwt"
AUTHORITY, DID, OTHER = "did:web:authority.example", "did:web:issuer.example", "did:web:other.example"
HOUR = 3_600_000_000
CA = Certifier("Issuing authority")
ISSUE = Right("issue", "PID")
LIST = ListSource(
    id="list",
    url=URL,
    authority_id=AUTHORITY,
    anchors=ROOT.certificate.public_bytes(Encoding.PEM).decode(),
    services={ISSUANCE: (ISSUE,)},
    policy="pass",
)


class World:
    """A registry with an authority, a web with one page, and a clock."""

    def __init__(self, database: Engine) -> None:
        self.now = AT
        self.page: bytes | Exception = SourceProblem("no answer")
        self.fetched: list[str] = []
        self.problems: dict[str, str | None] = {}
        self.database = database
        self.registry = Registry(database, self.clock)
        self.needs_another = False
        self.approvals = Approvals(database, clock=self.clock)
        self.sources = Sources(
            self.registry,
            database,
            fetch=self._fetch,
            check_url=partial(plan_for_url, accept="*/*", max_bytes=1),
            on_problem=self.problems.__setitem__,
            approvals=self.approvals,
            needs_another=self._needs_another,
        )
        self.operator = Principal(id="operator")

    def clock(self) -> float:
        return self.now / 1_000_000

    async def _fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if isinstance(self.page, Exception):
            raise self.page
        return self.page

    async def _needs_another(self) -> bool:
        return self.needs_another

    async def start(self) -> None:
        await self.registry.load()
        facts: tuple[Fact, ...] = (
            Entity(id="authority", names={"en": "Authority"}, identifiers=(Identifier(value=AUTHORITY),)),
            Authority(
                id="authority",
                governance_framework="https://authority.example/",
                defines=tuple(Definition(action=each, resource="PID") for each in ("issue", "status")),
            ),
        )
        changes = tuple(FactChange(kind_of(each), each.id, each, "add", 0) for each in facts)
        await self.registry.edit(
            lambda known, now: changes, lambda tx, edit: None, Cause("operator", "import")
        )

    def publish(self, *ids: str, **scheme: object) -> None:
        self.page = sign(document(*(entity(each, service(identity(each))) for each in ids), **scheme))

    def ask(self, identifier: str, at: int | None = None) -> str:
        asked = Asked(
            kind="authorization",
            authority=AUTHORITY,
            entity=identifier,
            action="issue",
            resource="PID",
            at=self.now if at is None else at,
        )
        with self.registry.reading() as known:
            return find(known, asked).reason

    async def evaluate(self, **held: object) -> dict[str, Any]:
        body = msgspec.json.encode({"authority": AUTHORITY, "resource": "PID", **held})
        answer = await Trust(self.registry, 300).evaluate(body, "application/json", None)
        found: dict[str, Any] = msgspec.json.decode(answer.body)
        return found

    async def view(self) -> SourceView:
        (found,) = (await self.sources.list()).sources
        return found

    async def audited(self) -> list[str]:
        rows = await self.database.read(lambda tx: tx.all("SELECT actor, action FROM audit ORDER BY id"))
        return [f"{row['actor']} {row['action']}" for row in rows]


@asynccontextmanager
async def a_world(place: Place) -> AsyncIterator[World]:
    async with a_database(place) as database:
        world = World(database)
        await world.start()
        yield world


async def test_a_list_is_fetched_and_what_it_says_is_answered(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)

        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        assert world.fetched == [URL]
        assert world.ask(DID) == "active"
        view = await world.view()
        assert (view.grants, view.sequence, view.problem, view.held) == (1, 7, None, 0)
        assert view.holds_until == "2026-11-30T00:00:00Z"
        assert world.problems == {"list": None}
        assert await world.audited() == ["operator registry.source.add", "source:list registry.source.taken"]


async def test_a_list_is_fetched_anew_when_it_is_due_and_not_before(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        world.publish(OTHER, LoTESequenceNumber=8)

        world.now += 6 * HOUR - 1
        await world.sources.step()
        assert (len(world.fetched), world.ask(DID)) == (1, "active")

        world.now += 1
        await world.sources.step()
        assert len(world.fetched) == 2
        assert (world.ask(DID), world.ask(DID, AT), world.ask(OTHER)) == ("expired", "active", "active")


async def test_an_unchanged_list_records_nothing(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        version = world.registry.version

        world.now += 6 * HOUR
        await world.sources.step()

        assert (len(world.fetched), world.registry.version) == (2, version)


async def test_a_source_that_fails_changes_nothing_until_it_is_vouched_for_no_more(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID, NextUpdate="2026-06-03T00:00:00Z")
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        world.page = SourceProblem("no answer")
        world.now += 24 * HOUR
        await world.sources.step()
        assert world.ask(DID) == "active"
        assert world.problems == {"list": "no answer"}

        world.now += 24 * HOUR
        await world.sources.step()
        assert world.ask(DID) == "source_expired"
        assert "not vouched for since 2026-06-03T00:00:00Z" in (world.problems["list"] or "")

        world.publish(DID, LoTESequenceNumber=8, ListIssueDateTime="2026-06-03T00:00:00Z")
        world.now += HOUR
        await world.sources.step()
        assert world.ask(DID) == "active"
        assert world.problems == {"list": None}


async def test_a_list_that_ends_soon_is_looked_at_again_and_again(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID, NextUpdate="2026-06-01T12:00:00Z")
        await world.sources.add(world.operator, LIST)

        for _ in range(3):
            await world.sources.step()
            world.now += HOUR // 6

        assert len(world.fetched) == 3


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (b"no list", "the signature of the list"),
        (sign(document(LoTESequenceNumber=6)), "the sequence number 6, and number 7 was seen before"),
        (
            sign(document(entity("\u202e", service(identity(OTHER))), LoTESequenceNumber=8)),
            "control or format",
        ),
        (sign(document(NextUpdate="2026-06-01T01:00:00Z", LoTESequenceNumber=8)), "was to be replaced"),
        (sign({"LoTE": {}}), "is missing"),
    ],
)
async def test_a_list_that_is_refused_changes_nothing(place: Place, page: bytes, problem: str) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        version = world.registry.version

        world.page = page
        world.now += 6 * HOUR
        await world.sources.step()

        assert (world.registry.version, world.ask(DID)) == (version, "active")
        assert problem in (world.problems["list"] or "")
        assert (await world.view()).sequence == 7


async def test_what_differs_is_held_until_somebody_lets_it_pass(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, replace(LIST, policy="hold"))
        await world.sources.step()
        view = await world.view()
        assert (view.held, world.ask(DID)) == (2, "entity_unknown")
        assert world.problems["list"] == "2 differences wait until somebody lets them pass"

        shown = (await world.sources.show("list")).differences
        assert [(each.what, each.kind) for each in shown] == [("add", "authorization"), ("add", "entity")]
        assert shown[1].fact["identifiers"] == [{"value": DID}]

        with pytest.raises(Conflict):
            await world.sources.refresh(world.operator, "list", lets_pass="00")
        await world.sources.refresh(world.operator, "list", lets_pass=view.held_sha256)
        await world.sources.step()

        assert ((await world.view()).held, world.ask(DID)) == (0, "active")
        assert world.problems["list"] is None
        assert (await world.sources.show("list")).differences == ()


async def test_what_was_let_pass_is_what_was_held_and_nothing_else(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, replace(LIST, policy="hold"))
        await world.sources.step()
        await world.sources.refresh(world.operator, "list", lets_pass=(await world.view()).held_sha256)

        world.publish(DID, OTHER, LoTESequenceNumber=8)
        await world.sources.step()

        assert ((await world.view()).held, world.ask(DID)) == (4, "entity_unknown")


async def test_a_source_that_is_removed_grants_nothing_more(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        world.now += HOUR
        await world.sources.remove(world.operator, "list")

        assert (world.ask(DID), world.ask(DID, AT)) == ("expired", "active")
        assert (await world.sources.list()).sources == ()
        with pytest.raises(SourceNotFound):
            await world.sources.remove(world.operator, "list")


async def test_a_file_of_certificates_holds_for_as_long_as_the_operator_says(place: Place) -> None:
    async with a_world(place) as world:
        world.page = CA.certificate.public_bytes(Encoding.PEM)
        source = AnchorSource(
            id="anchors",
            url=URL,
            authority_id=AUTHORITY,
            rights=(ISSUE,),
            policy="pass",
            vouched_seconds=7_200,
        )
        await world.sources.add(world.operator, source)
        await world.sources.step()
        identifier = certificate_identifier(CA.der)

        assert world.ask(identifier) == "active"
        world.page = SourceProblem("no answer")
        world.now += 2 * HOUR
        assert world.ask(identifier) == "source_expired"


async def test_a_look_that_finds_nothing_new_is_no_revision_of_the_authority_but_now_and_then(
    place: Place,
) -> None:
    """Else nobody could edit the authority by a change set that waits for another person."""
    async with a_world(place) as world:
        world.page = CA.certificate.public_bytes(Encoding.PEM)
        await world.sources.add(
            world.operator,
            AnchorSource(
                id="list",
                url=URL,
                authority_id=AUTHORITY,
                rights=(ISSUE,),
                policy="pass",
                vouched_seconds=48 * 3_600,
                every_seconds=3_600,
            ),
        )
        await world.sources.step()
        first, versions = world.registry.version, []
        for _ in range(30):
            world.now += HOUR
            await world.sources.step()
            versions.append(world.registry.version - first)

        assert versions == [0] * 24 + [1] * 6
        world.page = SourceProblem("no answer")
        world.now += 42 * HOUR
        assert world.ask(certificate_identifier(CA.der)) == "active"
        world.now += HOUR
        assert world.ask(certificate_identifier(CA.der)) == "source_expired"


async def test_a_source_is_added_once_and_with_anchors(place: Place) -> None:
    async with a_world(place) as world:
        await world.sources.add(world.operator, LIST)

        with pytest.raises(Conflict):
            await world.sources.add(world.operator, LIST)
        with pytest.raises(MalformedCertificate):
            await world.sources.add(world.operator, replace(LIST, id="other", anchors="none"))
        with pytest.raises(SourceNotFound):
            await world.sources.refresh(world.operator, "other")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/list", "https://user:secret@lists.example/", "https://lists.example:22/list"]
)
async def test_a_source_that_we_would_not_fetch_is_not_added(place: Place, url: str) -> None:
    async with a_world(place) as world:
        with pytest.raises(UrlRefused):
            await world.sources.add(world.operator, replace(LIST, url=url))

        assert ((await world.sources.list()).sources, await world.audited()) == ((), [])


async def test_the_sources_are_no_more_than_can_be_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_SOURCES", 1)
    async with a_world(place) as world:
        await world.sources.add(world.operator, LIST)

        with pytest.raises(Conflict, match="there are 1 sources"):
            await world.sources.add(world.operator, replace(LIST, id="other"))


async def test_a_source_whose_authority_is_not_there_says_so(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)

        await world.sources.add(world.operator, replace(LIST, authority_id=OTHER))
        await world.sources.step()

        assert world.problems == {"list": "the authority in whose name it grants is not in the registry"}


async def test_a_wallet_asks_with_the_certificate_of_a_signer_below_a_listed_authority(place: Place) -> None:
    """Only the list has the authority's certificate; the key identifier in the signer's finds it."""
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.private_key.public_key())
    signer = der(CA.leaf(extensions={x509.AuthorityKeyIdentifier: (above, False)}))
    async with a_world(place) as world:
        world.page = sign(document(entity("Issuer", service(identity(certificates=[CA.certificate])))))
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        found = await world.evaluate(x5c=[base64.b64encode(signer).decode()])

        assert (found["decision"], found["reason"]) == ("yes", "active")
        path = [certificate_identifier(each) for each in (signer, CA.der)]
        assert found["results"][0]["identifier"]["path"] == path


async def test_what_a_list_vouched_for_is_unknown_to_a_wallet_once_it_has_ended(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        world.now = parse_utc("2026-12-01T00:00:00Z")
        now, then = await world.evaluate(did=DID), await world.evaluate(did=DID, time="2026-06-02T00:00:00Z")

        assert (now["decision"], now["reason"]) == ("unknown", "source_expired")
        assert (then["decision"], then["reason"]) == ("yes", "active")


async def test_a_source_that_we_fail_at_does_not_keep_others_waiting(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(place) as world:
        world.page = AssertionError("planted")
        await world.sources.add(world.operator, LIST)
        await world.sources.add(world.operator, replace(LIST, id="other"))

        await world.sources.step()

        assert len(world.fetched) == 2
        assert world.problems == dict.fromkeys(
            ("list", "other"), "looking at it failed; the log of the server says why"
        )
        assert "planted" in caplog.text
