"""What an approver is told of a change set that breaks no rule."""

import msgspec
import pytest

from registry import Entity, FactChange, Grant, Known
from registry.editing.cautions import cautions as found_alone
from registry.editing.cautions import new_dids
from registry.editing.challenge_store import Challenge
from registry.editing.shapes import Caution
from registry.editing.validation import MAX_DIDS, Checks, Resolve
from registry.known import Overlaid
from registry.model import Identifier
from resolver import NotFound, Options, Resolved, Resolver
from tests.registry.examples import NOW, UNI, facts_from, known_from
from tests.registry.test_sample import ISOLA

DAY = 86_400_000_000

pytestmark = pytest.mark.anyio


async def resolve(did: str, options: Options) -> Resolved:
    """Resolve as the resolver does; of names of the web there are none here."""
    found = Resolver().resolve_local(did, options)
    if found is None:
        raise NotFound("the host name does not exist")
    return found


async def nothing_met(_: int) -> dict[str, Challenge]:
    return {}


async def told(known: Known, *changes: FactChange, resolve: Resolve = resolve) -> set[tuple[str, str]]:
    """Return place and reason of each caution."""
    found = await cautions(known, *changes, resolve=resolve)
    return {(each.pointer, each.reason) for each in found}


async def cautions(known: Known, *changes: FactChange, resolve: Resolve = resolve) -> tuple[Caution, ...]:
    alone = found_alone(Overlaid(known, changes, NOW), changes, NOW)
    return (*alone, *await Checks(resolve, nothing_met)(7, new_dids(known, changes)))


def adding(fact: Entity | Grant) -> FactChange:
    kind = "entity" if isinstance(fact, Entity) else fact.kind
    return FactChange(kind, fact.id, fact, "add", NOW)


def an_entity(*identifiers: str, name: str = "Hochschule Sonnenfeld", **more: object) -> Entity:
    return Entity(
        id="sonnenfeld",
        names={"de": name},
        identifiers=tuple(Identifier(value=each) for each in identifiers),
        **more,  # type: ignore[arg-type]
    )


def a_grant(**changes: object) -> Grant:
    grant = next(fact for fact in facts_from() if isinstance(fact, Grant))
    return msgspec.structs.replace(grant, id="new", valid_from=NOW, **changes)


async def test_a_name_and_an_identifier_that_read_like_registered_ones_are_told() -> None:
    alike = an_entity("did:web:un1.example", "https://uni.example", name="Unіversity")

    assert {
        ("/operations/0/fact/names/de", "resembles_another_name"),
        ("/operations/0/fact/identifiers/0/value", "resembles_another_identifier"),
        ("/operations/0/fact/identifiers/1/value", "resembles_another_identifier"),
    } <= await told(known_from(), adding(alike))


async def test_an_entity_does_not_resemble_itself() -> None:
    known = known_from()
    uni = known.entities_named(UNI)[0].fact
    renamed = msgspec.structs.replace(uni, names={"en": "UNIVERSITY", "de": "University"})

    assert await told(known, FactChange("entity", uni.id, renamed, "change", NOW)) == set()


async def test_odd_windows_are_told_and_usual_ones_are_not() -> None:
    usual = a_grant(valid_until=NOW + 365 * DAY, review_due=NOW + 300 * DAY)
    over = a_grant(valid_until=NOW - DAY)
    long = a_grant(valid_until=NOW + 3_700 * DAY)
    late_review = a_grant(valid_until=NOW + 10 * DAY, review_due=NOW + 10 * DAY)
    past_review = a_grant(valid_until=None, review_due=NOW)
    known, here = known_from(), "/operations/0/fact"

    assert await told(known, adding(usual)) == set()
    assert await told(known, adding(over)) == {(f"{here}/valid_until", "ends_in_the_past")}
    assert await told(known, adding(long)) == {(f"{here}/valid_until", "long_window")}
    assert await told(known, adding(late_review)) == {(f"{here}/review_due", "review_after_end")}
    assert await told(known, adding(past_review)) == {(f"{here}/review_due", "review_in_the_past")}


async def test_a_suspension_is_no_occasion_to_look_at_windows() -> None:
    long = a_grant(valid_until=NOW + 3_700 * DAY)

    assert await told(known_from(), FactChange(long.kind, long.id, long, "suspend", NOW)) == set()


async def test_the_keys_of_a_new_did_are_told_and_that_nobody_showed_control() -> None:
    found = await cautions(known_from(), adding(an_entity(ISOLA)))

    assert [each.reason for each in found] == ["signs_with", "control_not_shown"]
    assert "urn:ietf:params:oauth:jwk-thumbprint:sha-256:" in found[0].detail


async def test_a_did_that_does_not_resolve_is_told_and_one_that_was_there_is_not_looked_at() -> None:
    known = known_from()
    uni = known.entities_named(UNI)[0].fact
    more = msgspec.structs.replace(
        uni, identifiers=(*uni.identifiers, Identifier(value="did:web:gone.example"))
    )

    assert await told(known, FactChange("entity", uni.id, more, "change", NOW)) == {
        ("/operations/0/fact/identifiers/1/value", "does_not_resolve")
    }


async def test_a_document_without_a_key_to_issue_with_or_with_a_bad_one_is_told() -> None:
    bad = {
        "id": "did:web:bad.example#1",
        "type": "JsonWebKey",
        "controller": "did:web:bad.example",
        "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},  # of small order
    }
    documents = {
        "did:web:bad.example": {
            "id": "did:web:bad.example",
            "verificationMethod": [bad],
            "assertionMethod": ["did:web:bad.example#1"],
        },
        "did:web:empty.example": {"id": "did:web:empty.example"},
    }

    async def published(did: str, _: Options) -> Resolved:
        return Resolved(did=did, document=documents[did])

    found = await told(known_from(), adding(an_entity(*documents)), resolve=published)

    assert ("/operations/0/fact/identifiers/0/value", "key_not_acceptable") in found
    assert ("/operations/0/fact/identifiers/1/value", "no_key") in found


async def test_so_many_dids_are_resolved_and_no_more() -> None:
    asked: list[str] = []

    async def counting(did: str, options: Options) -> Resolved:
        asked.append(did)
        return await resolve(did, options)

    many = an_entity(*(f"did:web:n{number}.example" for number in range(MAX_DIDS + 3)))
    found = await told(known_from(), adding(many), resolve=counting)

    assert len(asked) == MAX_DIDS
    assert (f"/operations/0/fact/identifiers/{MAX_DIDS}/value", "not_looked_at") in found
