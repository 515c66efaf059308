"""A restore knows every key that an issuer ever had, and takes over whatever one of them signed."""

import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from operators import IssuerKey, KeyState
from operators.issuers.views import CreateIssuer
from proofs import Signer
from server.commands.database.restoring import restore_file, restore_in_place
from server.commands.database.upkeep import copy_database
from server.identity.key_lines import public_halves
from server.settings import Settings
from server.settings.policy import policy_of
from statuslist.formats.bitstring import status_at
from statuslist.formats.forms import BITSTRING_FORMS, FORM_NAMES, FormName
from statuslist.publishing.artefacts import Artefact, artefacts_of_set, content_of
from statuslist.publishing.mirror import write_forms
from statuslist.publishing.published import Published
from statuslist.publishing.rendering import ListContent, render
from statuslist.recovery.epoch import EpochReport
from tests.databases import Place, PostgresPlace, SqlitePlace
from tests.server.deployment import ACTOR, Deployment, settings_of
from tests.statuslist.outsider import Said, read_form
from tests.statuslist.wing import bits_of
from wire import read

pytestmark = pytest.mark.anyio

ISSUERS = ("default", "acme", "bank")  # two that we host, and a foreign one


@pytest.fixture
def backup(place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Another empty database of the same engine, for the backup."""
    if isinstance(place, SqlitePlace):
        yield SqlitePlace(tmp_path / "backup.db")
        return
    other = PostgresPlace(request.getfixturevalue("postgres"))
    yield other
    other.give_back()


class Drill:
    """
    A deployment of three issuers, and its backup.

    Attributes:
        entries: three of each issuer.
        said: what the restore said.
    """

    def __init__(self, directory: Path, place: Place, backup: Place) -> None:
        self.directory = directory
        self.place = place
        self.backup = backup
        self.entries: dict[str, list[int]] = {}
        self.keys: dict[str, list[IssuerKey]] = {}  # As they were when the database was lost.
        self.documents: dict[str, Any] = {}
        self.said: list[str] = []

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Deployment]:
        """What happens until the database is lost."""
        async with Deployment.open(self.directory, self.place.url) as ours:
            yield ours
            await ours.write_down()
            self.keys = {issuer_id: await ours.keys(issuer_id) for issuer_id in ISSUERS}
            self.documents = {issuer_id: await self._document(ours, issuer_id) for issuer_id in ISSUERS}

    async def begin(self) -> None:
        """Make what the backup has."""
        async with self.live() as ours:
            await ours.add("acme")
            await ours.add("bank", did="did:web:bank.invalid")
            await ours.issuers.create(
                ACTOR, CreateIssuer(id="late", did="did:web:late.invalid")
            )  # No key yet.
            for issuer_id in ISSUERS:
                self.entries[issuer_id] = await ours.allocate(issuer_id, 3)
        await copy_database(self.place.url, self.backup.url, self.settings, lambda *_: None, ACTOR)

    async def rotate_twice(self) -> None:
        """And revoke an entry with each key of each issuer."""
        for number in range(3):
            async with self.live() as ours:
                for issuer_id in ISSUERS:
                    await ours.revoke(issuer_id, self.entries[issuer_id][number])
                await ours.write_down()
                for issuer_id in ISSUERS if number < 2 else ():
                    await ours.rotate(issuer_id)

    @property
    def settings(self) -> Settings:
        return settings_of(self.directory, self.backup.url)

    @property
    def mirror(self) -> Path:
        assert self.settings.mirror_path is not None
        return self.settings.mirror_path

    async def restore(self, *mirrors: Path) -> EpochReport:
        """Make the backup safe to serve; the database that was served is gone."""
        return await restore_in_place(self.settings, mirrors, ACTOR, self.said.append)

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[Deployment]:
        async with Deployment.open(self.directory, self.backup.url) as ours:
            yield ours

    async def revoked(self, ours: Deployment, issuer_id: str) -> list[int]:
        bits = bits_of(await ours.served(issuer_id))
        return [status_at(bits, index) for index in self.entries[issuer_id]]

    async def _document(self, ours: Deployment, issuer_id: str) -> Any:
        return ours.identities.own_document((await ours.issuer(issuer_id)).did)


@pytest.fixture
async def drill(tmp_path: Path, place: Place, backup: Place) -> Drill:
    drill = Drill(tmp_path, place, backup)
    await drill.begin()
    return drill


async def test_a_restore_after_two_rotations_takes_over_every_list_signed_since(drill: Drill) -> None:
    await drill.rotate_twice()
    report = await drill.restore()
    async with drill.restored() as ours:
        keys = {issuer_id: await ours.keys(issuer_id) for issuer_id in ISSUERS}
        documents = {issuer_id: await drill._document(ours, issuer_id) for issuer_id in ISSUERS}
        revoked = {issuer_id: await drill.revoked(ours, issuer_id) for issuer_id in ISSUERS}
        signers = {issuer_id: _signer_of(await ours.served(issuer_id)) for issuer_id in ISSUERS}

    assert [line for line in drill.said if "ignored" in line] == []
    assert report.revocations == 9
    assert revoked == {issuer_id: [1, 1, 1] for issuer_id in ISSUERS}
    assert {name: public_halves(held) for name, held in keys.items()} == {
        name: public_halves(held) for name, held in drill.keys.items()
    }
    assert documents == drill.documents
    assert documents["bank"] is None
    for issuer_id in ISSUERS:
        states = [key.state for key in drill.keys[issuer_id]]
        assert states.count(KeyState.RETIRED) >= 2, "each was rotated twice"
        assert signers[issuer_id] == _active(keys[issuer_id])


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_one_form_of_each_list_is_enough_to_find_what_was_revoked(drill: Drill, form: FormName) -> None:
    await drill.rotate_twice()
    for path in drill.mirror.glob("status-lists/*/*"):
        if not path.name.startswith(form):
            path.unlink()
    report = await drill.restore()
    async with drill.restored() as ours:
        said = [
            said_by(artefact, (await ours.key(issuer_id, KeyState.ACTIVE)).public_key)
            for issuer_id in ISSUERS
            for artefact in await ours.database.read(partial(artefacts_of_set, set_id=issuer_id, after=0))
        ]

    assert [line for line in drill.said if "ignored" in line] == []
    assert report.revocations == 9
    assert [each.revoked for each in said] == [
        set(drill.entries[issuer_id]) for issuer_id in ISSUERS for _ in FORM_NAMES
    ]


def said_by(artefact: Artefact, public_key: bytes | None) -> Said:
    """Return what an outsider reads in a list."""
    assert public_key is not None
    key = load_der_public_key(public_key)
    assert isinstance(key, Ed25519PublicKey)
    return read_form(artefact.form, artefact.body, key)


async def test_a_list_that_another_issuer_signed_does_not_take_the_place_of_what_was_published(
    drill: Drill,
) -> None:
    """Whoever can write a mirror has bank's key sign a list for the place of acme's, with a version of his own."""
    await drill.rotate_twice()
    async with drill.live() as ours:
        banks = (await ours.key("bank", KeyState.ACTIVE)).key_id
        signer = ours.identities.signer_of("bank", banks)
    write_forms(drill.mirror / "theirs", nothing_revoked("acme", signer, drill.settings))
    theirs = drill.mirror / "theirs" / "status-lists" / "acme-revocation"
    await drill.restore(drill.mirror / "theirs")
    async with drill.restored() as ours:
        revoked = await drill.revoked(ours, "acme")

    assert len(list(theirs.iterdir())) == 2 * len(BITSTRING_FORMS)
    assert [line for line in drill.said if "ignored" in line] == [
        f"acme-revocation/{form} is ignored: its set is of another issuer or length"
        for form in BITSTRING_FORMS
    ]
    assert revoked == [1, 1, 1]


def nothing_revoked(set_id: str, signer: Signer, settings: Settings) -> Published:
    """Return a revocation list of zeros, newer than all, at the place of a set's."""
    now, bits = time.time_ns() // 1_000, bytes(131_072 // 8)
    list_id = f"{set_id}-revocation"
    content = ListContent(
        list_id=list_id,
        set_id=set_id,
        issuer_id="bank",
        version=2 * now,
        purpose="revocation",
        bits=bits,
        digest=content_of(bits),
        entry_bits=1,
        profile="default",
    )
    made = render(content, signer, policy_of(settings), now=now).artefacts
    return Published(
        list_id=list_id,
        set_id=set_id,
        version=content.version,
        valid_from=made[0].valid_from,
        valid_until=made[0].valid_until,
        renew_at=made[0].valid_until,
        policy=made[0].policy,
        forms={each.form: each for each in made},
    )


async def test_a_copy_of_the_mirror_tells_of_keys_and_lists_when_it_is_named(drill: Drill) -> None:
    await drill.rotate_twice()
    copy = drill.mirror.rename(drill.directory / "copy")
    report = await drill.restore(copy)
    async with drill.restored() as ours:
        keys = await ours.keys("bank")

    assert report.revocations == 9
    assert public_halves(keys) == public_halves(drill.keys["bank"])


async def test_a_restore_that_is_run_again_changes_no_key(drill: Drill) -> None:
    await drill.rotate_twice()
    await drill.restore()
    audit = "SELECT count(*) FROM audit WHERE action = 'issuer-key.restore'"
    rows, before = drill.backup.query("SELECT * FROM issuer_keys"), drill.backup.query(audit)
    drill.said.clear()
    await drill.restore()

    assert before[0][0] > 0
    assert drill.backup.query(audit) == before
    assert len(drill.backup.query("SELECT * FROM issuer_keys")) == len(rows)
    assert [line for line in drill.said if "after the backup" in line] == []


async def test_every_row_of_a_restore_says_why(drill: Drill) -> None:
    await drill.rotate_twice()
    async with drill.live() as ours:
        await ours.add("later")
    operator = msgspec.structs.replace(ACTOR, reason="the disk died")
    await restore_in_place(drill.settings, (), operator, drill.said.append)
    rows = drill.backup.query("SELECT action, detail FROM audit WHERE action LIKE '%.restore'")

    assert {action for action, _ in rows} == {"database.restore", "issuer.restore", "issuer-key.restore"}
    assert {json.loads(detail)["why"] for _, detail in rows} == {"the disk died"}


async def test_a_restore_names_the_anchors_of_the_rows_that_are_lost(drill: Drill) -> None:
    lost = drill.mirror / "audit" / "000000009999-0000000000000000.note"
    lost.parent.mkdir()
    lost.write_text("signed since the backup")
    await drill.restore()
    ((detail,),) = drill.backup.query("SELECT detail FROM audit WHERE action = 'database.restore'")

    assert json.loads(detail)["anchors"] == [lost.name]


async def test_a_compromise_after_the_backup_is_remembered(drill: Drill) -> None:
    given_up = {}
    async with drill.live() as ours:
        for issuer_id in ISSUERS:
            given_up[issuer_id] = (await ours.key(issuer_id, KeyState.ACTIVE)).key_id
            await ours.compromise(issuer_id, given_up[issuer_id])
    await drill.restore()
    async with drill.restored() as ours:
        for issuer_id in ISSUERS:
            (bad,) = [key for key in await ours.keys(issuer_id) if key.state is KeyState.COMPROMISED]
            signer = _signer_of(await ours.served(issuer_id))
            document = await drill._document(ours, issuer_id)

            assert bad.key_id == given_up[issuer_id]
            assert bad.compromised_since is not None
            assert signer == _active(drill.keys[issuer_id]) != bad.key_id
            assert document is None or bad.key_id not in str(document)


async def test_the_first_key_of_an_issuer_is_its_own_since_its_file_is_here(drill: Drill) -> None:
    """Nothing of the backup vouches for it: no key of the issuer was there to sign."""
    async with drill.live() as ours:
        await ours.rotate("late")
        drill.entries["late"] = await ours.allocate("late", 2)
        await ours.revoke("late", drill.entries["late"][1])
        await ours.write_down()
        keys = await ours.keys("late")
    await drill.restore()
    async with drill.restored() as ours:
        restored = await ours.keys("late")
        revoked = await drill.revoked(ours, "late")

    assert len(keys) == 2
    assert public_halves(restored) == public_halves(keys)
    assert revoked == [0, 1]


async def test_without_the_log_only_what_keys_of_the_backup_signed_counts(drill: Drill) -> None:
    """The files of later keys lie in the key directory, but nothing says whose they are, and since when."""
    await drill.rotate_twice()
    shutil.rmtree(drill.mirror / "issuer-keys")
    report = await drill.restore()
    async with drill.restored() as ours:
        revoked = await drill.revoked(ours, "default")

    assert "default-revocation/credential.json is ignored: no key of ours has signed it" in drill.said
    assert any("default-revocation: no published version was found" in note for note in report.notes)
    assert revoked == [0, 0, 0]


async def test_where_the_log_lacks_its_end_the_key_that_signed_lists_is_the_active_one(drill: Drill) -> None:
    """Else a restore would sign with a key again that may have been given up."""
    before = {name: _active(keys) for name, keys in drill.keys.items()}
    async with drill.live() as ours:
        for issuer_id in ISSUERS:
            await ours.compromise(issuer_id, before[issuer_id])
            await ours.revoke(issuer_id, drill.entries[issuer_id][0])
    for issuer_id in ISSUERS:
        log = drill.mirror / f"issuer-keys/{issuer_id}.log"
        log.write_bytes(log.read_bytes().partition(b"\n")[0])
    await drill.restore()
    async with drill.restored() as ours:
        states = {issuer_id: await ours.keys(issuer_id) for issuer_id in ISSUERS}
        signers = {issuer_id: _signer_of(await ours.served(issuer_id)) for issuer_id in ISSUERS}
        revoked = [await drill.revoked(ours, issuer_id) for issuer_id in ISSUERS]

    assert revoked == [[1, 0, 0]] * 3
    for issuer_id in ISSUERS:
        known = {key.key_id: key for key in states[issuer_id]}
        assert signers[issuer_id] == _active(states[issuer_id]) == _active(drill.keys[issuer_id])
        assert known[before[issuer_id]].state is KeyState.RETIRED
        assert any(
            f"{signers[issuer_id]} of {issuer_id} is active, as published" in line for line in drill.said
        )


async def test_who_can_write_the_mirror_brings_no_key_in(drill: Drill, tmp_path: Path) -> None:
    """Not with a key of his own, nor with the log of another issuer, or of another deployment with our names."""
    (tmp_path / "theirs").mkdir()
    async with Deployment.open(tmp_path / "theirs", f"sqlite:///{tmp_path}/theirs.db") as theirs:
        await theirs.write_down()
        log = theirs.log_of("default").read_bytes()
    ours, acme = (drill.mirror / f"issuer-keys/{name}.log" for name in ("default", "acme"))
    acme.write_bytes(ours.read_bytes() + log)
    ours.write_bytes(ours.read_bytes() + log + b"x" * 100 + b"\n")
    before = drill.backup.query("SELECT issuer_id, key_id, state FROM issuer_keys ORDER BY 1, 2")
    await drill.restore()
    after = drill.backup.query("SELECT issuer_id, key_id, state FROM issuer_keys ORDER BY 1, 2")

    assert after == before
    told = [line.partition("issuer-keys/")[2] for line in drill.said if "ignored" in line]
    assert [line[:41] for line in told] == [
        "acme.log, line 1 is ignored: it is about ",
        "acme.log, line 2 is ignored: it is about ",
        "default.log, line 2 is ignored: it is sig",
        "default.log, line 3 is ignored: expected ",
    ]


async def test_without_the_mirror_the_former_databases_tell_of_all_keys(tmp_path: Path) -> None:
    """SQLite: what earlier restores moved aside is ours."""
    place, backup = SqlitePlace(tmp_path / "touchstone.db"), SqlitePlace(tmp_path / "backup.db")
    drill = Drill(tmp_path, place, backup)
    await drill.begin()
    await drill.rotate_twice()
    shutil.rmtree(drill.mirror)
    settings = settings_of(tmp_path, place.url)
    report = await restore_file(settings, backup.path, (), ACTOR, drill.said.append)
    async with Deployment.open(tmp_path, place.url) as ours:
        keys = {issuer_id: await ours.keys(issuer_id) for issuer_id in ISSUERS}

    assert report.revocations == 9
    assert {name: public_halves(held) for name, held in keys.items()} == {
        name: public_halves(held) for name, held in drill.keys.items()
    }


async def test_where_the_active_key_is_not_here_its_lists_wait_and_the_file_is_named(
    drill: Drill, caplog: pytest.LogCaptureFixture
) -> None:
    await drill.rotate_twice()
    active = next(key for key in drill.keys["acme"] if key.state is KeyState.ACTIVE)
    path = drill.directory / "keys" / active.locator
    path.rename(path.with_suffix(".aside"))
    await drill.restore()
    withheld = drill.backup.query("SELECT list_id FROM withheld_lists")
    async with drill.restored() as ours:
        state = [key.state for key in await ours.keys("acme") if key.key_id == active.key_id]
        others = [await drill.revoked(ours, issuer_id) for issuer_id in ("default", "bank")]
    path.with_suffix(".aside").rename(path)
    await drill.restore()
    async with drill.restored() as ours:
        again = await drill.revoked(ours, "acme")

    assert withheld == [("acme-revocation",)]
    assert state == [KeyState.ACTIVE]
    assert f"{path}: no such key file; put it back" in caplog.text
    assert others == [[1, 1, 1], [1, 1, 1]]
    assert again == [1, 1, 1]


def _signer_of(body: bytes) -> str:
    """Return the id of the key that signed a list."""
    document = read(body, max_bytes=1_000_000)
    return str(document["proof"]["verificationMethod"]).partition("#")[2]


def _active(keys: list[IssuerKey]) -> str:
    (active,) = [key.key_id for key in keys if key.state is KeyState.ACTIVE]
    return active
