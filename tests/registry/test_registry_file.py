"""A registry file is read whole, or every fault of it is told with its JSON pointer and line."""

import json

import pytest

from registry import Entity, RegistryFileError, read_registry_file
from registry.imports.registry_file import MAX_FILE_BYTES
from tests.registry.examples import EDU, UNI, a_grant, a_registry, an_authority, as_file
from tests.registry.faults import faults_in, places_in

WORD = 'an action or a resource, as a TRQP query spells it: visible ASCII, no spaces, none of " < >'
Place = tuple[str, int]  # JSON pointer and line


def test_every_fault_is_told_with_its_pointer_and_line_in_the_order_of_the_file() -> None:
    data = b"""{
  "version": 1,
  "authorities": [
    {
      "id": "did:web:a.example",
      "names": {},
      "governance_framework": "http://a.example/",
      "defines": [{"action": "issue", "resource": "two words"}],
      "logo": "x"
    }
  ],
  "entities": [
    {
      "names": {"en": 1, "EN_us": "x"}
    }
  ],
  "authorizations": {},
  "recognitions": []
}"""

    assert faults_in(data) == [
        ("/authorities/0/names", 6, "Expected `object` of length >= 1"),
        ("/authorities/0/governance_framework", 7, "expected an https URL"),
        ("/authorities/0/defines/0/resource", 8, f"expected {WORD}"),
        ("/authorities/0/logo", 9, "no such member is known here"),
        ("/entities/0", 13, "the member `id` is missing"),
        ("/entities/0/names/en", 14, "Expected `str`, got `int`"),
        ("/entities/0/names/EN_us", 14, "expected a BCP 47 language tag"),
        ("/authorizations", 17, "Expected `array`, got `object`"),
    ]


def test_contradictions_are_all_told_with_pointer_and_line() -> None:
    data = b"""{"version": 1,
 "authorities": [{"id": "did:web:a.example", "names": {"en": "A"},
  "governance_framework": "https://a.example/",
  "defines": [{"action": "issue", "resource": "Degree"}]}],
 "entities": [
  {"id": "did:web:u.example", "names": {"en": "U"}},
  {"id": "did:WEB:u.example", "names": {"en": "U"}},
  {"id": "did:web:u.example",
   "names": {"ar": "evil \\u202e name"}}],
 "authorizations": [
  {"authority_id": "did:web:a.example", "entity_id": "did:web:nobody.example",
   "action": "issue", "resource": "Degree",
   "valid_from": "2025-02-30T00:00:00Z"},
  {"authority_id": "did:web:a.example", "entity_id": "did:web:u.example",
   "action": "issue", "resource": "Diploma",
   "valid_from": "2025-01-01T00:00:00Z",
   "valid_until": "2025-01-01T00:00:00Z"}],
 "recognitions": []}"""

    assert [fault[:2] for fault in faults_in(data)] == [
        ("/entities/1/id", 7),
        ("/entities/2/id", 8),
        ("/entities/2/names/ar", 9),
        ("/authorizations/0/entity_id", 11),
        ("/authorizations/0/valid_from", 13),
        ("/authorizations/1", 14),
        ("/authorizations/1/valid_until", 17),
    ]


def test_no_more_than_twenty_faults_are_told_and_all_are_counted() -> None:
    registry = a_registry(authorizations=[a_grant(entity_id=f"did:web:{n}.example") for n in range(50)])

    with pytest.raises(RegistryFileError, match=r"50 faults(?s:.*)and 30 more") as caught:
        read_registry_file(as_file(registry))

    assert [fault.pointer for fault in caught.value.faults] == [
        f"/authorizations/{n}/entity_id" for n in range(20)
    ]
    assert caught.value.members["errors"][0]["line"] == caught.value.faults[0].line


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", ("", 1)),
        (b'{\n  "version": 1,\n  oops\n}', ("", 3)),
        (b'{\n  "version": 1,\n}', ("", 3)),
        (b'{\n"version": 1\n}\n\ntrailing', ("", 5)),
        (b'{\n"version": [1,\n', ("", 2)),
        (b"\xef\xbb\xbf{}", ("", 1)),
        (b'{\n"a": {"b": 1},\n"c": [0, {"x": 1,\n"y": 2, "x": 3}]}', ("/c/1/x", 4)),
        (b'{"a/b": {"~": 1,\n"\\u007e": 2}}', ("/a~1b/~0", 2)),
        (b'{\n"a": [1,\n{"b": ' + b"[" * 31 + b"\n\n" + b"]" * 31 + b"}]}", ("/a/1/b" + "/0" * 29, 3)),
        (b'{\n"a": "[[[",\n"b":\n' + b"[\n" * 100_000, ("/b" + "/0" * 31, 35)),
        (b'{\n"a": "1e999",\n"b": [0,\n-1e999],\n"c": 1}', ("/b/1", 4)),
        (b'{\n"a": 1' + b"0" * 6_000 + b",\n\n}", ("/a", 2)),
        (b'{\n"a": 1,\n"b": {"c": "\xc3\xa9x\xff"},\n"d": "\xfe"}', ("/b/c", 3)),
        (b'{\n"a": 1,\n"b\xff": {"c": 1}}', ("/b\ufffd", 3)),
        (b'{\n"a": 1,\n\xff}', ("/a", 3)),
        (b"\xff", ("", 1)),
    ],
)
def test_what_is_not_strict_json_is_told_with_its_line(data: bytes, place: Place) -> None:
    assert [fault[:2] for fault in faults_in(data)] == [place]


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"a": "\xff"}', b" " * (MAX_FILE_BYTES + 1)],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    assert len(faults_in(data)) == 1


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"{}", b'{"version": 2}'])
def test_another_document_is_refused(data: bytes) -> None:
    assert faults_in(data)


