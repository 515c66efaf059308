"""The feed tells every change once, in the order of the commits, and nothing of who made it."""

import asyncio
import json

import msgspec
import pytest

from registry import Cause, FactChange, IdentifierNotFound
from registry.events import record_gap
from registry.feed import store
from registry.feed.reading import Wanted
from registry.model import Authority, Definition, Delegation, StateChange
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import NOW
from tests.registry.feed.feeding import Feeding, a_grant_to, an_entity
from tests.registry.wing import Wing
from wire import BadRequest, encode, format_utc

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000  # microseconds


async def test_a_change_tells_the_fact_its_times_and_the_occasion(feeding: Feeding) -> None:
    await feeding.record(an_entity("uni"))

    page = await feeding.page()
    shown = json.loads(encode(page))

    assert shown == {
        "changes": [
            {
                "position": 1,
                "version": 1,
                "recorded_at": format_utc(NOW),
                "effective_at": format_utc(NOW),
                "late": False,
                "occasion": "change-set",
                "what": "add",
                "kind": "entity",
                "id": "uni",
                "fact": {
                    "id": "uni",
                    "names": {"en": "uni"},
                    "identifiers": [{"value": "did:web:uni.example"}],
                },
            }
        ],
        "next": 1,
        "last": 1,
        "restored": None,
    }


async def test_who_made_a_change_is_told_to_operators_alone(feeding: Feeding) -> None:
    await feeding.record(an_entity("uni"))

    answer = await feeding.feed.answer(Wanted(since=0, limit=1))
    page = await feeding.feed.page(Wanted(since=0, limit=1), for_operators=True)

    assert b"ada" not in answer.body
    assert b"change_set" not in answer.body
    assert (page.changes[0].actor, page.changes[0].change_set) == ("ada", 7)


async def test_pages_tell_every_change_once_whatever_is_recorded_in_between(feeding: Feeding) -> None:
    await feeding.record(*(an_entity(f"a{number}") for number in range(5)))
    told, since = [], 0
    for number in range(6):
        page = await feeding.page(since, limit=2)
        told += [change.id for change in page.changes]
        since = page.next
        await feeding.entities(number)

    assert told == ["a0", "a1", "a2", "a3", "a4", "e0", "e1", "e2", "e3", "e4"]


async def test_a_position_beyond_the_end_gives_nothing_and_stays(feeding: Feeding) -> None:
    await feeding.entities(1)

    page = await feeding.page(17)

    assert (page.changes, page.next, page.last) == ((), 17, 1)


@pytest.mark.parametrize(("ago", "late"), [(9_999_999, False), (10_000_000, True)])
async def test_a_change_is_late_from_ten_seconds_on(feeding: Feeding, ago: int, late: bool) -> None:
    await feeding.change(FactChange("entity", "uni", an_entity("uni"), "correct", NOW - ago))

    page = await feeding.page()

    assert page.changes[0].late is late


async def test_what_was_never_so_has_no_fact(feeding: Feeding) -> None:
    await feeding.record(an_entity("uni"))
    await feeding.change(FactChange("entity", "uni", None, "void", NOW))

    page = await feeding.page(1)

    assert [(change.what, change.fact) for change in page.changes] == [("void", None)]


async def test_an_emergency_is_told_as_one(feeding: Feeding) -> None:
    grant = a_grant_to("uni")
    suspended = msgspec.structs.replace(grant, history=(StateChange(state="suspended", since=NOW),))
    await feeding.record(grant)
    await feeding.record(suspended, what="suspend", occasion="emergency")

    page = await feeding.page(1)

    assert [(change.occasion, change.what) for change in page.changes] == [("emergency", "suspend")]


async def test_a_gap_is_told_whatever_is_asked_for(feeding: Feeding) -> None:
    await feeding.entities(1)
    await feeding.database.write(lambda tx: record_gap(tx, NOW + HOUR, "root"))
    page = await feeding.page(1, kind="authority")
    told = page.changes[0]

    assert (told.position, told.kind, told.fact, told.occasion) == (2, "gap", None, "restore")
    assert msgspec.to_builtins(told.gap) == {"from": format_utc(NOW), "until": format_utc(NOW + HOUR)}


async def test_every_page_tells_of_the_last_restore_since_positions_were_given_anew(feeding: Feeding) -> None:
    """Who asks only after more was recorded than was lost would otherwise not notice."""
    await feeding.entities(1)
    before = await feeding.page()
    for hours in (1, 2):
        await feeding.database.write(lambda tx, at=NOW + hours * HOUR: record_gap(tx, at, "root"))  # type: ignore[misc]
    await feeding.entities(2, 3)
    after = await feeding.page(4)

    assert before.restored is None
    assert msgspec.to_builtins(after.restored) == {"position": 3, "at": format_utc(NOW + 2 * HOUR)}


