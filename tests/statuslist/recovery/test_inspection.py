"""The checks of the rows: silent where all is well, and each finds the fault that it is for."""

from collections.abc import AsyncIterator

import pytest

from statuslist.publishing.artefacts import published_artefacts
from statuslist.recovery.form_inspection import said_faults
from statuslist.recovery.inspection import count_faults, forms_faults, revocation_faults, status_faults
from tests.databases import Place
from tests.statuslist.wing import Wing

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        await opened.create("badges", "revocation", "suspension")
        for index in await opened.allocate("badges", 3):
            await opened.revoke("badges", index)
        await opened.publisher.publish_dirty()
        yield opened


async def _all(wing: Wing) -> list[list[str]]:
    checks = (forms_faults, revocation_faults, status_faults, count_faults, said_faults)
    return [await check(wing.database) for check in checks]


async def test_sound_rows_have_no_fault(wing: Wing) -> None:
    assert await _all(wing) == [[], [], [], [], []]


async def test_a_change_that_waits_for_publication_is_no_fault(wing: Wing) -> None:
    await wing.revoke("badges", (await wing.allocate("badges"))[0])

    assert await _all(wing) == [[], [], [], [], []]


async def test_a_missing_form_is_found(wing: Wing) -> None:
    wing.place.drop_rule("list_forms", "DELETE")
    wing.tamper("DELETE FROM list_forms WHERE form = 'credential.jwt' AND list_id = 'badges-revocation'")

    assert await forms_faults(wing.database) == ["badges-revocation: there is no credential.jwt"]


async def test_a_form_that_says_something_else_than_the_others_is_found(wing: Wing) -> None:
    """As a publisher with a fault would leave it: each form is signed, and one is of another time."""
    older = await wing.database.read(lambda tx: published_artefacts(tx, "badges"))
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    await wing.publisher.publish_dirty()
    (body,) = (found.body for found in older if found.form == "token.cwt")
    wing.place.drop_rule("list_forms", "UPDATE")
    await wing.database.write(
        lambda tx: tx.execute("UPDATE list_forms SET body = :body WHERE form = 'token.cwt'", {"body": body})
    )

    assert await said_faults(wing.database) == ["badges: token.cwt does not say what the rows say"]


async def test_a_revocation_that_is_not_published_is_found(wing: Wing) -> None:
    allocated = (await wing.allocate("badges"))[0]
    wing.tamper(f"INSERT INTO statuses VALUES ('badges', 'revocation', {allocated}, 1)")

    assert await revocation_faults(wing.database) == [
        f"badges-revocation: 1 revocations are not published, such as index {allocated}"
    ]


async def test_a_revocation_that_no_row_has_is_found(wing: Wing, place: Place) -> None:
    place.drop_rule("statuses", "DELETE")
    wing.tamper("DELETE FROM statuses")

    assert "3 are published that no row has" in (await revocation_faults(wing.database))[0]


async def test_a_status_at_an_index_that_was_never_handed_out_is_found(wing: Wing) -> None:
    handed_out = {row[0] for row in wing.place.query("SELECT entry_index FROM statuses")}
    stray = next(index for index in range(10) if index not in handed_out)
    wing.tamper(f"INSERT INTO statuses VALUES ('badges', 'suspension', {stray}, 1)")

    assert await status_faults(wing.database) == [
        f"badges: suspension at index {stray}, which was never handed out"
    ]


async def test_numbers_without_an_allocation_are_found(wing: Wing) -> None:
    wing.tamper("UPDATE status_sets SET next_number = next_number + 1")

    assert await count_faults(wing.database) == ["badges: 4 numbers are gone, its allocations have 3"]
