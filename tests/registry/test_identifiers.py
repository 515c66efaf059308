"""The kinds of identifier, and in which spellings they are registered."""

import pytest

from registry.identifiers import identifier_kind, is_https_url
from resolver import InvalidDid, Resolver
from resolver.encoding import encode_base58btc, encode_base64url

SHA256 = "u4ZPEdtwQ4Yp7AG-iJbsoB8QiYb9BpyqwHtZfIeL3IM"


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("did:web:localhost%3A8000", "did"),
        ("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "did"),
        ("did:example:a::b", "did"),
        ("did:web:localhost%3A9000:issuers:a", "did"),
        ("did:web:a.example%3A8443:b_c:d%7E%C3%A9", "did"),
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
        "did:web:127.0.0.1",
        "did:web:127.0.0.1%3A8000",
        "did:web:intranet",
        "did:web:LOCALHOST%3A8000",
        "did:web:localhost%3a8000",
        "did:web:A.example",
        "did:web:a.example%3a8443",
        "did:web:a.example%3A443",
        "did:web:a.example:.well-known",
        "did:web:a.example:%61",
        "did:web:a.example:%c3%a9",
        "http://a.example",
        "https://user@a.example/",
        "https://a.example@b.example/",
        "https://a.example/?q",
        "https://a.example?",
        "https://a.example/#f",
        "https:///path",
        "https://:443/",
        "https://",
        "https:a.example",
        "https://a.example:x/",
        "https://a.example:443:443/",
        "https://a.example/%2",
        "https://a%zz.example/",
        "https://a.example\\x",
        "https://a.example/a b",
        "https://[::1/",
        "https://[1::2::3]/",
        "https://[a.example]/",
        "http\u017f://a.example",
        "https://a.example:\u0663/",
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


@pytest.mark.parametrize(
    "url",
    [
        "https://FHIR.hospital.example/api/Keys/32001/SHC",
        "HTTPS://a.example",
        "https://a.example.",
        "https://a.example:443",
        "https://a.example:443/",
        "https://a.example:/",
        "https://a.example:08443/",
        "https://a.example//x/",
        "https://a.example/Path/path",
        "https://a.example/%2f%2F%7e",
        "https://a.example/../x/.",
        "https://under_score.example/",
        "https://a..example/",
        "https://192.0.2.1/issuer",
        "https://[2001:DB8::1]:8443/issuer",
    ],
)
def test_an_https_issuer_is_registered_in_whatever_way_it_is_spelled(url: str) -> None:
    assert identifier_kind(url) == "https"


def test_matching_a_hostile_url_takes_no_time() -> None:
    assert not is_https_url("https://" + "a" * 60 + ("." + "a" * 60) * 100 + " ")
    assert not is_https_url("https://a.example" + "/a" * 1_000 + "\n")


@pytest.mark.parametrize("did", ["did:key:z6Mkbogus", "did:jwk:e30", "did:jwk:!", "did:web:router.internal"])
def test_a_did_that_our_resolver_calls_invalid_is_refused(did: str) -> None:
    with pytest.raises(InvalidDid):
        Resolver().resolve_local(did)
    with pytest.raises(ValueError, match="did:"):
        identifier_kind(did)


def test_a_did_that_is_a_private_key_is_refused_and_not_repeated() -> None:
    jwk = b'{"kty":"OKP","crv":"Ed25519","x":"uTyZEOLyIB9amoHl5TnZ9ko4clj7ZovotkkCaVBxOWg","d":"c2VjcmV0"}'
    secret = b"\x80\x26" + bytes(range(32))  # ed25519-priv, 0x1300
    for did in ("did:jwk:" + encode_base64url(jwk), "did:key:z" + encode_base58btc(secret)):
        with pytest.raises(ValueError, match="private or symmetric") as refused:
            identifier_kind(did)

        assert did[10:] not in str(refused.value)


def test_a_key_of_a_type_that_cannot_be_checked_is_refused() -> None:
    """Its private part could be in a member that we do not know."""
    with pytest.raises(ValueError, match="kty"):
        identifier_kind("did:jwk:" + encode_base64url(b'{"kty":"XYZ","secret":"c2VjcmV0"}'))
