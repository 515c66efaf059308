"""Whether a foreign document lists a key of ours now: what counts, and what was seen too long ago."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from operators import Issuer, IssuerKey
from resolver import Options, Resolver
from resolver.outbound.fetch import GuardLimits
from server.identity.documents import methods_of
from server.identity.listing import why_not_listed
from tests.clock import Clock
from tests.issuers import key_row
from tests.keys import KEYS
from tests.resolver.webvh.logs import Log
from tests.simulator import Host, World, canned

pytestmark = pytest.mark.anyio

BANK = "did:web:bank.example"
WEB, LOG = "/.well-known/did.json", "/.well-known/did.jsonl"
KEY = key_row("bank", "key-0123456789ab", KEYS["p256-pub"])
OTHER = key_row("bank", KEY.key_id, KEYS["ed25519-pub"])

Change = Callable[[dict[str, Any]], Any]


class Web:
    """A fake web with one host, and a resolver of ours in it."""

    def __init__(self, world: World, host: Host, clock: Clock, fetch: Any) -> None:
        self.world, self.host, self.clock = world, host, clock
        self.resolver = Resolver(fetcher=fetch, clock=clock, timer=clock)

    async def why_not(self, did: str = BANK) -> str | None:
        return await why_not_listed(self.resolver, self.clock, Issuer(id="bank", did=did), KEY)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with World() as world, world.guard(GuardLimits(host_burst=1_000, site_burst=1_000)) as guard:
        web = Web(world, world.host("bank.example"), Clock(1_800_000_000.0), guard.fetch_stranger)
        async with web.resolver:
            yield web


def a_document(key: IssuerKey = KEY, did: str = BANK) -> dict[str, Any]:
    """Return a document that has the methods which we print for a key."""
    methods = list(methods_of(Issuer(id="bank", did=did), key))
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def embedded(document: dict[str, Any]) -> None:
    document["assertionMethod"] = document.pop("verificationMethod")


def embedded_elsewhere(document: dict[str, Any]) -> None:
    document["keyAgreement"] = document.pop("verificationMethod")


def relative(document: dict[str, Any]) -> None:
    document["assertionMethod"] = [name.removeprefix(BANK) for name in document["assertionMethod"]]


def kept_until_2030(document: dict[str, Any]) -> None:
    document["verificationMethod"][0]["expires"] = "2030-01-01T00:00:00Z"


@pytest.mark.parametrize("change", [lambda _: None, embedded, embedded_elsewhere, relative, kept_until_2030])
async def test_a_key_is_listed_wherever_a_verifier_finds_it(web: Web, change: Change) -> None:
    document = a_document()
    change(document)
    web.host.publish(WEB, document)

    assert await web.why_not() is None


def under_authentication_only(document: dict[str, Any]) -> None:
    document["authentication"] = document.pop("assertionMethod")


def another_controller(document: dict[str, Any]) -> None:
    document["verificationMethod"][1]["controller"] = "did:web:holding.example"


def ended(document: dict[str, Any]) -> None:
    document["verificationMethod"][1]["expires"] = "2026-12-31T00:00:00Z"


def revoked(document: dict[str, Any]) -> None:
    document["verificationMethod"][0]["revoked"] = "2026-12-31T00:00:00Z"


def no_time(document: dict[str, Any]) -> None:
    document["verificationMethod"][0]["revoked"] = "last year"


def multikey_only(document: dict[str, Any]) -> None:
    document["assertionMethod"].pop()


def json_web_key_only(document: dict[str, Any]) -> None:
    document["assertionMethod"].pop(0)


def an_old_type(document: dict[str, Any]) -> None:
    document["verificationMethod"][1]["type"] = "JsonWebKey2020"


def no_key_in_it(document: dict[str, Any]) -> None:
    document["verificationMethod"][0]["publicKeyMultibase"] = "zQ3"


def named_and_missing(document: dict[str, Any]) -> None:
    document["verificationMethod"] = []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (under_authentication_only, "does not list the key under assertionMethod"),
        (another_controller, "-jwk: the key is controlled by another than the issuer"),
        (ended, "-jwk: the issuer's key has expired or was revoked"),
        (revoked, "the issuer's key has expired or was revoked"),
        (no_time, "expires or revoked of the issuer's key"),
        (multikey_only, "-jwk: the issuer's DID document does not list the key"),
        (json_web_key_only, "ab: the issuer's DID document does not list the key"),
        (an_old_type, "-jwk is no JsonWebKey"),
        (no_key_in_it, f"{BANK}#{KEY.key_id}: "),
        (named_and_missing, "does not list the key under assertionMethod"),
    ],
)
async def test_what_is_missing_is_told_to_the_owner_of_the_document(
    web: Web, change: Change, words: str
) -> None:
    document = a_document()
    change(document)
    web.host.publish(WEB, document)

    assert words in str(await web.why_not())


async def test_another_key_under_our_id_is_not_ours(web: Web) -> None:
    web.host.publish(WEB, a_document(OTHER))

    assert await web.why_not() == f"{BANK}#{KEY.key_id} is another key"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "the DID cannot be resolved: "),
        (410, "the DID is deactivated"),
        (500, "the DID cannot be resolved: "),
    ],
)
async def test_a_copy_that_is_kept_is_no_sighting(web: Web, status: int, words: str) -> None:
    web.host.publish(WEB, a_document(), cache_control="max-age=3600")
    before = await web.why_not()
    kept = await web.resolver.resolve(BANK)
    web.host.answer(WEB, canned(b"{}", status))
    after = await web.why_not()

    assert (before, kept.document) == (None, a_document())
    assert str(after).startswith(words)
    assert len(web.world.requests) == 2


async def test_a_stale_copy_for_others_is_no_sighting_while_the_origin_is_away(web: Web) -> None:
    web.host.publish(WEB, a_document(), cache_control="max-age=300")
    await web.resolver.resolve(BANK)
    web.host.answer(WEB, canned(b"{}", 503))
    web.clock.now += 400
    stale = await web.resolver.resolve(BANK, Options())
    why_not = await web.why_not()

    assert (stale.stale, stale.document) == (True, a_document())
    assert "the DID cannot be resolved" in str(why_not)


async def test_a_key_that_was_put_into_the_document_just_now_is_seen_though_the_copy_is_fresh(
    web: Web,
) -> None:
    without = a_document() | {"assertionMethod": []}
    web.host.publish(WEB, without, etag='"1"')
    kept = await web.resolver.resolve(BANK)
    web.host.publish(WEB, a_document(), etag='"2"')

    assert kept.document == without
    assert await web.why_not() is None


async def test_a_name_that_does_not_exist_lists_nothing(web: Web) -> None:
    why_not = await web.why_not("did:web:nowhere.example")

    assert str(why_not).startswith("the DID cannot be resolved: ")


def a_log(state: Callable[[str], dict[str, Any]]) -> Log:
    """Return a did:webvh log of one entry for bank.example."""
    log = Log("bank.example")
    return log.append(state=state("did:webvh:{SCID}:bank.example"))


async def _after(web: Web, log: Log, change: Callable[[Log], object]) -> Callable[[], Awaitable[str | None]]:
    change(log)
    web.host.answer(LOG, canned(log.text, content_type="text/jsonl"))
    return lambda: web.why_not(log.did)


async def test_the_log_of_a_webvh_lists_a_key_until_an_entry_leaves_it_out(web: Web) -> None:
    log = a_log(lambda did: a_document(did=did))
    listed = await _after(web, log, lambda _: None)
    first = await listed()
    bare = dict(log.entries[0]["state"]) | {"assertionMethod": []}
    left_out = await _after(web, log, lambda log: log.append(state=bare))
    second = await left_out()
    back = await _after(web, log, lambda log: log.append(state=log.entries[0]["state"]))

    assert first is None
    assert "does not list the key under assertionMethod" in str(second)
    assert await back() is None


def deactivated(log: Log) -> None:
    log.append({"deactivated": True})


def begun_without_a_proof(log: Log) -> None:
    log.entries[0]["proof"].clear()


def ended_without_a_proof(log: Log) -> None:
    log.append(after=lambda entry: entry.pop("proof"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (deactivated, "the DID is deactivated"),
        (begun_without_a_proof, "the DID cannot be resolved: "),
        (ended_without_a_proof, "the DID cannot be resolved: "),
    ],
)
async def test_a_log_that_is_deactivated_or_does_not_hold_lists_nothing(
    web: Web, change: Callable[[Log], object], words: str
) -> None:
    log = a_log(lambda did: a_document(did=did))
    why_not = await _after(web, log, lambda _: None)
    first = await why_not()
    why_not = await _after(web, log, change)

    assert first is None
    assert str(await why_not()).startswith(words)


async def test_a_log_that_is_gone_lists_nothing(web: Web) -> None:
    log = a_log(lambda did: a_document(did=did))
    why_not = await _after(web, log, lambda _: None)
    first = await why_not()
    web.host.answer(LOG, canned(b"", 410))

    assert first is None
    assert "no log for this DID" in str(await why_not())
