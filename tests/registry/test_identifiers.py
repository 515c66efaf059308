"""The kinds of identifier, and that each has one spelling."""

import pytest

from registry.identifiers import identifier_kind, is_https_url

SHA256 = "u4ZPEdtwQ4Yp7AG-iJbsoB8QiYb9BpyqwHtZfIeL3IM"


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("did:web:localhost%3A8000", "did"),
        ("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "did"),
        ("did:example:a::b", "did"),
        ("https://a.example", "https"),
        ("https://a.example/federation/entities/1", "https"),
        ("https://a.example:8443/x", "https"),
        ("https://xn--mnchen-3ya.example/", "https"),
        (f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{SHA256}", "jwk-thumbprint"),
        (f"x509_hash:{SHA256}", "x509_hash"),
    ],
)
def test_an_identifier_is_recognised_by_its_form(identifier: str, kind: str) -> None:
    assert identifier_kind(identifier) == kind


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "did:web:",
        "did:web:a.example/path",
        "did:web:a.example#key",
        "DID:web:a.example",
        "did:web:a.example\n",
        "https://A.example",
        "HTTPS://a.example",
        "http://a.example",
        "https://a.example:443/",
        "https://a.example:443",
        "https://a.example:0/",
        "https://user@a.example/",
        "https://a.example/?q",
        "https://a.example/#f",
        "https://a.example/../x",
        "https://a.example/.",
        "https://a.example/%2f",
        "https://a..example/",
        "https://-a.example/",
        "https://münchen.example/",
        "https://a.example/\n",
        f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{SHA256}=",
        f"urn:ietf:params:oauth:jwk-thumbprint:sha-512:{SHA256}",
        f"x509_hash:{SHA256[:-1]}N",
        f"x509_hash:{SHA256}A",
        "x509_hash:",
        "mailto:a@a.example",
    ],
)
def test_another_spelling_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        identifier_kind(identifier)


def test_matching_a_hostile_url_takes_no_time() -> None:
    assert not is_https_url("https://" + "a" * 60 + ("." + "a" * 60) * 100 + "_")
    assert not is_https_url("https://a.example" + "/a" * 1_000 + "\n")
