"""SD-JWT VC: the example of its draft, what is disclosed where, and every way to cheat with disclosures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credentials.errors import MalformedValue
from credentials.forms.disclosures import MAX_DISCLOSURES
from credentials.forms.sd_jwt import read_sd_jwt
from credentials.holding import NotHeld, check_held
from proofs import MalformedProof, ProofInvalid
from resolver.keys.jwk import jwk_of, jwk_to_key
from tests.credentials.sd_jwts import Claims, bound, digest, disclosure, sd_jwt
from tests.statuslist.wing import signer_for

EXAMPLE = json.loads((Path(__file__).parent / "sd-jwt-vc-example.json").read_text())
ISSUER, HOLDER, OTHER = signer_for("default"), signer_for("acme", "holder"), signer_for("acme", "other")
NOW = 1_764_547_200_000_000
CLAIMS: Claims = {"iss": "did:web:issuer.example", "vct": "urn:test:diploma", "exp": NOW // 1_000_000 + 3_600}
ASKED: Claims = {"nonce": "n-1", "audience": "https://verifier.example"}
SHOWN: Claims = {"nonce": "n-1", "aud": "https://verifier.example", "iat": NOW // 1_000_000}
HELD = CLAIMS | {"cnf": {"jwk": jwk_of(HOLDER.public_key)}}


def read(token: str) -> Any:
    return read_sd_jwt(token.encode(), max_bytes=1_000_000)


def test_the_example_of_the_draft_says_what_its_text_says() -> None:
    """SD-JWT VC (draft-26), section 2.3.2 and figure 14, whose key it is signed with."""
    found = read("".join(EXAMPLE["presented"]))

    found.verify(jwk_to_key(EXAMPLE["issuer_key"]), NOW)
    assert found.document == EXAMPLE["processed"]
    assert (found.form, found.issuer, found.key_id) == (
        "dc+sd-jwt",
        "https://example.com/issuer",
        "doc-signer-05-25-2022",
    )
    check_held(found, **EXAMPLE["asked"], now=EXAMPLE["shown_at"] * 1_000_000)


def test_claims_stand_where_the_issuer_has_put_them() -> None:
    street, item, secret = (
        disclosure("street", "Main"),
        disclosure("DE"),
        disclosure("city", {"_sd": ["decoy"]}),
    )
    claims = CLAIMS | {
        "address": {"_sd": [digest(street), digest(secret), "decoy-1"], "country": "DE"},
        "nationalities": [{"...": digest(item)}, {"...": "decoy-2"}, "FR"],
    }
    found = read(sd_jwt(claims, ISSUER, disclosures=[item, street, secret]))

    assert found.document == CLAIMS | {
        "address": {"country": "DE", "street": "Main", "city": {}},
        "nationalities": ["DE", "FR"],
    }


def test_what_is_withheld_is_not_there() -> None:
    token = sd_jwt(CLAIMS, ISSUER, hidden={"age": 30, "name": "Ada"})
    jwt, _, name, _ = token.split("~")

    assert read("~".join([jwt, name, ""])).document.keys() - CLAIMS.keys() == {"name"}


@pytest.mark.parametrize("name", ["sha-384", "sha-512"])
def test_other_hashes_are_read(name: str) -> None:
    made = disclosure("age", 30)
    claims = CLAIMS | {"_sd_alg": name, "_sd": [digest(made, name.replace("-", ""))]}

    assert read(sd_jwt(claims, ISSUER, disclosures=[made])).document["age"] == 30


def _twice() -> str:
    made = disclosure("age", 30)
    return sd_jwt(CLAIMS | {"_sd": [digest(made)], "a": {"_sd": [digest(made)]}}, ISSUER, disclosures=[made])


def _with(*content: Any, **claims: Any) -> Callable[[], str]:
    def made() -> str:
        one = disclosure(*content)
        return sd_jwt(CLAIMS | {"_sd": [digest(one)]} | claims, ISSUER, disclosures=[one])

    return made


CHEATS: dict[str, Callable[[], str]] = {
    "a disclosure that stands nowhere": lambda: sd_jwt(CLAIMS, ISSUER, disclosures=[disclosure("age", 30)]),
    "one that stands twice": _twice,
    "a claim that is there": _with("vct", "urn:other"),
    "a claim that must stand in the token": _with("status", {}),
    "the key of the holder": _with("cnf", {}),
    "digests as a claim": _with("_sd", []),
    "an item as a member": lambda: sd_jwt(
        CLAIMS | {"_sd": [digest(made := disclosure("DE"))]}, ISSUER, disclosures=[made]
    ),
    "a member as an item": lambda: sd_jwt(
        CLAIMS | {"a": [{"...": digest(made := disclosure("age", 30))}]}, ISSUER, disclosures=[made]
    ),
    "an algorithm that is broken": lambda: sd_jwt(CLAIMS | {"_sd_alg": "md5"}, ISSUER),
    "digests that are no array": lambda: sd_jwt(CLAIMS | {"_sd": "x"}, ISSUER),
    "an item with others beside it": lambda: sd_jwt(CLAIMS | {"a": [{"...": "x", "b": 1}]}, ISSUER),
    "too many": lambda: sd_jwt(CLAIMS, ISSUER, disclosures=["W10"] * (MAX_DISCLOSURES + 1)),
    "no type": lambda: sd_jwt({"iss": "did:web:issuer.example"}, ISSUER),
    "a token of another kind": lambda: sd_jwt(CLAIMS, ISSUER, header={"typ": "vc+jwt"}),
    "no token": lambda: "a.b.c",
    "no disclosure": lambda: sd_jwt(CLAIMS, ISSUER, disclosures=["e30"]),
    "a disclosure with padding": lambda: sd_jwt(CLAIMS, ISSUER, disclosures=[disclosure("a", 1) + "="]),
    "something behind them that no holder signed": lambda: sd_jwt(CLAIMS, ISSUER) + "x",
    "a last disclosure without ~": lambda: sd_jwt(CLAIMS, ISSUER, hidden={"age": 30})[:-1],
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_disclosure_says_what_the_issuer_did_not(cheat: str) -> None:
    with pytest.raises(MalformedProof):
        read(CHEATS[cheat]())


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedValue):
        read(sd_jwt(CLAIMS | {"exp": "tomorrow"}, ISSUER))


def test_whoever_holds_the_key_shows_it() -> None:
    token = bound(sd_jwt(HELD, ISSUER, hidden={"age": 30}), HOLDER, **SHOWN)

    check_held(read(token), **ASKED, now=NOW)


NOT_HELD = {
    "no_binding": lambda: sd_jwt(HELD, ISSUER),
    "no_holder_key": lambda: bound(sd_jwt(CLAIMS, ISSUER), HOLDER, **SHOWN),
    "other_credential": lambda: bound(sd_jwt(HELD, ISSUER), HOLDER, **SHOWN, sd_hash="x"),
    "other_nonce": lambda: bound(sd_jwt(HELD, ISSUER), HOLDER, **SHOWN | {"nonce": "n-2"}),
    "other_audience": lambda: bound(
        sd_jwt(HELD, ISSUER), HOLDER, **SHOWN | {"aud": ["https://verifier.example"]}
    ),
    "binding_out_of_time": lambda: bound(
        sd_jwt(HELD, ISSUER), HOLDER, **SHOWN | {"iat": NOW // 1_000_000 - 400}
    ),
}


@pytest.mark.parametrize("reason", NOT_HELD)
def test_what_is_shown_is_of_this_credential_occasion_and_verifier(reason: str) -> None:
    with pytest.raises(NotHeld) as refused:
        check_held(read(NOT_HELD[reason]()), **ASKED, now=NOW)

    assert refused.value.reason == reason


def test_another_key_than_the_holders_shows_nothing() -> None:
    with pytest.raises(ProofInvalid):
        check_held(read(bound(sd_jwt(HELD, ISSUER), OTHER, **SHOWN)), **ASKED, now=NOW)
