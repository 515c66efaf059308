"""What secures a list binds it as it binds a credential: claims, times of tokens, proofs and keys, header types."""

from typing import Any

import pytest

from credentials.errors import CredentialNotValid
from proofs import ProofError, sign_compact
from statuslist.errors import MalformedStatusList, StatusVerificationError
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, Stranger, jcs_secured_until, vc_jwt
from tests.statuslist.wing import did_document
from wire import encode, format_utc

pytestmark = pytest.mark.anyio

MINUTE = 60  # seconds
FAR = 86_400  # seconds; beyond every clock difference that is tolerated


def list_without_end(issuer: Stranger, **members: Any) -> dict[str, Any]:
    """Return a list whose credential has no validity period: nothing but what secures it ends it."""
    document = issuer.list_document() | members
    return {name: value for name, value in document.items() if name not in ("validFrom", "validUntil")}


def seconds(house: House) -> int:
    return house.now // 1_000_000


async def fetches_of(house: House) -> int:
    return house.requests().count("issuer.example.com" + PATH)


@pytest.mark.parametrize(
    ("claim", "offset"), [("exp", -FAR), ("exp", -FAR + 0.5), ("nbf", FAR), ("exp", -1e9 + 1)]
)
async def test_list_whose_token_is_out_of_its_time_is_refused(
    house: House, claim: str, offset: float
) -> None:
    house.issuer.publish_list(list_without_end(house.issuer, **{claim: seconds(house) + offset}), form="jwt")

    with pytest.raises(StatusVerificationError) as raised:
        await house.check(house.issuer.entry())

    assert raised.value.pointer == f"/{claim}"


async def test_list_whose_token_expired_is_refused_though_its_credential_is_valid(house: House) -> None:
    document = house.issuer.list_document() | {"exp": seconds(house) - FAR}
    house.issuer.publish_list(document, form="jwt")

    with pytest.raises(StatusVerificationError, match="expired"):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["tomorrow", "1900000000", None, True, [], {}, 1e300, -1e300, 10**60])
async def test_list_with_a_time_that_is_no_number_is_refused(house: House, claim: str, value: object) -> None:
    house.issuer.publish_list(list_without_end(house.issuer, **{claim: value}), form="jwt")

    with pytest.raises(StatusVerificationError, match=claim):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize(
    "claims", [{"exp": MINUTE}, {"nbf": -MINUTE}, {"exp": -30}, {"nbf": 30}, {"iat": -9}]
)
async def test_list_whose_token_is_in_its_time_is_read(house: House, claims: dict[str, int]) -> None:
    """Sixty seconds of clock difference are tolerated, as of a credential."""
    times = {name: seconds(house) + offset for name, offset in claims.items()}
    house.issuer.publish_list(list_without_end(house.issuer, **times), form="jwt")

    assert (await house.check(house.issuer.entry())).valid is True


async def test_claims_mean_nothing_where_there_is_no_token(house: House) -> None:
    house.issuer.publish_list(house.issuer.list_document() | {"exp": seconds(house) - FAR}, form="jcs")

    assert (await house.check(house.issuer.entry())).valid is True


async def test_list_is_kept_until_its_token_expires_and_no_longer(house: House) -> None:
    house.issuer.publish_list(
        list_without_end(house.issuer, exp=seconds(house) + 20), form="jwt", cache_control="max-age=3600"
    )
    first = await house.check(house.issuer.entry())

    house.wing.clock.ahead += 15
    await house.check(house.issuer.entry())
    before = await fetches_of(house)
    house.wing.clock.ahead += 10
    await house.check(house.issuer.entry())

    assert (before, await fetches_of(house)) == (1, 2)
    assert first.results[0].list_valid_until == format_utc(house.now + 20_000_000)


async def kept_for_20_seconds(house: House, *, told: str) -> None:
    """Check that a list is fetched once, and refused in words with `told` when it ended."""
    await house.check(house.issuer.entry())
    house.wing.clock.ahead += 15
    await house.check(house.issuer.entry())
    fetches = await fetches_of(house)
    house.wing.clock.ahead += 10

    with pytest.raises(StatusVerificationError, match=told):
        await house.check(house.issuer.entry())
    assert fetches == 1


async def test_list_is_kept_until_its_proof_expires_and_no_longer(house: House) -> None:
    body = jcs_secured_until(
        list_without_end(house.issuer), house.issuer.signer, format_utc(house.now + 20_000_000)
    )
    house.issuer.serve(body, content_type="application/vc", cache_control="max-age=3600")

    await kept_for_20_seconds(house, told="expired")


