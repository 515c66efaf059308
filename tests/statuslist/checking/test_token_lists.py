"""Token lists of others, JWT and CWT: the rules for whoever relies on one (Token Status List, section 8.3)."""

import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials.errors import MalformedValue
from proofs import KeySigner
from statuslist.checking.list_fetching import MIN_TTL_SECONDS
from statuslist.errors import (
    MalformedStatusList,
    RangeError,
    StatusListError,
    StatusListTooLarge,
    StatusRetrievalError,
    StatusVerificationError,
)
from statuslist.formats.forms import TokenForm
from statuslist.formats.token_bits import compressed
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID, Stranger
from tests.statuslist.tokens import claims_of, cwt, jwt

pytestmark = pytest.mark.anyio

each_form = pytest.mark.parametrize("form", ["token.jwt", "token.cwt"])
HOUR = 3_600  # seconds


def serve(house: House, form: TokenForm, **changes: Any) -> None:
    """Serve a list whose claims are as they should be but for the changes; one to None is missing."""
    issuer = house.issuer
    claims = claims_of(issuer.list_url, house.now, **changes)
    kid = issuer.signer.verification_method
    if form == "token.jwt":
        issuer.serve(jwt(claims, issuer.signer, kid=kid), content_type="application/statuslist+jwt")
    else:
        issuer.serve(cwt(claims, issuer.signer, kid=kid.encode()), content_type="application/statuslist+cwt")


@each_form
async def test_token_list_is_fetched_verified_and_read(house: House, form: TokenForm) -> None:
    house.issuer.publish_token_list(form)

    valid = await house.check_claim(house.issuer.claim(VALID))
    revoked = await house.check_claim(house.issuer.claim(REVOKED))

    assert (valid.valid, valid.reason) == (True, None)
    assert (revoked.valid, revoked.reason) == (False, "revoked")
    (result,) = revoked.results
    assert (result.type, result.status, result.purpose) == ("status_list", 1, None)
    assert (result.status_list_credential, result.status_list_index) == (house.issuer.list_url, "7")
    assert (result.list_issuer, result.issuer_bound) == (house.issuer.did, True)
    assert house.requests() == ["issuer.example.com" + PATH, "issuer.example.com/.well-known/did.json"]


@each_form
@pytest.mark.parametrize(
    ("value", "reason"), [(0, None), (1, "revoked"), (2, "suspended"), (3, "status-set"), (12, "status-set")]
)
async def test_each_status_type_has_its_reason(
    house: House, form: TokenForm, value: int, reason: str | None
) -> None:
    house.issuer.publish_token_list(form, house.issuer.token_list(values={VALID: value}, bits=8))

    checked = await house.check_claim(house.issuer.claim())

    assert (checked.reason, checked.valid, checked.results[0].status) == (reason, value == 0, value)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
async def test_every_width_is_read(house: House, bits: int) -> None:
    house.issuer.publish_token_list(token_list=house.issuer.token_list(bits=bits))

    checked = [await house.check_claim(house.issuer.claim(index)) for index in (6, REVOKED, VALID)]

    assert [one.valid for one in checked] == [True, False, True]


@each_form
@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain", "application/json", ""])
async def test_list_is_read_where_its_media_type_says_little(
    house: House, form: TokenForm, content_type: str
) -> None:
    """What it is, its content shows, and its `typ` that is signed."""
    house.issuer.publish_token_list(form, content_type=content_type)

    assert (await house.check_claim(house.issuer.claim())).valid


async def test_list_as_a_web_page_is_refused(house: House) -> None:
    house.issuer.publish_token_list(content_type="text/html")

    with pytest.raises(StatusRetrievalError):
        await house.check_claim(house.issuer.claim())


@pytest.mark.parametrize("typ", ["application/statuslist+jwt", "StatusList+JWT"])
async def test_type_may_be_written_in_full(house: House, typ: str) -> None:
    """RFC 7515, 4.1.9: the two are one; types compare without case."""
    claims, signer = claims_of(house.issuer.list_url, house.now), house.issuer.signer
    token = jwt(claims, signer, typ=typ, kid=signer.verification_method)
    house.issuer.serve(token, content_type="application/statuslist+jwt")

    assert (await house.check_claim(house.issuer.claim())).valid


# TV1: nothing is fetched for an entry that cannot be read; that of a credential is test_checking.py's.


