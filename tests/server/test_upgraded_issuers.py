"""Issuers of a database of release 0.2.0: what their one key signed verifies, and keys follow it as anywhere."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from credentials.secured import VC, VC_JWT
from credentials.verifying import verify_secured
from operators import AlarmKind, IssuerKey, KeyState, Role
from operators.issuers import key_store
from operators.issuers.keys import active_key
from proofs import ProofError, create_key_file
from server.identity.identities import DocumentUnavailable
from server.services import Services
from statuslist.entries.requests import Allocate, ChangeStatuses, StatusChange
from statuslist.formats.forms import JWT, MAX_FORM_BYTES
from tests.actors import acting
from tests.clock import Clock
from tests.databases import RULE_BROKEN, Place
from tests.server.old_release import THEN, put_key, restore, upgraded

pytestmark = pytest.mark.anyio

ROOT = acting("root", Role.ADMINISTRATOR)
OURS = "did:web:localhost%3A8000"
DIDS = {"default": OURS, "acme": f"{OURS}:issuers:acme"}
FIRST_KEYS = {"default": "key-1", "acme": "acme-1"}


class Served(msgspec.Struct, frozen=True):
    """A form of a list that release 0.2.0 served."""

    issuer_id: str
    form: str
    body: bytes


@pytest.fixture
def old(place: Place) -> Place:
    restore(place)
    return place


def served_by(old: Place) -> list[Served]:
    """Return what release 0.2.0 served; of a database that was not upgraded yet."""
    rows = old.query(
        "SELECT s.issuer_id, a.form, a.body FROM artefacts a"
        " JOIN status_lists l ON l.id = a.list_id JOIN status_sets s ON s.id = l.set_id"
    )
    return [Served(issuer_id, form, bytes(body)) for issuer_id, form, body in rows]


def served_now(old: Place) -> list[Served]:
    """Return what is served after an upgrade."""
    rows = old.query(
        "SELECT s.issuer_id, f.form, f.body FROM list_forms f JOIN status_sets s ON s.id = f.set_id"
    )
    return [Served(issuer_id, form, bytes(body)) for issuer_id, form, body in rows]


async def verify(services: Services, served: Served, now: float = THEN) -> None:
    """Verify a list as any verifier does, with the document that its issuer has just now."""
    await verify_secured(
        served.body,
        VC_JWT if served.form == JWT else VC,
        resolve=services.resolver.resolve,
        now=int(now * 1_000_000),
        max_bytes=MAX_FORM_BYTES,
    )


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def keys_of(services: Services, issuer_id: str) -> list[IssuerKey]:
    return await services.database.read(lambda tx: key_store.keys_of(tx, issuer_id))


async def spare_of(services: Services, issuer_id: str) -> IssuerKey:
    (spare,) = [key for key in await keys_of(services, issuer_id) if key.is_spare]
    return spare


def fragments(services: Services, issuer_id: str) -> set[str]:
    """Return the ids of the methods that the issuer's document lists; none while it is unavailable."""
    try:
        document = services.operators.identities.own_document(DIDS[issuer_id])
    except DocumentUnavailable:
        return set()
    assert document is not None
    return {method.partition("#")[2] for method in document["assertionMethod"]}


async def unreadable(services: Services) -> set[str]:
    """Return the keys of which there is an alarm."""
    await services.operators.alarms.step()
    alarms = (await services.operators.alarms.page(ROOT)).alarms
    return {alarm.subject.split(" on ")[0] for alarm in alarms if alarm.kind == AlarmKind.KEY_UNREADABLE}


async def suspend(services: Services, set_id: str, index: str) -> None:
    """Suspend an entry, and wait until the list says so."""
    lists = services.status.publisher.lists
    before = lists.version_of(f"{set_id}-suspension")
    change = StatusChange(status_list_index=index, status_purpose="suspension", status=1)
    await services.status.sets.set_statuses(ROOT, set_id, ChangeStatuses(changes=(change,)))
    await until(lambda: lists.version_of(f"{set_id}-suspension") > before)


