"""`Checker`: whose lists are believed, what is refused, and what is asked of whom."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials.errors import CredentialNotValid, MalformedValue
from credentials.keys.issuer_metadata import IssuerMetadata
from proofs import Algorithm, KeySigner, ProofError
from resolver import GuardLimits, OutboundBudgetExceeded, ResolutionError, Resolver
from statuslist.checking.checker import Checker
from statuslist.checking.list_fetching import ListUrlRefused
from statuslist.checking.requests import EntryCheck
from statuslist.entries.requests import Allocate
from statuslist.errors import (
    EntryNotOfList,
    ListNotPublished,
    MalformedStatusList,
    NoListAtOwnUrl,
    RangeError,
    StatusListLengthError,
    StatusListTooLarge,
    StatusRetrievalError,
    StatusVerificationError,
)
from tests.proofs.documents import KEYS
from tests.simulator import World, canned, held, raw
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID, Stranger, vc_jwt
from tests.statuslist.wing import ISSUERS, ROOT, did_document

pytestmark = pytest.mark.anyio

OWN_LIST = "https://status.example.com/status-lists/badges-revocation/credential.json"


@pytest.mark.parametrize("media_type", ["application/vc", "application/vc+jwt"])
async def test_own_list_is_checked_in_process(house: House, media_type: Any) -> None:
    await house.wing.create("badges", "revocation", "suspension")
    allocated = await house.wing.sets.allocate(ROOT, "badges", Allocate(media_type=media_type))
    entries = list(map(msgspec.to_builtins, allocated.entries[0].credential_status))
    await house.wing.publisher.publish_dirty()

    before = await house.check(entries, ISSUERS["acme"])
    await house.wing.revoke("badges", int(entries[0]["statusListIndex"]))
    await house.wing.publisher.publish_dirty()
    after = await house.check(entries, ISSUERS["acme"])

    assert (before.valid, before.credential_verified) == (True, False)
    assert [result.valid for result in after.results] == [False, True]
    assert after.valid is False
    assert all(result.issuer_bound for result in after.results)
    assert house.world.requests == []


@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
async def test_foreign_list_is_fetched_verified_and_read(house: House, form: str) -> None:
    house.issuer.publish_list(form=form)

    valid = await house.check(house.issuer.entry(VALID))
    revoked = await house.check(house.issuer.entry(REVOKED))

    assert (valid.valid, revoked.valid) == (True, False)
    assert (revoked.results[0].status, revoked.results[0].purpose) == (1, "revocation")
    assert revoked.results[0].list_issuer == house.issuer.did
    assert house.requests() == ["issuer.example.com" + PATH, "issuer.example.com/.well-known/did.json"]


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384])
@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
async def test_foreign_list_signed_with_ecdsa_is_verified_and_read(
    house: House, algorithm: Algorithm, form: str
) -> None:
    issuer = Stranger(house.world, "ecdsa.example.com", house.now, KEYS[algorithm])
    issuer.publish_list(form=form)

    valid = await house.check(issuer.entry(VALID), issuer.did)
    revoked = await house.check(issuer.entry(REVOKED), issuer.did)

    assert (valid.valid, revoked.valid) == (True, False)
    assert revoked.results[0].list_issuer == issuer.did


@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
async def test_foreign_list_signed_by_a_key_of_another_kind_than_the_listed_one_is_refused(
    house: House, form: str
) -> None:
    """The document lists a P-256 key under the id under which an Ed25519 key has signed."""
    issuer = Stranger(house.world, "swapped.example.com", house.now, KEYS[Algorithm.P256])
    method = issuer.signer.verification_method
    issuer.publish_list(signer=KeySigner(Ed25519PrivateKey.generate(), method), form=form)

    with pytest.raises(StatusVerificationError, match=r"needs a key of|the key needs alg"):
        await house.check(issuer.entry(VALID), issuer.did)


async def test_list_of_another_issuer_is_not_bound_and_not_valid(house: House) -> None:
    """Whoever controls the list's host can sign a list there with a DID of its own."""
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_list(house.issuer.list_document(issuer=other.did), signer=other.signer)

    checked = await house.check(house.issuer.entry(VALID))

    assert checked.valid is False
    assert checked.results[0].status == 0
    assert checked.results[0].issuer_bound is False
    assert checked.results[0].list_issuer == other.did


