"""An editor of one authority edits only what is that authority's; of others it learns nothing."""

from typing import Any

import pytest

from operators.grants import NotSeen
from registry.editing.errors import FactsChanged
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import EDU, LICENSING, UNI, a_grant
from wire import Forbidden

pytestmark = pytest.mark.anyio
NEW = {"names": {"en": "New"}, "identifiers": [{"value": "did:web:new.example"}]}


@pytest.fixture
async def scoped(newsroom: Newsroom) -> Newsroom:
    """The newsroom with Gil, who edits what is EDU's, and a grant of the other authority."""
    await newsroom.office.person("gil", f"editor@authority:{newsroom.edu}")
    licensed = a_grant(authority_id=LICENSING, resource="Licence", id="foreign")
    await newsroom.done({"op": "add", "kind": "authorization", "fact": licensed})
    return newsroom


async def test_it_edits_grants_definitions_and_adds_entities_of_its_own(scoped: Newsroom) -> None:
    grant = a_grant(entity_id="did:web:new.example", valid_from="2026-01-01T00:00:00Z")

    for operations in (
        [scoped.suspension()],
        [{"op": "add", "kind": "entity", "fact": NEW}, {"op": "add", "kind": "authorization", "fact": grant}],
    ):
        found = await scoped.drafted(*operations, by="gil")
        assert found.scope == f"authority:{scoped.edu}"


FOREIGN: dict[str, dict[str, Any]] = {
    "a grant": {"op": "suspend", "kind": "authorization", "id": "foreign"},
    "a new grant": {"op": "add", "kind": "authorization", "fact": a_grant(authority_id=LICENSING)},
    "a grant that would move": {
        "op": "correct",
        "kind": "authorization",
        "fact": a_grant(authority_id=LICENSING),
    },
    "a definition": {"op": "change", "kind": "authority", "id": LICENSING, "fact": {}},
    "faults": {"op": "suspend", "kind": "authorization", "id": "foreign", "if_match": 7},
}
ABSENT: dict[str, dict[str, Any]] = {
    "a grant": {"op": "suspend", "kind": "authorization", "id": "nothing"},
    "a new grant": {"op": "add", "kind": "authorization", "fact": a_grant(authority_id="did:web:no.example")},
    "a definition": {"op": "change", "kind": "authority", "id": "did:web:no.example", "fact": {}},
    "faults": {"op": "suspend", "kind": "authorization", "id": "nothing", "if_match": 7},
}


@pytest.mark.parametrize("what", FOREIGN)
async def test_what_is_anothers_is_as_if_it_were_not_there(scoped: Newsroom, what: str) -> None:
    operation = FOREIGN[what] if what != "a grant that would move" else FOREIGN[what] | {"id": scoped.grant}

    with pytest.raises(NotSeen) as foreign:
        await scoped.drafted(operation, by="gil")

    if what in ABSENT:
        with pytest.raises(NotSeen) as absent:
            await scoped.drafted(ABSENT[what], by="gil")
        assert (foreign.value.detail, foreign.value.pointer) == (absent.value.detail, absent.value.pointer)


async def test_what_is_everybodys_needs_an_editor_of_everything(scoped: Newsroom) -> None:
    renamed = {"op": "change", "kind": "entity", "id": UNI, "fact": NEW | {"identifiers": [{"value": UNI}]}}

    for operations in (
        [renamed],
        [renamed, scoped.suspension()],
        [{"op": "add", "kind": "entity", "fact": NEW}],
    ):
        with pytest.raises(Forbidden, match="for everything"):
            await scoped.drafted(*operations, by="gil")


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ({"op": "change", "kind": "entity", "id": UNI, "fact": {}}, {}),
        ({"op": "change", "kind": "entity", "id": UNI, "if_match": 7, "fact": {}}, {}),
        ({"op": "void", "kind": "authority", "id": EDU, "if_match": 7}, {}),
        ({"op": "end", "kind": "entity", "id": UNI}, {"base_version": 99}),
        ({"op": "end", "kind": "entity", "id": UNI}, {"title": " "}),
    ],
)
async def test_who_may_not_change_it_is_told_nothing_else(
    scoped: Newsroom, operation: dict[str, Any], members: dict[str, Any]
) -> None:
    with pytest.raises(Forbidden, match="for everything"):
        await scoped.drafted(operation, by="gil", **members)


async def test_who_only_reads_is_told_no_fault(scoped: Newsroom) -> None:
    await scoped.office.person("vic", f"viewer@authority:{scoped.edu}", "editor@authority:other")

    with pytest.raises(Forbidden, match=f"for {scoped.edu}"):
        await scoped.drafted(scoped.suspension(if_match=7), by="vic")


async def test_a_list_has_what_one_may_read(scoped: Newsroom) -> None:
    own = await scoped.drafted(scoped.suspension())
    await scoped.drafted({"op": "suspend", "kind": "authorization", "id": "foreign"})
    both = await scoped.drafted(
        scoped.suspension(), {"op": "suspend", "kind": "authorization", "id": "foreign"}
    )

    seen = await scoped.drafts.page(await scoped.who("gil"))

    assert both.scope == "everything"
    assert [each.number for each in seen.change_sets] == [own.number]


async def test_two_who_approve_for_one_authority_are_enough_to_make_all_wait(bare: Newsroom) -> None:
    """Otherwise whoever edits everything would get past them with an operation on another authority."""
    for name in ("bob", "eve"):
        await bare.office.person(name, f"approver@authority:{bare.edu}")
    entity = {"op": "add", "kind": "entity", "fact": NEW}

    own, wide = await bare.submitted(bare.suspension()), await bare.submitted(entity)

    assert (own.state, wide.state) == ("submitted", "submitted")
    await bare.approves("bob", own)
    assert await bare.state_of(own) == "effective"


async def test_approvers_of_an_issuer_make_nothing_wait(bare: Newsroom) -> None:
    await bare.office.desk.hosted()
    for name in ("bob", "eve"):
        await bare.office.person(name, "approver@issuer:acme")

    assert (await bare.submitted(bare.suspension())).state == "effective"


async def test_a_fact_that_came_to_another_authority_meanwhile_is_a_conflict(scoped: Newsroom) -> None:
    found = await scoped.submitted(scoped.suspension(), by="gil")
    moved = a_grant(authority_id=LICENSING, id=scoped.grant)
    await scoped.done({"op": "correct", "kind": "authorization", "id": scoped.grant, "fact": moved})

    with pytest.raises(FactsChanged):
        await scoped.approves("bob", found)

    assert (await scoped.state_of(found), EDU != LICENSING) == ("conflict", True)
