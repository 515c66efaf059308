"""What people take for one another looks the same; what they can tell apart does not."""

import pytest

from registry.looks import look_of_identifier, look_of_name
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import NOW, UNI, a_registry, as_file, known_from
from tests.registry.wing import Wing
from wire import parse_utc


@pytest.mark.parametrize(
    "name",
    [
        "Univеrsity of Rheintаl",  # Cyrillic е and а
        "UNIVERSITY OF RHEINTAL",
        "University  of Rhein-tal",
        "Universìty of Rheintal",
        "University of Rheintaⅼ",  # small Roman numeral fifty
        "Uniνersity οf Rheintal",  # Greek ν and ο
        "University of Rhe1ntal",
        "Ｕniversity of Rheintal",
        "University оf Rнeintal",
    ],
)
def test_a_name_that_looks_like_another_has_its_look(name: str) -> None:
    assert look_of_name(name) == look_of_name("University of Rheintal")


@pytest.mark.parametrize(
    "name", ["University of Rheintal 2", "University of Steintal", "Universität Rheintal", ""]
)
def test_a_name_that_reads_otherwise_has_another_look(name: str) -> None:
    assert look_of_name(name) != look_of_name("University of Rheintal")


@pytest.mark.parametrize("name", ["東雲大学", "جامعة النخيل", "서란 국제대학교"])
def test_a_name_in_a_script_without_a_table_looks_like_itself(name: str) -> None:
    assert look_of_name(name) == look_of_name(name)
    assert look_of_name(name) != look_of_name(name[1:])


@pytest.mark.parametrize(
    "identifier",
    [
        "did:web:rhe1ntal.example",
        "did:web:RHEINTAL.example",
        "did:web:xn--rheintl-7fg.example",  # Cyrillic а
        "https://rheintal.example",
        "https://rheintal.example/",
        "did:webvh:QmScid:rheintal.example",
    ],
)
def test_an_identifier_that_looks_like_another_has_its_look(identifier: str) -> None:
    assert look_of_identifier(identifier) == look_of_identifier("did:web:rheintal.example")


@pytest.mark.parametrize(
    "identifier",
    ["did:web:rheintal.example:a", "did:web:rheintal.example%3A8443", "did:web:rhein.tal.example"],
)
def test_an_identifier_of_another_place_has_another_look(identifier: str) -> None:
    assert look_of_identifier(identifier) != look_of_identifier("did:web:rheintal.example")


@pytest.mark.parametrize(
    "identifier", ["did:key:z6MkfADt5CzVKZ9YPJsBykp1RpmQXvwr8Zbcb8AgUwWRRWho", "did:web:"]
)
def test_a_key_looks_like_nothing(identifier: str) -> None:
    assert look_of_identifier(identifier) in (None, "at:")


@pytest.mark.anyio
async def test_entities_are_found_by_their_look_in_the_index_and_in_what_is_laid_over_it(
    place: Place,
) -> None:
    look = look_of_identifier("https://un1.example")
    assert look is not None
    async with a_database(place) as database:
        wing = Wing(database, lambda: NOW / 1_000_000)
        await wing.import_file(ADA, as_file(a_registry()))
        with wing.registry.reading() as known:
            indexed = known.entities_like(look)
            others = known.entities_like("at:nobody.example")
    laid_over = known_from().entities_like(look)

    assert [each.fact.identifiers[0].value for each in (*indexed, *laid_over)] == [UNI, UNI]
    assert others == ()


@pytest.mark.anyio
async def test_what_ends_is_found_by_its_date_the_first_first(place: Place) -> None:
    until = parse_utc("2028-01-01T00:00:00Z")
    async with a_database(place) as database:
        wing = Wing(database, lambda: NOW / 1_000_000)
        await wing.import_file(ADA, as_file(a_registry()))
        with wing.registry.reading() as known:
            before = known.dated("end", (0, 0), until, 0, 10)
            found = known.dated("end", (until, 0), until + 1, 0, 10)
            first = known.dated("end", (0, 0), until + 1, 0, 1)
            second = known.dated("end", (until, first[0].position), until + 1, 0, 1)
            reviews = known.dated("review", (0, 0), until + 1, 0, 10)

    assert (before, reviews) == ([], [])
    assert [(each.at, each.found.number) for each in found] == [(until, 1), (until, 1)]
    assert first == found[:1]
    assert second == found[1:]
