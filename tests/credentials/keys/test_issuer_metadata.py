"""Keys of issuers that are https URLs: JWT VC Issuer Metadata in the fake web, behind the real guard."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from credentials.errors import KeyNotKnown
from credentials.forms.former_jwt import read_former_jwt
from credentials.keys.issuer_metadata import MAX_BODY_BYTES, IssuerMetadata, metadata_url
from proofs import Algorithm, KeySigner, ProofInvalid, sign_compact
from resolver import FreshnessBounds
from resolver.keys.jwk import jwk_of
from tests.clock import Clock
from tests.simulator import World, canned, raw

pytestmark = pytest.mark.anyio

ISSUER = "https://issuer.example"
AT = "/.well-known/jwt-vc-issuer"
SIGNING = ec.generate_private_key(ec.SECP256R1())
P256 = SIGNING.public_key()
OTHER = ec.generate_private_key(ec.SECP256R1()).public_key()
ED25519 = ed25519.Ed25519PrivateKey.generate().public_key()


class Scene:
    """One issuer, and what finds its keys."""

    def __init__(self, world: World, metadata: IssuerMetadata, clock: Clock) -> None:
        self.world, self.metadata, self.clock = world, metadata, clock
        self.host = world.host("issuer.example")

    def publish(self, *jwks: dict[str, Any], **members: Any) -> None:
        document = {"issuer": ISSUER, "jwks": {"keys": list(jwks)}} | members
        self.host.publish(AT, {name: value for name, value in document.items() if value is not None})


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = Clock()
    async with World() as world, world.guard() as guard:
        metadata = IssuerMetadata(
            fetcher=guard.fetch_stranger,
            clock=clock,
            timer=clock,
            bounds=FreshnessBounds(revalidate_seconds=0.0),
        )
        yield Scene(world, metadata, clock)
        await metadata.aclose()


def jwk(key: Any, **members: Any) -> dict[str, Any]:
    return jwk_of(key) | members


async def test_a_key_is_found_by_its_kid(scene: Scene) -> None:
    scene.publish(jwk(OTHER, kid="old"), jwk(P256, kid="new"))

    found = await scene.metadata.find_key(ISSUER, "new", Algorithm.P256)

    assert (found.public_key, found.id, found.by) == (P256, "new", "jwt-vc-issuer")
    assert found.retrieved_at == scene.clock.now
    assert found.digest is not None


async def test_the_key_of_a_token_is_found_by_what_the_token_says(scene: Scene) -> None:
    signer = KeySigner(SIGNING, "did:example:1#any")
    token = sign_compact(
        b'{"vc":{"@context":["https://www.w3.org/2018/credentials/v1"]},"iss":"https://issuer.example"}',
        header={"kid": "new"},
        signer=signer,
    )
    scene.publish(jwk(P256, kid="new"))
    secured = read_former_jwt(token, max_bytes=10_000)

    found = await scene.metadata.find(secured)

    secured.verify(found.public_key, 0)


async def test_the_key_set_may_stand_elsewhere(scene: Scene) -> None:
    keys = scene.world.host("keys.example")
    keys.publish("/set.json", {"keys": [jwk(P256, kid="a")]})
    scene.publish(jwks=None, jwks_uri="https://keys.example/set.json")

    found = await scene.metadata.find_key(ISSUER, "a", Algorithm.P256)

    assert found.public_key == P256
    assert [(request.host, request.target) for request in scene.world.requests] == [
        ("issuer.example", AT),
        ("keys.example", "/set.json"),
    ]


async def test_what_was_fetched_is_kept_and_one_fetch_serves_all_keys(scene: Scene) -> None:
    scene.publish(jwk(P256, kid="a"), jwk(ED25519, kid="b"))

    assert scene.metadata.would_ask(ISSUER)
    await scene.metadata.find_key(ISSUER, "a", Algorithm.P256)
    assert not scene.metadata.would_ask(ISSUER)
    await scene.metadata.find_key(ISSUER, "b", Algorithm.ED25519)

    assert len(scene.world.requests) == 1


async def test_without_a_kid_the_only_key_of_the_algorithm_is_meant(scene: Scene) -> None:
    scene.publish(jwk(ED25519), jwk(P256))

    found = await scene.metadata.find_key(ISSUER, None, Algorithm.P256)

    assert (found.public_key, found.id) == (P256, ISSUER)


@pytest.mark.parametrize(
    ("jwks", "key_id"),
    [
        ([jwk(P256), jwk(OTHER)], None),
        ([jwk(P256, kid="a"), jwk(OTHER, kid="a")], "a"),
        ([jwk(P256, kid="b")], "a"),
        ([jwk(P256)], "a"),
        ([jwk(P256, kid="a", use="enc")], "a"),
        ([jwk(P256, kid="a", key_ops=["sign"])], "a"),
        ([jwk(P256, kid="a", alg="ES384")], "a"),
        ([jwk(P256, kid="a", d="AAAA")], "a"),
        ([jwk(P256, kid="a", y="AAAA")], "a"),
        ([jwk(ED25519, kid="a")], "a"),
        ([], "a"),
    ],
    ids=[
        "two without kid",
        "two of one kid",
        "another kid",
        "a key without kid",
        "for encryption",
        "not to verify",
        "another alg",
        "a private key",
        "no point",
        "another type",
        "none",
    ],
)
async def test_a_key_that_is_not_meant_is_not_taken(
    scene: Scene, jwks: list[dict[str, Any]], key_id: str | None
) -> None:
    scene.publish(*jwks)

    with pytest.raises(ProofInvalid, match=r"found [02]"):
        await scene.metadata.find_key(ISSUER, key_id, Algorithm.P256)


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "https://other.example"},
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"jwks": None},
        {"jwks_uri": f"{ISSUER}/keys"},
        {"jwks": None, "jwks_uri": 1},
        {"jwks": None, "jwks_uri": "http://issuer.example/keys"},
        {"jwks": []},
        {"jwks": {"keys": [{"kty": "oct"}] * 65}},
    ],
    ids=str,
)
async def test_metadata_that_do_not_comply_tell_no_key(scene: Scene, members: dict[str, Any]) -> None:
    scene.publish(jwk(P256), **members)

    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(ISSUER, None, Algorithm.P256)
    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(ISSUER, None, Algorithm.P256)

    assert len(scene.world.requests) == 1  # what it said is remembered for a moment


@pytest.mark.parametrize(
    "script",
    [
        canned(b"{}", 404),
        canned(b"{}", 500),
        canned(b"", 302, location="https://other.example/"),
        canned(b'{"issuer":"a","issuer":"b"}'),
        canned(b"[]"),
        canned(b" " * (MAX_BODY_BYTES + 1)),
        raw(b"HTTP/1.1 200"),
    ],
    ids=["not there", "down", "redirect", "a member twice", "no object", "too large", "cut short"],
)
async def test_metadata_that_cannot_be_had_tell_no_key(scene: Scene, script: Any) -> None:
    scene.host.answer(AT, script)

    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(ISSUER, None, Algorithm.P256)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://issuer.example",
        "https://127.0.0.1",
        "https://localhost",
        "https://issuer.example?a",
        "https://issuer.example/#a",
        "https://user@issuer.example",
        "https://issuer.example/../a",
        "https://",
        "did:web:issuer.example",
        "",
    ],
)
async def test_an_issuer_that_is_no_public_https_url_is_not_asked(scene: Scene, issuer: str) -> None:
    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(issuer, None, Algorithm.P256)

    assert scene.world.requests == []


async def test_keys_of_an_origin_that_is_down_serve_on_as_stale_ones(scene: Scene) -> None:
    scene.publish(jwk(P256))
    await scene.metadata.find_key(ISSUER, None, Algorithm.P256)
    scene.clock.now += 400  # seconds; the default is 300
    scene.host.answer(AT, canned(b"", 503))

    found = await scene.metadata.find_key(ISSUER, None, Algorithm.P256)

    assert found.is_stale
    scene.clock.now += 4_000  # past `stale_seconds`
    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(ISSUER, None, Algorithm.P256)


async def test_keys_that_the_origin_took_away_do_not_serve_on(scene: Scene) -> None:
    scene.publish(jwk(P256))
    await scene.metadata.find_key(ISSUER, None, Algorithm.P256)
    scene.clock.now += 400
    scene.host.answer(AT, canned(b"", 404))

    with pytest.raises(KeyNotKnown):
        await scene.metadata.find_key(ISSUER, None, Algorithm.P256)


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://example.com", "https://example.com/.well-known/jwt-vc-issuer"),
        ("https://example.com/", "https://example.com/.well-known/jwt-vc-issuer"),
        ("https://example.com:8443", "https://example.com:8443/.well-known/jwt-vc-issuer"),
        ("https://example.com/tenant/1234", "https://example.com/.well-known/jwt-vc-issuer/tenant/1234"),
        ("https://example.com/tenant/1234/", "https://example.com/.well-known/jwt-vc-issuer/tenant/1234"),
    ],
)
def test_the_well_known_path_goes_between_host_and_path(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url