async def test_list_issuer_that_the_caller_trusts_counts_but_is_not_bound(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    house.issuer.publish_list(house.issuer.list_document(issuer=other.did), signer=other.signer)

    checked = await house.check(house.issuer.entry(VALID), house.issuer.did, other.did)

    assert checked.valid is True
    assert checked.results[0].issuer_bound is False


async def test_list_signed_by_another_than_its_issuer_is_refused_unasked(house: House) -> None:
    """Trust is checked where the signature is: `issuer` says one, the key is another's (swiyu CD-008)."""
    other = Stranger(house.world, "other.example.com", house.now)
    for form in ("jcs", "jwt"):
        house.issuer.publish_list(signer=other.signer, form=form)

        with pytest.raises(StatusVerificationError, match="not one of the credential's issuer"):
            await house.check(house.issuer.entry(VALID))

    assert "other.example.com/.well-known/did.json" not in house.requests()


async def test_key_that_is_not_for_assertions_is_refused(house: House) -> None:
    document = did_document(house.issuer.signer)
    document["authentication"] = document.pop("assertionMethod")
    house.issuer.publish_did(document)
    house.issuer.publish_list()

    with pytest.raises(StatusVerificationError, match="assertionMethod"):
        await house.check(house.issuer.entry(VALID))


@pytest.mark.parametrize("form", ["jcs", "jwt"])
@pytest.mark.parametrize("place", ["verificationMethod", "authentication", "assertionMethod", "keyAgreement"])
async def test_key_that_is_named_for_assertions_is_found_wherever_it_is_embedded(
    house: House, place: str, form: str
) -> None:
    """Controlled Identifiers v1.0, section 3.3: a reference is dereferenced within the whole document."""
    document = did_document(house.issuer.signer)
    (method,) = document.pop("verificationMethod")
    reference = document.pop("assertionMethod")[0]
    embedded = {place: [method]}
    house.issuer.publish_did(
        document | embedded | {"assertionMethod": [reference, *embedded.get("assertionMethod", [])]}
    )
    house.issuer.publish_list(form=form)

    verdict = await house.check(house.issuer.entry(VALID))

    assert verdict.valid


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("controller", "did:web:another.example"),
        ("expires", "2020-01-01T00:00:00Z"),
        ("revoked", "2020-01-01T00:00:00Z"),
        ("revoked", "yesterday"),
        ("expires", 7),
    ],
)
async def test_key_of_another_or_past_its_time_is_refused(house: House, member: str, value: object) -> None:
    document = did_document(house.issuer.signer)
    document["verificationMethod"][0][member] = value
    house.issuer.publish_did(document)
    house.issuer.publish_list()

    with pytest.raises(StatusVerificationError, match="key"):
        await house.check(house.issuer.entry(VALID))


async def test_key_whose_controller_is_relative_is_the_issuers(house: House) -> None:
    document = did_document(house.issuer.signer)
    document["verificationMethod"][0]["controller"] = ""
    house.issuer.publish_did(document)
    house.issuer.publish_list()

    assert (await house.check(house.issuer.entry(VALID))).valid


async def test_key_whose_time_is_to_come_counts(house: House) -> None:
    document = did_document(house.issuer.signer)
    document["verificationMethod"][0]["expires"] = "9000-01-01T00:00:00Z"
    house.issuer.publish_did(document)
    house.issuer.publish_list()

    assert (await house.check(house.issuer.entry(VALID))).valid


@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
async def test_signature_of_another_key_is_refused(house: House, form: str) -> None:
    forger = KeySigner(Ed25519PrivateKey.generate(), house.issuer.signer.verification_method)
    house.issuer.publish_list(signer=forger, form=form)

    with pytest.raises(StatusVerificationError):
        await house.check(house.issuer.entry(VALID))


async def test_list_without_a_proof_is_refused(house: House) -> None:
    house.issuer.serve(json.dumps(house.issuer.list_document()).encode(), content_type="application/json")

    with pytest.raises(StatusVerificationError, match="proof"):
        await house.check(house.issuer.entry(VALID))


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"valid_from": -7_200_000_000, "valid_until": -3_600_000_000}, StatusVerificationError),
        ({"valid_from": 3_600_000_000}, StatusVerificationError),
        ({"url": "https://issuer.example.com/lists/2"}, StatusVerificationError),
        ({"purpose": "suspension"}, StatusVerificationError),
        ({"length": 1_024}, StatusListLengthError),
        ({"encoded_list": "uH4sIAAAA"}, MalformedStatusList),
        ({"encoded_list": "no multibase"}, MalformedStatusList),
    ],
)
async def test_list_that_is_not_the_one_is_refused(
    house: House, overrides: dict[str, Any], error: type[Exception]
) -> None:
    """Expired, not valid yet, substituted, for another purpose, too short, damaged."""
    absolute = {
        name: house.now + value if name.startswith("valid_") else value for name, value in overrides.items()
    }
    house.issuer.publish_list(house.issuer.list_document(**absolute))

    with pytest.raises(error) as raised:
        await house.check(house.issuer.entry(VALID))

    assert raised.value.members["statusListCredential"] == house.issuer.list_url  # type: ignore[attr-defined]


