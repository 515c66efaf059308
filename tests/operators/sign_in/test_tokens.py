"""Tokens of an identity provider: what RFC 9068 and OpenID Connect ask of them, and tokens attacked."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from operators.sign_in.tokens import MAX_TOKEN_BYTES, Accepted, TokenRefused, read_token
from tests.operators.sign_in.provider import (
    ACCEPTED,
    AUDIENCE,
    CLIENT_ID,
    ISSUER,
    LEFT_OUT,
    NOW,
    access_claims,
    access_token,
    assembled,
    b64,
    id_claims,
    id_token,
    jwk_named,
    private_key,
    signed,
    verified,
)

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
PUBLIC = private_key("RS256").public_key()
MODULUS = PUBLIC.public_numbers().n


def refusal_of(token: str, **given: Any) -> TokenRefused:
    with pytest.raises(TokenRefused) as refused:
        verified(token, **given)
    return refused.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_access_token_says_who_the_person_is_and_until_when(algorithm: str) -> None:
    token = verified(access_token(by=algorithm, groups=["a"]))

    assert (token.subject, token.issued_at, token.ends_at) == ("8c2d7a", NOW - 10, NOW + 300)
    assert token.claims["groups"] == ["a"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", None])
def test_an_id_token_of_our_client_is_taken(algorithm: str, typ: str | None) -> None:
    header = {} if typ is None else {"typ": typ}

    assert verified(id_token(by=algorithm, header=header)).subject == "8c2d7a"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_of_an_access_token_has_two_spellings(typ: str) -> None:
    assert verified(access_token(header={"typ": typ})).subject == "8c2d7a"


def test_ed25519_has_two_names_where_the_key_names_none() -> None:
    named = access_token(by="EdDSA")

    assert refusal_of(
        named.replace(named.split(".")[0], b64(b'{"alg":"Ed25519","kid":"EdDSA","typ":"at+jwt"}'))
    )
    assert verified(named)


# Whose token it is.


@pytest.mark.parametrize(
    "issuer",
    [ISSUER + "/", ISSUER.upper(), "https://evil.example", "", None, [ISSUER], LEFT_OUT],
)
def test_the_issuer_is_ours_exactly(issuer: Any) -> None:
    for token in (access_token(iss=issuer), id_token(iss=issuer)):
        assert refusal_of(token).told == "this token is of another issuer"


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example",
        AUDIENCE + "/",
        CLIENT_ID,
        "",
        None,
        [],
        ["https://other.example"],
        {"a": 1},
        LEFT_OUT,
    ],
)
def test_an_access_token_of_another_audience_is_refused(audience: Any) -> None:
    assert refusal_of(access_token(aud=audience)).told == "this token is for another audience"


def test_an_access_token_may_be_for_others_too() -> None:
    assert verified(access_token(aud=["https://other.example", AUDIENCE]))


@pytest.mark.parametrize(
    "audience", ["another-client", AUDIENCE, [CLIENT_ID, "another-client"], [], "", None, LEFT_OUT]
)
def test_an_id_token_of_another_client_is_refused(audience: Any) -> None:
    """A client beside us could present the token of its own people to us."""
    assert refusal_of(id_token(aud=audience)).told == "this token is for another audience"


@pytest.mark.parametrize("party", ["another-client", "", None, [CLIENT_ID]])
def test_an_id_token_that_another_client_asked_for_is_refused(party: Any) -> None:
    assert refusal_of(id_token(azp=party)).told == "this token is for another audience"
    assert verified(id_token(azp=CLIENT_ID, aud=[CLIENT_ID]))


@pytest.mark.parametrize(
    ("accepted", "token"),
    [
        (Accepted(issuer=ISSUER, audience="", client_id=CLIENT_ID), access_token()),
        (Accepted(issuer=ISSUER, audience="", client_id=CLIENT_ID), access_token(aud="")),
        (Accepted(issuer=ISSUER, audience=AUDIENCE, client_id=""), id_token()),
        (Accepted(issuer=ISSUER, audience=AUDIENCE, client_id=""), id_token(aud="")),
    ],
)
def test_a_kind_of_token_that_is_not_configured_is_refused(accepted: Accepted, token: str) -> None:
    assert refusal_of(token, accepted=accepted).told == "this token is for another audience"


@pytest.mark.parametrize(
    "typ",
    [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "id_token+jwt",
        "vc+jwt",
        "JOSE",
        "",
        1,
        None,
    ],
)
def test_a_token_of_another_type_is_refused(typ: Any) -> None:
    for claims in (access_claims(), id_claims()):
        assert refusal_of(signed(claims, header={"typ": typ}))


def test_a_logout_token_without_a_type_is_no_id_token() -> None:
    """Older providers send them as `JWT`, with our client id as `aud`."""
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}

    assert "events" in str(refusal_of(id_token(events=events, jti="1", header={"typ": "JWT"})))


@pytest.mark.parametrize("claim", [{"scope": "openid"}, {"scp": ["openid"]}, {"client_id": CLIENT_ID}])
def test_an_access_token_without_its_type_is_no_id_token(claim: dict[str, Any]) -> None:
    """Keycloak gives them to the account of a service too, with a subject like that of people."""
    for header in ({}, {"typ": "JWT"}):
        assert refusal_of(id_token(header=header, **claim)).told == (
            "this is an access token without the type at+jwt"
        )


@pytest.mark.parametrize("name", ["client_id", "jti", "iat", "exp", "sub"])
@pytest.mark.parametrize("value", [LEFT_OUT, None, "", [], {}, True])
def test_an_access_token_has_what_rfc_9068_asks_for(name: str, value: Any) -> None:
    assert name in str(refusal_of(access_token(**{name: value})))


# Who the person is.


@pytest.mark.parametrize(
    "subject", [LEFT_OUT, None, "", 7, ["a"], "a" * 256, "a" * 300, "é", "a\n", "a\x00", "a\x7f"]
)
def test_a_subject_is_up_to_255_ascii_characters(subject: Any) -> None:
    assert "sub" in str(refusal_of(access_token(sub=subject)))
    assert "sub" in str(refusal_of(id_token(sub=subject)))
    assert verified(access_token(sub="a" * 255))


@pytest.mark.parametrize(
    "changed", [{"sub": "touchstone-cli"}, {"azp": "8c2d7a"}, {"client_id": "8c2d7a"}, {"idtyp": "app"}]
)
def test_a_client_that_acts_for_itself_is_no_person(changed: dict[str, Any]) -> None:
    """Client credentials give a token whose subject is the client (RFC 9068, section 2.2)."""
    assert refusal_of(access_token(**changed)).told == "this token is of a client, not of a person"


@pytest.mark.parametrize(
    "bound", [{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, {"x5t#S256": "b"}, {}, None]
)
def test_a_token_that_is_bound_to_a_key_of_its_holder_is_refused(bound: Any) -> None:
    """We ask for no proof of it (DPoP, mutual TLS): a thief would get in with what is useless to him elsewhere."""
    assert "bound" in str(refusal_of(access_token(cnf=bound)))
    assert "bound" in str(refusal_of(id_token(cnf=bound)))


def test_a_token_with_which_somebody_else_acts_is_refused() -> None:
    assert "act" in str(refusal_of(access_token(act={"sub": "pipeline"})))


# When.


def test_a_token_ends_when_it_says_so() -> None:
    token = access_token(exp=NOW + 1)

    assert verified(token, at=NOW + 0.9)
    for at in (NOW + 1, NOW + 30, NOW + 1_000_000):
        assert refusal_of(token, at=at).told == "this token has expired"


def test_a_token_counts_for_a_day_at_most() -> None:
    token = access_token(iat=NOW, exp=NOW + 10**9)

    assert verified(token).ends_at == NOW + 86_400
    assert verified(token, at=NOW + 86_399)
    assert refusal_of(token, at=NOW + 86_400).told == "this token has expired"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_the_clock_of_the_provider_may_be_a_minute_ahead(name: str) -> None:
    assert verified(access_token(**{name: NOW + 60}))
    late = access_token(**({"iat": NOW, "nbf": NOW} | {name: NOW + 62}))
    assert refusal_of(late).told == "this token is not valid yet"


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", [str(NOW), True, -1, 10**18, 1e300, [NOW], None])
def test_a_time_is_a_number_of_seconds(name: str, value: Any) -> None:
    assert name in str(refusal_of(access_token(**{name: value})))
    assert name in str(refusal_of(id_token(**{name: value})))


def test_a_time_may_have_a_fraction() -> None:
    """RFC 7519, section 2, allows it; it is rounded down."""
    assert verified(access_token(exp=NOW + 10.75)).ends_at == NOW + 10


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "1" * 400])
def test_a_number_that_is_none_is_not_read(number: str) -> None:
    payload = json.dumps(access_claims(exp="?")).replace('"?"', number).encode()

    assert "cannot be read" in str(refusal_of(signed(payload, header={"typ": "at+jwt"})))


# The algorithm, and the key.


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_a_token_that_says_it_is_not_signed_is_refused(algorithm: str) -> None:
    for signature in (b"", b"\x00" * 256):
        forged = assembled({"alg": algorithm, "kid": "RS256", "typ": "at+jwt"}, access_claims(), signature)
        assert "cannot be read" in str(refusal_of(forged))


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256"])
@pytest.mark.parametrize(
    "secret",
    [
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        MODULUS.to_bytes(256),
        jwk_named("RS256")["n"].encode(),
        json.dumps(jwk_named("RS256")).encode(),
    ],
    ids=["PEM", "PEM without a line end", "PKCS1 PEM", "DER", "PKCS1 DER", "n", "n in base64url", "JWK"],
)
def test_the_public_key_is_no_secret_of_hmac(algorithm: str, secret: bytes) -> None:
    header = {"alg": algorithm, "kid": "RS256", "typ": "at+jwt"}
    unsigned = assembled(header, access_claims(), b"").rstrip(".")
    code = hmac.HMAC(secret, hashes.SHA256())
    code.update(unsigned.encode())

    assert refusal_of(f"{unsigned}.{b64(code.finalize())}").told == "this token is not valid here"


@pytest.mark.parametrize("named", ALGORITHMS)
@pytest.mark.parametrize("key_id", ALGORITHMS)
def test_a_key_verifies_its_own_algorithm_alone(named: str, key_id: str) -> None:
    """The header names the algorithm of one key, and another key."""
    token = access_token(by=named, header={"kid": key_id})

    if named == key_id:
        assert verified(token)
    else:
        assert "the key needs alg" in str(refusal_of(token))


def test_a_key_of_ps256_verifies_no_rs256_of_its_own() -> None:
    """The provider's very key signed: what its JWK says of the algorithm holds."""
    unsigned = assembled({"alg": "RS256", "kid": "PS256", "typ": "at+jwt"}, access_claims(), b"").rstrip(".")
    signature = private_key("PS256").sign(unsigned.encode(), PKCS1v15(), hashes.SHA256())

    assert "the key needs alg PS256" in str(refusal_of(f"{unsigned}.{b64(signature)}"))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS384", "PS512", "HS256", "HS512"])
