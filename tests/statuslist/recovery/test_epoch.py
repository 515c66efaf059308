"""A new epoch over rows that are older than what was published, on either engine."""

import secrets
from collections.abc import AsyncIterator, Collection

import msgspec
import pytest

from statuslist.entries.changes import CLOSED
from statuslist.entries.requests import Allocate, NamedEntry, ReleaseEntries
from statuslist.errors import EntryReleased, ListFull, SetClosed
from statuslist.formats.bitstring import status_at, with_statuses
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing.mirror import FoundForm
from statuslist.recovery.epoch import EpochReport, open_epoch
from statuslist.recovery.found_lists import FoundList, KnownKey, gather, merge, read_found
from tests.actors import acting
from tests.databases import Place
from tests.statuslist.wing import BASE_URL, ISSUERS, KEY_ID, ROOT, Wing, bits_of, signer_for
from wire import BadRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


def published(wing: Wing, *list_ids: str, versions: bool = True) -> dict[str, FoundList]:
    """Return what a mirror has now of these lists; without `versions` as releases before 0.3 wrote it."""
    keys = {
        issuer_id: [KnownKey(did=did, key_id=KEY_ID, public_key=signer_for(issuer_id).public_key)]
        for issuer_id, did in ISSUERS.items()
    }
    now = int(wing.clock() * 1_000_000)
    forms = []
    for list_id in list_ids:
        current = wing.publisher.lists.current(list_id)
        assert current is not None
        forms += [
            FoundForm(
                list_id=list_id,
                form=JWT if form == JWT else DATA_INTEGRITY,
                body=artefact.body,
                version=artefact.version if versions else None,
            )
            for form, artefact in current.forms.items()
        ]
    return gather(
        forms,
        lambda form: [read_found(form, keys=keys, base_url=BASE_URL, now=now)],
        pytest.fail,
    )


async def open_it(
    wing: Wing, found: dict[str, FoundList], readable: Collection[str] = ISSUERS.keys()
) -> EpochReport:
    at = int(wing.clock() * 1_000_000)
    return await wing.database.write(
        lambda tx: open_epoch(
            tx, found, random_bytes=secrets.token_bytes, operator=acting("test"), at=at, readable=readable
        )
    )


async def test_list_whose_issuers_key_cannot_be_read_is_withheld_until_a_restore_that_has_the_key(
    wing: Wing,
) -> None:
    index = await wing.set_with_entry("badges")
    await wing.create("diplomas", issuer_id="default")
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    last = published(wing, "badges-revocation", "diplomas-revocation")

    report = await open_it(wing, {"diplomas-revocation": last["diplomas-revocation"]}, {"default"})
    await wing.revoke("badges", (index + 1) % 131_072)  # A change does not bring it back.
    without_key = wing.another_publisher()
    await without_key.publish_dirty()
    await open_it(wing, last)
    with_key = wing.another_publisher()
    await with_key.publish_dirty()

    assert any("badges-revocation: not served" in note for note in report.notes)
    assert without_key.lists.current("badges-revocation") is None
    assert without_key.lists.current("diplomas-revocation") is not None
    restored = with_key.lists.current("badges-revocation")
    assert restored is not None
    assert status_at(bits_of(restored.forms[DATA_INTEGRITY].body), index) == 1


async def test_no_set_gives_an_index_and_each_can_still_be_revoked(wing: Wing) -> None:
    await wing.set_with_entry("badges")
    report = await open_it(wing, {})
    rows = wing.place.query("SELECT first_number, count, reference FROM allocations ORDER BY first_number")

    assert (report.closed_sets, report.lists) == (1, 2)
    assert rows[-1] == (1, 131_071, CLOSED)
    with pytest.raises(ListFull):
        await wing.allocate("badges")
    await wing.revoke("badges", 131_071)