async def test_bomb_is_refused(house: House) -> None:
    """A list of 128 MiB of zeros is 130 KB on the wire."""
    house.issuer.publish_list(house.issuer.list_document(length=2**30))

    with pytest.raises(StatusListTooLarge):
        await house.check(house.issuer.entry(VALID))


async def test_index_beyond_the_list_is_never_valid(house: House) -> None:
    house.issuer.publish_list()

    with pytest.raises(RangeError):
        await house.check(house.issuer.entry(131_072))


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"statusListIndex": 8}, "/credentialStatus/statusListIndex"),
        ({"statusListIndex": "08"}, "/credentialStatus/statusListIndex"),
        ({"statusPurpose": None}, "/credentialStatus/statusPurpose"),
        ({"type": []}, "/credentialStatus/type"),
        ({"type": ["BitstringStatusListEntry", "StatusList2021Entry"]}, "/credentialStatus/type"),
    ],
)
async def test_malformed_entry_is_refused_before_anything_is_fetched(
    house: House, entry: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(MalformedValue) as raised:
        await house.check(house.issuer.entry() | entry)

    assert raised.value.pointer == pointer
    assert house.world.requests == []


@pytest.mark.parametrize("entries", [[], None, "x", [None], [[]]])
async def test_no_entries_are_never_valid(house: House, entries: Any) -> None:
    with pytest.raises(MalformedValue):
        await house.check(entries)


async def test_nine_entries_are_refused(house: House) -> None:
    with pytest.raises(MalformedValue):
        await house.check([house.issuer.entry()] * 9)

    assert house.world.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example.com/lists/1",
        "https://127.0.0.1/lists/1",
        "https://localhost/lists/1",
        "https://user@issuer.example.com/lists/1",
        "https://issuer.example.com:22/lists/1",
        "file:///etc/passwd",
        "did:web:issuer.example.com",
    ],
)
async def test_url_that_we_do_not_fetch_is_refused(house: House, url: str) -> None:
    with pytest.raises(ListUrlRefused):
        await house.check(house.issuer.entry(statusListCredential=url))

    assert house.world.resolutions == []


async def test_list_on_a_private_address_is_not_dialled(house: House) -> None:
    house.world.name("issuer.example.com", ["93.184.216.34", "10.0.0.5"])

    with pytest.raises(StatusRetrievalError):
        await house.check(house.issuer.entry())

    assert house.world.dials == []


async def test_redirect_is_not_followed(house: House) -> None:
    house.issuer.serve(b"", 302, location="https://other.example.com/list")

    with pytest.raises(StatusRetrievalError, match="302"):
        await house.check(house.issuer.entry())

    assert house.requests() == ["issuer.example.com" + PATH]


@pytest.mark.parametrize(
    "script",
    [
        canned(b"gone", 404),
        canned(b"<html>", 200, content_type="text/html"),
        canned(b"x", 200),
        raw(b"not HTTP"),
        canned(b" " * 3_000_000, 200, content_type="application/vc"),
    ],
    ids=["404", "HTML", "no type", "no HTTP", "over 2 MiB"],
)
async def test_answer_that_is_no_list_is_a_retrieval_error(house: House, script: Any) -> None:
    house.issuer.host.answer(PATH, script)

    with pytest.raises(StatusRetrievalError):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize(("answers", "cause"), [([], "name_not_found"), ([[]], "origin_unreachable")])
async def test_list_on_a_host_without_address_is_a_retrieval_error(
    house: House, answers: list[list[str]], cause: str
) -> None:
    house.world.name("nobody.example.com", *answers)
    entry = house.issuer.entry(statusListCredential="https://nobody.example.com/lists/1")

    with pytest.raises(StatusRetrievalError) as raised:
        await house.check(entry)

    assert raised.value.members["cause"] == cause
    assert (raised.value.status, raised.value.fault) == (502, "origin")


