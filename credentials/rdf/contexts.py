"""
The JSON-LD contexts that we know, by their URLs. Pure but for reading files.

A folder with an `index.json`: URL to `{"file", "sha256"}`. Ours is `contexts/`; an operator may have another one.
Nothing is ever fetched: what a context means decides what a signature says, and must not change.
"""

import hashlib
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from wire import JsonError, read

MAX_CONTEXT_BYTES = 1_048_576  # 1 MiB, a context, and an index
MAX_CONTEXTS = 256
BUNDLED = Path(__file__).with_name("contexts")

Contexts: TypeAlias = dict[str, Any]  # a URL to what stands in its `@context`

# Of a context's keywords those under which each member of a document still leaves its own trace in RDF. `@base` and
# `@import` would point elsewhere; under `@index` and `@nest` names get lost.
_KEYWORDS = frozenset(
    {"@context", "@container", "@id", "@language", "@prefix", "@propagate", "@protected", "@type"}
    | {"@version", "@vocab"}
)
_CONTAINERS = frozenset({"@set", "@list", "@graph", "@language"})
_ALIASES = frozenset({"@id", "@type"})  # what a term may be another name of


class _Pinned(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    sha256: str


class UnusableContexts(Exception):
    """The operator must act: a folder of contexts cannot be used; the message says which file of it, and why."""


def known_contexts(directory: Path | None) -> Contexts:
    """
    Return our contexts, and those of an operator's folder, which may not replace ours.

    Raises:
        UnusableContexts: there is no such folder or index, a digest differs, or a context has what we do not take.
    """
    ours = _read_folder(BUNDLED)
    theirs = _read_folder(directory) if directory is not None else {}
    for url in theirs.keys() & ours.keys():
        raise UnusableContexts(f"{url} is a context that comes with us; leave it out of {directory}")
    return ours | theirs


def _read_folder(folder: Path) -> Contexts:
    index = _read_bytes(folder / "index.json")
    try:
        pinned = msgspec.json.decode(index, type=dict[str, _Pinned])
    except msgspec.ValidationError as error:
        raise UnusableContexts(
            f'{folder}/index.json: expected {{URL: {{"file", "sha256"}}}}: {error}'
        ) from None
    except msgspec.DecodeError as error:
        raise UnusableContexts(f"{folder}/index.json: {error}") from None
    if len(pinned) > MAX_CONTEXTS:
        raise UnusableContexts(f"{folder}/index.json: expected at most {MAX_CONTEXTS} contexts")
    return {url: _read_context(folder, each) for url, each in pinned.items()}


def _read_context(folder: Path, pinned: _Pinned) -> Any:
    path = folder / pinned.file
    if path.parent != folder:
        raise UnusableContexts(f"{folder}/index.json: expected the name of a file beside it: {pinned.file!r}")
    body = _read_bytes(path)
    found = hashlib.sha256(body).hexdigest()
    if found != pinned.sha256.lower():
        raise UnusableContexts(f"{path}: expected the SHA-256 {pinned.sha256}, found {found}")
    try:
        document = read(body, max_bytes=MAX_CONTEXT_BYTES)
    except JsonError as error:
        raise UnusableContexts(f"{path}: {error}") from None
    if not isinstance(document, dict) or "@context" not in document:
        raise UnusableContexts(f"{path}: expected an object with @context")
    _check(document["@context"], path)
    return document["@context"]


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_CONTEXT_BYTES + 1)
    except OSError as error:
        raise UnusableContexts(f"{path}: {error.strerror}") from None
    if len(body) > MAX_CONTEXT_BYTES:
        raise UnusableContexts(f"{path}: expected at most {MAX_CONTEXT_BYTES} bytes")
    return body


def _check(context: Any, path: Path) -> None:
    """Refuse a context that names another one by its URL, or under which members of a document would vanish."""
    for each in context if isinstance(context, list) else [context]:
        if not isinstance(each, dict):
            raise UnusableContexts(
                f"{path}: expected the context itself in @context, found {str(each)[:80]!r}"
            )
        for name, value in each.items():
            _check_definition(name, value, path)


def _check_definition(name: str, value: Any, path: Path) -> None:
    if name.startswith("@") and name not in _KEYWORDS:
        raise UnusableContexts(f"{path}: {name} in a context is not read here")
    if name == "@context":
        if value is not None:
            _check(value, path)
    elif value is None:
        raise UnusableContexts(f"{path}: {name[:80]!r} is defined as null: it would not be signed")
    elif name == "@container":
        if not _CONTAINERS.issuperset(value if isinstance(value, list) else [value]):
            raise UnusableContexts(f"{path}: the container {value!r} is not read here")
    elif isinstance(value, dict):
        for inner, definition in value.items():
            _check_definition(inner, definition, path)
    elif isinstance(value, str) and value.startswith("@") and name != "@type" and value not in _ALIASES:
        raise UnusableContexts(f"{path}: another name of {value} is not read here: {name[:80]!r}")