@pytest.mark.parametrize(
    "time",
    [
        "2025-01-01",
        "2025-01-01T00:00:00+00:00",
        "2025-01-01T01:00:00+01:00",
        "2025-01-01T00:00:00.5Z",
        "2025-01-01T00:00:00Z\n",
        "0999-01-01T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-01-01T24:00:00Z",
    ],
)
def test_a_time_that_is_not_a_whole_second_of_utc_is_refused(time: str) -> None:
    assert places_in(a_registry(authorizations=[a_grant(valid_from=time)])) == [
        "/authorizations/0/valid_from"
    ]


@pytest.mark.parametrize("member", ["valid_from", "valid_until"])
def test_a_time_of_another_shape_is_told_what_is_expected_in_words(member: str) -> None:
    faults = faults_in(as_file(a_registry(authorizations=[a_grant(**{member: "1 May 2025"})])))

    assert [fault[2] for fault in faults] == [
        "expected a time in UTC, in whole seconds (RFC 3339), such as 2026-01-31T00:00:00Z"
    ]


@pytest.mark.parametrize(
    "identifier",
    ["did:web:", "did:Web:x.example", "did:web:x.example#key", "http://x.example", "x.example", "did:web:é"],
)
def test_an_entity_without_a_proper_identifier_is_refused(identifier: str) -> None:
    entities = [{"id": UNI, "names": {"en": "U"}}, {"id": identifier, "names": {"en": "X"}}]

    assert places_in(a_registry(entities=entities)) == ["/entities/1/id"]


@pytest.mark.parametrize(
    "identifier",
    ["did:key:z6Mkbogus", "did:web:127.0.0.1", "did:web:UNI.example", "did:web:uni.example%3a8443"],
)
def test_a_did_that_cannot_be_resolved_or_has_another_spelling_is_refused(identifier: str) -> None:
    authorities = [*a_registry()["authorities"], an_authority(identifier, ("issue", "Degree"))]
    entities = [{"id": UNI, "names": {"en": "U"}}, {"id": identifier + "x", "names": {"en": "X"}}]

    assert places_in(a_registry(authorities=authorities)) == ["/authorities/2/id"]
    assert places_in(a_registry(entities=entities)) == ["/entities/1/id"]


def test_an_authority_that_is_no_did_is_refused() -> None:
    authorities = [*a_registry()["authorities"], an_authority("https://a.example", ("issue", "Degree"))]

    assert places_in(a_registry(authorities=authorities)) == ["/authorities/2/id"]


def test_one_identifier_names_one_authority_or_entity() -> None:
    entities = [{"id": UNI, "names": {"en": "U"}}, {"id": EDU, "names": {"en": "E"}}]

    assert places_in(a_registry(entities=entities)) == ["/entities/1/id"]


@pytest.mark.parametrize(
    "text",
    [
        "University\u202e of evil",
        "zero\u200bwidth",
        "new\nline",
        "nul\0",
        "private \ue000",
        "decomposed e\u0301",
        " leading",
        "trailing ",
        " ",
    ],
)
def test_a_name_that_could_deceive_a_reader_is_refused(text: str) -> None:
    entities = [{"id": UNI, "names": {"en": text}}]

    assert places_in(a_registry(entities=entities)) == ["/entities/0/names/en"]


@pytest.mark.parametrize("text", ["東雲大学", "جامعة النخيل", "Écosystème", "O’Hara & Søn", "Ünïversität"])
def test_names_in_any_script_are_welcome(text: str) -> None:
    entities = [{"id": UNI, "names": {"en": text}}]

    facts = read_registry_file(as_file(a_registry(entities=entities)))

    assert {"en": text} in [fact.names for fact in facts if isinstance(fact, Entity)]


def test_an_action_defined_twice_is_refused() -> None:
    twice = an_authority(EDU, ("issue", "Degree"), ("issue", "Degree"))
    registry = a_registry(authorities=[twice], recognitions=[])

    assert places_in(registry) == ["/authorities/0/defines/1"]


def test_an_authority_that_recognises_itself_is_refused() -> None:
    assert places_in(a_registry(recognitions=[a_grant(entity_id=EDU)])) == ["/recognitions/0/entity_id"]


def test_a_grant_by_an_unknown_authority_is_refused() -> None:
    grant = a_grant(authority_id="did:web:nobody.example")

    assert places_in(a_registry(authorizations=[grant])) == ["/authorizations/0/authority_id"]


@pytest.mark.parametrize("number", ["1.0", "1e0", "true", '"1"', "0", "3", "null"])
def test_another_version_of_the_format_is_refused(number: str) -> None:
    data = json.dumps(a_registry()).replace('"version": 1', f'"version": {number}').encode()

    assert [fault[0] for fault in faults_in(data)] == ["/version"]
