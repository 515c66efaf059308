"""What the index is looked through for: words of names, what was granted, and what the formats call it."""

from registry.model import Authority, Definition, Entity, Grant, Identifier, Resource
from tests.registry.directory import History


def an_entity(fact_id: str, *names: str) -> Entity:
    identifier = Identifier(value=f"did:web:{fact_id}.example", ski=f"0{fact_id[-1]}")
    return Entity(
        id=fact_id, names={f"l{number}": each for number, each in enumerate(names)}, identifiers=(identifier,)
    )


def a_grant(entity_id: str, resource: str = "Degree") -> Grant:
    return Grant(
        id=f"g-{entity_id}-{resource.lower()}",
        kind="authorization",
        authority_id="edu",
        entity_id=entity_id,
        action="issue",
        resource=resource,
        valid_from=0,
    )


def test_words_with_a_prefix_come_in_order_and_by_page() -> None:
    known = History().tell(an_entity("e2", "Union Uno"), an_entity("e1", "Universität", "Uno")).known()

    first = known.words("un", ("", ""), 2)
    assert first == [("union", "e2"), ("universitat", "e1")]
    assert known.words("un", first[-1], 9) == [("uno", "e1"), ("uno", "e2")]
    assert known.words("uno", ("", ""), 9) == [("uno", "e1"), ("uno", "e2")]
    assert known.words("v", ("", ""), 9) == []


def test_a_word_that_a_name_has_no_more_is_still_there_and_once() -> None:
    history = History().tell(an_entity("e1", "Old")).tell(an_entity("e1", "New")).tell(an_entity("e1", "Old"))

    assert history.known().words("old", ("", ""), 9) == [("old", "e1")]


def test_those_to_whom_something_was_granted_come_in_the_order_of_their_ids() -> None:
    grants = [a_grant(each) for each in ("e3", "e1", "e2")] + [a_grant("e1", "Licence")]
    known = History().tell(*grants, *grants).known()
    asked = ("authorization", "edu", "issue", "Degree")

    assert known.granted_to(*asked, "", 2) == ["e1", "e2"]
    assert known.granted_to(*asked, "e2", 9) == ["e3"]
    assert known.granted_to("recognition", *asked[1:], "", 9) == []


def test_authorities_are_found_by_what_they_define_and_what_formats_call_it() -> None:
    degree = Resource(id="Degree", types=("T",), vcts=("https://a.example/vct",), doc_types=("a.b.1",))
    authority = Authority(
        id="edu",
        governance_framework="https://a.example",
        defines=(Definition(action="issue", resource="Other"),),
        resources=(degree,),
    )
    known = History().tell(authority).known()

    for name in ("T", "https://a.example/vct", "a.b.1", "Other"):
        assert [each.fact.id for each in known.authorities_calling(name)] == ["edu"]
    assert known.authorities_calling("Degree") == ()


def test_entities_are_found_by_the_key_identifier_of_a_certificate() -> None:
    known = History().tell(an_entity("e1", "A"), an_entity("e2", "B")).known()

    assert [each.fact.id for each in known.entities_with_key_id("02")] == ["e2"]


def test_each_revision_is_known_until_the_next_though_both_come_at_once() -> None:
    history = History()
    history.tell(an_entity("e1", "One"), an_entity("e1", "Two"), recorded_at=10)
    history.tell(an_entity("e1", "Three"), recorded_at=20)

    for known_at, name in ((9, None), (10, "Two"), (19, "Two"), (20, "Three")):
        found = history.known(known_at).entity("e1")
        assert (None if found is None else found.fact.names["l0"]) == name
