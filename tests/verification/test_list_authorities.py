"""Token lists signed with a certificate: an authority of the registry vouches for whoever registered it, alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proofs import sign_compact
from statuslist.checking.requests import EntryCheck
from statuslist.errors import StatusVerificationError
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_jwt
from tests.registry.told import an_entity
from tests.simulator import canned
from tests.statuslist.stranger import REVOKED
from tests.verification.issuing import FORMS, HOUR, NOW, TOKENS, Issuer, Scene, Wanted, a_scene
from verification.requests import VerifyRequest
from wire import encode
from wire.base64url import encode_base64url

pytestmark = pytest.mark.anyio

each_name = pytest.mark.parametrize("kind", ["did", "https"])


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as scene:
        yield scene


def name_of(issuer: Issuer, kind: str) -> str:
    return issuer.did if kind == "did" else issuer.url


def serve_unrevoked(scene: Scene, kind: str, by: str, *, named: str | None = None, **claims: Any) -> None:
    """Have the list of `good` say that nothing is revoked, in the name of `named` and below the root of `by`."""
    good = scene.issuers["good"]
    signer = scene.issuers[by].certified_as(named or name_of(good, kind))
    url, lst = good.tokens_url(kind), compressed(packed(131_072, [], 2))
    if claims:
        times = {"sub": url, "iat": NOW // 1_000_000 - 60, "exp": (NOW + HOUR) // 1_000_000}
        payload = times | {"status_list": {"bits": 2, "lst": encode_base64url(lst)}} | claims
        token = sign_compact(
            encode(payload), header={"typ": "statuslist+jwt"}, signer=signer, key_name="certificates"
        )
    else:
        tokens = TokenList(
            url=url, issued_at=NOW - 60_000_000, expires=NOW + HOUR, ttl_ms=None, bits=2, lst=lst
        )
        token = signed_token_jwt(tokens, signer, "certificates")
    good.host.answer(f"{TOKENS}/{kind}", canned(token, 200, content_type="application/statuslist+jwt"))


def revoked(scene: Scene, kind: str) -> Any:
    wanted = Wanted(scene.issuers["good"])
    wanted.index = REVOKED
    return FORMS["dc+sd-jwt by DID" if kind == "did" else "dc+sd-jwt by metadata"](wanted)


def entry_of(scene: Scene, kind: str, **more: Any) -> EntryCheck:
    good = scene.issuers["good"]
    status = {"status_list": {"idx": REVOKED, "uri": good.tokens_url(kind)}}
    return EntryCheck(issuer=name_of(good, kind), status=status, **more)


@each_name
@pytest.mark.parametrize("by", ["stolen", "suspended", "other"])
async def test_an_authority_of_somebody_else_cannot_say_that_nothing_is_revoked(
    scene: Scene, by: str, kind: str
) -> None:
    serve_unrevoked(scene, kind, by)

    told = await scene.verifier.verify(VerifyRequest(credential=revoked(scene, kind)))

    assert (told.rely, told.verdicts["stillValid"].reason) == (False, "list_not_read")
    with pytest.raises(StatusVerificationError, match="no trust anchor"):
        await scene.checker.check_entries(entry_of(scene, kind))


@each_name
async def test_nor_can_it_where_the_list_names_the_issuer_itself(scene: Scene, kind: str) -> None:
    serve_unrevoked(scene, kind, "other", iss=name_of(scene.issuers["good"], kind))

    told = await scene.verifier.verify(VerifyRequest(credential=revoked(scene, kind)))

    assert (told.rely, told.verdicts["stillValid"].reason) == (False, "list_not_read")


@each_name
async def test_the_authority_of_the_issuer_himself_can(scene: Scene, kind: str) -> None:
    serve_unrevoked(scene, kind, "good")

    told = await scene.verifier.verify(VerifyRequest(credential=revoked(scene, kind)))
    checked = await scene.checker.check_entries(entry_of(scene, kind))

    assert (told.rely, told.verdicts["stillValid"].reason) == (True, "not_revoked")
    assert (checked.valid, checked.results[0].issuer_bound) == (True, True)


@each_name
async def test_nor_can_it_once_it_is_known_to_be_compromised(scene: Scene, kind: str) -> None:
    """Whoever says so: here it is somebody else who has registered the certificate for a time that is over."""
    serve_unrevoked(scene, kind, "good")
    anchor = replace(scene.issuers["good"].anchor, valid_from=0, valid_until=1, compromised_since=NOW - HOUR)
    mine = an_entity("good", *(name_of(scene.issuers["good"], each) for each in ("did", "https")))
    now = replace(scene.issuers["good"].anchor, valid_from=1)
    await scene.told.tell(replace(mine, identifiers=(*mine.identifiers, now)), an_entity("before", anchor))

    told = await scene.verifier.verify(VerifyRequest(credential=revoked(scene, kind)))

    assert (told.rely, told.verdicts["stillValid"].reason) == (False, "list_not_read")


@each_name
async def test_a_third_party_with_lists_is_vouched_for_by_its_own_authority(scene: Scene, kind: str) -> None:
    other = scene.issuers["other"].url
    asked = entry_of(scene, kind, list_issuers=(other,))

    serve_unrevoked(scene, kind, "other", named=other)
    checked = await scene.checker.check_entries(asked)
    scene.checker.purge_lists()
    serve_unrevoked(scene, kind, "stolen", named=other)

    assert (checked.valid, checked.results[0].issuer_bound, checked.results[0].list_issuer) == (
        True,
        False,
        other,
    )
    with pytest.raises(StatusVerificationError, match="no trust anchor"):
        await scene.checker.check_entries(asked)
