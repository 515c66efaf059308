"""What a caller may ask for: policies, holders, several types, steps, and several credentials at once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner, sign_compact
from resolver.keys.jwk import jwk_of
from tests.credentials.sd_jwts import bound, sd_jwt
from tests.statuslist.stranger import REVOKED, VALID
from tests.verification.issuing import FORMS, NOW, SECOND, Scene, Wanted, a_scene
from verification.policies import POLICIES
from verification.requests import VerifyBatch, VerifyRequest, read_verify_batch, read_verify_request
from verification.verdicts import Verification
from wire import MalformedBody, encode

pytestmark = pytest.mark.anyio

HOLDER = KeySigner(Ed25519PrivateKey.generate(), "did:example:holder#key-1")
ASKED: dict[str, Any] = {"nonce": "n-1", "audience": "https://verifier.example"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as scene:
        yield scene


def made(scene: Scene, form: str = "application/vc+jwt", issuer: str = "good") -> Any:
    return FORMS[form](Wanted(scene.issuers[issuer]))


async def verify(scene: Scene, credential: Any, **options: Any) -> Verification:
    return await scene.verifier.verify(VerifyRequest(credential=credential, **options))


def vc_jwt(scene: Scene, **changes: Any) -> str:
    wanted = Wanted(scene.issuers["good"])
    payload = json.dumps(wanted.w3c() | changes).encode()
    return sign_compact(payload, header={"typ": "vc+jwt"}, signer=wanted.signer()).decode()


async def test_a_policy_asks_for_less_and_tells_the_same(scene: Scene) -> None:
    credential = made(scene, issuer="stranger")
    strict, lax = [await verify(scene, credential, policy=name) for name in ("strict", "any-issuer")]

    assert (strict.rely, lax.rely) == (False, True)
    assert strict.verdicts == lax.verdicts


async def test_an_issuer_that_was_trusted_then_is_enough_where_the_policy_says_so(scene: Scene) -> None:
    issued = {"validFrom": "2024-03-01T00:00:00Z", "issuer": scene.issuers["suspended"].did}
    wanted = Wanted(scene.issuers["suspended"])
    payload = json.dumps(wanted.w3c() | issued).encode()
    credential = sign_compact(payload, header={"typ": "vc+jwt"}, signer=wanted.signer()).decode()

    told = {name: (await verify(scene, credential, policy=name)).rely for name in POLICIES}

    assert told == {"strict": False, "stale": False, "issued-while-trusted": True, "any-issuer": True}


async def test_a_type_that_nobody_defined_confers_nothing_and_takes_nothing_away(scene: Scene) -> None:
    beside = await verify(scene, vc_jwt(scene, type=["VerifiableCredential", "Degree", "Fancy"]))
    alone = await verify(scene, vc_jwt(scene, type=["VerifiableCredential", "Fancy"]))
    none = await verify(scene, vc_jwt(scene, type=["VerifiableCredential"]))

    assert (beside.rely, beside.types) == (True, ("Degree", "Fancy"))
    assert [each.verdicts["issuerTrusted"].reason for each in (alone, none)] == ["not_defined"] * 2


async def test_an_issuer_must_be_trusted_for_each_type_that_is_defined(scene: Scene) -> None:
    told = await verify(scene, vc_jwt(scene, type=["VerifiableCredential", "Degree", "Passport"]))

    assert told.verdicts["issuerTrusted"].verdict == "no"
    assert {each["about"] for each in told.verdicts["issuerTrusted"].evidence["answers"]} == {
        "Degree",
        "Passport",
    }


async def test_an_authority_that_is_named_is_the_one_that_counts(scene: Scene) -> None:
    told = [
        await verify(scene, made(scene), authority=name) for name in ("edu", "lic", "did:web:nobody.example")
    ]

    assert [each.verdicts["issuerTrusted"].reason for each in told] == [
        "authorized",
        "not_defined",
        "not_defined",
    ]


async def test_whoever_holds_it_signs_for_this_verifier(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    claims = wanted.sd_jwt(wanted.issuer.did, "did") | {"cnf": {"jwk": jwk_of(HOLDER.public_key)}}
    plain = sd_jwt(claims, wanted.signer(), hidden={"degree": "AAAA"})
    shown = bound(plain, HOLDER, nonce="n-1", aud="https://verifier.example", iat=NOW // SECOND)

    told = [await verify(scene, each, **ASKED) for each in (shown, plain, made(scene))]
    unasked = await verify(scene, shown)

    assert [each.verdicts["held"].reason for each in told] == ["shown", "no_binding", "unsupported"]
    assert [each.rely for each in told] == [True, False, False]
    assert "held" not in unasked.verdicts
    assert unasked.rely


async def test_what_tells_the_holder_apart_is_kept_back(scene: Scene) -> None:
    safe, full = [await verify(scene, made(scene), evidence=each) for each in ("safe", "full")]

    assert f'"statusListIndex":"{VALID}"' not in encode(safe).decode()
    assert f'"statusListIndex":"{VALID}"' in encode(full).decode()
    assert b"did:example:holder" not in encode(full)


async def test_steps_are_told_in_their_order(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    wanted.index = REVOKED
    told = await verify(scene, FORMS["jwt_vc_json"](wanted), explain=True)

    assert [step.split(".")[0].split("?")[0] for step in told.steps[1:]] == [
        "Is it what its issuer signed",
        "Is it in its time",
        "Is its issuer trusted for that",
        "Does it still hold",
        "So do not rely on it, by the policy strict",
    ]
    assert "a form that nobody should issue any more" in told.steps[0]
    assert told.legacy


async def test_each_of_several_has_its_own_answer(scene: Scene) -> None:
    batch = VerifyBatch(credentials=[made(scene), "no credential", made(scene, "dc+sd-jwt by DID")])
    told = await scene.verifier.verify_all(batch)

    assert [each.rely for each in told] == [True, False, True]
    assert told[1].verdicts["authentic"].reason == "unsupported"


@pytest.mark.parametrize(
    "credential", ["é", "a.b.c", "~", "x~y~z", {"proof": {}}, {"issuer": 1}, "." * 10, "\0"]
)
async def test_what_is_no_credential_is_an_answer(scene: Scene, credential: Any) -> None:
    told = await verify(scene, credential)

    assert not told.rely
    assert told.verdicts["authentic"].reason in ("malformed", "unsupported")


@pytest.mark.parametrize(
    "asked",
    [
        {"credential": 5},
        {"credential": ""},
        {"credential": "a", "nonce": "n"},
        {"credential": "a", "audience": "a"},
        {"credential": "a", "maxStale": 1},
        {"credential": "a", "policy": "stale", "maxStale": -1},
        {"credential": "a", "policy": "lax"},
        {"credential": "a", "evidence": "all"},
        {"credential": "a", "further": 1},
    ],
)
def test_what_is_no_question_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody):
        read_verify_request(encode(asked), "application/json")


@pytest.mark.parametrize("credentials", [[], ["a"] * 101, [1], "a"])
def test_a_batch_has_a_hundred_credentials_at_most(credentials: Any) -> None:
    with pytest.raises(MalformedBody):
        read_verify_batch(encode({"credentials": credentials}), "application/json")


def test_every_policy_says_what_it_gives_up_and_the_page_lists_them() -> None:
    page = (Path(__file__).parents[2] / "docs/verify.md").read_text()

    assert all(policy.gives_up and f"`{name}`" in page for name, policy in POLICIES.items())
    assert POLICIES["strict"].asks_for >= set().union(*(each.asks_for for each in POLICIES.values()))