@pytest.mark.parametrize(
    ("status", "pointer"),
    [
        ({"status_list": {"idx": "7", "uri": "https://a.example/1"}}, "/status/status_list/idx"),
        ({"status_list": {"idx": -1, "uri": "https://a.example/1"}}, "/status/status_list/idx"),
        ({"status_list": {"idx": 1.0, "uri": "https://a.example/1"}}, "/status/status_list/idx"),
        ({"status_list": {"idx": True, "uri": "https://a.example/1"}}, "/status/status_list/idx"),
        ({"status_list": {"uri": "https://a.example/1"}}, "/status/status_list/idx"),
        ({"status_list": {"idx": 7}}, "/status/status_list/uri"),
        ({"status_list": {"idx": 7, "uri": "/lists/1"}}, "/status/status_list/uri"),
        ({"status_list": []}, "/status/status_list"),
        ({}, "/status"),
        ([], "/status"),
        ("x", "/status"),
    ],
    ids=str,
)
async def test_malformed_claim_is_refused_before_anything_is_fetched(
    house: House, status: Any, pointer: str
) -> None:
    with pytest.raises(MalformedValue) as raised:
        await house.check_claim(status)

    assert raised.value.pointer == pointer
    assert house.world.requests == []


# TV2: the type, the signature, the required claims.


@each_form
async def test_signature_of_another_key_is_refused(house: House, form: TokenForm) -> None:
    forger = KeySigner(Ed25519PrivateKey.generate(), house.issuer.signer.verification_method)
    house.issuer.publish_token_list(form, signer=forger)

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim())


@pytest.mark.parametrize("typ", ["JWT", "vc+jwt", "statuslist+cwt", None])
async def test_token_of_another_type_is_no_list(house: House, typ: str | None) -> None:
    claims = claims_of(house.issuer.list_url, house.now)
    signer = house.issuer.signer
    token = jwt(claims, signer, typ=typ, kid=signer.verification_method)
    house.issuer.serve(token, content_type="application/statuslist+jwt")

    with pytest.raises(StatusListError):
        await house.check_claim(house.issuer.claim())


@each_form
@pytest.mark.parametrize("claim", ["sub", "iat", "status_list"])
async def test_list_without_a_required_claim_is_refused(house: House, form: TokenForm, claim: str) -> None:
    serve(house, form, **{claim: None})

    with pytest.raises(MalformedStatusList):
        await house.check_claim(house.issuer.claim())


# TV3: it is the list of the URI.


@each_form
async def test_list_of_another_uri_served_in_its_place_is_refused(house: House, form: TokenForm) -> None:
    serve(house, form, sub=house.issuer.list_url + "/2")

    with pytest.raises(StatusVerificationError, match="another") as raised:
        await house.check_claim(house.issuer.claim())

    assert raised.value.pointer == "/sub"
    assert raised.value.members["statusListCredential"] == house.issuer.list_url


# TV4, and RFC 7519: its time.


@each_form
@pytest.mark.parametrize(("claim", "offset"), [("exp", -HOUR), ("iat", HOUR), ("nbf", HOUR)])
async def test_list_out_of_its_time_is_refused(
    house: House, form: TokenForm, claim: str, offset: int
) -> None:
    serve(house, form, **{claim: house.now // 1_000_000 + offset})

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim())


@each_form
async def test_list_that_expires_while_it_is_kept_is_refused(house: House, form: TokenForm) -> None:
    serve(house, form, exp=house.now // 1_000_000 + 100)
    assert (await house.check_claim(house.issuer.claim())).valid
    house.wing.clock.ahead += 200

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim())


# TV5 and TV8: how long it is kept, whatever it says.


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(60, 60), (0.001, MIN_TTL_SECONDS), (1, MIN_TTL_SECONDS), (10**9, 300), (None, 300)],
)
async def test_ttl_counts_from_the_fetch_within_bounds_of_ours(
    house: House, ttl: float | None, seconds: float
) -> None:
    serve(house, "token.jwt", ttl=ttl)
    await house.check_claim(house.issuer.claim())

    house.wing.clock.ahead += seconds - 2
    await house.check_claim(house.issuer.claim())
    before = house.requests().count("issuer.example.com" + PATH)
    house.wing.clock.ahead += 3
    await house.check_claim(house.issuer.claim())

    assert (before, house.requests().count("issuer.example.com" + PATH)) == (1, 2)


