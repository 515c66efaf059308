"""DIDs and DID URLs: what is one, what is not, and which error says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.did import MAX_DID_BYTES, parse_did, parse_did_url, parse_parameters
from resolver.errors import InvalidDid, InvalidDidUrl

_ID_CHARS = st.text(st.sampled_from("abzABZ059._-"), min_size=1, max_size=8)
_SEGMENTS = st.lists(_ID_CHARS | st.sampled_from(["", "%3A", "a%fFb"]), max_size=4)


@given(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), _SEGMENTS, _ID_CHARS)
def test_every_did_of_the_grammar_is_read_in_its_parts(method: str, segments: list[str], last: str) -> None:
    identifier = ":".join([*segments, last])

    did = parse_did(f"did:{method}:{identifier}")

    assert (did.method, did.method_specific_id) == (method, identifier)
    assert did.text == f"did:{method}:{identifier}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did",
        "did:",
        "did:key",
        "did:key:",
        "did::z6Mk",
        "did:KEY:z6Mk",
        "DID:key:z6Mk",
        " did:key:z6Mk",
        "did:key:z6Mk\n",
        "did:key:a b",
        "did:web:a:",
        "did:web:a%",
        "did:web:a%3",
        "did:web:a%GG",
        "did:web:exämple.com",
        "did:web:a\u0661",
        "did:web:a\x00",
        "did:key:z6Mk#z6Mk",
        "did:key:z6Mk?a=b",
        "did:key:z6Mk/path",
        "did:x:~",
    ],
)
def test_what_the_grammar_does_not_derive_is_no_did(text: str) -> None:
    with pytest.raises(InvalidDid):
        parse_did(text)


def test_a_did_may_have_8192_bytes_and_not_one_more() -> None:
    longest = "did:x:" + "a" * (MAX_DID_BYTES - 6)

    assert parse_did(longest).text == longest
    with pytest.raises(InvalidDid):
        parse_did(longest + "a")


@pytest.mark.parametrize("filling", ["%41", ":", "a:", "%4", "a%41:"])
def test_a_long_text_that_fails_at_its_end_fails_at_once(filling: str) -> None:
    """The patterns must not backtrack: a hang here is the failure."""
    with pytest.raises(InvalidDid):
        parse_did("did:x:" + filling * (8_000 // len(filling)) + "!")


@pytest.mark.parametrize(
    ("text", "path", "query", "fragment"),
    [
        ("did:x:y", "", "", None),
        ("did:x:y#", "", "", ""),
        ("did:x:y#key-1", "", "", "key-1"),
        ("did:x:y/a/b?c=d/e?f#g/h?i", "/a/b", "c=d/e?f", "g/h?i"),
        ("did:x:y//a;b=1", "//a;b=1", "", None),
        ("did:x:y?versionTime=2020-12-20T19:17:47Z", "", "versionTime=2020-12-20T19:17:47Z", None),
        ("did:x:y%3A1?a=%2F#%23", "", "a=%2F", "%23"),
    ],
)
def test_a_did_url_is_read_in_its_parts(text: str, path: str, query: str, fragment: str | None) -> None:
    did_url = parse_did_url(text)

    assert (did_url.path, did_url.query, did_url.fragment) == (path, query, fragment)
    assert did_url.text == text


@pytest.mark.parametrize("suffix", ["#a#b", "#%", "?a=ä", "/a b", "/\\", "?[]", "#\n"])
def test_a_bad_suffix_is_an_invalid_did_url(suffix: str) -> None:
    with pytest.raises(InvalidDidUrl):
        parse_did_url("did:x:y" + suffix)


@pytest.mark.parametrize("text", ["did:x:#a", "#a", "/a", "did:X:y#a", "did:x:y:?a=b"])
def test_a_bad_did_in_a_did_url_is_an_invalid_did_url(text: str) -> None:
    """DID Resolution v1, section 5.4.1, step 1: the whole must be a DID URL."""
    with pytest.raises(InvalidDidUrl):
        parse_did_url(text)


def test_a_did_url_has_the_cap_of_a_did() -> None:
    with pytest.raises(InvalidDidUrl):
        parse_did_url("did:x:y#" + "a" * MAX_DID_BYTES)


def test_parameters_are_decoded_once() -> None:
    parameters = parse_parameters("service=files&relativeRef=%2Fa%252Fb%3Fc%3Dd+e&flag")

    assert parameters == {"service": "files", "relativeRef": "/a%2Fb?c=d+e", "flag": ""}


def test_no_query_has_no_parameters() -> None:
    assert parse_parameters("") == {}


@pytest.mark.parametrize("query", ["a=1&a=2", "a=1&%61=2", "a=%FF", "a=%", "a=1&&b=2", "=1", "&"])
def test_a_parameter_that_is_repeated_or_malformed_is_refused(query: str) -> None:
    with pytest.raises(InvalidDidUrl):
        parse_parameters(query)