async def go_over_to_spare(services: Services, clock: Clock) -> None:
    """Let acme's spare key sign, as soon as whoever has its document has had it for long enough."""
    await services.issuing.changes.activate(ROOT, "acme", None)
    clock.now += 2 * services.settings.did_document_ttl_seconds
    await services.issuing.changes.succession.activate_due(actor=acting("time"), past=clock())


async def test_what_was_published_before_verifies_with_the_documents_that_are_served_after(
    old: Place, tmp_path: Path
) -> None:
    before = served_by(old)
    async with upgraded(old, tmp_path) as services:
        for served in before:
            await verify(services, served)

    assert {(served.issuer_id, served.form) for served in before} == {
        (issuer_id, form) for issuer_id in DIDS for form in ("credential.json", "credential.jwt")
    }


async def test_the_first_process_that_reads_a_key_says_what_it_is_once_and_for_ever(
    old: Place, tmp_path: Path
) -> None:
    before = served_by(old)
    async with upgraded(old, tmp_path) as services:
        first = [await keys_of(services, issuer_id) for issuer_id in DIDS]
    (tmp_path / "acme-1.pem").unlink()
    create_key_file(tmp_path / "acme-1.pem")
    async with upgraded(old, tmp_path) as services:
        again = [await keys_of(services, issuer_id) for issuer_id in DIDS]
        faults = await unreadable(services)
        for served in before:
            await verify(services, served)

    assert all(keys[0].public_key is not None and keys[0].algorithm == "Ed25519" for keys in first)
    assert [keys[0].public_key for keys in again] == [keys[0].public_key for keys in first]
    assert faults == {"acme#acme-1"}
    with pytest.raises(RULE_BROKEN):
        old.query("UPDATE issuer_keys SET public_key = NULL, algorithm = NULL WHERE key_id = 'acme-1'")


async def test_until_a_key_can_be_read_its_document_alone_is_unavailable(old: Place, tmp_path: Path) -> None:
    before = served_by(old)
    rows = old.query(
        "SELECT list_id, purpose, published_version FROM status_lists l JOIN artefacts a"
        " ON a.list_id = l.id WHERE set_id = 'badges'"
    )
    async with upgraded(old, tmp_path, keys=("key-1.pem",)) as services:
        faults = await unreadable(services)
        with pytest.raises(DocumentUnavailable):
            services.operators.identities.own_document(DIDS["acme"])
        for served in before:
            if served.issuer_id == "default":
                await verify(services, served)
        (sample,) = (await services.status.sets.allocate(ROOT, "sample", Allocate())).entries
        await suspend(services, "sample", sample.credential_status[0].status_list_index)
        still = [services.status.publisher.lists.version_of(list_id) for list_id, _, _ in rows]
        put_key(old, "acme-1.pem", tmp_path)
        await until(lambda: "acme-1" in fragments(services, "acme"))
        for served in before:
            await verify(services, served)
        mended = await unreadable(services)

    assert faults == {"acme#acme-1"}
    assert still == [version for _, _, version in rows]
    assert mended == set()


async def test_each_issuer_gets_a_spare_key_which_its_document_lists(old: Place, tmp_path: Path) -> None:
    async with upgraded(old, tmp_path) as services:
        await until(lambda: all(len(fragments(services, issuer_id)) == 4 for issuer_id in DIDS))
        spares = {issuer_id: await spare_of(services, issuer_id) for issuer_id in DIDS}
        shown = {issuer_id: fragments(services, issuer_id) for issuer_id in DIDS}

    assert all((tmp_path / spare.locator).exists() for spare in spares.values())
    assert shown == {
        issuer_id: {
            name + suffix for name in (FIRST_KEYS[issuer_id], spare.key_id) for suffix in ("", "-jwk")
        }
        for issuer_id, spare in spares.items()
    }


