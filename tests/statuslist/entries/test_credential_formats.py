"""Entries by the format of their credential: which list they point to, and what is to be pasted."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import cbor2
import msgspec
import pytest

from statuslist.entries.requests import Allocate, CredentialFormat
from statuslist.entries.store import find_set, insert_set
from statuslist.errors import NoTokenList
from statuslist.formats.bitstring_entry import read_entry
from statuslist.formats.forms import TOKEN_CWT, TOKEN_JWT, parse_list_url
from storage import IdempotencyConflict
from tests.databases import SqlitePlace
from tests.statuslist.wing import BASE_URL, OTHER, READER, ROOT, Wing
from wire import Conflict, Forbidden, ResourceNotFound, encode

pytestmark = pytest.mark.anyio

TOKENS: tuple[CredentialFormat, ...] = ("dc+sd-jwt", "mso_mdoc")


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "touchstone.db")) as opened:
        await opened.create("badges", "revocation", "suspension")
        yield opened


async def make_older(wing: Wing, set_id: str) -> None:
    """Make a set as release 0.2 did."""
    found = await wing.database.read(lambda tx: find_set(tx, "badges"))
    assert found is not None
    older = msgspec.structs.replace(found, id=set_id, has_tokens=False, permutation_key=bytes(32))
    await wing.database.write(lambda tx: insert_set(tx, older))


@pytest.mark.parametrize(("wanted", "form"), [("application/vc", "json"), ("application/vc+jwt", "jwt")])
async def test_w3c_credential_gets_an_entry_for_each_purpose(
    wing: Wing, wanted: CredentialFormat, form: str
) -> None:
    (entry,) = (await wing.sets.allocate(ROOT, "badges", Allocate(format=wanted))).entries

    found = [read_entry(msgspec.to_builtins(one)) for one in entry.credential_status]
    assert set(msgspec.to_builtins(entry)) == {"statusListIndex", "credentialStatus"}
    assert [(one.list_url, one.purpose, str(one.index)) for one in found] == [
        (f"{BASE_URL}/status-lists/badges-{purpose}/credential.{form}", purpose, entry.status_list_index)
        for purpose in ("revocation", "suspension")
    ]


async def test_sd_jwt_vc_gets_the_claim_status_of_the_jwt_list(wing: Wing) -> None:
    (entry,) = (await wing.sets.allocate(ROOT, "badges", Allocate(format="dc+sd-jwt"))).entries

    assert msgspec.to_builtins(entry) == {
        "statusListIndex": entry.status_list_index,
        "status": {
            "status_list": {
                "idx": int(entry.status_list_index),
                "uri": f"{BASE_URL}/status-lists/badges/token.jwt",
            }
        },
    }
    assert parse_list_url(BASE_URL, f"{BASE_URL}/status-lists/badges/token.jwt") == ("badges", TOKEN_JWT)


async def test_mdoc_gets_the_map_of_the_cwt_list_in_hex_and_in_words(wing: Wing) -> None:
    """Diagnostic notation of such a map is JSON, so that the two can be compared."""
    (entry,) = (await wing.sets.allocate(ROOT, "badges", Allocate(format="mso_mdoc"))).entries

    assert entry.status_cbor is not None
    status = cbor2.loads(bytes.fromhex(entry.status_cbor.hex))
    uri = f"{BASE_URL}/status-lists/badges/token.cwt"
    assert status == {"status_list": {"idx": int(entry.status_list_index), "uri": uri}}
    assert msgspec.json.decode(entry.status_cbor.diagnostic) == status
    assert set(msgspec.to_builtins(entry)) == {"statusListIndex", "statusCbor"}
    assert parse_list_url(BASE_URL, uri) == ("badges", TOKEN_CWT)


async def test_two_formats_of_a_credential_get_two_indexes(wing: Wing) -> None:
    formats: tuple[CredentialFormat, ...] = ("application/vc", "application/vc+jwt", *TOKENS)

    allocated = [await wing.sets.allocate(ROOT, "badges", Allocate(format=wanted)) for wanted in formats]

    assert len({one.entries[0].status_list_index for one in allocated}) == 4


async def test_both_names_of_a_format_are_one_request(wing: Wing) -> None:
    """What a key remembers of it is what release 0.2 remembered: a retry may cross the upgrade."""
    spellings = (
        Allocate(),
        Allocate(media_type="application/vc"),
        Allocate(format="application/vc"),
        Allocate(media_type="application/vc", format="application/vc"),
    )

    answers = [await wing.sets.allocate(ROOT, "badges", one, idempotency_key="k") for one in spellings]

    assert answers == answers[:1] * 4
    with pytest.raises(IdempotencyConflict):
        await wing.sets.allocate(ROOT, "badges", Allocate(format="dc+sd-jwt"), idempotency_key="k")
    of_0_2 = (
        b'["allocate","badges",{"count":1,"mediaType":"application/vc","reference":null,"expiresAt":null}]'
    )
    assert wing.place.query("SELECT request_digest FROM idempotency") == [
        (hashlib.sha256(of_0_2).hexdigest(),)
    ]


def test_two_formats_in_one_request_are_refused() -> None:
    body = encode({"format": "dc+sd-jwt", "mediaType": "application/vc"})

    with pytest.raises(msgspec.ValidationError, match="two that differ"):
        msgspec.json.decode(body, type=Allocate)


@pytest.mark.parametrize("wanted", TOKENS)
async def test_set_of_release_0_2_says_how_it_gets_a_token_list(wing: Wing, wanted: CredentialFormat) -> None:
    await make_older(wing, "older")
    with pytest.raises(NoTokenList, match="POST /operator/status-lists/older/forms"):
        await wing.sets.allocate(ROOT, "older", Allocate(format=wanted))
    (plain,) = await wing.allocate("older")

    shown = await wing.sets.add_tokens(ROOT, "older")
    (entry,) = (await wing.sets.allocate(ROOT, "older", Allocate(format=wanted))).entries

    assert shown.token_list is not None
    assert entry.status_list_index != str(plain)
    assert (await wing.sets.get_set(ROOT, "older")).allocated == 2


async def test_token_list_that_was_asked_for_is_published_with_what_was_revoked(wing: Wing) -> None:
    await make_older(wing, "older")
    (index,) = await wing.allocate("older")
    await wing.revoke("older", index)
    await wing.publisher.publish_dirty()
    assert wing.publisher.lists.current("older") is None

    for _ in range(2):
        await wing.sets.add_tokens(ROOT, "older")
    await wing.publisher.publish_dirty()

    published = wing.publisher.lists.current("older")
    assert published is not None
    assert set(published.forms) == {TOKEN_JWT, TOKEN_CWT}
    assert wing.published_status("older-revocation", index) == 1
    audited = wing.place.query("SELECT count(*) FROM audit WHERE action = 'status_set.add_tokens'")
    assert audited == [(1,)]


async def test_set_whose_name_is_that_of_a_list_gets_no_token_list(wing: Wing) -> None:
    await make_older(wing, "older-revocation")

    with pytest.raises(Conflict):
        await wing.sets.add_tokens(ROOT, "older-revocation")
    with pytest.raises(ResourceNotFound):
        await wing.sets.add_tokens(OTHER, "older-revocation")
    with pytest.raises(Forbidden):
        await wing.sets.add_tokens(READER, "older-revocation")
