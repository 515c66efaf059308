"""What is seen of registered DIDs is kept, once, with its times, on either engine and by several processes."""

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from observatory import observations
from observatory.alarm_store import MAX_OPEN
from observatory.document_store import MAX_BYTES_PER_DAY, faulty_documents
from observatory.key_alarms import Acknowledge, Announce, KeyAlarms, ObservationPage
from observatory.observations import MAX_WAITING, Observations
from operators import Principal, Role
from resolver.sources.source import Nothing, Observed
from server.database import MIGRATIONS
from storage import DatabaseUnavailable, Engine, migrate, read_audit
from storage.copying import copy_rows
from tests.actors import acting
from tests.databases import RULE_BROKEN, Place, PostgresPlace, SqlitePlace
from tests.observatory.documents import DID, a_document
from wire import BadRequest, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio

OTHER = "did:web:other.example"
START = 1_800_000_000.0  # seconds since 1970
ADMIN = acting("root", Role.ADMINISTRATOR)
ONE_ISSUER = acting("acme", Role.ADMINISTRATOR, issuer_id="acme")
NOT_ADMIN = acting("clerk", Role.EDITOR)


def as_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


A, B, C = (as_json(a_document(name)) for name in "abc")
A_AGAIN = as_json(a_document("a", alsoKnownAs=["https://uni.example"]))  # the same key, another document


class Node:
    """One process: its engine, its observations, and what an operator asks it."""

    def __init__(self, database: Engine) -> None:
        self.database = database
        self.now = START
        self.registered = frozenset({DID})
        self.observations = Observations(database, is_registered=self.is_registered, clock=lambda: self.now)
        self.alarms = KeyAlarms(database, is_registered=self.is_registered, clock=lambda: self.now)

    def is_registered(self, did: str) -> bool:
        return did in self.registered

    async def saw(self, *documents: tuple[float, bytes | Nothing], spacing: int = 0) -> None:
        """See documents at seconds after the start, writing after each."""
        for seconds, document in documents:
            self.observations.seen(DID, document, START + seconds)
            await self.observations.flush(spacing)

    async def at(self, seconds: float) -> Observed | None:
        return await self.observations.observed(DID, START + seconds)

    async def page(self) -> ObservationPage:
        return await self.alarms.page(DID)

    async def intervals(self) -> list[tuple[float, float, str]]:
        """Return the intervals in seconds after the start, and the first of the digits of their documents."""
        rows = await self.database.read(
            lambda tx: tx.all("SELECT * FROM observations ORDER BY first_seen, id")
        )
        return [
            (
                round(row["first_seen"] / 1e6 - START, 3),
                round(row["last_seen"] / 1e6 - START, 3),
                row["digest"],
            )
            for row in rows
        ]


