"""Entities, searched and listed by page: every one once, whatever is edited between two pages."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.asking import browse
from registry.asking.browse import MAX_LISTS, MAX_LOOKED_AT, entity_page
from registry.asking.browsing import EntityPage, Wanted, cursor_of, digest_of
from registry.errors import AuthorityNotFound, IdentifierNotFound
from registry.folding import folded, words_of
from registry.model import Authority, Definition, Entity, Fact, Grant, Identifier, StateChange
from tests.registry.directory import History
from tests.registry.examples import NOW
from wire import BadRequest

DAY = 86_400_000_000


def an_entity(fact_id: str, *names: str, **changes: Any) -> Entity:
    languages = ("en", "de", "ja", "ar", "el")
    identifiers = (Identifier(value=f"did:web:{fact_id}.example"),)
    members = {"id": fact_id, "identifiers": identifiers, "names": dict(zip(languages, names, strict=False))}
    return Entity(**(members | changes))


def an_authority(fact_id: str = "edu", resources: Iterable[str] = ("Degree", "Licence")) -> tuple[Fact, ...]:
    defines = tuple(Definition(action="issue", resource=each) for each in resources)
    return (
        an_entity(fact_id, f"Authority {fact_id}"),
        Authority(id=fact_id, governance_framework="https://edu.example/rules", defines=defines),
    )


def a_grant(entity_id: str, **changes: Any) -> Grant:
    members = {
        "id": f"g-{entity_id}",
        "kind": "authorization",
        "authority_id": "edu",
        "entity_id": entity_id,
        "action": "issue",
        "resource": "Degree",
        "valid_from": NOW - 900 * DAY,
    }
    return Grant(**(members | changes))  # type: ignore[arg-type]  # of a table


def a_page(
    history: History,
    cursor: str | None = None,
    *,
    limit: int = 50,
    at: int = NOW,
    recorded_at: int = NOW,
    **wanted: Any,
) -> EntityPage:
    page, _ = entity_page(
        history.known(),
        Wanted(**wanted),
        at,
        cursor=cursor,
        recorded_at=recorded_at,
        limit=limit,
        accept_language=None,
    )
    return page


def ids(page: EntityPage) -> list[str]:
    return [each.id for each in page.items]


def all_ids(history: History, *, limit: int = 50, **wanted: Any) -> list[str]:
    page = a_page(history, limit=limit, **wanted)
    found = ids(page)
    while page.next is not None:
        page = a_page(history, page.next, limit=limit, **wanted)
        found += ids(page)
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("uni", ["alpha", "beta"]),
        ("UNIVERSITÄT", ["alpha", "beta"]),
        ("universitat", ["alpha", "beta"]),
        ("zur", ["alpha"]),
        ("uni zur", ["alpha"]),
        ("zur uni", ["alpha"]),
        ("HAUPTSTRASSE", ["gamma"]),
        ("ＵＮＩ", ["alpha", "beta"]),
        ("大学", ["beta"]),
        ("東京", ["beta"]),
        ("京", ["beta"]),
        ("جامعة", ["gamma"]),
        ("καλημερα", ["gamma"]),
        ("aquila", ["delta"]),
        ("l'aquila", ["delta"]),
        ("versity", []),
        ("university zurich", []),
        ("nobody", []),
    ],
)
def test_a_name_is_found_by_the_prefix_of_any_word(query: str, expected: list[str]) -> None:
    history = History().tell(
        an_entity("alpha", "Unilab", "Universität Zürich"),
        an_entity("beta", "University of Tokyo", "Universität Tokio", "東京大学"),
        an_entity("gamma", "Highstreet", "Hauptstraße", "x", "جَامِعَة", "Καλημέρα"),
        an_entity("delta", "L’Aquila"),
    )

    assert sorted(all_ids(history, q=query)) == sorted(expected)


def test_one_with_several_such_words_is_listed_once_on_pages_of_any_size() -> None:
    history = History().tell(
        *(an_entity(f"e{number}", "Uni Union", "Universität Unum", "Ulm") for number in range(7))
    )

    for limit in (1, 2, 3, 7, 50):
        assert all_ids(history, q="un", limit=limit) == [f"e{number}" for number in range(7)]


def test_a_name_of_before_finds_nobody_now_and_the_entity_then() -> None:
    history = History().tell(an_entity("alpha", "Former Name"))
    history.tell(an_entity("alpha", "Present Name"), recorded_at=NOW - DAY)

    def found(query: str, known_at: int | None) -> list[str]:
        wanted = Wanted(q=query)
        known = history.known(known_at)
        page, _ = entity_page(known, wanted, NOW, cursor=None, recorded_at=NOW, limit=9, accept_language=None)
        return ids(page)

    assert (found("former", None), found("former", NOW - 2 * DAY)) == ([], ["alpha"])
    assert (found("present", None), found("present", NOW - 2 * DAY)) == (["alpha"], [])


def test_pages_survive_edits() -> None:
    history = History().tell(*(an_entity(f"e{number}", f"Uni {number}") for number in range(6)))
    first = a_page(history, limit=2)
    history.tell(an_entity("e0", "Uni again"), an_entity("e3", "Uni anew"), an_entity("e9", "Uni late"))
    second = a_page(history, first.next, limit=9)

    assert (ids(first), ids(second)) == (["e0", "e1"], ["e2", "e3", "e4", "e5", "e9"])
    assert second.next is None


def test_pages_of_a_search_survive_that_names_change() -> None:
    """With another name an entity would be found at another word: before the cursor, or behind it once more."""
    history = History().tell(
        an_entity("a", "Uab", "Uzz"), *(an_entity(each, f"U{each * 2}") for each in ("b", "c", "d", "z"))
    )
    first = a_page(history, limit=2, q="u")
    history.tell(an_entity("a", "Other", "Uzz"), an_entity("z", "Uzz", "Uaa"), recorded_at=NOW + DAY)
    second = a_page(history, first.next, limit=1, q="u", recorded_at=NOW + DAY)
    third = a_page(history, second.next, limit=9, q="u", recorded_at=NOW + DAY)
    anew = a_page(history, limit=9, q="u", recorded_at=NOW + DAY)

    assert [ids(first), ids(second), ids(third)] == [["a", "b"], ["c"], ["d", "z"]]
    assert ids(anew) == ["z", "b", "c", "d", "a"]


@pytest.mark.parametrize("time", ["x", "-1", "1" * 30, "²"])
def test_a_cursor_with_no_time_is_refused(time: str) -> None:
    cursor = cursor_of(digest_of("entities", Wanted(q="u")), "u", "uaa", "a", time)

    with pytest.raises(BadRequest, match="cursor"):
        a_page(History(), cursor, q="u")


def test_entities_are_listed_by_what_was_granted_to_them() -> None:
    suspended = StateChange(state="suspended", since=NOW - DAY)
    history = History().tell(
        *an_authority(),
        *an_authority("trade", ("Licence",)),
        *(an_entity(name, name) for name in ("a", "b", "c", "d")),
        a_grant("a"),
        a_grant("a", id="g2", resource="Licence"),
        a_grant("b", history=(suspended,)),
        a_grant("c", authority_id="trade", resource="Licence"),
        a_grant("d", kind="recognition"),
    )

    for limit in (1, 50):
        assert all_ids(history, limit=limit, resource="Degree") == ["a", "b"]
        assert all_ids(history, limit=limit, authority="edu") == ["a", "b"]
        assert all_ids(history, limit=limit, authority="did:web:trade.example") == ["c"]
        assert all_ids(history, limit=limit, action="issue") == ["a", "b", "c"]
        assert all_ids(history, limit=limit, action="verify") == []
        assert all_ids(history, limit=limit, state="active") == ["a", "c"]
        assert all_ids(history, limit=limit, resource="Degree", state="suspended") == ["b"]
        assert all_ids(history, limit=limit, q="b", state="suspended") == ["b"]
        assert all_ids(history, limit=limit, q="a", state="suspended") == []
    with pytest.raises(AuthorityNotFound):
        a_page(history, authority="nobody")


def test_where_very_much_can_be_granted_all_entities_are_looked_at() -> None:
    resources = [f"R{number}" for number in range(MAX_LISTS + 1)]
    history = History().tell(
        *an_authority("edu", resources), an_entity("a", "A"), a_grant("a", resource="R7")
    )

    assert all_ids(history, authority="edu") == ["a"]


def test_entities_are_those_of_the_time_asked_about() -> None:
    other = Identifier(value="https://alpha.example", valid_from=NOW - DAY)
    did = Identifier(value="did:web:alpha.example")
    history = History().tell(
        an_entity("alpha", "A", identifiers=(did, other)), an_entity("beta", "B", valid_until=NOW - DAY)
    )

    assert ids(a_page(history)) == ["alpha"]
    assert ids(a_page(history, at=NOW - 2 * DAY)) == ["alpha", "beta"]
    assert ids(a_page(history, kind="https")) == ["alpha"]
    assert ids(a_page(history, kind="https", at=NOW - 2 * DAY)) == []
    assert a_page(history, at=NOW - 2 * DAY).items[0].identifiers == ("did:web:alpha.example",)


def test_a_page_looks_at_so_many_and_goes_on() -> None:
    """Two common words, and hardly anybody with both."""
    history = History().tell(
        *(an_entity(f"e{number:05}", "University") for number in range(MAX_LOOKED_AT + 1)),
        *(an_entity(f"f{number:05}", "Vaduz") for number in range(MAX_LOOKED_AT + 1)),
        an_entity("last", "University of Vaduz"),
    )
    first = a_page(history, q="university vaduz")
    second = a_page(history, first.next, q="university vaduz")

    assert (ids(first), ids(second)) == ([], ["last"])
    assert first.next is not None
    assert second.next is None


def test_the_rarest_word_of_a_query_finds_it_at_once() -> None:
    history = History().tell(
        *(an_entity(f"e{number:05}", "University") for number in range(MAX_LOOKED_AT + 1)),
        an_entity("last", "University of Vaduz"),
    )

    for query in ("university v", "V University"):
        page = a_page(history, q=query)
        assert (ids(page), page.next) == (["last"], None)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "W10", "bnVsbA", "%00", "é"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        a_page(History(), cursor)


def test_a_cursor_is_of_one_query() -> None:
    history = History().tell(*(an_entity(f"e{number}", f"Uni {number}") for number in range(6)))
    cursor = a_page(history, limit=2).next

    for other in ({"q": "uni"}, {"kind": "did"}):
        with pytest.raises(BadRequest, match="another query"):
            a_page(history, cursor, **other)


def test_a_query_without_a_word_or_with_too_many_is_refused() -> None:
    for query in (" -'", " ".join("abcdefghijk")):
        with pytest.raises(BadRequest, match="q:"):
            a_page(History(), q=query)


def test_all_is_told_of_an_entity_by_its_id_or_an_identifier() -> None:
    history = History().tell(
        *an_authority(), an_entity("a", "Alpha", "Alfa", review_due=NOW), a_grant("a", review_due=NOW)
    )
    found = browse.whole(history.known(), "did:web:a.example", NOW, "de")

    assert found == browse.whole(history.known(), "a", NOW, "de")
    assert (found.name, found.language, found.authority) == ("Alfa", "de", None)
    (grant,) = found.grants
    assert (grant.authority, grant.state, grant.grant.id) == ("Authority edu", "active", "g-a")
    assert (found.entity.review_due, grant.grant.review_due) == (None, None), "that is for operators"
    for nobody in ("b", "did:web:b.example", "https://a.example", ""):
        with pytest.raises(IdentifierNotFound):
            browse.whole(history.known(), nobody, NOW, None)


def test_authorities_are_listed_with_what_they_define() -> None:
    history = History().tell(*an_authority("b"), *an_authority("a"), *an_authority("c"))

    def page(cursor: str | None) -> Any:
        return browse.authority_page(history.known(), NOW, cursor=cursor, limit=2, accept_language=None)

    first = page(None)
    second = page(first.next)
    assert [each.entity.id for each in (*first.items, *second.items)] == ["a", "b", "c"]
    assert (first.items[0].actions, first.items[0].resources) == (["issue"], 2)
    assert second.next is None
    found = browse.whole_of_authority(history.known(), "did:web:b.example", NOW, None)
    assert (found.name, found.authority.id) == ("Authority b", "b")
    with pytest.raises(AuthorityNotFound):
        browse.whole_of_authority(history.known(), "nobody", NOW, None)


_NAMES = st.lists(st.sampled_from(["Uni", "unten", "Ä", "ab", "a", "大学", "b"]), min_size=1, max_size=3).map(
    " ".join
)
_STATES = st.sampled_from([(), (StateChange(state="suspended", since=NOW - DAY),)])
_GRANTS = st.lists(
    st.tuples(st.sampled_from(["edu", "trade"]), st.sampled_from(["Degree", "Licence"]), _STATES),
    max_size=3,
    unique_by=lambda each: each[:2],
)
_WANTED = st.builds(
    Wanted,
    q=st.none() | _NAMES,
    authority=st.none() | st.sampled_from(["edu", "trade"]),
    resource=st.none() | st.sampled_from(["Degree", "Licence", "Other"]),
    state=st.none() | st.sampled_from(["active", "suspended", "revoked"]),
    kind=st.none() | st.sampled_from(["did", "ni"]),
)


@settings(max_examples=60, deadline=None)
@given(
    entities=st.lists(st.tuples(st.lists(_NAMES, min_size=1, max_size=2), _GRANTS), max_size=8),
    wanted=_WANTED,
    limit=st.integers(1, 4),
)
def test_pages_have_each_that_is_wanted_once_and_no_other(
    entities: list[tuple[list[str], list[Any]]], wanted: Wanted, limit: int
) -> None:
    """Compared with a look at everybody."""
    history = History().tell(*an_authority("edu"), *an_authority("trade"))
    expected = []
    for number, (names, grants) in enumerate(entities):
        fact_id = f"e{number}"
        history.tell(an_entity(fact_id, *names))
        for authority, resource, changes in grants:
            history.tell(
                a_grant(
                    fact_id,
                    id=f"g-{fact_id}-{authority}-{resource.lower()}",
                    authority_id=authority,
                    resource=resource,
                    history=changes,
                )
            )
        if _is_wanted(wanted, names, grants):
            expected.append(fact_id)

    members = msgspec.structs.asdict(wanted)
    found = [
        each for each in all_ids(history, limit=limit, **members) if each.startswith("e") and each != "edu"
    ]
    assert sorted(found) == expected


def _is_wanted(wanted: Wanted, names: list[str], grants: list[Any]) -> bool:
    return (
        wanted.kind in (None, "did")
        and (wanted.q is None or any(_begins(name, wanted.q) for name in names))
        and (not wanted.is_of_grants or any(_is_such(wanted, *each) for each in grants))
    )


def _begins(name: str, query: str) -> bool:
    return all(any(own.startswith(word) for own in words_of(name)) for word in folded(query).split())


def _is_such(wanted: Wanted, authority: str, resource: str, changes: tuple[StateChange, ...]) -> bool:
    return (
        wanted.authority in (None, authority)
        and wanted.resource in (None, resource)
        and wanted.state in (None, "suspended" if changes else "active")
    )
