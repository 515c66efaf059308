"""URI references, against the examples of RFC 3986, section 5.4, and against urllib as an oracle."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.documents.references import (
    fully_decoded,
    parse_reference,
    resolved_reference,
    without_dot_segments,
)

BASE = "http://a/b/c/d;p?q"
# RFC 3986, sections 5.4.1 and 5.4.2.
EXAMPLES = {
    "g:h": "g:h",
    "g": "http://a/b/c/g",
    "./g": "http://a/b/c/g",
    "g/": "http://a/b/c/g/",
    "/g": "http://a/g",
    "//g": "http://g",
    "?y": "http://a/b/c/d;p?y",
    "g?y": "http://a/b/c/g?y",
    "#s": "http://a/b/c/d;p?q#s",
    "g#s": "http://a/b/c/g#s",
    "g?y#s": "http://a/b/c/g?y#s",
    ";x": "http://a/b/c/;x",
    "g;x": "http://a/b/c/g;x",
    "g;x?y#s": "http://a/b/c/g;x?y#s",
    "": "http://a/b/c/d;p?q",
    ".": "http://a/b/c/",
    "./": "http://a/b/c/",
    "..": "http://a/b/",
    "../": "http://a/b/",
    "../g": "http://a/b/g",
    "../..": "http://a/",
    "../../": "http://a/",
    "../../g": "http://a/g",
    "../../../g": "http://a/g",
    "../../../../g": "http://a/g",
    "/./g": "http://a/g",
    "/../g": "http://a/g",
    "g.": "http://a/b/c/g.",
    ".g": "http://a/b/c/.g",
    "g..": "http://a/b/c/g..",
    "..g": "http://a/b/c/..g",
    "./../g": "http://a/b/g",
    "./g/.": "http://a/b/c/g/",
    "g/./h": "http://a/b/c/g/h",
    "g/../h": "http://a/b/c/h",
    "g;x=1/./y": "http://a/b/c/g;x=1/y",
    "g;x=1/../y": "http://a/b/c/y",
    "g?y/./x": "http://a/b/c/g?y/./x",
    "g?y/../x": "http://a/b/c/g?y/../x",
    "g#s/./x": "http://a/b/c/g#s/./x",
    "g#s/../x": "http://a/b/c/g#s/../x",
    "http:g": "http:g",
}


@pytest.mark.parametrize("reference", EXAMPLES)
def test_a_reference_is_resolved_as_in_the_rfc(reference: str) -> None:
    found = resolved_reference(parse_reference(BASE), parse_reference(reference))

    assert str(found) == EXAMPLES[reference]


@given(st.from_regex(r"/?(?:[a-c.]{1,2}/){0,4}[a-c.]{0,2}", fullmatch=True))
def test_a_path_is_resolved_as_urllib_does(path: str) -> None:
    base = "https://host.example/one/two/three"

    assert str(resolved_reference(parse_reference(base), parse_reference(path))) == urljoin(base, path)


@given(st.text("ab/.", max_size=12))
def test_no_dot_segment_is_left(path: str) -> None:
    assert {".", ".."}.isdisjoint(without_dot_segments("/" + path).split("/"))


@given(st.text())
def test_any_text_has_the_parts_it_is_made_of(text: str) -> None:
    assert str(parse_reference(text)) == text


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/a", "/a"),
        ("/%61", "/a"),
        ("/%2e%2E", "/.."),
        ("/%252E", "/."),
        ("/%25252E", "/."),
        ("/%", "/%"),
        ("/%2525252525252E", None),
    ],
)
def test_a_path_is_decoded_until_nothing_is_left_or_it_is_too_much(path: str, decoded: str | None) -> None:
    assert fully_decoded(path) == decoded