@pytest.mark.parametrize("member", ["expires", "revoked"])
async def test_list_is_kept_until_its_key_ends_and_no_longer(house: House, member: str) -> None:
    document = did_document(house.issuer.signer)
    document["verificationMethod"][0][member] = format_utc(house.now + 20_000_000)
    house.issuer.publish_did(document)
    house.issuer.publish_list(cache_control="max-age=3600")

    await kept_for_20_seconds(house, told="key")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "did:web:other.example.com"},
        {"jti": "https://issuer.example.com/lists/2"},
        {"sub": "https://issuer.example.com/lists/2#list"},
        {"vc": {}},
        {"vp": {}},
    ],
)
async def test_list_whose_claims_say_other_than_its_members_is_refused(
    house: House, claims: dict[str, Any]
) -> None:
    house.issuer.publish_list(house.issuer.list_document() | claims, form="jwt")

    with pytest.raises(StatusVerificationError):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize("form", ["jcs", "jwt"])
async def test_list_that_has_a_status_of_its_own_is_refused(house: House, form: str) -> None:
    """Nobody looks that status up, so that the list may have been revoked."""
    document = house.issuer.list_document() | {"credentialStatus": house.issuer.entry()}
    house.issuer.publish_list(document, form=form)

    with pytest.raises(MalformedStatusList) as raised:
        await house.check(house.issuer.entry())

    assert raised.value.pointer == "/credentialStatus"


@pytest.mark.parametrize(
    "typ",
    [
        "vc+jwt",
        "VC+JWT",
        "application/vc+jwt",
        "Application/VC+jwt",
        "vc+jwt;charset=utf-8",
        'application/vc+jwt; charset="utf-8"',
        None,
    ],
)
async def test_header_typ_is_a_media_type(house: House, typ: str | None) -> None:
    """RFC 7515, 4.1.9: without "/" it is meant with application/ before it; types compare without case."""
    header = {} if typ is None else {"typ": typ}
    issuer = house.issuer
    list_token = sign_compact(encode(issuer.list_document()), header=header, signer=issuer.signer)
    issuer.serve(list_token, content_type="application/vc+jwt")

    checked = await house.check(issuer.entry())
    whole = await house.checker.check_credential(
        sign_compact(encode(issuer.credential()), header=header, signer=issuer.signer)
    )

    assert (checked.valid, whole.valid) == (True, True)


@pytest.mark.parametrize(
    "typ",
    ["JWT", "vp+jwt", "vc+jwt2", "text/vc+jwt", "application/vc", "vc;+jwt", ";vc+jwt", "", 7, ["vc+jwt"]],
)
async def test_header_typ_of_another_kind_is_refused(house: House, typ: object) -> None:
    house.issuer.serve(
        vc_jwt(house.issuer.list_document(), house.issuer.signer, typ=typ), content_type="application/vc+jwt"
    )

    with pytest.raises(StatusVerificationError, match="typ"):
        await house.check(house.issuer.entry())
    with pytest.raises(ProofError, match="typ"):
        await house.checker.check_credential(vc_jwt(house.issuer.credential(), house.issuer.signer, typ=typ))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_line_ending_behind_a_token_is_none_of_it(house: House, end: bytes) -> None:
    """Editors and `echo` end a file with one; the signature is over what stands before it."""
    token = vc_jwt(house.issuer.list_document(), house.issuer.signer)
    house.issuer.serve(token + end, content_type="application/vc+jwt")

    checked = await house.check(house.issuer.entry())
    credential = vc_jwt(house.issuer.credential(), house.issuer.signer)
    whole = await house.checker.check_credential(credential + end)

    assert (checked.valid, whole.valid) == (True, True)


@pytest.mark.parametrize(("before", "end"), [(b"", b"\n\n"), (b"\n", b""), (b"", b" "), (b"", b"=")])
async def test_other_bytes_around_a_token_are_refused(house: House, before: bytes, end: bytes) -> None:
    credential = vc_jwt(house.issuer.credential(), house.issuer.signer)

    with pytest.raises(ProofError):
        await house.checker.check_credential(before + credential + end)


async def test_credential_whose_token_expired_is_not_valid(house: House) -> None:
    credential = house.issuer.credential(exp=seconds(house) - FAR)

    with pytest.raises(CredentialNotValid) as raised:
        await house.checker.check_credential(vc_jwt(credential, house.issuer.signer))

    assert raised.value.pointer == "/exp"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"kid": None},
        {"kid": 7},
        {"kid": "#key-1"},
        {"kid": "did:web:other.example.com#key-1"},
        {"kid": "did:web:issuer.example.com"},
    ],
)
async def test_header_that_is_refused_of_a_credential_is_refused_of_a_list(
    house: House, header: dict[str, object]
) -> None:
    signer = house.issuer.signer
    house.issuer.serve(
        vc_jwt(house.issuer.list_document(), signer, **header), content_type="application/vc+jwt"
    )

    with pytest.raises(StatusVerificationError):
        await house.check(house.issuer.entry())
    with pytest.raises(ProofError):
        await house.checker.check_credential(vc_jwt(house.issuer.credential(), signer, **header))
