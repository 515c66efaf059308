"""Hostile input through every field is refused with a pointer to its place, and nothing is changed."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from registry.editing.errors import InvalidChangeSet
from registry.editing.reading import read_request
from registry.editing.shapes import MAX_BYTES, MAX_OPERATIONS, Draft
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import EDU, LICENSING, UNI, a_grant
from wire import MalformedBody, PayloadTooLarge, Refusal

pytestmark = pytest.mark.anyio

DIGEST = "sha256-" + "A" * 43 + "="
ENTITY = {
    "id": "new",
    "names": {"en": "New"},
    "identifiers": [
        {
            "value": "did:web:new.example",
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2027-01-01T00:00:00Z",
            "compromised_since": "2026-06-01T00:00:00Z",
        }
    ],
    "description": {"en": "A school"},
    "logo": {"href": "https://new.example/logo.svg", "digest": DIGEST, "media_type": "image/svg+xml"},
    "links": [{"rel": "home", "href": "https://new.example/"}],
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2028-01-01T00:00:00Z",
    "review_due": "2027-01-01T00:00:00Z",
}
AUTHORITY = {
    "id": LICENSING,
    "governance_framework": "https://licensing.example/rules",
    "defines": [
        {"action": "issue", "resource": "Degree", "description": {"en": "To issue"}},
        {"action": "issue", "resource": "Licence"},
    ],
    "resources": [
        {
            "id": "Licence",
            "description": {"en": "A licence"},
            "types": ["LicenceCredential"],
            "vcts": ["https://licensing.example/licence"],
            "doc_types": ["org.example.licence"],
        }
    ],
    "governance_documents": [
        {"href": "https://licensing.example/a.pdf", "language": "en", "version": "1.0", "digest": DIGEST}
    ],
}
GRANT = a_grant(
    id="licence",
    resource="Licence",
    granted_by=EDU,
    constraints={"region": "north"},
    history=[{"state": "suspended", "since": "2026-01-01T00:00:00Z", "reason": "an audit"}],
    review_due="2027-01-01T00:00:00Z",
)
DELEGATION = {
    "id": "power",
    "authority_id": EDU,
    "grantor_id": EDU,
    "delegate_id": UNI,
    "actions": ["issue"],
    "resources": ["Degree"],
    "kinds": ["authorization"],
    "valid_from": "2026-01-01T00:00:00Z",
}
HONEST: dict[str, Any] = {
    "title": "All of it",
    "operations": [
        {"op": "add", "kind": "entity", "fact": ENTITY},
        {"op": "change", "kind": "authority", "id": LICENSING, "fact": AUTHORITY},
        {"op": "add", "kind": "authorization", "fact": GRANT},
        {"op": "add", "kind": "delegation", "fact": DELEGATION},
        {"op": "suspend", "kind": "recognition", "id": "{recognition}", "reason": "an audit"},
    ],
    "effective_at": "2027-02-01T00:00:00Z",
}
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)>",
    "markup without spaces": "<script>alert(1)</script>",
    "a bidirectional override": "a\u202eb",
    "zero width": "a\u200bb",
    "a byte order mark": "\ufeffa",
    "NUL": "a\x00b",
    "a line break": "a\nb",
    "not NFC": "e\u0301",
    "endless": "a" * 20_000,
    "nothing": "",
    "private use": "a\ue000b",
}


def leaves(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield the pointer of every text."""
    if isinstance(value, str):
        yield pointer
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{pointer}/{index}")


def with_text(pointer: str, text: str) -> dict[str, Any]:
    """Return the honest request with another text at a place."""
    copy = msgspec.json.decode(msgspec.json.encode(HONEST))
    *path, last = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
    at = copy
    for step in path:
        at = at[step]
    at[last] = text
    return dict(copy)


async def asked(newsroom: Newsroom, body: dict[str, Any], recognition: str) -> None:
    data = msgspec.json.encode(body).replace(b"{recognition}", recognition.encode())
    draft = read_request(data, "application/json", Draft)
    await newsroom.drafts.create(await newsroom.who("ada"), draft)


async def test_every_field_refuses_it_with_its_place(newsroom: Newsroom) -> None:
    page = await newsroom.wing.page()
    [recognition] = [each.id for each in page.grants if each.kind == "recognition"]
    taken = []
    for pointer in leaves(HONEST):
        for what, text in HOSTILE.items():
            try:
                await asked(newsroom, with_text(pointer, text), recognition)
                taken.append((pointer, what))
            except Refusal as error:
                told = [each["pointer"] for each in error.members.get("errors", [])] or [error.pointer]
                if not any(each and (pointer.startswith(each) or each.startswith(pointer)) for each in told):
                    taken.append((pointer, f"{what}, told at {told}"))

    assert not taken, "\n".join(map(str, taken))
    assert (await newsroom.drafts.page(await newsroom.who("ada"))).change_sets == ()
    await asked(newsroom, HONEST, recognition)  # Nothing but that was wrong.


async def test_enormous_sets_are_refused(newsroom: Newsroom) -> None:
    many = {"title": "Many", "operations": [newsroom.suspension()] * (MAX_OPERATIONS + 1)}
    long = {"title": "Long", "operations": [newsroom.suspension(fact={"names": {"en": "a" * MAX_BYTES}})]}

    with pytest.raises(InvalidChangeSet, match="/operations: "):
        read_request(msgspec.json.encode(many), "application/json", Draft)
    with pytest.raises(PayloadTooLarge):
        read_request(msgspec.json.encode(long), "application/json", Draft)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"title":"a","title":"b","operations":[]}', "/title"),
        (
            b'{"operations":[{"op":"add","fact":{"names":{"en":"a","en":"b"}}}]}',
            "/operations/0/fact/names/en",
        ),
        (b'{"title":"a","operations":' + b"[" * 40 + b"]" * 40 + b"}", "/operations" + "/0" * 31),
        (b'{"title":"a","operations":[{"if_match":1e999}]}', "/operations/0/if_match"),
    ],
)
def test_what_is_no_plain_json_is_refused_with_its_place(body: bytes, pointer: str) -> None:
    with pytest.raises(MalformedBody) as told:
        read_request(body, "application/json", Draft)

    assert told.value.pointer == pointer