async def several(feeding: Feeding) -> None:
    """Record something of every kind, of two authorities."""
    authority = Authority(
        id="edu",
        governance_framework="https://edu.example",
        defines=(Definition(action="issue", resource="x"),),
    )
    power = Delegation(
        id="power",
        authority_id="edu",
        grantor_id="edu",
        delegate_id="uni",
        actions=("issue",),
        valid_from=NOW,
    )
    await feeding.record(
        an_entity("edu"),
        an_entity("uni"),
        authority,
        a_grant_to("uni", id="g1"),
        a_grant_to("uni", id="g2", authority_id="other"),
        a_grant_to("other", id="g3", kind="recognition"),
        power,
        a_grant_to("school", id="g4", granted_by="uni"),
    )


@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"kind": "recognition"}, [6]),
        ({"authority": "edu"}, [1, 3, 4, 6, 7, 8]),
        ({"entity": "uni"}, [2, 4, 5, 7, 8]),
        ({"entity": "did:web:uni.example"}, [2, 4, 5, 7, 8]),
        ({"entity": "uni", "authority": "edu", "kind": "authorization"}, [4, 8]),
        ({"entity": "nobody"}, []),
    ],
)
async def test_changes_are_told_about_whom_one_asks_for(
    feeding: Feeding, filters: dict[str, str], positions: list[int]
) -> None:
    await several(feeding)

    page = await feeding.page(**filters)

    assert [change.position for change in page.changes] == positions
    assert page.next == 8


async def test_what_is_about_somebody_no_more_is_told_to_who_follows_him(feeding: Feeding) -> None:
    await feeding.record(a_grant_to("uni", id="g"))
    await feeding.change(FactChange("authorization", "g", None, "void", NOW))
    await feeding.record(a_grant_to("uni", id="g"))
    await feeding.record(a_grant_to("other", id="g"), what="correct")
    await feeding.record(a_grant_to("third", id="g"), what="correct")

    page = await feeding.page(entity="uni")

    assert [change.position for change in page.changes] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("filters", "error"),
    [({"kind": "gap"}, BadRequest), ({"entity": "did:web:nobody.example"}, IdentifierNotFound)],
)
async def test_a_filter_that_can_match_nothing_is_refused(
    feeding: Feeding, filters: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await feeding.page(**filters)


async def test_a_page_looks_at_no_more_than_its_bounds(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOOKED_AT", 3)
    monkeypatch.setattr(store, "_TOGETHER", 2)
    await feeding.record(*(an_entity(f"a{number}") for number in range(6)))
    rare = await feeding.page(entity="a5")
    monkeypatch.setattr(store, "PAGE_BYTES", 1)
    heavy = await feeding.page()

    assert (rare.changes, rare.next, rare.last) == ((), 4, 6)
    assert ([change.id for change in heavy.changes], heavy.next) == (["a0"], 1)


async def test_a_page_has_a_tag_and_may_be_kept_for_as_long_as_it_is_true(feeding: Feeding) -> None:
    await feeding.entities(1, 2)

    full = await feeding.feed.answer(Wanted(since=0, limit=1))
    again = await feeding.feed.answer(Wanted(since=0, limit=1))
    end = await feeding.feed.answer(Wanted(since=1, limit=1))

    assert full.etag == again.etag != end.etag
    assert (full.fresh_until, end.fresh_until) == (NOW / 1e6 + 60, NOW / 1e6 + 1)


async def test_what_another_process_recorded_is_answered_from_once_it_is_told(
    place: Place, feeding: Feeding
) -> None:
    await feeding.wing.load()
    async with a_database(place) as theirs:
        other = Wing(theirs, feeding.clock)
        change = FactChange("entity", "uni", an_entity("uni"), "add", NOW)
        await other.registry.edit(lambda known, now: (change,), lambda tx, edit: None, Cause("bob", "import"))

    page = await feeding.page()
    with feeding.wing.registry.reading() as known:
        found = known.entity("uni")

    assert [told.id for told in page.changes] == ["uni"]
    assert found is not None


async def test_who_reads_while_many_edit_misses_nothing(place: Place, feeding: Feeding) -> None:
    """Positions are in the order of the commits, also of two processes."""
    told: list[int] = []

    async def read() -> None:
        since = 0
        while since < 40:
            page = await feeding.page(since, limit=3)
            told.extend(change.position for change in page.changes)
            since = page.next

    async with a_database(place) as theirs:
        other = Wing(theirs, feeding.clock)

        async def edit(wing: Wing, name: str) -> None:
            for number in range(20):
                change = FactChange("entity", f"{name}{number}", an_entity(f"{name}{number}"), "add", NOW)
                await wing.registry.edit(
                    lambda known, now, c=change: (c,), lambda tx, edit: None, Cause("bob", "import")
                )

        await asyncio.gather(read(), edit(feeding.wing, "a"), edit(other, "b"))

    assert told == list(range(1, 41))