async def test_budget_that_is_used_up_is_ours_to_tell() -> None:
    limits = GuardLimits(host_burst=1, host_rate_per_second=0.1)
    async with World() as world, world.guard(limits) as guard:
        resolver = Resolver(fetcher=guard.fetch_stranger)
        checker = Checker(
            resolver=resolver,
            fetcher=guard.fetch_stranger,
            own_list=lambda _: None,
            metadata=IssuerMetadata(fetcher=guard.fetch_stranger, clock=lambda: 1_800_000_000.0),
            clock=lambda: 1_800_000_000.0,
        )
        issuer = Stranger(world, "issuer.example.com", 1_800_000_000_000_000)
        issuer.serve(b"", 404)
        request = EntryCheck(credential_status=issuer.entry(), issuer=issuer.did)
        with pytest.raises(StatusRetrievalError):
            await checker.check_entries(request)

        with pytest.raises(OutboundBudgetExceeded):
            await checker.check_entries(request)


async def test_checks_of_one_list_share_one_fetch(house: House) -> None:
    house.issuer.publish_list()
    until = asyncio.Event()
    house.issuer.host.answer(PATH, held(until, house.issuer.host._scripts[PATH]))

    checks = [asyncio.create_task(house.check(house.issuer.entry(index))) for index in range(30)]
    await asyncio.sleep(0.1)
    until.set()
    checked = await asyncio.gather(*checks)

    assert [answer.valid for answer in checked].count(False) == 1
    assert house.requests().count("issuer.example.com" + PATH) == 1


@pytest.mark.parametrize(
    ("ttl_ms", "cache_control", "seconds"),
    [
        (60_000, "max-age=3600", 60),
        (3_600_000, "max-age=3600", 300),
        (3_600_000, "max-age=20", 20),
        (3_600_000, "no-store", 0),
    ],
)
async def test_list_is_kept_for_the_shortest_of_all_bounds(
    house: House, ttl_ms: int, cache_control: str, seconds: int
) -> None:
    house.issuer.publish_list(house.issuer.list_document(ttl_ms=ttl_ms), cache_control=cache_control)
    await house.check(house.issuer.entry())

    house.wing.clock.ahead += max(seconds - 2, 0)
    await house.check(house.issuer.entry())
    before = house.requests().count("issuer.example.com" + PATH)
    house.wing.clock.ahead += 3
    await house.check(house.issuer.entry())
    after = house.requests().count("issuer.example.com" + PATH)

    assert after == before + 1
    assert before == (1 if seconds else 2)


@pytest.mark.parametrize("seconds", [-7_200, -90, 90])
async def test_setting_the_clock_changes_no_lists_life(house: House, seconds: float) -> None:
    """Two hours back kept a list, without its newest revocations, alive for 7,500 s."""
    document = house.issuer.list_document(valid_from=house.now - 10**11, valid_until=house.now + 10**11)
    house.issuer.publish_list(document, cache_control="max-age=3600")
    await house.check(house.issuer.entry())
    house.wing.clock.set_by += seconds

    house.wing.clock.ahead += 298
    await house.check(house.issuer.entry())
    before = house.requests().count("issuer.example.com" + PATH)
    house.wing.clock.ahead += 3
    await house.check(house.issuer.entry())

    assert (before, house.requests().count("issuer.example.com" + PATH)) == (1, 2)


async def test_end_of_a_list_goes_by_the_clock_that_others_have(house: House) -> None:
    house.issuer.publish_list()
    await house.check(house.issuer.entry())
    house.wing.clock.set_by += 7_200

    with pytest.raises(StatusVerificationError, match="no longer valid"):
        await house.check(house.issuer.entry())


async def test_a_list_that_is_purged_is_fetched_anew(house: House) -> None:
    house.issuer.publish_list(cache_control="max-age=3600")
    await house.check(house.issuer.entry())
    await house.check(house.issuer.entry())
    before = house.requests().count("issuer.example.com" + PATH)
    house.checker.purge_lists()
    await house.check(house.issuer.entry())

    assert before == 1
    assert house.requests().count("issuer.example.com" + PATH) == 2


async def test_list_that_failed_is_not_kept(house: House) -> None:
    house.issuer.serve(b"", 503)
    with pytest.raises(StatusRetrievalError):
        await house.check(house.issuer.entry())
    house.issuer.publish_list()

    checked = await house.check(house.issuer.entry())

    assert checked.valid is True


@pytest.mark.parametrize(
    "ending",
    ["x/credential.json", "badges-revocation", *(f"badges-revocation/credential.json{end}" for end in "#?/")],
)
async def test_own_url_without_a_list_is_the_callers_mistake_and_not_fetched(
    house: House, ending: str
) -> None:
    await house.wing.create("badges")
    await house.wing.publisher.publish_dirty()
    entry = house.issuer.entry(statusListCredential=f"https://status.example.com/status-lists/{ending}")

    with pytest.raises(NoListAtOwnUrl, match="as it was allocated") as raised:
        await house.check(entry)

    assert raised.value.status == 422
    assert house.world.resolutions == []