async def test_set_that_a_restore_closed_says_so_and_one_that_was_full_is_full(wing: Wing) -> None:
    await wing.set_with_entry("badges")
    await wing.create("full")
    wing.tamper("UPDATE status_sets SET next_number = 130000 WHERE id = 'full'")
    await wing.allocate("full", 1_072)
    await open_it(wing, {})
    await wing.create("new")

    with pytest.raises(SetClosed, match="a restore closed this set") as closed:
        await wing.allocate("badges")
    with pytest.raises(ListFull, match="entries are left") as full:
        await wing.allocate("full")

    with pytest.raises(BadRequest, match="choose another"):
        await wing.sets.allocate(ROOT, "new", Allocate(reference=CLOSED))
    assert (closed.value.type, full.value.type) == ("/problems/set-closed", "/problems/list-full")
    assert await wing.allocate("new")


async def test_an_epoch_opened_again_changes_no_status(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    found = published(wing, "badges-revocation")
    await open_it(wing, found)
    again = await open_it(wing, found)

    assert (again.closed_sets, again.new_sets, again.revocations) == (0, 0, 0)
    assert await wing.count("status_events") == 1


async def test_every_list_is_published_anew_under_a_version_that_never_was(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    before = wing.publisher.lists.current("badges-revocation")
    await open_it(wing, {})
    await wing.publisher.publish_dirty()
    first = wing.publisher.lists.current("badges-revocation")
    await open_it(wing, {})
    await wing.publisher.publish_dirty()
    second = wing.publisher.lists.current("badges-revocation")

    assert before is not None
    assert first is not None
    assert second is not None
    assert before.version == 1
    assert 1_000_000 < first.version < second.version < 2**53


async def test_a_mirror_with_a_position_that_was_lost_is_told_of_every_list_again(wing: Wing) -> None:
    await wing.create("badges")
    await wing.create("diplomas")
    await wing.publisher.publish_dirty()
    lost = wing.publisher.lists.last_position + 1_000

    await open_it(wing, {})
    await wing.publisher.publish_dirty()
    restored = wing.another_publisher()
    await restored.rows.take_up()

    assert {set_id for _, set_id in restored.lists.since(lost)} == {"badges", "diplomas"}


@pytest.mark.parametrize("versions", [True, False])
async def test_suspensions_are_taken_over_exactly_where_they_are_newer(
    wing: Wing, place: Place, versions: bool
) -> None:
    """Within one second too, where both versions have the same time."""
    await wing.create("badges", "revocation", "suspension")
    kept, lifted, added = await wing.allocate("badges", 3)
    for index in (kept, lifted):
        await wing.change("badges", index, "suspension", 1)
    await wing.publisher.publish_dirty()
    old = published(wing, "badges-suspension", versions=versions)
    await wing.change("badges", lifted, "suspension", 0)
    await wing.change("badges", added, "suspension", 1)
    await wing.publisher.publish_dirty()
    new = published(wing, "badges-suspension", versions=versions)
    # As a backup between the two versions would have it.
    for table in ("set_versions", "list_forms"):
        place.drop_rule(table, "UPDATE")
    for table in ("list_forms", "served_list_forms"):
        place.drop_rule(table, "DELETE")
    wing.tamper(
        f"DELETE FROM statuses WHERE entry_index = {added}",
        f"INSERT INTO statuses (set_id, purpose, entry_index, value) VALUES ('badges', 'suspension', {lifted}, 1)",
        "UPDATE list_forms SET version = 1, body = '' WHERE list_id = 'badges-suspension'",
        "DELETE FROM served_list_forms WHERE version > 1 AND list_id = 'badges-suspension'",
        "UPDATE set_versions SET wanted_version = 1, begun_version = 1, published_version = 1",
    )
    unchanged = await open_it(wing, old)
    changed = await open_it(wing, new)
    rows = {index for (index,) in place.query("SELECT entry_index FROM statuses")}

    assert (unchanged.suspensions, changed.suspensions) == (0, 2)
    assert rows == {kept, added}


async def test_a_list_dated_in_the_future_wins_over_no_later_version(wing: Wing) -> None:
    """The clock was a day ahead when an older version was published, and right again for the newest."""
    await wing.create("badges", "suspension")
    (index,) = await wing.allocate("badges", 1)
    wing.clock.ahead += 86_400
    await wing.change("badges", index, "suspension", 1)
    await wing.publisher.publish_dirty()
    old = published(wing, "badges-suspension")["badges-suspension"]
    await wing.change("badges", index, "suspension", 0)
    await wing.publisher.publish_dirty()
    new = published(wing, "badges-suspension")["badges-suspension"]
    dated_right = msgspec.structs.replace(new, valid_from=old.valid_from - 86_400_000_000)

    for first, second in ((old, dated_right), (dated_right, old)):
        assert merge(first, second).version == new.version


async def test_a_set_of_which_only_lists_are_left_is_made_anew_and_closed(wing: Wing, place: Place) -> None:
    await wing.create("badges", "revocation", "suspension")
    revoked, other = await wing.allocate("badges", 2)
    await wing.revoke("badges", revoked)
    await wing.publisher.publish_dirty()
    found = published(wing, "badges-revocation", "badges-suspension")
    rows = ("statuses", "status_events")
    published_rows = ("list_forms", "served_list_forms")
    for table in ("allocations", *rows, "status_lists", "set_versions", "status_sets", *published_rows):
        place.drop_rule(table, "DELETE")
    wing.tamper(
        *(f"DELETE FROM {table}" for table in (*published_rows, *rows, "allocations", "set_versions")),
        "DELETE FROM status_lists",
        "DELETE FROM status_sets",
    )
    report = await open_it(wing, found)
    restarted = wing.another_publisher()
    await restarted.publish_dirty()
    await wing.revoke("badges", other)

    assert (report.new_sets, report.closed_sets, report.revocations) == (1, 1, 1)
    assert wing.published_status("badges-revocation", revoked, restarted) == 1
    with pytest.raises(ListFull):
        await wing.allocate("badges")


async def test_a_list_of_another_issuer_is_noted_and_not_taken_over(wing: Wing) -> None:
    await wing.create("badges", issuer_id="default")
    index = (await wing.allocate("badges"))[0]
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    found = published(wing, "badges-revocation")
    wing.place.drop_rule("status_sets", "UPDATE")
    wing.tamper("UPDATE status_sets SET issuer_id = 'acme'")
    report = await open_it(wing, found)

    assert report.revocations == 0
    assert "another issuer" in report.notes[0]


async def test_next_version_is_beyond_one_that_a_clock_ahead_had_numbered(wing: Wing) -> None:
    """An earlier restore, while the clock was ahead, numbered what the mirror has."""
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    found = published(wing, "badges-revocation")
    ahead = int(wing.clock() * 1_000_000) + 3_600_000_000
    found = {list_id: msgspec.structs.replace(each, version=ahead) for list_id, each in found.items()}
    await open_it(wing, found)
    await wing.publisher.publish_dirty()
    current = wing.publisher.lists.current("badges-revocation")

    assert current is not None
    assert current.version == ahead + 1


async def test_release_outlasts_a_restore_unless_a_published_list_says_that_the_entry_was_revoked(
    wing: Wing,
) -> None:
    """The rows know of a release, and readers saw a revocation: rows of two pasts met. The revocation wins."""
    await wing.create("badges")
    released, revoked = await wing.allocate("badges", 2)
    entries = tuple(NamedEntry(status_list_index=str(index)) for index in (released, revoked))
    await wing.sets.release(ROOT, "badges", ReleaseEntries(entries=entries))
    await wing.publisher.publish_dirty()
    (found,) = published(wing, "badges-revocation").values()
    seen = msgspec.structs.replace(found, bits=with_statuses(131_072, [(revoked, 1)]))

    report = await open_it(wing, {"badges-revocation": seen})

    entry = await wing.sets.get_entry(ROOT, "badges", revoked)
    assert report.revocations == 1
    assert (entry.statuses[0].status, entry.is_released) == (1, True)
    with pytest.raises(EntryReleased):
        await wing.revoke("badges", released)
