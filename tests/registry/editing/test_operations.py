"""Operations become changes of facts, or every fault and conflict with its pointer."""

from typing import Any

import msgspec
import pytest

from registry import Entity, Grant, Known
from registry.editing.errors import FactsChanged, InvalidChangeSet
from registry.editing.operations import Planned, plan
from registry.editing.shapes import Operation
from registry.known import Nothing, Overlaid
from registry.model import defined_at, kind_of
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_grant, facts_from, known_from, known_of
from wire import parse_utc

DAY = 86_400_000_000  # microseconds
TOMORROW, YESTERDAY = "2026-11-25T12:00:00Z", "2026-11-23T12:00:00Z"
FUTURE = a_grant(valid_from="2027-01-01T00:00:00Z")


def the_grant(known: Known) -> Grant:
    [found] = known.all("authorization")
    assert isinstance(found.fact, Grant)
    return found.fact


def planned(known: Known, *operations: dict[str, Any], **more: Any) -> tuple[Planned, ...]:
    return plan(known, msgspec.convert(operations, list[Operation]), NOW, **more)


def findings(known: Known, *operations: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    with pytest.raises((InvalidChangeSet, FactsChanged)) as told:
        planned(known, *operations, **more)
    return [(each["pointer"], each["detail"]) for each in told.value.members["errors"]]


def of_grant(known: Known, op: str, **members: Any) -> dict[str, Any]:
    return {"op": op, "kind": "authorization", "id": the_grant(known).id} | members


def after(known: Known, *operations: dict[str, Any]) -> Known:
    return Overlaid(known, [each.change for each in planned(known, *operations)], NOW)


def states(known: Known) -> list[tuple[str, int]]:
    return [(each.state, each.since) for each in the_grant(known).history]


def test_a_suspension_is_from_now_on_and_keeps_its_reason() -> None:
    known = known_from()

    [found] = planned(known, of_grant(known, "suspend", reason="an audit"))

    assert (found.change.what, found.change.effective_at) == ("suspend", NOW)
    assert isinstance(found.change.fact, Grant)
    assert [(each.state, each.since, each.reason) for each in found.change.fact.history] == [
        ("suspended", NOW, "an audit")
    ]


def test_what_was_suspended_is_resumed_a_microsecond_later_at_the_earliest() -> None:
    known = known_from()

    again = after(after(known, of_grant(known, "suspend")), of_grant(known, "resume"))

    assert states(again) == [("suspended", NOW), ("active", NOW + 1)]


def test_a_revocation_takes_the_place_of_what_was_planned_for_later() -> None:
    known = known_from()
    later = after(known, of_grant(known, "suspend", since=TOMORROW))

    revoked = after(later, of_grant(known, "revoke", compromised_since="2026-01-01T00:00:00Z"))

    [only] = the_grant(revoked).history
    assert (only.state, only.since) == ("revoked", NOW)
    assert only.compromised_since == parse_utc("2026-01-01T00:00:00Z")


def test_an_emergency_is_not_refused_since_a_suspension_is_planned_anyway() -> None:
    known = known_from()
    later = after(known, of_grant(known, "suspend", since=TOMORROW))

    now = after(later, of_grant(known, "suspend"))

    assert states(now) == [("suspended", NOW)]


def test_what_has_not_begun_is_suspended_when_it_begins() -> None:
    known = known_from(authorizations=[FUTURE])

    assert states(after(known, of_grant(known, "suspend"))) == [
        ("suspended", parse_utc("2027-01-01T00:00:00Z"))
    ]


def test_what_ends_ends_now_and_what_has_not_begun_never_does() -> None:
    known, future = known_from(), known_from(authorizations=[FUTURE])

    assert the_grant(after(known, of_grant(known, "end"))).valid_until == NOW
    assert [state for state, _ in states(after(future, of_grant(future, "end")))] == ["revoked"]


def test_a_grant_begins_when_it_takes_effect_unless_it_says_otherwise() -> None:
    known = known_from()
    fact = a_grant(resource="Licence", valid_from=None)

    [found] = planned(known, {"op": "add", "kind": "authorization", "fact": fact})

    assert isinstance(found.change.fact, Grant)
    assert (found.change.fact.valid_from, found.change.effective_at) == (NOW, NOW)


def test_what_began_in_the_past_is_added_late() -> None:
    known = known_from()

    [found] = planned(known, {"op": "add", "kind": "authorization", "fact": a_grant(resource="Licence")})

    assert found.change.effective_at == parse_utc("2024-01-01T00:00:00Z")


def test_an_entity_and_what_is_granted_to_it_come_in_one_change_set() -> None:
    new = {"names": {"en": "New"}, "identifiers": [{"value": "did:web:new.example"}]}
    grant = a_grant(entity_id="did:web:new.example")

    entity, granted = planned(
        known_from(),
        {"op": "add", "kind": "entity", "fact": new},
        {"op": "add", "kind": "authorization", "fact": grant},
    )

    assert isinstance(granted.change.fact, Grant)
    assert granted.change.fact.entity_id == entity.change.id


def test_an_entity_is_named_by_an_identifier() -> None:
    known = known_from()
    [uni] = known.entities_named(UNI)
    renamed = {"names": {"en": "Renamed"}, "identifiers": [{"value": UNI}]}

    [found] = planned(known, {"op": "change", "kind": "entity", "id": UNI, "fact": renamed})

    assert isinstance(found.change.fact, Entity)
    assert (found.change.id, found.change.fact.names) == (uni.fact.id, {"en": "Renamed"})


def test_a_change_says_nothing_else_of_the_past_and_a_correction_may() -> None:
    known = known_from()
    other = a_grant(valid_from="2024-02-01T00:00:00Z")

    [(pointer, told)] = findings(known, of_grant(known, "change", fact=other))
    [found] = planned(known, of_grant(known, "correct", fact=other))

    assert (pointer, 'use "correct"' in told) == ("/operations/0/fact", True)
    assert found.change.effective_at == parse_utc("2024-01-01T00:00:00Z")
    assert findings(known, of_grant(known, "suspend", since=YESTERDAY))[0][0] == "/operations/0/since"


def test_what_is_void_was_never_so_and_nothing_may_be_left_that_names_it() -> None:
    known = known_from()
    [uni] = known.entities_named(UNI)
    entity = {"op": "void", "kind": "entity", "id": uni.fact.id}

    [(pointer, told)] = findings(known, entity)
    both = planned(known, entity, of_grant(known, "void"))

    assert (pointer, "was granted to it: void that as well" in told) == ("/operations/0", True)
    assert [each.change.fact for each in both] == [None, None]


def test_a_fact_that_changed_is_a_conflict_with_its_place() -> None:
    known = known_from()

    assert findings(known, of_grant(known, "suspend", if_match=2)) == [
        (
            "/operations/0/if_match",
            f"the authorization {the_grant(known).id} was changed: it is at revision 1",
        )
    ]
    assert findings(known, of_grant(known, "suspend"), known_at=NOW - 1)[0][0] == "/operations/0"
    assert planned(known, of_grant(known, "suspend", if_match=1), known_at=NOW)


def test_a_fact_that_is_gone_is_a_conflict_for_who_saw_it() -> None:
    known = known_from()
    operation = of_grant(known, "suspend", if_match=1)

    [(pointer, told)] = findings(Nothing(), operation)

    assert (pointer, "not there any more" in told) == ("/operations/0/if_match", True)


def test_what_is_wrong_elsewhere_in_a_fact_keeps_nobody_from_suspending_it() -> None:
    without = [fact for fact in facts_from() if kind_of(fact) != "authority"]
    known = known_of(without)

    assert planned(known, of_grant(known, "suspend"))
    assert findings(known, of_grant(known, "suspend", since="2029-01-01T00:00:00Z")) == [
        ("/operations/0/since", "expected a time before `valid_until`")
    ]


@pytest.mark.parametrize(
    ("operation", "pointer"),
    [
        ({"op": "add"}, "/operations/0/fact"),
        ({"op": "suspend", "fact": {}}, "/operations/0/fact"),
        ({"op": "suspend", "id": None}, "/operations/0/id"),
        ({"op": "suspend", "kind": "entity"}, "/operations/0/op"),
        ({"op": "add", "fact": a_grant(resource="Licence"), "if_match": 1}, "/operations/0/if_match"),
        ({"op": "void", "since": TOMORROW}, "/operations/0/since"),
        ({"op": "suspend", "since": "2026-02-30T00:00:00Z"}, "/operations/0/since"),
        ({"op": "suspend", "compromised_since": YESTERDAY}, "/operations/0/compromised_since"),
        ({"op": "suspend", "reason": "a\u200bb"}, "/operations/0/reason"),
        ({"op": "suspend", "id": "nothing"}, "/operations/0/id"),
        ({"op": "resume"}, "/operations/0/op"),
        ({"op": "add", "fact": a_grant()}, "/operations/0"),
        ({"op": "change", "fact": a_grant()}, "/operations/0"),
        ({"op": "change", "fact": a_grant(id="other")}, "/operations/0/fact/id"),
        (
            {"op": "correct", "fact": a_grant(valid_until="2020-01-01T00:00:00Z")},
            "/operations/0/fact/valid_until",
        ),
        ({"op": "correct", "fact": a_grant(action="fly")}, "/operations/0/fact"),
        ({"op": "correct", "fact": a_grant(entity_id="did:web:x.example")}, "/operations/0/fact/entity_id"),
        ({"op": "correct", "fact": a_grant(more=1)}, "/operations/0/fact/more"),
        ({"op": "correct", "fact": a_grant(action="a b")}, "/operations/0/fact/action"),
        (
            {"op": "correct", "fact": a_grant(constraints={"a": "b\u202ec"})},
            "/operations/0/fact/constraints/a",
        ),
    ],
)
def test_every_fault_has_its_place(operation: dict[str, Any], pointer: str) -> None:
    known = known_from()

    found = findings(known, of_grant(known, "suspend") | operation)

    assert [each for each, _ in found] == [pointer]


def test_all_faults_are_told_at_once_and_a_fact_is_spoken_of_once() -> None:
    known = known_from()
    twice = of_grant(known, "suspend")

    assert [
        pointer
        for pointer, _ in findings(known, {**twice, "since": "2026-02-30T00:00:00Z"}, {**twice, "fact": {}})
    ] == [
        "/operations/0/since",
        "/operations/1/fact",
    ]
    assert findings(known, twice, of_grant(known, "revoke"))[0] == (
        "/operations/1",
        "/operations/0 is about the same fact: say all of it in one operation",
    )


def test_a_delegation_in_a_circle_is_refused_with_its_place() -> None:
    def delegation(grantor: str, delegate: str) -> dict[str, Any]:
        fact = {
            "authority_id": EDU,
            "grantor_id": grantor,
            "delegate_id": delegate,
            "actions": ["issue"],
            "further": 1,
            "valid_from": "2026-01-01T00:00:00Z",
        }
        return {"op": "add", "kind": "delegation", "fact": fact}

    found = findings(known_from(), delegation(UNI, LICENSING), delegation(LICENSING, UNI))

    assert [each for each, _ in found] == [
        "/operations/0/fact/delegate_id",
        "/operations/1/fact/delegate_id",
    ]


def an_authority(known: Known, *pairs: tuple[str, str], **members: Any) -> dict[str, Any]:
    found = known.entities_named(EDU)[0].fact.id
    defines = [{"action": action, "resource": resource} for action, resource in pairs]
    fact = {"id": found, "governance_framework": "https://e.example/rules", "defines": defines}
    return {"kind": "authority", "id": found, "fact": fact | members}


def pairs_of(known: Known, at: int) -> set[tuple[str, str]]:
    found = known.authority(known.entities_named(EDU)[0].fact.id)
    assert found is not None
    return {(each.action, each.resource) for each in defined_at(found.fact, at)}


def test_what_an_authority_defines_no_more_it_defined_until_now() -> None:
    known = known_from()

    changed = after(known, {"op": "change"} | an_authority(known, ("issue", "Degree"), ("issue", "PID")))

    assert pairs_of(changed, NOW - 1) == {("issue", "Degree"), ("issue", "Licence"), ("verify", "Degree")}
    assert pairs_of(changed, NOW) == {("issue", "Degree"), ("issue", "PID")}


def test_that_an_authority_never_defined_what_it_granted_on_is_refused() -> None:
    known = known_from()

    [(pointer, told)] = findings(known, {"op": "correct"} | an_authority(known, ("issue", "Licence")))

    assert (pointer, the_grant(known).id in told) == ("/operations/0", True)


def test_nothing_is_granted_on_what_is_defined_no_more() -> None:
    known = known_from()
    dropped = after(known, {"op": "change"} | an_authority(known, ("issue", "Licence")))
    anew = a_grant(valid_from="2029-01-01T00:00:00Z", valid_until=None)

    found = findings(dropped, {"op": "add", "kind": "authorization", "fact": anew})

    assert found == [
        ("/operations/0/fact", "the authority does not define this action for this resource at that time")
    ]


def test_a_chain_that_was_long_enough_is_not_made_too_long_but_by_a_correction() -> None:
    known = known_from()
    pairs = [("issue", "Degree"), ("issue", "Licence"), ("verify", "Degree")]
    shorter = an_authority(known, *pairs, max_delegations=0)

    [(pointer, _)] = findings(known, {"op": "change"} | shorter)

    assert pointer == "/operations/0/fact"
    assert planned(known, {"op": "correct"} | shorter)[0].change.effective_at == 0


def test_a_revocation_is_told_of_the_time_since_when_the_key_was_compromised() -> None:
    known = known_from()

    [found] = planned(known, of_grant(known, "revoke", compromised_since="2026-01-01T00:00:00Z"))

    assert (found.change.what, found.change.effective_at) == ("revoke", parse_utc("2026-01-01T00:00:00Z"))
    assert states(after(known, of_grant(known, "revoke", compromised_since="2026-01-01T00:00:00Z"))) == [
        ("revoked", NOW)
    ]