def test_other_algorithms_are_not_read(algorithm: str) -> None:
    assert "cannot be read" in str(
        refusal_of(assembled({"alg": algorithm, "kid": "RS256"}, access_claims(), b"\x00" * 256))
    )


def test_rs512_by_the_providers_own_key_is_refused() -> None:
    assert refusal_of(signed(access_claims(), header={"alg": "RS512", "typ": "at+jwt"}))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 1, 64, 96, 255, 256, 257, 2_048])
def test_a_signature_of_zeros_is_none(algorithm: str, size: int) -> None:
    header = {"alg": algorithm, "kid": algorithm, "typ": "at+jwt"}

    assert (
        refusal_of(assembled(header, access_claims(), b"\x00" * size)).told == "this token is not valid here"
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_part_of_a_token_is_signed(algorithm: str) -> None:
    header, payload, signature = access_token(by=algorithm).split(".")
    other = access_token(by=algorithm, sub="administrator").split(".")

    for forged in (f"{header}.{other[1]}.{signature}", f"{header}.{payload}.{other[2]}"):
        assert "signature" in str(refusal_of(forged))


def test_a_key_that_a_token_brings_along_is_never_looked_at() -> None:
    """Signed by somebody else's key, which stands, or is pointed to, in the header."""
    for brought in (
        {"jwk": jwk_named("other")},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/chain.pem"},
        {"x5c": ["MIIB"], "x5t": "a", "x5t#S256": "b"},
    ):
        header = {"alg": "RS256", "kid": "RS256", "typ": "at+jwt"} | brought
        assert "signature" in str(refusal_of(signed(access_claims(), by="other", header=header)))
        assert verified(access_token(header=brought))


# What is read at all.


@pytest.mark.parametrize("key_id", [LEFT_OUT, None, "", 1, "k" * 257, ["RS256"]])
def test_a_token_names_its_key(key_id: Any) -> None:
    header = {"alg": "RS256"} if key_id is LEFT_OUT else {"alg": "RS256", "kid": key_id}

    assert "names no key" in str(refusal_of(assembled(header, access_claims(), b"\x00" * 256)))


@pytest.mark.parametrize("extension", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}])
def test_extensions_are_not_understood(extension: dict[str, Any]) -> None:
    header = {"alg": "RS256", "kid": "RS256", "typ": "at+jwt"} | extension

    assert "cannot be read" in str(refusal_of(assembled(header, access_claims(), b"\x00" * 256)))


