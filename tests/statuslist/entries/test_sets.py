"""Status sets, allocation and statuses: what operators can do, and cannot."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from operators import Grant, Principal, Role, issuer_scope
from statuslist.entries import store
from statuslist.entries.allocation import index_of
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet
from statuslist.entries.sets import StatusSets
from statuslist.errors import (
    IrreversibleStatus,
    ListFull,
    NotAllocated,
    RangeError,
    TooManyEntries,
    UnknownPurpose,
)
from statuslist.publishing.mirror import Mirror, has_lists
from storage import IdempotencyConflict
from tests.databases import Place, SqlitePlace
from tests.statuslist.wing import ACME, BASE_URL, OTHER, READER, ROOT, Wing, change_of
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio

REVOCATION = ("revocation",)


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


async def test_set_has_one_list_per_purpose_in_one_index_space(wing: Wing) -> None:
    request = CreateSet(id="badges", purposes=("suspension", "revocation"))

    created = await wing.sets.create_set(ACME, request)

    assert created.issuer_id == "acme"
    assert [found.status_purpose for found in created.lists] == ["revocation", "suspension"]
    assert created.lists[0].url == f"{BASE_URL}/status-lists/badges-revocation"
    assert await wing.count("status_lists") == 2


async def test_set_without_an_id_gets_an_unguessable_one(wing: Wing) -> None:
    created = await wing.sets.create_set(ROOT, CreateSet(purposes=REVOCATION))

    assert len(created.id) == 16
    assert created.issuer_id == "default"


@pytest.mark.parametrize("set_id", ["", "Badges", "-badges", "badges-", "a/b", "a.b", "ü", "a" * 49, "a\n"])
async def test_set_id_that_is_no_label_is_refused(wing: Wing, set_id: str) -> None:
    with pytest.raises(BadRequest):
        await wing.sets.create_set(ROOT, CreateSet(id=set_id, purposes=REVOCATION))


async def test_lists_of_one_issuer_have_a_bound_together_that_leaves_others_alone(wing: Wing) -> None:
    sets = StatusSets(
        wing.database,
        clock=wing.clock,
        random_bytes=secrets.token_bytes,
        base_url=BASE_URL,
        on_changed=lambda: None,
        max_entries_per_issuer=3 * 131_072,
    )
    await sets.create_set(ACME, CreateSet(purposes=("revocation", "suspension")))
    with pytest.raises(TooManyEntries, match="524288 entries in all, and may have 393216"):
        await sets.create_set(ACME, CreateSet(purposes=("revocation", "suspension")))

    await sets.create_set(ACME, CreateSet(purposes=REVOCATION))
    await sets.create_set(OTHER, CreateSet(purposes=REVOCATION))
    with pytest.raises(TooManyEntries):
        await sets.create_set(ACME, CreateSet(purposes=REVOCATION))
    assert await wing.count("status_lists") == 4


async def test_set_id_is_taken_once(wing: Wing) -> None:
    await wing.create("badges")

    with pytest.raises(Conflict):
        await wing.sets.create_set(OTHER, CreateSet(id="badges", purposes=REVOCATION))


async def test_set_of_which_the_mirror_has_lists_from_before_is_refused(wing: Wing, tmp_path: Path) -> None:
    """A restore lost it: its entries would be given out a second time, and its revocations taken back."""
    mirror = Mirror(tmp_path)
    await wing.create("badges")
    await wing.another_publisher(on_published=mirror.take).publish_dirty()
    assert await mirror.write_due()
    async with Wing.open(SqlitePlace(tmp_path / "fresh.db")) as fresh:
        sets = StatusSets(
            fresh.database,
            clock=fresh.clock,
            random_bytes=secrets.token_bytes,
            base_url=BASE_URL,
            on_changed=lambda: None,
            was_published=partial(has_lists, tmp_path),
        )
        with pytest.raises(Conflict, match="run `touchstone db restore`"):
            await sets.create_set(ROOT, CreateSet(id="badges", purposes=("suspension",)))
        await sets.create_set(ROOT, CreateSet(id="badge", purposes=REVOCATION))
        assert await fresh.count("status_sets") == 1


async def test_purpose_twice_is_refused(wing: Wing) -> None:
    with pytest.raises(UnknownPurpose):
        await wing.sets.create_set(ROOT, CreateSet(purposes=("revocation", "revocation")))


async def test_set_for_an_issuer_of_somebody_else_is_not_found(wing: Wing) -> None:
    with pytest.raises(ResourceNotFound):
        await wing.sets.create_set(OTHER, CreateSet(purposes=REVOCATION, issuer_id="acme"))
    with pytest.raises(ResourceNotFound):
        await wing.sets.create_set(ROOT, CreateSet(purposes=REVOCATION, issuer_id="nobody"))


async def test_no_index_is_allocated_twice_by_concurrent_calls(wing: Wing) -> None:
    await wing.create("badges")

    batches = await asyncio.gather(*(wing.allocate("badges", 7) for _ in range(300)))

    indexes = [index for batch in batches for index in batch]
    assert len(set(indexes)) == len(indexes) == 2_100
    assert (await wing.sets.get_set(ROOT, "badges")).allocated == 2_100


async def test_indexes_show_no_order(wing: Wing) -> None:
    await wing.create("badges")

    indexes = await wing.allocate("badges", 1_000)

    ascents = sum(left < right for left, right in itertools.pairwise(indexes))
    assert 420 < ascents < 580
    assert max(indexes) > 120_000
    assert min(indexes) < 11_000


async def test_entry_refers_to_the_form_of_its_credential(wing: Wing) -> None:
    await wing.create("badges", "revocation", "suspension")

    plain = await wing.sets.allocate(ROOT, "badges", Allocate())
    jwt = await wing.sets.allocate(ROOT, "badges", Allocate(media_type="application/vc+jwt"))

    revocation, suspension = plain.entries[0].credential_status
    assert revocation.status_list_index == suspension.status_list_index
    assert revocation.status_list_credential == f"{BASE_URL}/status-lists/badges-revocation/credential.json"
    assert suspension.status_list_credential == f"{BASE_URL}/status-lists/badges-suspension/credential.json"
    assert jwt.entries[0].credential_status[0].status_list_credential.endswith("/credential.jwt")


async def test_full_set_allocates_nothing_more(wing: Wing) -> None:
    await wing.create("badges")
    wing.tamper("UPDATE status_sets SET next_number = 130000")

    with pytest.raises(ListFull):
        await wing.sets.allocate(ROOT, "badges", Allocate(count=1_073))
    rest = await wing.allocate("badges", 1_072)

    assert len(set(rest)) == 1_072
    with pytest.raises(ListFull):
        await wing.allocate("badges")


async def test_allocation_with_the_same_key_gives_the_same_entries(wing: Wing) -> None:
    await wing.create("badges")

    calls = (wing.sets.allocate(ROOT, "badges", Allocate(count=3), idempotency_key="k") for _ in range(20))
    answers = await asyncio.gather(*calls)

    assert all(answer == answers[0] for answer in answers)
    assert await wing.count("allocations") == 1


async def test_key_used_for_another_request_is_refused(wing: Wing) -> None:
    await wing.create("badges")
    await wing.sets.allocate(ROOT, "badges", Allocate(count=3), idempotency_key="k")

    with pytest.raises(IdempotencyConflict):
        await wing.sets.allocate(ROOT, "badges", Allocate(count=4), idempotency_key="k")

    assert await wing.count("allocations") == 1


async def test_a_narrowed_key_is_not_answered_what_another_one_of_the_principal_made(wing: Wing) -> None:
    """The same request means another issuer with it, whose sets it may not see."""
    grants = frozenset(Grant(issuer_scope(issuer), Role.EDITOR) for issuer in ("acme", "default"))
    both = Principal(id="both", grants=grants)
    of_acme, of_default = (
        msgspec.structs.replace(both, limits=frozenset({grant})) for grant in sorted(grants)
    )
    wanted = CreateSet(purposes=REVOCATION)
    first = await wing.sets.create_set(of_acme, wanted, idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        await wing.sets.create_set(of_default, wanted, idempotency_key="k")
    again = await wing.sets.create_set(of_acme, wanted, idempotency_key="k")

    assert first == again
    assert first.issuer_id == "acme"
    assert await wing.count("status_sets") == 1


async def test_replayed_revocation_is_one_event(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")

    first = await wing.sets.set_statuses(ROOT, "badges", change_of(index), idempotency_key="k")
    second = await wing.sets.set_statuses(ROOT, "badges", change_of(index), idempotency_key="k")

    assert first == second
    assert first.versions == {"badges-revocation": 1, "badges": 1}
    assert await wing.count("status_events") == 1


async def test_status_that_is_so_already_is_no_event_and_no_version(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    audited = await wing.count("audit")

    again = await wing.sets.set_statuses(ROOT, "badges", change_of(index))

    assert (again.changed, again.versions) == (0, {})
    assert await wing.count("status_events") == 1
    assert await wing.count("audit") == audited


async def test_revocation_cannot_be_taken_back(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)

    with pytest.raises(IrreversibleStatus):
        await wing.change("badges", index, "revocation", 0)

    entry = await wing.sets.get_entry(ROOT, "badges", index)
    assert entry.statuses[0].status == 1


async def test_suspension_is_lifted_and_both_changes_are_events(wing: Wing) -> None:
    index = await wing.set_with_entry("badges", "suspension")

    await wing.change("badges", index, "suspension", 1)
    await wing.change("badges", index, "suspension", 0)

    entry = await wing.sets.get_entry(ROOT, "badges", index)
    assert entry.statuses[0].status == 0
    assert await wing.count("status_events") == 2
    assert await wing.count("statuses") == 0


async def test_batch_with_one_bad_change_changes_nothing(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    good = change_of(index).changes[0]
    never_allocated = change_of((index + 1) % 131_072).changes[0]

    with pytest.raises(NotAllocated):
        await wing.sets.set_statuses(ROOT, "badges", ChangeStatuses(changes=(good, never_allocated)))

    assert await wing.count("statuses") == 0
    assert await wing.count("status_events") == 0


async def test_index_that_is_allocated_next_is_not_allocated_yet(wing: Wing) -> None:
    await wing.set_with_entry("badges")
    status_set = await wing.database.read(lambda tx: store.find_set(tx, "badges"))
    assert status_set is not None
    upcoming = index_of(1, length=status_set.length, key=status_set.permutation_key)

    with pytest.raises(NotAllocated):
        await wing.revoke("badges", upcoming)
    with pytest.raises(NotAllocated):
        await wing.sets.get_entry(ROOT, "badges", upcoming)
    assert await wing.allocate("badges") == [upcoming]


async def test_index_outside_the_set_is_a_range_error(wing: Wing) -> None:
    await wing.create("badges")

    with pytest.raises(RangeError):
        await wing.revoke("badges", 131_072)
    with pytest.raises(RangeError):
        await wing.sets.get_entry(ROOT, "badges", 131_072)


async def test_purpose_that_the_set_has_not_is_refused(wing: Wing) -> None:
    index = await wing.set_with_entry("badges", "revocation")

    with pytest.raises(UnknownPurpose):
        await wing.change("badges", index, "suspension", 1)


async def test_foreign_principal_sees_no_more_than_of_an_unknown_set(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    sets = wing.sets

    for set_id in ("badges", "unknown"):
        with pytest.raises(ResourceNotFound, match="there is no such status set"):
            await sets.get_set(OTHER, set_id)
        with pytest.raises(ResourceNotFound, match="there is no such status set"):
            await sets.allocate(OTHER, set_id, Allocate())
        with pytest.raises(ResourceNotFound, match="there is no such status set"):
            await sets.set_statuses(OTHER, set_id, change_of(index))
        with pytest.raises(ResourceNotFound, match="there is no such status set"):
            await sets.get_entry(OTHER, set_id, index)
    assert (await sets.list_sets(OTHER)).sets == ()
    assert await wing.count("statuses") == 0


async def test_reader_changes_nothing(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")

    with pytest.raises(Forbidden):
        await wing.sets.create_set(READER, CreateSet(purposes=REVOCATION))
    with pytest.raises(Forbidden):
        await wing.sets.allocate(READER, "badges", Allocate())
    with pytest.raises(Forbidden):
        await wing.sets.set_statuses(READER, "badges", change_of(index))

    assert (await wing.sets.get_set(READER, "badges")).allocated == 1


async def test_sets_are_listed_page_by_page(wing: Wing) -> None:
    for set_id in ("c", "a", "b"):
        await wing.create(set_id)

    first = await wing.sets.list_sets(ACME, limit=2)
    second = await wing.sets.list_sets(ACME, limit=2, after=first.next or "")

    assert [found.id for found in first.sets] == ["a", "b"]
    assert [found.id for found in second.sets] == ["c"]
    assert second.next is None


async def test_every_write_leaves_an_audit_row(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")

    await wing.revoke("badges", index)

    rows = await wing.database.read(lambda tx: tx.all("SELECT actor, action FROM audit ORDER BY id"))
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("root", "status_set.create"),
        ("root", "status_set.allocate"),
        ("root", "status_set.change"),
    ]


async def test_concurrent_changes_are_all_kept(wing: Wing) -> None:
    await wing.create("badges", "revocation", "suspension")
    indexes = await wing.allocate("badges", 400)

    await asyncio.gather(
        *(wing.change("badges", index, "suspension", 1) for index in indexes),
        *(wing.revoke("badges", index) for index in indexes[:200]),
    )

    assert await wing.count("statuses") == await wing.count("status_events") == 600


async def test_a_profile_that_the_key_of_the_issuer_does_not_meet_is_refused_with_the_remedy(
    wing: Wing,
) -> None:
    """Else no list of the set could ever be published."""
    await wing.database.write(lambda tx: tx.execute("UPDATE issuer_keys SET algorithm = 'Ed25519'"))
    wanted = CreateSet(id="pid", issuer_id="acme", purposes=("revocation",), profile="haip")

    with pytest.raises(Conflict, match="touchstone issuer key add --algorithm P-256") as refused:
        await wing.sets.create_set(ROOT, wanted)

    assert refused.value.pointer == "/profile"
    assert await wing.count("status_sets") == 0
