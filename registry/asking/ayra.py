"""
What the Ayra TRQP profile reads with GET, from what is known: entities, ecosystems, and what may be asked. Pure.

Lists of answers have those that are in force, and no others: whoever counts them may not look at `authorized`.
"""

from collections.abc import Iterable, Iterator

from msgspec import UNSET, UnsetType

from registry.asking.entity_lists import granted_by
from registry.asking.moments import Context, moment_of
from registry.asking.naming import authorities, is_authority, known_as, text_in_english
from registry.asking.standing import authority_named, entity_named
from registry.asking.trqp_answers import authorization, recognition
from registry.ayra import DefinedPair, Ecosystem, ShownEntity, ShownIdentifier
from registry.errors import IdentifierNotFound
from registry.identifiers import as_registered
from registry.known import Known
from registry.model import Authority, Entity, Grant, Identifier, covers, defined_at
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from wire import format_utc


def show_entity(known: Known, identifier: str, at: int) -> ShownEntity:
    """
    Return what is known of the entity that has an identifier.

    Raises:
        IdentifierNotFound: nobody has it at that time.
    """
    entity = _entity_with(known, identifier, at)
    return ShownEntity(
        entity_id=identifier,
        name=text_in_english(entity.names),
        type="authority" if is_authority(known, entity, at) else "entity",
        names=entity.names,
        identifiers=[_shown_identifier(each) for each in entity.identifiers],
        description=entity.description or UNSET,
        logo=entity.logo or UNSET,
        links=entity.links or UNSET,
        valid_from=_time(entity.valid_from),
        valid_until=_time(entity.valid_until),
    )


def show_ecosystem(known: Known, identifier: str, at: int, freshness_seconds: int) -> Ecosystem:
    """
    Return what is known of an authority.

    Raises:
        AuthorityNotFound: none has that identifier at that time.
    """
    authority = authority_named(known, as_registered(identifier), at).fact
    entity = _entity_with(known, identifier, at)
    seconds = authority.freshness_seconds
    return Ecosystem(
        ecosystem_id=identifier,
        name=text_in_english(entity.names),
        names=entity.names,
        governance_framework_id=authority.governance_framework,
        defines=_pairs_of(authority, at),
        freshness_seconds=freshness_seconds if seconds is None else seconds,
        max_delegations=authority.max_delegations,
        description=entity.description or UNSET,
        resources=authority.resources or UNSET,
        governance_documents=authority.governance_documents or UNSET,
    )


def pairs(known: Known, authority_id: str | None, at: int) -> list[DefinedPair]:
    """
    Return what may be asked of an authority, or of any, each pair once.

    Raises:
        AuthorityNotFound: none has that identifier at that time.
    """
    if authority_id is not None:
        return _pairs_of(authority_named(known, as_registered(authority_id), at).fact, at)
    found = [pair for authority in authorities(known, at) for pair in _pairs_of(authority, at)]
    return list({(each.action, each.resource): each for each in reversed(found)}.values())[::-1]


def authorizations_of(
    known: Known, identifier: str, context: Context, now: int, freshness_seconds: int
) -> list[AuthorizationAnswer]:
    """
    Return the answers to all questions about an entity that are answered with yes.

    Raises:
        IdentifierNotFound: nobody has that identifier at that time.
    """
    at = moment_of(context, now).at
    entity = _entity_with(known, identifier, at)
    granted = (each.fact for each in known.grants_to(entity.id) if each.fact.kind == "authorization")
    requests = _requests(known, granted, at, context, entity_id=identifier)
    found = (authorization(known, each, now, freshness_seconds) for each in requests)
    return [each for each in found if each.authorized]


def recognitions_of(
    known: Known, identifier: str, context: Context, now: int, freshness_seconds: int
) -> list[RecognitionAnswer]:
    """
    Return the answers, all of them yes, for whom an authority recognises for what.

    Raises:
        AuthorityNotFound: none has that identifier at that time.
        TooManyToList: too many for one list.
    """
    at = moment_of(context, now).at
    authority = authority_named(known, as_registered(identifier), at).fact
    granted = granted_by(known, "recognition", [authority], None, at)
    requests = _requests(known, granted, at, context, authority_id=identifier)
    found = (recognition(known, each, now, freshness_seconds) for each in requests)
    return [each for each in found if each.recognized]


def _entity_with(known: Known, identifier: str, at: int) -> Entity:
    found = entity_named(known, as_registered(identifier), at)
    if found is None:
        raise IdentifierNotFound("no entity of this registry has this identifier at that time")
    return found.fact


def _requests(
    known: Known,
    grants: Iterable[Grant],
    at: int,
    context: Context,
    *,
    entity_id: str | None = None,
    authority_id: str | None = None,
) -> Iterator[TrqpRequest]:
    """Yield the question that each grant is about, once, unless it cannot be asked at that time."""
    asked = dict.fromkeys((each.authority_id, each.entity_id, each.action, each.resource) for each in grants)
    for authority, entity, action, resource in asked:
        about = entity_id or known_as(known, entity, at)
        by = authority_id or known_as(known, authority, at)
        if about is not None and by is not None and _is_defined(known, authority, action, resource, at):
            yield TrqpRequest(
                entity_id=about, authority_id=by, action=action, resource=resource, context=context
            )


def _is_defined(known: Known, authority_id: str, action: str, resource: str, at: int) -> bool:
    found = known.authority(authority_id)
    if found is None or not covers(found.fact.valid_from, found.fact.valid_until, at):
        return False
    return any((each.action, each.resource) == (action, resource) for each in defined_at(found.fact, at))


def _pairs_of(authority: Authority, at: int) -> list[DefinedPair]:
    return [
        DefinedPair(
            action=each.action,
            resource=each.resource,
            description=text_in_english(each.description) or UNSET,
        )
        for each in defined_at(authority, at)
    ]


def _shown_identifier(identifier: Identifier) -> ShownIdentifier:
    return ShownIdentifier(
        value=identifier.value,
        valid_from=_time(identifier.valid_from),
        valid_until=_time(identifier.valid_until),
        compromised_since=_time(identifier.compromised_since),
    )


def _time(time: int | None) -> str | UnsetType:
    return UNSET if time is None else format_utc(time)
