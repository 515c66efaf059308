"""
What the rules of the document linter look at, and how they say what they found. Pure.

A document may have any shape here: what is not of the shape looked for is not found, and nothing is raised.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Any

import msgspec

from proofs import parse_date_time_stamp
from resolver.documents.ids import absolute
from resolver.documents.members import RELATIONSHIPS
from resolver.results import JsonObject

# References that are looked at; a document has at most 256 methods, in five relationships.
MAX_REFERENCES = 2_048
_MAX_NAME_CHARS = 64  # characters of a name that a finding repeats
_END_OF_DID = re.compile(r"[/?#]")


class Severity(StrEnum):
    """error: others will refuse the document or the part; warning: some will; hint: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Finding(msgspec.Struct, frozen=True):
    """
    Something doubtful.

    Attributes:
        code: constant for the rule, kebab-case.
        pointer: JSON pointer (RFC 6901) to the place.
        severity: how grave.
        detail: what was found; of the document it repeats names of members and types at most, shortened.
        advice: what to do.
    """

    code: str
    pointer: str
    severity: Severity
    detail: str
    advice: str

    def as_json(self) -> JsonObject:
        """Return the finding as JSON."""
        return {name: str(value) for name, value in msgspec.structs.asdict(self).items()}


class Part(msgspec.Struct, frozen=True):
    """
    A verification method or a service, and where it stands.

    `relationship` names the verification relationship that holds a method, "" for `verificationMethod` itself.
    """

    pointer: str
    value: JsonObject
    relationship: str = ""

    @property
    def member(self) -> str:
        """The member of the document that it stands in."""
        return self.pointer.split("/")[1]

    @property
    def kind(self) -> str:
        """The type, "" where it is not one string."""
        kind = self.value.get("type")
        return kind if isinstance(kind, str) else ""

    def absolute_id(self, did: str) -> str | None:
        own_id = self.value.get("id")
        return absolute(own_id, did) if isinstance(own_id, str) else None


class Reference(msgspec.Struct, frozen=True):
    """A reference in a verification relationship: where it stands, as it is, and as an absolute DID URL."""

    pointer: str
    relationship: str
    text: str
    target: str


class Subject(msgspec.Struct, frozen=True):
    """A document, with what most rules ask for looked up once."""

    document: JsonObject
    did: str
    methods: list[Part]
    legacy_methods: list[Part]
    services: list[Part]
    references: list[Reference]
    now: float | None
    max_keys: int | None

    @property
    def parts(self) -> list[Part]:
        """The methods, and then the services."""
        return [*self.methods, *self.services]


def subject_of(document: JsonObject, did: str, *, now: float | None, max_keys: int | None) -> Subject:
    """Return a document with its methods and services; arguments as `rules.findings_of`."""
    methods = [Part(f"/verificationMethod/{i}", item) for i, item in _maps(document, "verificationMethod")]
    for name in RELATIONSHIPS:
        methods += [Part(f"/{name}/{i}", item, name) for i, item in _maps(document, name)]
    legacy = [Part(f"/publicKey/{i}", item) for i, item in _maps(document, "publicKey")]
    services = [Part(f"/service/{i}", item) for i, item in _maps(document, "service")]
    references = list(islice(_references(document, did), MAX_REFERENCES))
    return Subject(document, did, methods, legacy, services, references, now, max_keys)


def _references(document: JsonObject, did: str) -> Iterator[Reference]:
    for name in RELATIONSHIPS:
        for position, item in enumerate(_list(document, name)):
            if isinstance(item, str):
                yield Reference(f"/{name}/{position}", name, item, absolute(item, did))


def maps_with_pointers(
    value: Any, pointer: str = "", *, is_context: bool = False
) -> Iterator[tuple[str, JsonObject, bool]]:
    """Yield every map in a JSON value, outer before inner: its pointer, and whether it stands in an `@context`."""
    if isinstance(value, dict):
        yield pointer, value, is_context
        for name, member in value.items():
            inside = is_context or name == "@context"
            yield from maps_with_pointers(member, child(pointer, name), is_context=inside)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from maps_with_pointers(item, f"{pointer}/{position}", is_context=is_context)


def child(pointer: str, name: str) -> str:
    """Return the pointer of a member; of one with a very long name, that of its parent."""
    if len(name) > _MAX_NAME_CHARS:
        return pointer
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def did_of(did_url: str) -> str:
    """Return the DID that a DID URL begins with."""
    return _END_OF_DID.split(did_url, maxsplit=1)[0]


def name_of(text: str) -> str:
    """Return a name as a finding repeats it."""
    return repr(text[:_MAX_NAME_CHARS])


def types_of(part: JsonObject) -> list[str]:
    """Return the types of a map: a string, or those in a list."""
    kinds = part.get("type")
    return [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]


def moment_of(value: Any) -> float:
    """
    Return a dateTimeStamp as seconds since 1970.

    Raises:
        ValueError: it is none.
    """
    return parse_date_time_stamp(value if isinstance(value, str) else "") / 1_000_000


def _maps(document: JsonObject, name: str) -> list[tuple[int, JsonObject]]:
    return [(i, item) for i, item in enumerate(_list(document, name)) if isinstance(item, dict)]


def _list(document: JsonObject, name: str) -> list[Any]:
    items = document.get(name)
    return items if isinstance(items, list) else []