async def test_own_list_that_is_not_signed_yet_is_ours_to_mend(house: House) -> None:
    await house.wing.create("badges")
    await house.wing.publisher.following.look()
    entry = house.issuer.entry(statusListCredential=OWN_LIST)

    with pytest.raises(ListNotPublished) as raised:
        await house.check(entry)

    assert (raised.value.status, raised.value.headers) == (503, {"retry-after": "1"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"statusPurpose": "suspension"},
        {"statusSize": 2, "statusMessage": [{"status": hex(n), "message": "m"} for n in range(4)]},
    ],
)
async def test_entry_that_says_other_than_our_list_is_the_callers_mistake(
    house: House, wrong: dict[str, Any]
) -> None:
    await house.wing.create("badges")
    await house.wing.publisher.publish_dirty()

    with pytest.raises(EntryNotOfList) as raised:
        await house.check(house.issuer.entry(statusListCredential=OWN_LIST) | wrong)

    assert raised.value.status == 422
    assert raised.value.pointer in [f"/credentialStatus/{name}" for name in wrong]


async def test_whole_credential_is_verified_then_checked(house: House) -> None:
    house.issuer.publish_list(form="jwt")
    token = vc_jwt(house.issuer.credential(house.issuer.entry(REVOKED)), house.issuer.signer)

    checked = await house.checker.check_credential(token)

    assert (checked.credential_verified, checked.valid) == (True, False)
    assert checked.results[0].status == 1
    assert checked.results[0].issuer_bound is True


async def test_forged_credential_makes_us_fetch_no_list(house: House) -> None:
    house.issuer.publish_list()
    forger = KeySigner(Ed25519PrivateKey.generate(), house.issuer.signer.verification_method)

    with pytest.raises(ProofError):
        await house.checker.check_credential(vc_jwt(house.issuer.credential(), forger))

    assert house.requests() == ["issuer.example.com/.well-known/did.json"]


async def test_credential_signed_by_another_than_its_issuer_makes_us_fetch_nothing(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)

    with pytest.raises(ProofError):
        await house.checker.check_credential(vc_jwt(house.issuer.credential(), other.signer))

    assert house.world.requests == []


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"validUntil": "2020-01-01T00:00:00Z"}, CredentialNotValid),
        ({"validFrom": "2999-01-01T00:00:00Z"}, CredentialNotValid),
        ({"exp": 1_500_000_000}, CredentialNotValid),
        ({"nbf": 32_000_000_000}, CredentialNotValid),
        ({"validUntil": "tomorrow"}, MalformedValue),
        ({"exp": "tomorrow"}, MalformedValue),
        ({"exp": 1e308}, MalformedValue),
        ({"exp": 10**60}, MalformedValue),
        ({"nbf": -1e308}, MalformedValue),
        ({"jti": "urn:x:1", "id": "urn:x:2"}, ProofError),
        ({"sub": "did:example:another"}, ProofError),
        ({"credentialStatus": None}, MalformedValue),
        ({"credentialStatus": []}, MalformedValue),
        ({"type": ["VerifiablePresentation"]}, MalformedValue),
        ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, MalformedValue),
        ({"iss": "did:web:other.example.com"}, ProofError),
        ({"vc": {}}, ProofError),
    ],
)
async def test_credential_that_does_not_hold_makes_us_fetch_no_list(
    house: House, overrides: dict[str, Any], error: type[Exception]
) -> None:
    house.issuer.publish_list()
    token = vc_jwt(house.issuer.credential(**overrides), house.issuer.signer)

    with pytest.raises(error):
        await house.checker.check_credential(token)

    assert "issuer.example.com" + PATH not in house.requests()


@pytest.mark.parametrize("token", [b"", b"a.b", b"a.b.c", b"\xff.\xff.\xff", b"e30.e30.e30"])
async def test_what_is_no_token_is_refused(house: House, token: bytes) -> None:
    with pytest.raises(ProofError):
        await house.checker.check_credential(token)


async def test_issuer_that_cannot_be_resolved_is_the_resolvers_error(house: House) -> None:
    signer = KeySigner(Ed25519PrivateKey.generate(), "did:web:nobody.example.com#key-1")
    credential = house.issuer.credential(issuer="did:web:nobody.example.com")

    with pytest.raises(ResolutionError):
        await house.checker.check_credential(vc_jwt(credential, signer))


async def test_header_typ_of_another_kind_of_token_is_refused(house: House) -> None:
    token = vc_jwt(house.issuer.credential(), house.issuer.signer, typ="JWT")

    with pytest.raises(ProofError, match="typ"):
        await house.checker.check_credential(token)
