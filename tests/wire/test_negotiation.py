"""Accept: the most specific range wins, then the highest q, then our own order."""

import pytest

from wire import MediaType, choose
from wire.answer import etag_of, matches_etag

RESULT = MediaType("application/did-resolution")
DOCUMENT = MediaType("application/did")
LEGACY = MediaType("application/ld+json", (("profile", "https://w3id.org/did-resolution"),))
OFFERS = (RESULT, DOCUMENT, LEGACY)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, RESULT),
        ("", RESULT),
        ("*/*", RESULT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", RESULT),
        ("application/did", DOCUMENT),
        ("APPLICATION/DID", DOCUMENT),
        ("application/did;q=0.5, application/did-resolution;q=0.4", DOCUMENT),
        ("application/*;q=0.2, application/did;q=0.1", RESULT),
        ("*/*, application/did-resolution;q=0", DOCUMENT),
        ('application/ld+json;profile="https://w3id.org/did-resolution"', LEGACY),
        ("application/ld+json;profile=https://w3id.org/did-resolution", LEGACY),
        ("application/did;charset=utf-8", DOCUMENT),
        ("image/png", None),
        ("application/did;q=0", None),
        ('application/ld+json;profile="other"', None),
    ],
)
def test_the_offer_that_is_wanted_most_is_chosen(accept: str | None, chosen: MediaType | None) -> None:
    assert choose(accept, OFFERS) == chosen


@pytest.mark.parametrize(
    "junk", [",,,", "a" * 5_000, ";;;q=", "*", "/", "\x00", "application/did" + " ;" * 900]
)
def test_junk_never_raises(junk: str) -> None:
    assert choose(junk, OFFERS) in (*OFFERS, None)


def test_an_etag_is_strong_and_compared_weakly() -> None:
    etag = etag_of(b"body")

    assert etag.startswith('"') and etag != etag_of(b"other")
    assert matches_etag(etag, etag)
    assert matches_etag(f'"x", W/{etag}', etag)
    assert matches_etag("*", etag)
    assert not matches_etag('"x"', etag)
