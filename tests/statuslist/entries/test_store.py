"""One-way rules of the tables, which hold whatever the code above them does."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from statuslist.entries import store
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing import artefacts
from tests.databases import SQL_ERRORS, Place, SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    """Return a wing with a revoked entry, published."""
    async with Wing.open(place) as opened:
        index = await opened.set_with_entry("badges", "revocation", "suspension")
        await opened.revoke("badges", index)
        await opened.change("badges", index, "suspension", 1)
        await opened.publisher.publish_dirty()
        yield opened


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM statuses",
        "DELETE FROM statuses WHERE purpose = 'revocation'",
        "UPDATE statuses SET entry_index = 5 WHERE purpose = 'revocation'",
        "UPDATE statuses SET purpose = 'suspension', entry_index = 9 WHERE purpose = 'revocation'",
        "DELETE FROM status_events",
        "UPDATE status_events SET actor = 'nobody'",
        "DELETE FROM allocations",
        "UPDATE allocations SET first_number = 7",
        "UPDATE artefacts SET body = ''",
        "UPDATE status_sets SET permutation_key = '0'",
        "UPDATE status_sets SET next_number = 0",
        "UPDATE status_sets SET length = 262144",
        "UPDATE status_lists SET published_version = 1",
        "DELETE FROM status_lists",
        "DELETE FROM status_sets",
        "DELETE FROM artefacts",
        "UPDATE status_sets SET issuer_id = 'other'",
        "UPDATE status_sets SET id = 'x'",
        "UPDATE status_sets SET created_at = 0",
        "UPDATE status_lists SET purpose = 'suspension' WHERE purpose = 'revocation'",
        "UPDATE status_lists SET set_id = 'x'",
        "UPDATE status_lists SET id = 'x'",
        "UPDATE statuses SET purpose = 'revocation' WHERE purpose = 'suspension'",
        "UPDATE statuses SET value = 2 WHERE purpose = 'suspension'",
    ],
)
async def test_what_is_final_is_final_for_raw_sql_too(wing: Wing, statement: str) -> None:
    with pytest.raises(SQL_ERRORS):
        wing.tamper(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO statuses SELECT set_id, purpose, entry_index, 1 FROM statuses"
        " WHERE purpose = 'revocation'",
        "REPLACE INTO artefacts SELECT list_id, version, form, media_type, '', etag, valid_from, valid_until,"
        " policy FROM artefacts",
        "REPLACE INTO status_events SELECT id, set_id, purpose, entry_index, 0, reason, actor, at"
        " FROM status_events",
        "REPLACE INTO allocations SELECT id, set_id, first_number, 9, reference, expires_at, actor, at"
        " FROM allocations",
        "UPDATE OR REPLACE statuses SET purpose = 'revocation' WHERE purpose = 'suspension'",
    ],
)
async def test_what_is_final_is_not_replaced_by_our_own_connection_either(
    tmp_path: Path, statement: str
) -> None:
    """SQLite only: PostgreSQL has no OR REPLACE. A foreign shell may do it; see `statuslist/schema.py`."""
    async with Wing.open(SqlitePlace(tmp_path / "touchstone.db")) as wing:
        index = await wing.set_with_entry("badges", "revocation", "suspension")
        await wing.revoke("badges", index)
        await wing.change("badges", index, "suspension", 1)
        await wing.publisher.publish_dirty()

        with pytest.raises(SQL_ERRORS):
            await wing.database.write(lambda tx: tx.execute(statement))


async def test_suspension_row_may_go(wing: Wing) -> None:
    wing.tamper("DELETE FROM statuses WHERE purpose = 'suspension'")

    assert await wing.count("statuses") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO statuses VALUES ('badges', 'revocation', 7, 0)",
        "INSERT INTO statuses VALUES ('badges', 'revocation', 7, 2)",
        "UPDATE status_sets SET next_number = length + 1",
        "UPDATE status_sets SET length = 1024",
        "INSERT INTO status_lists (id, set_id, purpose) VALUES ('x', 'badges', 'refresh')",
    ],
)
async def test_what_makes_no_sense_is_refused(wing: Wing, statement: str) -> None:
    with pytest.raises(SQL_ERRORS):
        wing.tamper(statement)


async def test_numbers_are_taken_all_or_none(wing: Wing) -> None:
    taken = await wing.database.write(lambda tx: store.take_numbers(tx, "badges", 131_072))
    found = await wing.database.read(lambda tx: store.find_set(tx, "badges"))

    assert taken is None
    assert found is not None
    assert found.next_number == 1


async def test_version_is_published_once_and_never_an_older_one(wing: Wing) -> None:
    content = await wing.database.read(lambda tx: artefacts.read_content(tx, "badges-revocation"))
    made = await wing.database.read(lambda tx: artefacts.published_artefacts(tx, "badges-revocation"))

    won = await wing.database.write(lambda tx: artefacts.publish(tx, content, made))

    assert content.version == content.published_version == 2
    assert won is False
    assert await wing.count("artefacts") == 4


async def test_signing_anew_is_asked_for_once(wing: Wing) -> None:
    for _ in range(2):
        await wing.database.write(lambda tx: artefacts.want_fresh_signature(tx, "badges-revocation", 2))

    versions = await wing.database.read(lambda tx: artefacts.changed_lists(tx, -1))
    found = {version.list_id: version for version in versions}["badges-revocation"]
    assert (found.wanted, found.published, found.is_change) == (3, 2, False)


async def test_all_lists_of_an_issuer_are_signed_anew_and_a_change_stays_one(wing: Wing) -> None:
    await wing.create("changed")
    await wing.create("elsewhere", issuer_id="default")
    await wing.publisher.publish_dirty()
    await wing.revoke("changed", (await wing.allocate("changed"))[0])
    seen = await wing.database.read(artefacts.last_change)

    ends = [await wing.database.write(lambda tx: artefacts.sign_anew(tx, "acme")) for _ in range(2)]

    found = await wing.database.read(lambda tx: artefacts.changed_lists(tx, seen))
    rows = await wing.database.read(lambda tx: artefacts.published_artefacts(tx, "changed-revocation"))
    assert ends == [rows[0].valid_until] * 2
    assert {(each.list_id, each.wanted - each.published, each.is_change) for each in found} == {
        ("badges-revocation", 2, False),
        ("badges-suspension", 2, False),
        ("changed-revocation", 3, True),
    }
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    found = await wing.database.read(lambda tx: artefacts.changed_lists(tx, seen))
    assert {each.list_id: each.is_change for each in found}["badges-revocation"]


async def test_only_the_published_version_keeps_its_bytes_and_what_was_served_stays_known(wing: Wing) -> None:
    served: dict[int, str] = {}
    for _ in range(3):
        await wing.revoke("badges", (await wing.allocate("badges"))[0])
        await wing.publisher.publish_dirty()
        current = wing.publisher.lists.current("badges-revocation")
        assert current is not None
        served[current.version] = artefacts.digest_of(current.forms[JWT].body)

    kept = wing.place.query("SELECT version, form FROM artefacts WHERE list_id = 'badges-revocation'")
    told = {
        version: await wing.database.read(
            lambda tx, version=version: artefacts.served_digest(tx, "badges-revocation", version, JWT)
        )
        for version in served
    }
    assert kept == [(max(served), form) for form in (DATA_INTEGRITY, JWT)]
    assert told == served


async def test_bytes_that_an_earlier_release_kept_are_let_go_in_small_steps(wing: Wing) -> None:
    """An earlier release inserts a version and deletes none, and knows nothing of `served_forms`."""
    for version in range(3, 13):
        wing.tamper(
            f"INSERT INTO artefacts SELECT list_id, {version}, form, media_type, body, etag, valid_from,"
            " valid_until, policy FROM artefacts WHERE list_id = 'badges-revocation' AND version = 2",
            f"UPDATE status_lists SET wanted_version = {version}, published_version = {version}"
            " WHERE id = 'badges-revocation'",
        )
    steps = 0
    after: str | None = ""
    while after is not None:
        after = await wing.database.write(partial(artefacts.reduce_superseded, after=after, limit=8))
        steps += 1

    kept = wing.place.query("SELECT version FROM artefacts WHERE list_id = 'badges-revocation'")
    told = wing.place.query(
        "SELECT DISTINCT version FROM served_forms WHERE list_id = 'badges-revocation' ORDER BY version"
    )
    assert steps == 4
    assert kept == [(12,), (12,)]
    assert [version for (version,) in told] == [*range(2, 12)]
