"""Properties of drivers: no DID leaves the place that the operator named, no answer is more than an error."""

import json
import posixpath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resolver import InvalidDid, ResolutionError, parse_did
from resolver.drivers.answer import Told, check_document, is_unavailable, parse_answer, told_of
from resolver.drivers.config import Driver
from resolver.errors import InternalError
from resolver.results import Fetched

HEX = st.integers(0, 255).map(lambda byte: f"%{byte:02x}")
PIECES = st.one_of(st.sampled_from(["..", ".", ":", "%2e", "%2F", "%252e", "a", "-", "_", "%"]), HEX)
NAMES = st.lists(PIECES.filter(lambda piece: piece != "%"), min_size=1, max_size=12).map("".join)
BASES = ("http://d.internal:8080/api/ids", "https://d.internal/x")
SUFFIXES = ("", "/", "/$2", "/$1", "/$2/document", "/$1/document", "?did=$2")

DID = parse_did("did:example:a")
DRIVER = Driver(name="x", pattern="did:example:.+", url="http://d.internal")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
METADATA = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {},
        optional={
            "error": st.one_of(
                JSON, st.fixed_dictionaries({"type": JSON}), st.sampled_from(["notFound", "x"])
            ),
            "deactivated": JSON,
            "contentType": JSON,
            "driver": JSON,
            "verified": JSON,
        },
    ),
)
DOCUMENTS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"id": st.sampled_from(["did:example:a", "did:example:b", 1])},
        optional={"verificationMethod": JSON, "service": JSON, "@context": JSON, "controller": JSON},
    ),
)
RESULTS = st.fixed_dictionaries(
    {},
    optional={"didDocument": DOCUMENTS, "didResolutionMetadata": METADATA, "didDocumentMetadata": METADATA},
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 404, 406, 410, 429, 500, 501, 502, 503, 504])


def read_answer(fetched: Fetched) -> Told:
    told = told_of(DRIVER, parse_answer(DRIVER, fetched))
    check_document(DRIVER, DID, told)
    return told


@pytest.mark.parametrize("group", [".+", "(.+)"])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("base", BASES)
@settings(max_examples=30)  # for each of the 28 templates
@given(name=NAMES)
@example(name="..")
@example(name=".%2e")
@example(name="..%2F..%2Fadmin")
def test_no_did_leaves_the_place_that_the_operator_named(
    base: str, suffix: str, group: str, name: str
) -> None:
    driver = Driver(name="x", pattern=f"did:example:{group}", url=base + suffix)
    try:
        did = parse_did(f"did:example:{name}")
        url = driver.url_of(did)
    except InvalidDid:
        return

    asked, meant = urlsplit(url), urlsplit(base)
    assert (asked.scheme, asked.netloc, asked.fragment) == (meant.scheme, meant.netloc, "")
    assert posixpath.normpath(unquote(asked.path)).startswith(meant.path)
    assert ".." not in asked.path.split("/")


@given(name=NAMES, suffix=st.sampled_from(["", "/1.0/identifiers/$2"]))
def test_decoded_once_it_is_the_did_again(name: str, suffix: str) -> None:
    driver = Driver(name="x", pattern="did:example:.+", url="http://d.internal" + suffix)
    try:
        did = parse_did(f"did:example:{name}")
    except InvalidDid:
        return

    url = driver.url_of(did)

    assert unquote(url.removeprefix("http://d.internal/1.0/identifiers/")) == did.text


@given(status=STATUSES, body=st.one_of(st.binary(max_size=64), st.one_of(RESULTS, DOCUMENTS).map(json.dumps)))
@example(status=200, body='{"didDocument":{"id":"did:example:a"}}')
@example(status=200, body='{"id":"did:example:a","didDocument":{"id":"did:example:b"}}')
def test_an_answer_is_the_did_document_of_that_did_or_an_error_of_ours(
    status: int, body: bytes | str
) -> None:
    data = body.encode() if isinstance(body, str) else body
    fetched = Fetched(status=status, headers={}, body=data)
    try:
        is_away = is_unavailable(DRIVER, fetched)
        told = read_answer(fetched)
    except ResolutionError as error:
        assert error.members["driver"] == "x"
        return

    assert not is_away
    assert (told.resolution_metadata["driver"], told.resolution_metadata["verified"]) == ("x", False)
    assert not {"contentType", "error"} & told.resolution_metadata.keys()
    document: Any = None if told.document is None else json.loads(told.document)
    assert document is None or document["id"] == DID.text
    assert (document is None) == (told.metadata.get("deactivated") is True)


def test_an_answer_of_another_status_is_no_document() -> None:
    body = b'{"id":"did:example:a"}'

    for status in (201, 204, 302, 401, 500):
        with pytest.raises(InternalError):
            read_answer(Fetched(status=status, headers={}, body=body))
