"""The kinds of identifier, and in which spellings they are registered."""

import pytest

from registry.identifiers import (
    canonical_identifier,
    certificate_identifier,
    identifier_kind,
    is_https_url,
    key_identifier,
)
from resolver import InvalidDid, Resolver
from resolver.encoding import encode_base58btc, encode_base64url

# RFC 7638, section 3.1.
RSA_MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
    "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
    "wapJzKnqDKgw"
)
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
        (f"ni:///sha-256;{SHA256}", "ni"),
    ],
)
def test_an_identifier_is_recognised_by_its_form(identifier: str, kind: str) -> None:
    assert identifier_kind(identifier) == kind
    assert canonical_identifier(identifier) == identifier


def test_a_certificate_hash_of_openid4vp_is_the_ni_in_another_spelling() -> None:
    assert identifier_kind(f"x509_hash:{SHA256}") == "ni"
    assert canonical_identifier(f"x509_hash:{SHA256}") == f"ni:///sha-256;{SHA256}"


def test_a_certificate_is_named_by_the_digest_of_its_der() -> None:
    # RFC 6920, section 8.1: the digest of this text.
    assert certificate_identifier(b"Hello World!") == (
        "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    )


def test_a_key_is_named_by_its_thumbprint_whatever_else_its_jwk_says() -> None:
    # RFC 8037, appendix A.3, and RFC 7638, section 3.1.
    okp = {"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "crv": "Ed25519", "kty": "OKP", "kid": "a"}
    rsa = {"kty": "RSA", "n": RSA_MODULUS, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    prefix = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"

    assert key_identifier(okp) == prefix + "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key_identifier(rsa) == prefix + "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert identifier_kind(key_identifier(okp)) == "jwk-thumbprint"


def test_a_private_key_has_no_identifier_and_is_not_repeated() -> None:
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "c2VjcmV0",
    }

    with pytest.raises(ValueError, match="private or symmetric") as refused:
        key_identifier(jwk)

    assert "c2VjcmV0" not in str(refused.value)


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
        f"NI:///sha-256;{SHA256}",
        f"ni://a.example/sha-256;{SHA256}",
        f"ni:///sha-256;{SHA256}?ct=application/pkix-cert",
        f"ni:///sha-256;{SHA256}=",
        f"ni:///sha-256;{SHA256[:-1]}N",
        "ni:///sha-256-128;f4OxZX_x_FO5LcGBSKHWXQ",
        "mailto:a@a.example",
    ],
)
def test_another_spelling_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        identifier_kind(identifier)
    with pytest.raises(ValueError, match="expected"):
        canonical_identifier(identifier)


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
    assert canonical_identifier(url) == url


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
