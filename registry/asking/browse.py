"""
Lists of entities and authorities, and all about one, from what is known. Pure.

A page looks at a bounded number of facts, so that it may have fewer items than were asked for, or none, and still
a next one. Candidates come in an order that a cursor can name:

- words that begin with the rarest word of the query, each with its entity. An entity with several such words is
  shown at the first of them;
- those that were granted something, by their ids, merged of as many lists as there are things to be granted;
- all, by their ids.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from msgspec.structs import replace

from registry.asking.browsing import (
    MAX_GRANTS,
    MAX_QUERY_CHARS,
    AuthorityPage,
    EntityPage,
    ShownAuthority,
    StandingGrant,
    Wanted,
    WholeAuthority,
    WholeEntity,
    cursor_of,
    digest_of,
    read_cursor,
    read_time,
)
from registry.asking.moments import Moment
from registry.asking.naming import authorities as open_authorities
from registry.asking.naming import authority_of
from registry.asking.shown import NamedEntity, shown, whole_authority, whole_entity
from registry.asking.standing import entity_named, next_turn, turns_of
from registry.directory import Directory
from registry.errors import AuthorityNotFound, IdentifierNotFound
from registry.folding import MAX_WORD_CHARS, runs_of, words_of
from registry.identifiers import as_registered, identifier_kind
from registry.items import GrantItem, item_of
from registry.known import Known
from registry.model import Authority, Entity, Grant, covers, defined_at, standing_at
from wire import BadRequest, format_exact
from wire.language import choose_language

MAX_LOOKED_AT = 2_000  # candidates for one page; looking at them takes some 50 ms
MAX_WORDS_ASKED = 10
MAX_LISTS = 1_000  # that are merged; of more things to be granted, all entities are looked at
_CHUNK = 100  # candidates that are read at a time
_MERGED_CHUNK = 20

Candidate: TypeAlias = tuple[tuple[str, ...], str]  # where a cursor may stand, and the id of an entity


def entity_page(
    known: Directory,
    wanted: Wanted,
    at: int,
    *,
    cursor: str | None,
    recorded_at: int,
    limit: int,
    accept_language: str | None,
) -> tuple[EntityPage, int]:
    """
    Return the next entities that are wanted, of those that there are at a time, and how many were looked at.

    Args:
        recorded_at: what was recorded later is not shown: of a search for words, on none of its pages. Whoever is
            renamed meanwhile would else be found at another word, twice or never.

    Raises:
        BadRequest: the cursor is none of this query; `q` has no word.
        AuthorityNotFound: there is no such authority at that time.
    """
    query = digest_of("entities", wanted)
    words = None if wanted.q is None else _query_words(wanted.q)
    after = read_cursor(cursor, query, 1 if words is None else 4)
    pinned: tuple[str, ...] = ()
    if words is not None:
        time, after = after[3] or str(recorded_at), after[:3]
        known, pinned = known.as_of(read_time(time)), (time,)
        after = after if after[0] in words else (_rarest(known, words), "", "")
    authority = None if wanted.authority is None else authority_called(known, wanted.authority, at).id
    items: list[NamedEntity] = []
    before, looked_at = after, 0
    for where, entity_id in _candidates(known, wanted, words, authority, after, at):
        if len(items) == limit or looked_at == MAX_LOOKED_AT:
            return EntityPage(items=items, next=cursor_of(query, *before, *pinned)), looked_at
        before, looked_at = where, looked_at + 1
        found = known.entity(entity_id)
        if found is not None and _is_wanted(known, found.fact, wanted, words, authority, where, at):
            items.append(shown(found.fact, at, accept_language))
    return EntityPage(items=items), looked_at


def authority_page(
    known: Known, at: int, *, cursor: str | None, limit: int, accept_language: str | None
) -> AuthorityPage:
    """Return the next authorities of those that answer at a time; BadRequest where the cursor is none."""
    query = digest_of("authorities")
    (after,) = read_cursor(cursor, query, 1)
    found = list(islice(open_authorities(known, at, after=after), limit + 1))
    items = [_shown_authority(known, each, at, accept_language) for each in found[:limit]]
    more = len(found) > limit
    return AuthorityPage(items=items, next=cursor_of(query, found[limit - 1].id) if more else None)


def whole(known: Known, reference: str, at: int, accept_language: str | None) -> WholeEntity:
    """
    Return all about the entity with an id, or with an identifier at a time.

    Raises:
        IdentifierNotFound: there is none.
    """
    entity = _entity_called(known, reference, at)
    if entity is None:
        raise IdentifierNotFound("no entity of this registry has this id, or this identifier at that time")
    authority, names = known.authority(entity.id), _Names(known, accept_language)
    grants = known.grants_to(entity.id)
    language = choose_language(accept_language, entity.names)
    return WholeEntity(
        name=entity.names[language],
        language=language,
        entity=whole_entity(entity),
        authority=None if authority is None else whole_authority(authority.fact),
        grants=[_standing_grant(each.fact, names, at) for each in grants[:MAX_GRANTS]],
        has_more=len(grants) > MAX_GRANTS,
    )


def whole_of_authority(known: Known, reference: str, at: int, accept_language: str | None) -> WholeAuthority:
    """Return all about an authority; AuthorityNotFound where there is none at that time."""
    authority = authority_called(known, reference, at)
    entity = known.entity(authority.id)
    assert entity is not None, "an authority is an entity"
    language = choose_language(accept_language, entity.fact.names)
    return WholeAuthority(
        name=entity.fact.names[language],
        language=language,
        entity=whole_entity(entity.fact),
        authority=whole_authority(authority),
    )


def authority_called(known: Known, reference: str, at: int) -> Authority:
    """
    Return the authority that has an id of ours, or an identifier, at a time.

    Raises:
        AuthorityNotFound: there is none.
    """
    entity = _entity_called(known, reference, at)
    found = None if entity is None else authority_of(known, entity, at)
    if found is None:
        raise AuthorityNotFound("this registry has no such authority at that time")
    return found


def kept_until(known: Known, reference: str, moment: Moment, freshness_seconds: int) -> int:
    """
    Return until when caches may keep what is told of an entity, or of an authority: microseconds since 1970.

    That is no longer than any authority concerned lets it be relied on, and not beyond a change that is known.
    """
    entity = _entity_called(known, reference, moment.at)
    assert entity is not None, "what is told of it is told of somebody"
    grants = [each.fact for each in known.grants_to(entity.id)[:MAX_GRANTS]]
    ids = dict.fromkeys([entity.id, *(each.authority_id for each in grants)])
    found = [each.fact for each in map(known.authority, ids) if each is not None]
    own = [each.freshness_seconds for each in found if each.freshness_seconds is not None]
    seconds = min([freshness_seconds, *own])
    turns = turns_of(entity)
    for identifier in entity.identifiers:
        turns += (identifier.valid_from, identifier.valid_until)
    for authority in found:
        turns += (authority.valid_from, authority.valid_until)
    for grant in grants:
        turns += turns_of(grant)
    fresh, turn = moment.now + seconds * 1_000_000, next_turn(turns, moment.at)
    return fresh if turn is None or moment.at < moment.now else min(fresh, turn)


def _entity_called(known: Known, reference: str, at: int) -> Entity | None:
    is_own = ":" not in reference
    found = known.entity(reference) if is_own else entity_named(known, as_registered(reference), at)
    return None if found is None else found.fact


def _query_words(text: str) -> list[str]:
    """Return the words of a query, the longest first."""
    if len(text) > MAX_QUERY_CHARS:
        raise BadRequest(f"q: expected at most {MAX_QUERY_CHARS} characters")
    words = {word[:MAX_WORD_CHARS] for word in runs_of(text)}
    if not words:
        raise BadRequest("q: expected a letter or a digit")
    if len(words) > MAX_WORDS_ASKED:
        raise BadRequest(f"q: expected at most {MAX_WORDS_ASKED} words")
    return sorted(words, key=lambda word: (-len(word), word))


def _candidates(
    known: Directory,
    wanted: Wanted,
    words: list[str] | None,
    authority: str | None,
    after: tuple[str, ...],
    at: int,
) -> Iterator[Candidate]:
    if words is not None:
        yield from _by_word(known, after)
        return
    lists = list(islice(_lists(known, wanted, authority, at), MAX_LISTS + 1)) if wanted.is_of_grants else []
    if wanted.is_of_grants and len(lists) <= MAX_LISTS:
        merged = heapq.merge(*(_granted(known, each, after[0]) for each in lists))
        ids: Iterable[str] = _each_once(merged)
    else:
        ids = (found.fact.id for found in known.all("entity", after=after[0]))
    yield from (((each,), each) for each in ids)


def _rarest(known: Directory, words: list[str]) -> str:
    """Return the word of a query with which the fewest words of names begin, as far as a page can tell."""
    if len(words) == 1:
        return words[0]
    return min(words, key=lambda word: len(known.words(word, ("", ""), MAX_LOOKED_AT)))


def _by_word(known: Directory, after: tuple[str, ...]) -> Iterator[Candidate]:
    prefix, word, entity_id = after
    beyond = (word, entity_id)
    while rows := known.words(prefix, beyond, _CHUNK):
        for row in rows:
            yield (prefix, *row), row[1]
        beyond = rows[-1]


def _lists(known: Known, wanted: Wanted, authority: str | None, at: int) -> Iterator[tuple[str, str, str]]:
    """Yield what may have been granted, as the authority's id, the action and the resource."""
    for each in open_authorities(known, at):
        if authority in (None, each.id):
            for defined in defined_at(each, at):
                if wanted.action in (None, defined.action) and wanted.resource in (None, defined.resource):
                    yield each.id, defined.action, defined.resource


