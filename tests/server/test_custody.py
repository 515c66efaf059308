"""An issuer whose key lies in a PKCS #11 token, beside one whose key is a file: signed, pulled out, put back."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operators import Role
from operators.issuers.views import AddKey, CreateIssuer
from proofs import verify_compact, verify_proof
from server.commands.database.bootstrap import initialise
from server.identity.custody import Custody, KeyNotWritten, TokenAway
from server.identity.documents import public_key_of
from server.services import Services, open_services
from server.settings import Settings
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet, StatusChange
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MAX_FORM_BYTES
from tests.actors import acting
from tests.server.running import quiet, settings_in
from tests.softhsm import SoftHsm
from wire import Conflict, read

pytestmark = pytest.mark.anyio

ROOT = acting("root", Role.ADMINISTRATOR)
NOW = 1_790_000_000_000_000  # microseconds since 1970; no proof here ends


def token_settings(directory: Path, softhsm: SoftHsm) -> Settings:
    return settings_in(
        directory,
        pkcs11_module=str(softhsm.module),
        pkcs11_token=softhsm.label,
        pkcs11_pin_file=str(softhsm.pin_file),
    )


async def until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.05)


class Tenant:
    """An issuer with one revocation list, and what a verifier makes of it."""

    def __init__(self, services: Services, issuer_id: str) -> None:
        self._services = services
        self._id = issuer_id
        self._entries: list[str] = []

    async def open(self, **wanted: Any) -> None:
        await self._services.operators.issuers.create(ROOT, CreateIssuer(id=self._id, **wanted))
        sets = self._services.status.sets
        await sets.create_set(ROOT, CreateSet(id=self._id, issuer_id=self._id, purposes=("revocation",)))
        allocated = await sets.allocate(ROOT, self._id, Allocate(count=10))
        self._entries = [entry.credential_status[0].status_list_index for entry in allocated.entries]
        await until(lambda: self.version > 0)

    async def revoke(self) -> int:
        """Revoke an entry; return the version that readers got before."""
        before = self.version
        change = StatusChange(status_list_index=self._entries.pop(), status_purpose="revocation", status=1)
        await self._services.status.sets.set_statuses(ROOT, self._id, ChangeStatuses(changes=(change,)))
        return before

    @property
    def version(self) -> int:
        return self._services.status.publisher.lists.version_of(f"{self._id}-revocation")

    def verify(self) -> str:
        """Verify both forms with the key that the document lists; return the cryptosuite."""
        published = self._services.status.publisher.lists.current(f"{self._id}-revocation")
        assert published is not None
        (key,) = (
            key for key in self._services.operators.identities.rows[self._id][1] if key.state == "active"
        )
        document: Any = read(published.forms[DATA_INTEGRITY].body, max_bytes=MAX_FORM_BYTES)
        verify_proof(document, public_key_of(key), now=NOW)
        verify_compact(published.forms[JWT].body, public_key_of(key))
        return str(document["proof"]["cryptosuite"])

    async def alarms(self) -> list[str]:
        await self._services.operators.alarms.step()
        page = await self._services.operators.alarms.page(ROOT)
        return [alarm.kind for alarm in page.alarms if alarm.subject.startswith(self._id)]


async def test_a_token_that_is_pulled_out_fails_its_issuer_alone_until_it_is_back(
    tmp_path: Path, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.identity.held_keys.LOOK_AGAIN_SECONDS", 0.2)
    settings = token_settings(tmp_path, softhsm)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        held, filed = Tenant(services, "held"), Tenant(services, "filed")
        await held.open(custody="pkcs11", algorithm="P-256")
        await filed.open()
        suites = (held.verify(), filed.verify())
        with softhsm.pulled_out():
            await until(lambda: bool(services.operators.identities.faults))
            waits, goes_on = await held.revoke(), await filed.revoke()
            await until(lambda: filed.version > goes_on)
            told, others = await held.alarms(), await filed.alarms()
            away = held.version
            document = services.operators.identities.own_document(f"{settings.did}:issuers:held")
            with pytest.raises(TokenAway):
                await services.issuing.changes.add(ROOT, "held", AddKey())
        await until(lambda: held.version > waits, 30.0)
        held.verify()
        await until(lambda: not services.operators.identities.faults)
        after = await held.alarms()

    assert suites == ("ecdsa-rdfc-2019", "eddsa-rdfc-2022")
    assert away == waits
    assert document is not None
    assert len(document["verificationMethod"]) == 4
    assert "key-unreadable" in told
    assert others == []
    assert "key-unreadable" not in after
    assert not list(
        Path(settings.key_dir).glob(f"*{services.operators.identities.rows['held'][1][0].key_id}*")
    )


async def test_a_key_that_was_deleted_in_the_token_is_missed_before_it_is_to_sign(
    tmp_path: Path, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.identity.held_keys.LOOK_AGAIN_SECONDS", 0.2)
    settings = token_settings(tmp_path, softhsm)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        identities = services.operators.identities
        await Tenant(services, "held").open(custody="pkcs11", algorithm="P-256")
        key_id = next(key.key_id for key in identities.rows["held"][1] if key.state == "active")
        softhsm.delete(key_id)
        await until(lambda: ("held", key_id) in identities.faults)

    assert "no such key that may sign" in identities.faults["held", key_id]


async def test_a_server_without_a_token_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="TOUCHSTONE_PKCS11_MODULE"):
        Custody(settings_in(tmp_path)).make("pkcs11", "P-256")


async def test_a_key_directory_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        key_dir = Path(settings.key_dir)
        key_dir.rename(tmp_path / "away")
        key_dir.write_text("in the place of a folder, since the tests may run as root")
        with pytest.raises(KeyNotWritten, match=rf"{key_dir}/key-.*\.pem cannot be written: Not a directory"):
            await services.issuing.changes.add(ROOT, "default", AddKey())
