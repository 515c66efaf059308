"""A file is imported at once, or waits for another person where a change set would; a dry run changes nothing."""

import pytest

from operators.approvals.change import ApprovalView
from registry import ChangesThePast, Files, Grant, ImportReport, RegistryFileError
from registry.editing.importing import Imports
from registry.items import read_time
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import UNI, a_grant, a_registry, as_file

pytestmark = pytest.mark.anyio

RENAMED = as_file(a_registry(entities=[{"id": UNI, "names": {"en": "Renamed"}}], recognitions=[]))
_SUSPENDED = {"state": "suspended", "since": "2025-01-01T00:00:00Z"}
OF_THE_PAST = as_file(a_registry(authorizations=[a_grant(history=[_SUSPENDED])]))
LATER = as_file(a_registry(authorizations=[a_grant(valid_from="2024-02-01T00:00:00Z")]))


def imports(newsroom: Newsroom) -> Imports:
    registry = newsroom.wing.registry
    files = Files(registry, newsroom.database)
    return Imports(registry, files, newsroom.drafts, newsroom.change_sets, newsroom.approvals)


async def test_an_import_waits_for_another_person(newsroom: Newsroom) -> None:
    asked = await imports(newsroom).import_file(await newsroom.who("ada"), RENAMED)
    assert isinstance(asked, ApprovalView)
    before = (await newsroom.wing.profile(UNI)).entity.names

    await newsroom.approvals.approve(await newsroom.who("bob"), asked.approval, "seen")

    assert (asked.state, before) == ("pending", {"en": "University"})
    assert (await newsroom.wing.profile(UNI)).entity.names == {"en": "Renamed"}
    [found] = (await newsroom.drafts.page(await newsroom.who("bob"))).change_sets
    assert (found.state, found.operation_count, found.scope) == ("effective", 2, "everything")
    assert "registry.import" in (await newsroom.audited())[:1]


async def test_the_same_import_with_the_same_key_is_the_same_request(newsroom: Newsroom) -> None:
    ada = await newsroom.who("ada")

    asked = [await imports(newsroom).import_file(ada, RENAMED, idempotency_key="k") for _ in range(2)]

    assert asked[0] == asked[1]


async def test_while_nobody_can_approve_it_is_imported_at_once(bare: Newsroom) -> None:
    report = await imports(bare).import_file(await bare.who("ada"), RENAMED)

    assert isinstance(report, ImportReport)
    assert (report.version, report.changed, report.ended) == (2, 1, 1)
    assert (await bare.drafts.page(await bare.who("ada"))).change_sets == ()


async def test_nobody_alone_gets_past_the_others_by_a_file_that_changes_nothing(newsroom: Newsroom) -> None:
    report = await imports(newsroom).import_file(await newsroom.who("ada"), as_file(a_registry()))

    assert isinstance(report, ImportReport)
    assert (report.version, report.added, report.changed, report.ended) == (1, 0, 0, 0)


async def test_what_would_change_is_shown_and_nothing_is(newsroom: Newsroom) -> None:
    shown = await imports(newsroom).differ(RENAMED)

    assert [(each.op, each.kind) for each in shown.facts] == [("change", "entity"), ("end", "recognition")]
    assert [(each.kind, each.before, each.after) for each in shown.answers] == [
        ("recognition", "yes (active)", "no (expired)")
    ]
    assert newsroom.wing.version == 1


async def test_what_is_wrong_with_a_file_is_told_before_anybody_is_asked(newsroom: Newsroom) -> None:
    ada = await newsroom.who("ada")

    with pytest.raises(RegistryFileError):
        await imports(newsroom).import_file(ada, b"{}")
    with pytest.raises(ChangesThePast):
        await imports(newsroom).import_file(ada, OF_THE_PAST)
    asked = await imports(newsroom).import_file(ada, OF_THE_PAST, corrects=True)

    assert isinstance(asked, ApprovalView)
    assert (await newsroom.drafts.page(ada)).change_sets[0].operation_count == 1


async def test_the_same_grant_with_another_beginning_is_that_grant_corrected(newsroom: Newsroom) -> None:
    with pytest.raises(ChangesThePast, match="2024-01-01T00:00:00Z"):
        await imports(newsroom).import_file(await newsroom.who("ada"), LATER)
    asked = await imports(newsroom).import_file(await newsroom.who("ada"), LATER, corrects=True)
    assert isinstance(asked, ApprovalView)

    await newsroom.approvals.approve(await newsroom.who("bob"), asked.approval, "seen")

    with newsroom.wing.registry.reading() as known:
        grants = [
            found.fact.valid_from for found in known.all("authorization") if isinstance(found.fact, Grant)
        ]
    assert grants == [read_time("2024-02-01T00:00:00Z")]