async def test_a_rotation_after_the_upgrade_keeps_the_first_key_as_long_as_what_it_signed_is_valid(
    old: Place, tmp_path: Path
) -> None:
    before = [served for served in served_by(old) if served.issuer_id == "acme"]
    last = max(row[0] for row in old.query("SELECT valid_until FROM artefacts"))
    clock = Clock(THEN)
    async with upgraded(old, tmp_path, clock=clock) as services:
        await until(lambda: len(fragments(services, "acme")) == 4)
        versions = services.status.publisher.lists
        signed = versions.version_of("badges-suspension")
        await go_over_to_spare(services, clock)
        await until(lambda: versions.version_of("badges-suspension") > signed)
        first, second, *_ = await keys_of(services, "acme")
        for served in before:
            await verify(services, served, clock.now)
        assert first.signed_until is not None
        clock.now = first.signed_until / 1_000_000 - 1
        await services.operators.identities.refresh()
        kept = fragments(services, "acme")
        clock.now += 2
        await services.operators.identities.refresh()
        gone = fragments(services, "acme")
        with pytest.raises(ProofError):
            await verify(services, before[0])

    assert (first.key_id, first.state) == ("acme-1", KeyState.RETIRED)
    assert second.state is KeyState.ACTIVE
    assert first.signed_until >= last
    assert {"acme-1", second.key_id} <= kept
    assert kept - gone == {"acme-1", "acme-1-jwk"}
    assert {second.key_id} <= gone


async def test_a_rotation_away_from_a_key_that_was_lost_lets_what_is_signed_now_verify_and_its_file_the_rest(
    old: Place, tmp_path: Path
) -> None:
    before = [served for served in served_by(old) if served.issuer_id == "acme"]
    clock = Clock(THEN)
    async with upgraded(old, tmp_path, keys=("key-1.pem",), clock=clock) as services:
        lists = services.status.publisher.lists
        signed = lists.version_of("badges-suspension")
        await until(lambda: len(services.operators.identities.rows["acme"][1]) > 1)  # It has its spare key.
        await go_over_to_spare(services, clock)
        await until(lambda: lists.version_of("badges-suspension") > signed)
        await until(lambda: fragments(services, "acme"))
        shown = fragments(services, "acme")
        now = [served for served in served_now(old) if served.issuer_id == "acme" and served not in before]
        for served in now:
            await verify(services, served, clock.now)
        with pytest.raises(ProofError):
            await verify(services, before[0], clock.now)
        faults = await unreadable(services)
        put_key(old, "acme-1.pem", tmp_path)
        await until(lambda: "acme-1" in fragments(services, "acme"))
        for served in before:
            await verify(services, served, clock.now)
        mended = await unreadable(services)

    assert now != []
    assert "acme-1" not in shown
    assert faults == {"acme#acme-1"}
    assert mended == set()


async def test_an_issuer_that_a_node_of_0_2_0_adds_beside_us_is_taken_up(old: Place, tmp_path: Path) -> None:
    async with upgraded(old, tmp_path) as services:
        create_key_file(tmp_path / "late-1.pem")
        old.query(
            "INSERT INTO issuers (id, did, key_name, owner, created_at)"
            f" VALUES ('late', '{OURS}:issuers:late', 'late-1', 'Late Ltd', 1790000600000000)"
        )
        seen = []

        def is_served() -> bool:
            try:
                document = services.operators.identities.own_document(f"{OURS}:issuers:late")
            except DocumentUnavailable:
                return False
            seen.append(document and document["assertionMethod"])
            return bool(document)

        await until(is_served)
        first = active_key(await keys_of(services, "late"))

    assert first is not None
    assert (first.key_id, first.locator) == ("late-1", "late-1.pem")
    assert f"{OURS}:issuers:late#late-1" in seen[-1]
    assert [] not in seen