def digest(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


@asynccontextmanager
async def _nodes(place: Place, count: int) -> AsyncIterator[list[Node]]:
    databases = [place.open() for _ in range(count)]
    try:
        for database in databases:
            await migrate(database, MIGRATIONS)
        yield [Node(database) for database in databases]
    finally:
        for database in databases:
            database.close()


@pytest.fixture
async def node(place: Place) -> AsyncIterator[Node]:
    async with _nodes(place, 1) as nodes:
        yield nodes[0]


@pytest.fixture
async def two(place: Place) -> AsyncIterator[list[Node]]:
    async with _nodes(place, 2) as nodes:
        yield nodes


async def test_a_document_is_kept_once_with_its_times_and_what_is_not_registered_is_not(node: Node) -> None:
    node.observations.seen(OTHER, B, START)
    await node.saw((0, A), (100, A), (200, A))

    assert await node.intervals() == [(0, 200, digest(A))]
    rows = await node.database.read(lambda tx: tx.all("SELECT * FROM observed_documents"))
    assert [bytes(row["body"]) for row in rows] == [A]


async def test_a_change_back_is_a_new_interval_of_the_same_document(node: Node) -> None:
    await node.saw((0, A), (10, B), (20, A))

    assert await node.intervals() == [(0, 0, digest(A)), (10, 10, digest(B)), (20, 20, digest(A))]
    rows = await node.database.read(lambda tx: tx.all("SELECT digest FROM observed_documents"))
    assert len(rows) == 2


async def test_confirmations_are_written_once_a_minute_and_known_before(node: Node) -> None:
    await node.saw((0, A), (10, A), (59, A), spacing=60_000_000)
    unwritten, known = await node.intervals(), await node.at(50)
    await node.saw((60, A), spacing=60_000_000)

    assert unwritten == [(0, 0, digest(A))]
    assert known is not None
    assert known.last_seen == START + 59
    assert await node.intervals() == [(0, 60, digest(A))]


async def test_until_when_a_document_held_is_written_with_the_one_after_it(node: Node) -> None:
    await node.saw((0, A), (50, A), (55, B), spacing=60_000_000)

    assert await node.intervals() == [(0, 50, digest(A)), (55, 55, digest(B))]


async def test_observed_is_what_was_seen_before_and_after_and_nothing_else(node: Node) -> None:
    await node.saw((10, A), (20, A), (40, B), (50, B))

    seen = {seconds: await node.at(seconds) for seconds in (9.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 51.0)}

    digests = {seconds: found.digest for seconds, found in seen.items() if found is not None}
    assert digests == {
        10.0: digest(A),
        15.0: digest(A),
        20.0: digest(A),
        40.0: digest(B),
        50.0: digest(B),
    }
    assert seen[15.0] == Observed(document=A, digest=digest(A), first_seen=START + 10, last_seen=START + 20)


async def test_a_time_in_whole_seconds_stands_for_that_second(node: Node) -> None:
    await node.saw((10.5, A), (20.5, A))

    assert await node.at(10) is not None
    assert await node.at(20) is not None
    assert await node.at(10.4) is None
    assert await node.at(21) is None


async def test_two_processes_that_see_the_same_make_one_interval(two: list[Node]) -> None:
    one, other = two
    await one.saw((0, A), (30, A))
    await other.saw((10, A), (40, A))

    assert await one.intervals() == [(0, 40, digest(A))]
    assert (await one.page()).alarms == ()


async def test_of_two_processes_that_see_a_change_at_once_the_later_may_tell_first(two: list[Node]) -> None:
    one, other = two
    await one.saw((0, A))
    await other.saw((10.2, B))
    await one.saw((10.1, B))
    await one.saw((20, B))

    assert await one.intervals() == [(0, 0, digest(A)), (10.2, 20, digest(B))]
    assert len((await one.page()).alarms) == 1


async def test_what_was_seen_long_before_the_first_interval_is_one_of_its_own(two: list[Node]) -> None:
    one, other = two
    await one.saw((1_000, A))
    await other.saw((0, A))

    assert await one.intervals() == [(0, 0, digest(A)), (1_000, 1_000, digest(A))]
    assert (await one.page()).alarms == ()


async def test_what_is_told_late_finds_its_place(two: list[Node]) -> None:
    one, other = two
    await one.saw((0, A), (20, B))
    await other.saw((10, A), (30, B))

    assert await one.intervals() == [(0, 10, digest(A)), (20, 30, digest(B))]
    assert len((await one.page()).alarms) == 1


async def test_where_two_documents_were_seen_at_one_time_nobody_can_tell(two: list[Node]) -> None:
    one, other = two
    await one.saw((0, A), (60, A))
    await other.saw((30, B))

    answers = [await one.at(seconds) for seconds in (0, 29, 30, 31, 60)]

    assert [found and found.digest for found in answers] == [digest(A), None, None, None, digest(A)]
    assert len((await one.page()).alarms) == 1


async def test_what_is_told_late_leaves_what_was_certain_before_the_last_look(two: list[Node]) -> None:
    one, other = two
    await one.saw((0, A), (1_000, A), (1_060, A))
    await other.saw((1_030, B))

    answers = [await one.at(seconds) for seconds in (500, 1_000, 1_010, 1_030, 1_050, 1_060)]

    certain = digest(A)
    assert [found and found.digest for found in answers] == [certain, certain, None, None, None, certain]


async def test_no_process_prolongs_its_document_across_another_that_a_second_process_saw(
    two: list[Node],
) -> None:
    one, other = two
    await one.saw((0, A))
    await other.saw((600, B), (1_200, B))
    await one.saw((1_800, A), spacing=60_000_000)
    await one.saw((2_400, A))

    answers = {seconds: await other.at(seconds) for seconds in (0, 300, 599, 900, 1_201, 1_500, 1_800, 2_100)}
    assert {seconds: found.digest for seconds, found in answers.items() if found is not None} == {
        0: digest(A),
        900: digest(B),
        1_800: digest(A),
        2_100: digest(A),
    }
    assert await one.intervals() == [(0, 0, digest(A)), (600, 1_200, digest(B)), (1_800, 2_400, digest(A))]
    alarms = (await one.page()).alarms
    assert [(alarm.before, alarm.after) for alarm in alarms] == [
        (digest(A), digest(B)),
        (digest(B), digest(A)),
    ]


async def test_a_confirmation_that_is_not_written_yet_is_not_stretched_across_another_document(
    two: list[Node],
) -> None:
    one, other = two
    await one.saw((0, A))
    await other.saw((10, B))
    one.observations.seen(DID, A, START + 20)

    assert await one.at(5) is None
    assert await one.at(15) is None


async def test_writing_again_changes_nothing(node: Node, place: Place) -> None:
    await node.saw((0, A), (10, B))
    again = Node(node.database)
    await again.saw((0, A), (10, B))

    assert len(await node.intervals()) == 2
    assert len((await node.page()).alarms) == 1
    assert place.query("SELECT count(*) FROM audit") == [(1,)]


async def test_an_unannounced_change_of_keys_is_an_alarm_a_log_line_a_count_and_an_audit_row(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "touchstone.observations"):
        await node.saw((0, A), (10, B))

    (alarm,) = (await node.page()).alarms
    (line,) = caplog.records
    (audit,) = await node.database.read(read_audit)
    assert [key.id for key in alarm.changes.added] == [f"{DID}#b"]
    assert [key.id for key in alarm.changes.removed] == [f"{DID}#a"]
    assert (alarm.did, alarm.before, alarm.after) == (DID, digest(A), digest(B))
    assert (line.levelname, line.event, line.alarm) == ("WARNING", "key_change", alarm.alarm)  # type: ignore[attr-defined]
    assert DID not in line.getMessage()
    assert (audit.action, audit.subject, audit.detail["alarm"]) == ("did.key_change", DID, alarm.alarm)
    assert audit.detail["added"][0]["thumbprint"].startswith("jwk:")
    assert node.observations.key_changes == 1


async def test_another_document_with_the_same_keys_is_no_alarm(node: Node) -> None:
    await node.saw((0, A), (10, A_AGAIN))

    assert len(await node.intervals()) == 2
    assert (await node.page()).alarms == ()
    assert node.observations.key_changes == 0


async def test_an_announced_change_is_no_alarm_and_the_one_after_its_end_is(node: Node) -> None:
    await node.saw((0, A))
    await node.alarms.announce(ADMIN, Announce(did=DID, not_after="2027-01-15T09:00:00Z"))
    await node.saw((10, B))
    during = (await node.page()).alarms
    await node.saw((100_000, C))

    assert during == ()
    assert len((await node.page()).alarms) == 1
    actions = [row.action for row in await node.database.read(read_audit)]
    assert actions == ["key_change.announce", "did.key_change", "did.key_change"]


async def test_an_alarm_is_open_until_it_is_acknowledged_once(node: Node) -> None:
    await node.saw((0, A), (10, B), (20, A), (30, B))
    alarms = (await node.page()).alarms
    first = await node.alarms.acknowledge(ADMIN, Acknowledge(alarm=alarms[0].alarm))
    again = await node.alarms.acknowledge(ADMIN, Acknowledge(alarm=alarms[0].alarm))

    assert [(alarm.before, alarm.after) for alarm in alarms] == [
        (digest(A), digest(B)),
        (digest(B), digest(A)),
    ]
    assert first == again
    assert first.acknowledged_by == "root"
    assert (await node.page()).alarms == alarms[1:]
    actions = [row.action for row in await node.database.read(read_audit)]
    assert actions.count("key_change.acknowledge") == 1


@pytest.mark.parametrize("principal", [ONE_ISSUER, NOT_ADMIN], ids=["one issuer's", "no admin"])
async def test_only_an_admin_of_all_issuers_acts_on_alarms(node: Node, principal: Principal) -> None:
    with pytest.raises(Forbidden):
        await node.alarms.acknowledge(principal, Acknowledge(alarm=1))
    with pytest.raises(Forbidden):
        await node.alarms.announce(principal, Announce(did=DID, not_after="2027-01-15T09:00:00Z"))


async def test_what_is_not_there_cannot_be_acknowledged_or_announced(node: Node) -> None:
    with pytest.raises(ResourceNotFound):
        await node.alarms.acknowledge(ADMIN, Acknowledge(alarm=1))
    with pytest.raises(ResourceNotFound):
        await node.alarms.announce(ADMIN, Announce(did=OTHER, not_after="2027-01-15T09:00:00Z"))
    for not_after in ("tomorrow", "2027-03-01T00:00:00Z"):
        with pytest.raises(BadRequest):
            await node.alarms.announce(ADMIN, Announce(did=DID, not_after=not_after))


async def test_a_page_ends_where_the_next_begins(node: Node) -> None:
    await node.saw((0, A), (10, B), (20, C))
    first = await node.alarms.page(limit=2)
    second = await node.alarms.page(after=first.next or 0, limit=2)

    assert [each.digest for each in (*first.observations, *second.observations)] == [
        digest(document) for document in (A, B, C)
    ]
    assert second.next is None
    assert (await node.alarms.page(OTHER)).observations == ()


async def test_every_change_is_counted_and_told_however_many_alarms_are_open(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    changes = MAX_OPEN + 3
    names = [f"k{number}" for number in range(changes + 1)]
    await node.saw(*((float(n), as_json(a_document(name))) for n, name in enumerate(names)))

    alarms = (await node.page()).alarms
    told = [record.alarm for record in caplog.records]  # type: ignore[attr-defined]
    assert node.observations.key_changes == changes
    assert len(alarms) == MAX_OPEN
    assert told == [alarm.alarm for alarm in alarms] + [alarms[-1].alarm] * 3
    assert len(await node.database.read(read_audit)) == changes


async def test_the_alarms_of_one_did_do_not_hide_those_of_another(node: Node) -> None:
    def told(did: str, name: str) -> bytes:
        return as_json(a_document(name, did=did))

    loud = [f"did:web:loud{number}.example" for number in range(6)]
    node.registered = frozenset({*loud, DID})
    for number in range(MAX_OPEN + 1):
        for did in loud:
            node.observations.seen(did, told(did, f"k{number}"), START + number)
    for number in range(2):
        node.observations.seen(DID, told(DID, f"k{number}"), START + 100 + number)
    await node.observations.flush()

    first = await node.alarms.open_alarms()
    second = await node.alarms.open_alarms(after=first.next or 0)
    newest = await node.alarms.page()
    every = [*first.alarms, *second.alarms]
    assert len({alarm.alarm for alarm in every}) == 6 * MAX_OPEN + 1
    assert (len(first.alarms), second.next) == (100, None)
    assert DID in [alarm.did for alarm in every]
    assert DID in [alarm.did for alarm in newest.alarms]
    assert [alarm.did for alarm in (await node.alarms.open_alarms(DID)).alarms] == [DID]


async def test_a_document_that_is_another_at_every_look_does_not_fill_the_disk(node: Node) -> None:
    size = 250_000
    documents = [as_json(a_document("a", padding=f"{n:0{size}}")) for n in range(18)]
    await node.saw(*((float(n), document) for n, document in enumerate(documents)))
    await node.saw((100.0, as_json(a_document("b", padding="0" * size))))

    stored = await node.database.read(
        lambda tx: tx.one("SELECT sum(length(body)) AS bytes FROM observed_documents")
    )
    assert stored is not None
    assert stored["bytes"] <= MAX_BYTES_PER_DAY
    assert len(await node.intervals()) == 19
    assert node.observations.dropped == 3
    assert await node.at(17) is None
    assert len((await node.page()).alarms) == 1


@pytest.mark.parametrize("nothing", list(Nothing))
async def test_where_no_document_was_seen_the_one_before_ends_and_begins_anew(
    node: Node, nothing: Nothing
) -> None:
    await node.saw((0, A), (10, A), (20, nothing), (30, nothing), (40, A), (50, A))

    answers = [await node.at(seconds) for seconds in (5, 10, 15, 20, 25, 35, 40, 45)]
    held = digest(A)
    assert [found and found.digest for found in answers] == [held, held, None, None, None, None, held, held]
    assert await node.intervals() == [(0, 10, held), (20, 30, nothing), (40, 50, held)]
    assert [each.digest for each in (await node.page()).observations] == [held, nothing, held]
    clean = await node.database.read(lambda tx: faulty_documents(tx, after="", limit=10))
    assert clean[0] == []


@pytest.mark.parametrize("document", [A, as_json(a_document())], ids=["a key", "no key"])
async def test_a_deactivation_is_an_alarm_and_so_is_its_end(
    node: Node, document: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await node.saw((0, document), (10, Nothing.DEACTIVATED), (15, Nothing.NOT_FOUND), (20, document))

    alarms = (await node.page()).alarms
    assert [(alarm.before, alarm.after) for alarm in alarms] == [
        (digest(document), "deactivated"),
        ("deactivated", digest(document)),
    ]
    assert node.observations.key_changes == 2
    assert "was deactivated" in caplog.records[0].getMessage()


@pytest.mark.parametrize("nothing", [Nothing.NOT_FOUND, Nothing.REFUSED])
async def test_a_key_that_changes_while_nothing_is_found_is_an_alarm_and_its_return_is_none(
    node: Node, nothing: Nothing
) -> None:
    await node.saw((0, nothing), (10, A), (20, nothing), (30, A))
    before = (await node.page()).alarms
    await node.saw((40, nothing), (50, B))

    assert before == ()
    assert [(alarm.before, alarm.after) for alarm in (await node.page()).alarms] == [(digest(A), digest(B))]


async def _filled_up(node: Node) -> None:
    """See so many documents within a day that there is no room for another one."""
    size = 250_000
    documents = [as_json(a_document("a", padding=f"{n:0{size}}")) for n in range(17)]
    await node.saw(*((float(n), document) for n, document in enumerate(documents)))


LARGE = as_json(a_document("b", padding="0" * 250_000))
DAY = 86_400.0  # seconds


async def test_a_document_for_which_there_was_no_room_is_kept_as_soon_as_there_is(node: Node) -> None:
    await _filled_up(node)
    await node.saw((100, LARGE), (3_600, LARGE))
    before, dropped = await node.at(200), node.observations.dropped
    await node.saw((100 + DAY, LARGE), (200 + DAY, LARGE))

    assert before is None
    assert (await node.at(200) or pytest.fail("not kept")).document == LARGE
    assert node.observations.dropped == dropped == 2
    assert node.observations._waiting_bytes == 0


async def test_another_process_keeps_a_document_for_which_there_was_no_room(two: list[Node]) -> None:
    one, other = two
    await _filled_up(one)
    await one.saw((100, LARGE))
    await other.saw((100 + DAY, LARGE))

    assert (await one.at(100) or pytest.fail("not kept")).document == LARGE
    assert len(await one.intervals()) == 18


async def test_two_documents_that_take_turns_use_the_room_of_two(node: Node) -> None:
    other = as_json(a_document("a", padding="1" * 250_000))
    await node.saw(*((float(n), (LARGE, other)[n % 2]) for n in range(40)), (50.0, A))

    assert (await node.at(50) or pytest.fail("not kept")).document == A


async def test_what_waits_is_bounded_and_written_once_the_database_is_back(node: Node) -> None:
    class Away:
        is_away = True

        async def write(self, fn: Callable[..., Any]) -> Any:
            if self.is_away:
                raise DatabaseUnavailable("away")
            return await node.database.write(fn)

    database = Away()
    observations = Observations(
        database,  # type: ignore[arg-type]
        is_registered=lambda did: did == DID,
        clock=lambda: START,
    )
    for seconds in range(MAX_WAITING + 10):
        observations.seen(DID, as_json(a_document("a", number=seconds)), START + seconds)
    with pytest.raises(DatabaseUnavailable):
        await observations.flush()
    database.is_away = False
    await observations.flush()

    assert observations.dropped == 10
    assert len(await node.intervals()) == MAX_WAITING


async def test_db_copy_takes_everything_to_the_other_engine(
    node: Node, place: Place, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await node.saw((0, A), (10, B), (20, A))
    await node.alarms.announce(ADMIN, Announce(did=DID, not_after="2027-01-15T09:00:00Z"))
    other: Place = (
        PostgresPlace(request.getfixturevalue("postgres"))
        if place.dialect == "sqlite"
        else SqlitePlace(tmp_path / "other.db")
    )
    database = other.open()
    try:
        await migrate(database, MIGRATIONS)
        await copy_rows(node.database, database, MIGRATIONS)
        copied = Node(database)

        assert await copied.intervals() == await node.intervals()
        assert await copied.page() == await node.page()
        assert (await copied.at(10) or pytest.fail("not copied")).document == B
        await copied.saw((30, C))
        assert len(await copied.intervals()) == 4
    finally:
        database.close()


async def test_db_check_finds_a_document_that_is_not_what_was_seen(node: Node, place: Place) -> None:
    await node.saw((0, A), (10, B))
    clean = await node.database.read(lambda tx: faulty_documents(tx, after="", limit=10))
    place.drop_rule("observed_documents", "UPDATE")
    swap = f"(SELECT body FROM observed_documents WHERE digest = '{digest(B)}')"
    place.query(f"UPDATE observed_documents SET body = {swap} WHERE digest = '{digest(A)}'")
    found = await node.database.read(lambda tx: faulty_documents(tx, after="", limit=10))

    assert clean[0] == []
    assert found[0] == [digest(A)]


@pytest.mark.parametrize("odd", [b"{}", b"[]", b"no JSON", b'{"id":"x","verificationMethod":[1]}'])
async def test_a_document_that_nobody_checked_is_kept_and_an_alarm(node: Node, odd: bytes) -> None:
    await node.saw((0, A), (10, odd))

    assert await node.intervals() == [(0, 0, digest(A)), (10, 10, digest(odd))]
    assert len((await node.page()).alarms) == 1


async def test_evidence_cannot_be_changed_past_us(node: Node, place: Place) -> None:
    await node.saw((0, A), (10, A))
    for statement in (
        "DELETE FROM observations",
        "UPDATE observations SET first_seen = 0",
        "UPDATE observations SET last_seen = first_seen",
        "DELETE FROM observed_documents",
        "UPDATE observed_documents SET keys = '{}'",
        "UPDATE observed_documents SET body = keys"
        if place.dialect == "sqlite"
        else "UPDATE observed_documents SET body = ''",
    ):
        with pytest.raises(RULE_BROKEN):
            place.query(statement)


def test_views_are_json() -> None:
    assert (
        msgspec.json.encode(ObservationPage(observations=(), alarms=())) == b'{"observations":[],"alarms":[]}'
    )


async def test_no_more_dids_are_remembered_than_there_is_room_for(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "MAX_REMEMBERED", 2)
    dids = [f"did:web:n{number}.example" for number in range(5)]
    node.registered = frozenset(dids)
    for seconds in (0, 100):
        for did in dids:
            node.observations.seen(did, A, START + seconds)
        await node.observations.flush(0)

    assert len(node.observations._newest) == 2
    assert await node.intervals() == [(0, 100, digest(A))] * 5


async def test_what_was_seen_of_a_did_is_forgotten_once_it_is_registered_no_more(node: Node) -> None:
    await node.saw((0, A))
    node.registered = frozenset()
    await node.observations.flush()

    assert not node.observations._newest
