"""What becomes of the registry by what a source says, one time after another."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from registry.asking.standing import Asked, find
from registry.identifiers import certificate_identifier
from registry.imports.lote.meaning import ListTerms, meaning_of
from registry.imports.lote.reading import read_list
from registry.imports.lote.signature import verify_list
from registry.imports.terms import Right
from registry.known import FactChange, Known, Nothing, Overlaid
from registry.model import Authority, Definition, Entity, Fact, Grant, Identifier, kind_of
from registry.placed import Placed
from registry.sources.planning import SourcePlan, begun, plan_source
from tests.proofs.authorities import Authority as Certifier
from tests.proofs.authorities import der
from tests.registry.imports.lists import (
    ANCHORS,
    AT,
    GRANTED,
    ISSUANCE,
    REVOCATION,
    WITHDRAWN,
    document,
    entity,
    identity,
    service,
    sign,
)

DAY = 86_400_000_000
UNTIL = AT + 30 * DAY
AUTHORITY = "did:web:authority.example"
DID, OTHER = "did:web:issuer.example", "did:web:other.example"
CA = Certifier("Issuing authority").certificate
NI = certificate_identifier(der(CA))
TERMS = ListTerms(AUTHORITY, {ISSUANCE: (Right("issue", "PID"),), REVOCATION: (Right("status", "PID"),)})


class World:
    """A registry that one source after another speaks to."""

    def __init__(self, *facts: Fact) -> None:
        self.known: Known = Nothing()
        self.granted: dict[str, tuple[str, ...]] = {}
        self.record(
            [
                Entity(id="authority", names={"en": "Authority"}, identifiers=(Identifier(value=AUTHORITY),)),
                Authority(
                    id="authority",
                    governance_framework="https://authority.example/",
                    defines=tuple(
                        Definition(action=action, resource="PID") for action in ("issue", "status", "verify")
                    ),
                ),
                *facts,
            ]
        )

    def record(self, facts: Iterable[Fact], now: int = AT) -> None:
        self.take([FactChange(kind_of(each), each.id, each, "add", 0) for each in facts], now)

    def take(self, changes: Iterable[FactChange], now: int) -> None:
        self.known = Overlaid(self.known, list(changes), now)

    def plan(self, *listed: object, now: int = AT, source: str = "list", until: int = UNTIL) -> SourcePlan:
        signed = verify_list(sign(document(*listed)), ANCHORS, now=AT)
        current = read_list(signed, now=AT, last=None)
        since = lambda value, right: begun(self.known, source, value, right) or now  # noqa: E731
        return self.plan_items(meaning_of(current, TERMS, since).items, now=now, source=source, until=until)

    def plan_items(
        self, items: Iterable[Placed], *, now: int = AT, source: str = "list", until: int = UNTIL
    ) -> SourcePlan:
        return plan_source(
            self.known,
            items,
            source_id=source,
            authority_id="authority",
            until=until,
            granted=self.granted.get(source, ()),
            now=now,
        )

    def say(self, *listed: object, now: int = AT, source: str = "list", until: int = UNTIL) -> list[str]:
        """Let a source say something; return the verbs of what differs."""
        plan = self.plan(*listed, now=now, source=source, until=until)
        assert plan.findings == ()
        self.take((*plan.differences, *plan.vouching), now)
        self.granted[source] = plan.grants
        return [f"{change.what} {change.kind}" for change in plan.differences]

    def ask(self, identifier: str, at: int = AT, action: str = "issue") -> str:
        asked = Asked(
            kind="authorization", authority=AUTHORITY, entity=identifier, action=action, resource="PID", at=at
        )
        return find(self.known, asked).reason


def issuer(*ids: str, text: str = "Issuer", **known_by: object) -> dict[str, object]:
    return entity(text, service(identity(*ids, **known_by)))  # type: ignore[arg-type]


def test_what_a_list_says_is_recorded_as_what_the_source_says() -> None:
    world = World()

    said = world.say(issuer(DID, certificates=[CA]))

    assert said == ["add entity", "add authorization"]
    (found,) = world.known.entities_named(DID)
    assert (found.fact.source, [each.value for each in found.fact.identifiers]) == ("list", [DID, NI])
    assert world.ask(DID) == world.ask(NI) == "active"


def test_the_same_list_changes_nothing_though_it_gives_no_times() -> None:
    world = World()
    world.say(issuer(DID, certificates=[CA]))

    assert world.say(issuer(DID, certificates=[CA]), now=AT + DAY) == []


def test_another_name_is_a_change() -> None:
    world = World()
    world.say(issuer(DID))

    assert world.say(issuer(DID, text="New name"), now=AT + DAY) == ["change entity"]
    assert world.known.entities_named(DID)[0].fact.names == {"en": "New name"}


def test_what_is_listed_no_more_ends_now_and_was_so_before() -> None:
    world = World()
    world.say(issuer(DID), issuer(OTHER, text="Other"))

    assert world.say(issuer(OTHER, text="Other"), now=AT + DAY) == ["end authorization"]
    assert (world.ask(DID, AT), world.ask(DID, AT + DAY), world.ask(OTHER, AT + DAY)) == (
        "active",
        "expired",
        "active",
    )
    assert world.say(issuer(OTHER, text="Other"), now=AT + 2 * DAY) == []
    assert world.say(issuer(DID), issuer(OTHER, text="Other"), now=AT + 3 * DAY) == ["add authorization"]
    assert [world.ask(DID, AT + day * DAY) for day in (0, 2, 3)] == ["active", "expired", "active"]


def test_a_withdrawal_that_the_list_dates_back_is_a_correction() -> None:
    world = World()
    granted = service(identity(DID), GRANTED, "2026-01-01T00:00:00Z")
    world.say(entity("Issuer", granted))
    withdrawn = service(
        identity(DID),
        WITHDRAWN,
        "2026-05-01T00:00:00Z",
        {
            "ServiceName": [{"lang": "en", "value": "Issuance"}],
            "ServiceDigitalIdentity": identity(DID),
            "ServiceStatus": GRANTED,
            "StatusStartingTime": "2026-01-01T00:00:00Z",
        },
    )

    assert world.say(entity("Issuer", withdrawn), now=AT + DAY) == ["correct authorization"]
    assert world.ask(DID) == "revoked"


def test_a_certificate_of_a_new_service_moves_to_an_entity_of_its_own() -> None:
    """What was one entity is two, since the list does not say the same of its identifiers any more."""
    world = World()
    world.say(issuer(DID, certificates=[CA]))
    split = entity("Issuer", service(identity(DID)), service(identity(certificates=[CA]), type=REVOCATION))

    said = world.say(split, now=AT + DAY)

    assert sorted(said) == ["add authorization", "add entity", "change entity"]
    assert [world.ask(NI, at) for at in (AT, AT + DAY)] == ["active", "not_granted"]
    assert world.ask(NI, AT + DAY, "status") == world.ask(DID, AT + DAY) == "active"
    assert world.say(split, now=AT + 2 * DAY) == []


def test_identifiers_that_come_back_begin_anew() -> None:
    world = World()
    split = entity("Issuer", service(identity(DID)), service(identity(certificates=[CA]), type=REVOCATION))
    world.say(issuer(DID, certificates=[CA]))
    world.say(split, now=AT + DAY)

    world.say(issuer(DID, certificates=[CA]), now=AT + 2 * DAY)

    assert [world.ask(NI, AT + day * DAY) for day in range(3)] == ["active", "not_granted", "active"]
    assert world.say(issuer(DID, certificates=[CA]), now=AT + 3 * DAY) == []


def test_a_list_grants_to_an_entity_that_is_known_and_changes_nothing_of_it() -> None:
    """Whoever writes a list could else have what others grant to the entity."""
    university = Entity(id="university", names={"en": "University"}, identifiers=(Identifier(value=DID),))
    verify = Grant(
        id="verify",
        kind="authorization",
        authority_id="authority",
        entity_id="university",
        action="verify",
        resource="PID",
        valid_from=AT,
    )
    world = World(university, verify)

    said = world.say(issuer(DID, certificates=[CA], text="Forged"))

    assert sorted(said) == ["add authorization", "add authorization", "add entity"]
    assert world.known.entity("university").fact == university  # type: ignore[union-attr]
    assert world.ask(DID) == world.ask(NI) == world.ask(DID, action="verify") == "active"
    assert world.ask(NI, action="verify") == "not_granted"


def test_what_an_operator_grants_in_the_same_name_stands() -> None:
    university = Entity(id="university", names={"en": "University"}, identifiers=(Identifier(value=DID),))
    by_hand = Grant(
        id="by-hand",
        kind="authorization",
        authority_id="authority",
        entity_id="university",
        action="issue",
        resource="PID",
        valid_from=AT - DAY,
    )
    world = World(university, by_hand)

    assert world.say(issuer(DID)) == []
    assert world.ask(DID, UNTIL + DAY) == "active"  # an operator says so, not the list


def test_sources_do_not_end_what_others_say() -> None:
    world = World()
    world.say(issuer(DID), source="one")
    world.say(issuer(OTHER, text="Other"), source="other")

    assert world.say(source="one", now=AT + DAY) == ["end authorization"]
    assert world.ask(OTHER, AT + DAY) == "active"


def test_what_a_source_does_not_vouch_for_any_more_is_unknown() -> None:
    world = World()
    world.say(issuer(DID))

    assert [world.ask(DID, UNTIL - 1), world.ask(DID, UNTIL)] == ["active", "source_expired"]
    assert world.say(issuer(DID), now=AT + DAY, until=UNTIL + DAY) == []
    assert [world.ask(DID, UNTIL), world.ask(DID, UNTIL + DAY)] == ["active", "source_expired"]


def test_unknown_is_neither_yes_nor_no_and_holds_until_then() -> None:
    world = World()
    world.say(issuer(DID))
    asked = Asked(
        kind="authorization", authority=AUTHORITY, entity=DID, action="issue", resource="PID", at=AT
    )

    found, later = find(world.known, asked), find(world.known, replace(asked, at=UNTIL))

    assert (found.decision, found.until) == ("yes", UNTIL)
    assert later.decision == "unknown"


@pytest.mark.parametrize("name", ["Iss\u202euer", "Is\u200bsuer"])
def test_what_breaks_a_rule_is_told_with_its_place(name: str) -> None:
    plan = World().plan(entity(name, service(identity(DID))))

    assert [pointer for pointer, _ in plan.findings] == ["/LoTE/TrustedEntitiesList/0/names/en"]


def test_a_right_that_the_authority_does_not_define_is_told() -> None:
    world = World()
    world.record(
        [
            Authority(
                id="authority",
                governance_framework="https://a.example/",
                defines=(Definition(action="x", resource="y"),),
            )
        ]
    )

    assert [detail for _, detail in world.plan(issuer(DID)).findings] == [
        "the authority does not define this action for this resource"
    ]
