"""Contexts are pinned, and an operator's are looked through before anybody relies on them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from credentials.rdf.contexts import UnusableContexts, known_contexts

URL = "https://contexts.example/v1"


def folder_with(directory: Path, context: Any, *, url: str = URL, **pinned: str) -> Path:
    """Make a folder with one context, with `pinned` in the place of what the index should say of it."""
    body = json.dumps({"@context": context}).encode()
    (directory / "context.jsonld").write_bytes(body)
    entry = {"file": "context.jsonld", "sha256": hashlib.sha256(body).hexdigest(), **pinned}
    (directory / "index.json").write_text(json.dumps({url: entry}))
    return directory


def test_contexts_of_a_folder_stand_beside_ours(tmp_path: Path) -> None:
    context = {"@protected": True, "Thing": {"@id": "urn:Thing", "@context": {"of": "urn:of"}}, "id": "@id"}
    known = known_contexts(folder_with(tmp_path, [context]))

    assert known[URL] == [context]
    assert known.keys() == known_contexts(None).keys() | {URL}


@pytest.mark.parametrize(
    "context",
    [
        "https://elsewhere.example/v1",
        [{"a": "urn:a"}, "https://elsewhere.example/v1"],
        None,
        [None],
        {"@import": "https://elsewhere.example/v1"},
        {"@base": "https://elsewhere.example/"},
        {"@vocab": None},
        {"status": None},
        {"status": {"@id": None}},
        {"status": {"@id": "urn:status", "@container": "@index"}},
        {"status": {"@id": "urn:status", "@container": ["@set", "@id"]}},
        {"status": "@nest"},
        {"status": {"@id": "@included"}},
        {"direction": "@direction"},
        {"Thing": {"@id": "urn:Thing", "@context": {"status": None}}},
        {"Thing": {"@id": "urn:Thing", "@context": "https://elsewhere.example/v1"}},
        {"status": {"@id": "urn:status", "@nest": "nested"}},
    ],
    ids=str,
)
def test_a_context_under_which_something_would_vanish_is_refused(tmp_path: Path, context: Any) -> None:
    with pytest.raises(UnusableContexts, match=r"context\.jsonld"):
        known_contexts(folder_with(tmp_path, context))


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "00" * 32},
        {"file": "absent.jsonld"},
        {"file": "../context.jsonld"},
        {"file": "/etc/passwd"},
        {"url": "https://www.w3.org/ns/credentials/v2"},
    ],
    ids=str,
)
def test_a_context_that_is_not_what_the_index_says_is_refused(
    tmp_path: Path, changed: dict[str, str]
) -> None:
    with pytest.raises(UnusableContexts):
        known_contexts(folder_with(tmp_path, {"a": "urn:a"}, **changed))


@pytest.mark.parametrize("index", ["", "[]", '{"u": 1}', '{"u": {"file": "x"}}'])
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "index.json").write_text(index)

    with pytest.raises(UnusableContexts, match=r"index\.json"):
        known_contexts(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableContexts, match="No such file"):
        known_contexts(tmp_path / "absent")
