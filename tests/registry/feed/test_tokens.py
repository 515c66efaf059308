"""A token says what RFC 8417 asks for, and a receiver believes only one that is for it."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from proofs import Algorithm, sign_compact
from registry.feed import EVENT_TYPE, SetRefused, read_set
from registry.feed.changes import Change, change_view
from registry.feed.tokens import make_set
from tests.proofs.documents import SIGNERS
from tests.registry.examples import NOW

SIGNER = SIGNERS[Algorithm.ED25519]
ISSUER, AUDIENCE = SIGNER.controller, "https://receiver.example"
TOLD = Change(
    position=7,
    version=3,
    recorded_at=NOW + 1,
    occasion="emergency",
    actor="ada",
    change_set=9,
    digest="ab",
    kind="entity",
    fact_id="uni",
    what="change",
    effective_at=NOW,
    body='{"id":"uni","names":{"en":"Uni"},"identifiers":[{"value":"did:web:uni.example"}]}',
    body_before=None,
)


def made(
    algorithm: Algorithm = Algorithm.ED25519, told: Change = TOLD, subscriber_id: str = "wallets"
) -> bytes:
    return make_set(
        told,
        subscriber_id=subscriber_id,
        audience=AUDIENCE,
        signer=SIGNERS[algorithm],
        issued_at=1_800_000_000,
    )


def part(token: bytes, number: int) -> Any:
    text = token.split(b".")[number]
    return json.loads(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))


def test_a_token_has_the_header_and_the_claims_of_the_standard() -> None:
    token = made()
    claims = part(token, 1)

    assert part(token, 0) == {"alg": "EdDSA", "kid": SIGNER.jws_key_id, "typ": "secevent+jwt"}
    assert claims | {"jti": "", "txn": ""} == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": 1_800_000_000,
        "jti": "",
        "txn": "",
        "toe": NOW // 1_000_000,
        "events": {
            "urn:touchstone:event:registry-change": {
                "position": 7,
                "version": 3,
                "recorded_at": "2026-11-24T12:00:00.000001Z",
                "effective_at": "2026-11-24T12:00:00Z",
                "late": False,
                "occasion": "emergency",
                "what": "change",
                "kind": "entity",
                "id": "uni",
                "fact": {
                    "id": "uni",
                    "names": {"en": "Uni"},
                    "identifiers": [{"value": "did:web:uni.example"}],
                },
            }
        },
    }
    assert b"ada" not in base64.urlsafe_b64decode(token.split(b".")[1] + b"==")


def test_an_id_is_the_same_for_one_change_and_subscriber_and_for_no_other() -> None:
    ids = [
        part(each, 1)["jti"]
        for each in (
            made(),
            made(Algorithm.P256),
            made(subscriber_id="others"),
            made(told=replace(TOLD, position=8)),
            made(told=replace(TOLD, digest="cd")),
        )
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_receiver_reads_the_change_that_was_told(algorithm: Algorithm) -> None:
    signer = SIGNERS[algorithm]

    received = read_set(
        made(algorithm).decode(), signer.public_key, issuer=signer.controller, audience=AUDIENCE
    )

    assert received.change == change_view(TOLD)
    assert (received.issuer, received.issued_at) == (signer.controller, 1_800_000_000)


def signed(header: dict[str, Any] | None = None, **claims: Any) -> bytes:
    """Return a token with other claims; None takes one away."""
    payload = {name: value for name, value in (part(made(), 1) | claims).items() if value is not None}
    return sign_compact(json.dumps(payload).encode(), header=header or {"typ": "secevent+jwt"}, signer=SIGNER)


@pytest.mark.parametrize(
    "token",
    [
        signed({"typ": "JWT"}),
        signed({"typ": "vc+jwt"}),
        signed(iss="did:web:other.example"),
        signed(aud="https://other.example"),
        signed(aud=["https://other.example"]),
        signed(aud=[]),
        signed(aud=None),
        signed(jti=None),
        signed(iat="now"),
        signed(events=None),
        signed(events={}),
        signed(events={"urn:touchstone:event:another": part(made(), 1)["events"][EVENT_TYPE]}),
        signed(events={EVENT_TYPE: {}}),
        signed(events={EVENT_TYPE: "x"}),
        made()[:-3],
        made()[:-3] + b"AAA",
        b"",
        b"a.b.c",
        b"\xff.\xff.\xff",
    ],
)
def test_any_other_token_is_refused(token: bytes) -> None:
    with pytest.raises(SetRefused):
        read_set(token, SIGNER.public_key, issuer=ISSUER, audience=AUDIENCE)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(SetRefused):
        read_set(made(), Ed25519PrivateKey.generate().public_key(), issuer=ISSUER, audience=AUDIENCE)


def test_a_token_may_be_for_several_audiences_and_tell_what_is_not_known_yet() -> None:
    event = part(made(), 1)["events"][EVENT_TYPE] | {"kind": "treaty", "more": 1}
    token = signed(aud=["https://other.example", AUDIENCE], events={"urn:x": {}, EVENT_TYPE: event}, sub="x")

    received = read_set(token, SIGNER.public_key, issuer=ISSUER, audience=AUDIENCE)

    assert received.change.kind == "treaty"