@pytest.mark.parametrize("name", ["sub", "exp", "aud", "iss", "groups"])
def test_a_claim_that_stands_twice_is_refused(name: str) -> None:
    claims = json.dumps(access_claims(groups=[]))
    twice = claims[:-1] + f', "{name}": {json.dumps(access_claims(groups=[])[name])}}}'

    assert "twice" in str(refusal_of(signed(twice.encode(), header={"typ": "at+jwt"})))


def test_a_member_of_the_header_that_stands_twice_is_refused() -> None:
    header = b64(b'{"alg":"RS256","kid":"other","kid":"RS256","typ":"at+jwt"}')

    assert "twice" in str(refusal_of(".".join([header, *access_token().split(".")[1:]])))


@pytest.mark.parametrize(
    "payload", [b"[]", b'"a"', b"1", b"null", b"", b"{", b"\xef\xbb\xbf{}", b'{"a":"\xff"}']
)
def test_claims_are_one_object(payload: bytes) -> None:
    assert refusal_of(signed(payload, header={"typ": "at+jwt"}))


@pytest.mark.parametrize(
    "changed",
    [
        {"groups": [f"group-{number}" for number in range(10_000)]},
        {"name": "n" * MAX_TOKEN_BYTES},
        {"deep": json.loads("[" * 40 + "]" * 40)},
    ],
    ids=["10,000 groups", "a long name", "40 levels"],
)
def test_huge_claims_are_refused(changed: dict[str, Any]) -> None:
    assert "cannot be read" in str(refusal_of(access_token(**changed)))


def test_a_token_over_the_limit_is_refused_unread() -> None:
    header, payload, _ = access_token().split(".")

    assert "the limit is 16384" in str(refusal_of(f"{header}.{payload}.{'A' * MAX_TOKEN_BYTES}"))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "a.b.c.d", "é.b.c", "\ud800.b.c", "a b.c.d", "A" * 50_000, "=.=.="]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        read_token(text, ACCEPTED)


def test_a_reason_repeats_nothing_of_the_token() -> None:
    secret = "s3cret-value"
    for token in (
        access_token(iss=secret),
        access_token(aud=secret),
        access_token(exp=secret),
        access_token(sub=secret + "é"),
        id_token(azp=secret),
        signed(access_claims(), header={"typ": secret}),
    ):
        refused = refusal_of(token)
        assert secret not in f"{refused} {refused.told}"