@pytest.mark.parametrize("ttl", [0, -1, "60", True, [], 2**54])
async def test_ttl_that_is_no_positive_number_is_malformed(house: House, ttl: Any) -> None:
    serve(house, "token.jwt", ttl=ttl)

    with pytest.raises(MalformedStatusList):
        await house.check_claim(house.issuer.claim())


# TV6 and TV7: the index, and every other fault.


@each_form
@pytest.mark.parametrize("index", [1_024, 2**31, 2**53 - 1])
async def test_index_beyond_the_list_is_never_valid(house: House, form: TokenForm, index: int) -> None:
    serve(house, form)

    with pytest.raises(RangeError):
        await house.check_claim(house.issuer.claim(index))


@each_form
@pytest.mark.parametrize(
    "status_list",
    [
        {"bits": 3, "lst": b"x\xda"},
        {"bits": 1, "lst": b"no zlib"},
        {"bits": 1, "lst": compressed(b"\0" * 16)[:-1]},
        {"bits": 1, "lst": compressed(b"\0" * 16) + b"x"},
        {"bits": 1},
        {"lst": compressed(b"\0" * 16)},
    ],
    ids=["three bits", "no zlib", "cut short", "something behind it", "no list", "no bits"],
)
async def test_damaged_list_is_refused(house: House, form: TokenForm, status_list: Any) -> None:
    serve(house, form, status_list=status_list)

    with pytest.raises(MalformedStatusList):
        await house.check_claim(house.issuer.claim())


@each_form
async def test_bomb_is_refused(house: House, form: TokenForm) -> None:
    """A list of 128 MiB of zeros is 130 KB on the wire."""
    serve(house, form, status_list={"bits": 1, "lst": compressed(bytes(2**27))})

    with pytest.raises(StatusListTooLarge):
        await house.check_claim(house.issuer.claim())


# TV9: nothing of an entry is kept. What is kept is the list, by its URL.


async def test_each_index_of_a_list_is_answered_from_one_fetch(house: House) -> None:
    serve(house, "token.cwt")

    checked = [await house.check_claim(house.issuer.claim(index)) for index in range(20)]

    assert [number for number, one in enumerate(checked) if not one.valid] == [REVOKED]
    assert house.requests().count("issuer.example.com" + PATH) == 1


@pytest.mark.parametrize("index", [777, 99_777])
async def test_nothing_of_an_entry_is_logged(
    house: House, caplog: pytest.LogCaptureFixture, index: int
) -> None:
    caplog.set_level(logging.DEBUG)
    serve(house, "token.jwt")

    answer = await house.post_json({"issuer": house.issuer.did, "status": house.issuer.claim(index)})

    assert answer.status_code == (200 if index < 1_024 else 422)
    ours = [
        record for record in caplog.records if not record.name.startswith(("asyncio", "httpx", "httpcore"))
    ]
    assert not any(str(index) in record.getMessage() for record in ours)


# Whose list it is.


@each_form
async def test_list_whose_kid_is_a_did_of_another_party_is_not_trusted(house: House, form: TokenForm) -> None:
    """As W3C lists of another issuer: anybody can sign a list at a host that he controls."""
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_token_list(form, signer=other.signer)

    checked = await house.check_claim(house.issuer.claim())
    allowed = await house.check_claim(house.issuer.claim(), list_issuers=(other.did,))

    assert (checked.valid, checked.reason) == (False, "list-issuer-not-trusted")
    assert (checked.results[0].list_issuer, checked.results[0].issuer_bound) == (other.did, False)
    assert (allowed.valid, allowed.results[0].issuer_bound) == (True, False)


@each_form
async def test_list_that_names_one_issuer_and_the_key_of_another_is_refused(
    house: House, form: TokenForm
) -> None:
    serve(house, form, iss="did:web:other.example.com")

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim())

    assert house.requests() == ["issuer.example.com" + PATH]


@pytest.mark.parametrize("kid", ["#key-1", "key-1", None])
async def test_list_of_a_did_whose_kid_is_no_did_url_is_refused(house: House, kid: str | None) -> None:
    claims = claims_of(house.issuer.list_url, house.now)
    token = jwt(claims, house.issuer.signer, kid=kid)
    house.issuer.serve(token, content_type="application/statuslist+jwt")

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim())
