"""One-way rules of the tables, which hold whatever the code above them does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from statuslist.entries import store
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing import artefacts, set_versions
from tests.databases import SQL_ERRORS, Place, SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]


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
        "UPDATE list_forms SET body = ''",
        "UPDATE served_list_forms SET digest = ''",
        "DELETE FROM served_list_forms",
        "UPDATE status_sets SET permutation_key = '0'",
        "UPDATE status_sets SET next_number = 0",
        "UPDATE status_sets SET length = 262144",
        "UPDATE set_versions SET published_version = 0",
        "UPDATE set_versions SET begun_version = 0",
        "UPDATE set_versions SET has_tokens = 0",
        "DELETE FROM set_versions",
        "DELETE FROM status_lists",
        "DELETE FROM status_sets",
        "DELETE FROM list_forms",
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
        "REPLACE INTO list_forms SELECT list_id, form, version, set_id, media_type, '', gzip, etag, content,"
        " valid_from, valid_until, policy FROM list_forms",
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
    before = await wing.count("list_forms")
    content = await wing.database.read(lambda tx: set_versions.read_content(tx, "badges"))
    made = await wing.database.read(lambda tx: artefacts.artefacts_of_set(tx, "badges", after=0))

    won = await wing.database.write(lambda tx: set_versions.publish(tx, content, made))

    assert content.version == content.published_version == 1
    assert won is False
    assert await wing.count("list_forms") == before == 6


async def test_signing_anew_is_asked_for_once(wing: Wing) -> None:
    for _ in range(2):
        await wing.database.write(lambda tx: set_versions.want_fresh_signature(tx, "badges", 1))

    versions = await wing.database.read(lambda tx: set_versions.changed_sets(tx, -1))
    found = {version.set_id: version for version in versions}["badges"]
    assert (found.wanted, found.published, found.is_change) == (2, 1, False)


async def test_all_lists_of_an_issuer_are_signed_anew_and_a_change_stays_one(wing: Wing) -> None:
    await wing.create("changed")
    await wing.create("elsewhere", issuer_id="default")
    await wing.publisher.publish_dirty()
    await wing.revoke("changed", (await wing.allocate("changed"))[0])
    seen = await wing.database.read(set_versions.last_change)

    ends = [await wing.database.write(lambda tx: set_versions.sign_anew(tx, "acme")) for _ in range(2)]

    found = await wing.database.read(lambda tx: set_versions.changed_sets(tx, seen))
    rows = await wing.database.read(lambda tx: artefacts.published_artefacts(tx, "changed-revocation"))
    assert ends == [rows[0].valid_until] * 2
    assert {(each.set_id, each.wanted - each.published, each.is_change) for each in found} == {
        ("badges", 2, False),
        ("changed", 3, True),
    }
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    found = await wing.database.read(lambda tx: set_versions.changed_sets(tx, seen))
    assert {each.set_id: each.is_change for each in found}["badges"]


async def test_only_the_published_version_keeps_its_bytes_and_what_was_served_stays_known(wing: Wing) -> None:
    served: dict[int, str] = {}
    for _ in range(3):
        await wing.revoke("badges", (await wing.allocate("badges"))[0])
        await wing.publisher.publish_dirty()
        current = wing.publisher.lists.current("badges-revocation")
        assert current is not None
        served[current.version] = artefacts.digest_of(current.forms[JWT].body)

    kept = wing.place.query("SELECT version, form FROM list_forms WHERE list_id = 'badges-revocation'")
    told = {
        version: await wing.database.read(
            lambda tx, version=version: artefacts.served_digest(tx, "badges-revocation", version, JWT)
        )
        for version in served
    }
    assert kept == [(max(served), form) for form in (DATA_INTEGRITY, JWT)]
    assert told == served