def _granted(known: Directory, asked: tuple[str, str, str], after: str) -> Iterator[str]:
    while ids := known.granted_to("authorization", *asked, after, _MERGED_CHUNK):
        yield from ids
        after = ids[-1]


def _each_once(ids: Iterable[str]) -> Iterator[str]:
    last = None
    for each in ids:
        if each != last:
            yield each
        last = each


def _is_wanted(
    known: Known,
    entity: Entity,
    wanted: Wanted,
    words: list[str] | None,
    authority: str | None,
    where: tuple[str, ...],
    at: int,
) -> bool:
    return (
        covers(entity.valid_from, entity.valid_until, at)
        and (words is None or _is_found_here(entity, words, where))
        and (wanted.kind is None or _has_kind(entity, wanted.kind, at))
        and (not wanted.is_of_grants or _was_granted(known, entity, wanted, authority, at))
    )


def _is_found_here(entity: Entity, words: list[str], where: tuple[str, ...]) -> bool:
    """Tell whether a name has all words of a query, and the entity is not found by an earlier word already."""
    prefix, word, _ = where
    own = words_of(*entity.names.values())
    if next((each for each in own if each.startswith(prefix)), None) != word:
        return False
    return any(_has_all(words_of(name), words) for name in entity.names.values())


def _has_all(own: list[str], words: list[str]) -> bool:
    return all(any(each.startswith(word) for each in own) for word in words)


def _has_kind(entity: Entity, kind: str, at: int) -> bool:
    return any(
        covers(each.valid_from, each.valid_until, at) and identifier_kind(each.value) == kind
        for each in entity.identifiers
    )


def _was_granted(known: Known, entity: Entity, wanted: Wanted, authority: str | None, at: int) -> bool:
    return any(
        each.fact.kind == "authorization"
        and authority in (None, each.fact.authority_id)
        and wanted.action in (None, each.fact.action)
        and wanted.resource in (None, each.fact.resource)
        and wanted.state in (None, standing_at(each.fact, at).phase)
        for each in known.grants_to(entity.id)
    )


class _Names:
    """Names of authorities, each looked up once."""

    def __init__(self, known: Known, accept_language: str | None) -> None:
        self._known = known
        self._accept_language = accept_language
        self._names: dict[str, str] = {}

    def of(self, entity_id: str) -> str:
        if entity_id not in self._names:
            found = self._known.entity(entity_id)
            names = {"": entity_id} if found is None else found.fact.names
            self._names[entity_id] = names[choose_language(self._accept_language, names)]
        return self._names[entity_id]


def _standing_grant(grant: Grant, names: _Names, at: int) -> StandingGrant:
    standing, item = standing_at(grant, at), item_of(grant)
    assert isinstance(item, GrantItem)
    return StandingGrant(
        kind=grant.kind,
        authority=names.of(grant.authority_id),
        state=standing.phase,
        state_since=format_exact(standing.since),
        grant=replace(item, review_due=None),
    )


def _shown_authority(
    known: Known, authority: Authority, at: int, accept_language: str | None
) -> ShownAuthority:
    entity = known.entity(authority.id)
    assert entity is not None, "an authority is an entity"
    defines = defined_at(authority, at)
    return ShownAuthority(
        entity=shown(entity.fact, at, accept_language),
        governance_framework=authority.governance_framework,
        actions=sorted({each.action for each in defines}),
        resources=len({each.resource for each in defines}),
    )
