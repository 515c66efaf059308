"""
The key of one tenant of three is lost, swapped, unreadable or open to others, as the server runs or starts.

The other two notice nothing: what they revoke is published as soon as ever, and what is served of them verifies.
The one has an alarm that says what is wrong. Its document and its last list are served; all ends when it is back.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from proofs import Algorithm, create_key_file
from statuslist.formats.forms import BITSTRING_FORMS
from tests.process import free_port
from tests.server.running import Running, running_in
from tests.softhsm import SoftHsm
from tests.verifying import fault_of, said_by

BAD, *OTHERS = TENANTS = ("bad", "good", "fine")
SOON_SECONDS = (
    5.0  # by when a change is published; the promise is one second, on a machine that does nothing else
)
LATE_SECONDS = 1.5  # as `statuslist.publishing.list_alarms`, which waits for 10

Break = Callable[[Path], None]


def lose(file: Path) -> None:
    file.unlink()


def swap(file: Path) -> None:
    file.unlink()
    create_key_file(file)


def swap_algorithm(file: Path) -> None:
    file.unlink()
    create_key_file(file, Algorithm.P256)


def open_to_group(file: Path) -> None:
    file.chmod(0o640)


def hide_in_folder(file: Path) -> None:
    """Root reads whatever its mode; nobody reads a folder."""
    file.unlink()
    file.mkdir()


def hide_in_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def garble(file: Path) -> None:
    file.write_text("no key")


FAULTS: dict[Break, str] = {
    lose: "no such key file",
    swap: "is another key (Ed25519) than the Ed25519 key",
    swap_algorithm: "is another key (P-256) than the Ed25519 key",
    open_to_group: "mode 0640 lets others at the key",
    hide_in_folder: "Is a directory",
    hide_in_pipe: "expected a regular file",
    garble: "not one private key",
}
QUICK = (lose, open_to_group)  # what is tried at each run of the tests


def mend(file: Path, key: bytes) -> None:
    if file.is_dir():
        file.rmdir()
    file.unlink(missing_ok=True)
    file.write_bytes(key)
    file.chmod(0o600)


class Deployment:
    """A running server with three tenants, as their operators and as verifiers see it."""

    def __init__(self, running: Running, client: httpx.AsyncClient) -> None:
        self._public = f"http://127.0.0.1:{running.port}"
        self._operator = f"{running.operator_url}/operator"
        self._client = client
        self._authorization = running.authorization

    async def ask(self, path: str, body: Any = None) -> Any:
        """Send an operator request: POST with a body, else GET."""
        method = "GET" if body is None else "POST"
        answer = await self._client.request(
            method, f"{self._operator}/{path}", json=body, headers=self._authorization
        )
        assert answer.is_success, answer.text
        return answer.json()

    async def found(self, tenant: str, **wanted: str) -> list[str]:
        """Add an issuer with a list; return the indexes of its entries."""
        await self.ask("issuers", {"id": tenant, **wanted})
        await self.ask("status-lists", {"id": tenant, "issuerId": tenant, "purposes": ["revocation"]})
        entries = (await self.ask(f"status-lists/{tenant}/allocations", {"count": 10}))["entries"]
        return [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]

    async def active(self, tenant: str) -> str:
        keys = (await self.ask(f"issuers/{tenant}"))["keys"]
        return next(str(key["key"]) for key in keys if key["state"] == "active")

    async def revoke(self, tenant: str, index: str) -> None:
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        await self.ask(f"status-lists/{tenant}/statuses", {"changes": [change]})

    async def shows(self, tenant: str, index: str) -> bool:
        """Tell whether the tenant's list shows an entry as revoked, in both forms; each must verify."""
        document = await self._get(f"/issuers/{tenant}/did.json")
        shown = []
        for form in BITSTRING_FORMS:
            answer = await self._client.get(f"{self._public}/status-lists/{tenant}-revocation/{form}")
            if answer.status_code == 404:
                return False  # Its first version is not published yet.
            assert await fault_of(form, answer.content, document) is None
            shown.append(int(index) in said_by(form, answer.content)[1])
        return all(shown)

    async def alarms(self) -> dict[tuple[str, str], str]:
        """Return kind, subject without the node, and reason of each open alarm."""
        found = (await self.ask("alarms"))["alarms"]
        return {(alarm["kind"], alarm["subject"].split(" on ")[0]): alarm["reason"] for alarm in found}

    async def _get(self, path: str) -> bytes:
        answer = await self._client.get(f"{self._public}{path}")
        assert answer.status_code == 200, answer.text
        return answer.content


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> float:
    """Wait until something holds; return for how many seconds."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at keys, and tell alarms, more often than a server does."""
    monkeypatch.setattr("server.identity.held_keys.LOOK_AGAIN_SECONDS", 0.2)
    monkeypatch.setattr("server.background.ISSUERS_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("server.background.LOOK_AT_KEYS_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("server.background.ALARMS_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("statuslist.publishing.publisher.LATE_SECONDS", LATE_SECONDS)


@asynccontextmanager
async def deployment(directory: Path, **changes: Any) -> AsyncIterator[Deployment]:
    async with (
        running_in(directory, public_url="https://status.example", **changes) as running,
        httpx.AsyncClient() as client,
    ):
        yield Deployment(running, client)


async def revoke_and_see(ours: Deployment, entries: dict[str, list[str]], *tenants: str) -> None:
    """Revoke an entry of each of these tenants; it is published soon, and verifies."""
    for tenant in tenants:
        index = entries[tenant].pop()
        await ours.revoke(tenant, index)
        await until(lambda tenant=tenant, index=index: ours.shows(tenant, index), SOON_SECONDS)


class Case:
    """What happens to the one tenant's key, and what is seen of it."""

    def __init__(self, directory: Path, fault: Break) -> None:
        self._directory = directory
        self._fault = fault
        self._node = {"bind": f"127.0.0.1:{free_port()}"}  # The name of a node, which is that of its alarms.
        self._entries: dict[str, list[str]] = {}
        self._key_id = ""
        self._key = b""
        self.unreadable = self.late = ("", "")

    async def while_it_runs(self) -> dict[tuple[str, str], str]:
        """Break the key of a server that has read it, which signs on; return the alarms."""
        async with deployment(self._directory, **self._node) as ours:
            self._entries = {tenant: await ours.found(tenant) for tenant in TENANTS}
            self._key_id = await ours.active(BAD)
            self._key = self._file.read_bytes()
            self.unreadable = ("key-unreadable", f"{BAD}#{self._key_id}")
            self.late = ("list-not-published", BAD)
            await revoke_and_see(ours, self._entries, BAD)
            self._fault(self._file)
            await until(lambda: _has(ours, self.unreadable))
            alarms = await ours.alarms()
            await revoke_and_see(ours, self._entries, BAD, *OTHERS)
            return alarms

    async def at_a_start(self) -> dict[tuple[str, str], str]:
        """Start with the broken key, revoke something, mend it; return the alarms before that."""
        async with deployment(self._directory, **self._node) as ours:
            await revoke_and_see(ours, self._entries, *OTHERS)
            index = self._entries[BAD].pop()
            await ours.revoke(BAD, index)
            await until(lambda: _has(ours, self.late))
            alarms = await ours.alarms()
            assert not await ours.shows(BAD, index)
            await revoke_and_see(ours, self._entries, *OTHERS)
            mend(self._file, self._key)
            await until(lambda: ours.shows(BAD, index))
            await until(lambda: _has_none(ours))
            return alarms

    @property
    def _file(self) -> Path:
        return self._directory / "var/keys" / f"{self._key_id}.pem"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.__name__, marks=[] if fault in QUICK else pytest.mark.slow)
        for fault in FAULTS
    ],
)
def test_a_key_that_goes_while_the_server_runs_and_is_not_there_at_a_start(
    tmp_path: Path, fault: Break
) -> None:
    case = Case(tmp_path, fault)
    running = asyncio.run(case.while_it_runs())
    started = asyncio.run(case.at_a_start())

    assert running.keys() == {case.unreadable}
    assert FAULTS[fault] in running[case.unreadable]
    assert started.keys() == {case.unreadable, case.late}
    assert FAULTS[fault] in started[case.unreadable]


class TokenCase:
    """A tenant whose key is in a token: it cannot sign while that is away, since no key ever leaves it."""

    def __init__(self, directory: Path, softhsm: SoftHsm) -> None:
        self._directory = directory
        self._settings = {
            "bind": f"127.0.0.1:{free_port()}",
            "pkcs11_module": str(softhsm.module),
            "pkcs11_token": softhsm.label,
            "pkcs11_pin_file": str(softhsm.pin_file),
        }
        self._softhsm = softhsm
        self._entries: dict[str, list[str]] = {}

    async def while_it_runs(self) -> set[str]:
        async with deployment(self._directory, **self._settings) as ours:
            self._entries = {tenant: await ours.found(tenant) for tenant in OTHERS}
            self._entries[BAD] = await ours.found(BAD, custody="pkcs11", algorithm="P-256")
            await revoke_and_see(ours, self._entries, BAD)
            with contextlib.ExitStack() as away:
                away.enter_context(self._softhsm.pulled_out())
                return await self._away_and_back(ours, away)

    async def at_a_start(self) -> set[str]:
        with contextlib.ExitStack() as away:
            away.enter_context(self._softhsm.pulled_out())
            async with deployment(self._directory, **self._settings) as ours:
                return await self._away_and_back(ours, away)

    async def _away_and_back(self, ours: Deployment, away: contextlib.ExitStack) -> set[str]:
        """Return which alarms there were; all are over in the end."""
        keys = [key["key"] for key in (await ours.ask(f"issuers/{BAD}"))["keys"]]
        for key in keys:  # The spare one as well.
            await until(lambda key=key: _has(ours, ("key-unreadable", f"{BAD}#{key}")))
        index = self._entries[BAD].pop()
        await ours.revoke(BAD, index)
        await until(lambda: _has(ours, ("list-not-published", BAD)))
        await revoke_and_see(ours, self._entries, *OTHERS)
        assert not await ours.shows(BAD, index)
        kinds = {f"{kind} {subject.partition('#')[0]}" for kind, subject in await ours.alarms()}
        away.close()
        await until(lambda: ours.shows(BAD, index), 20.0)
        await until(lambda: _has_none(ours), 20.0)
        return kinds


def test_a_token_that_is_pulled_out_fails_its_tenant_alone_until_it_is_back(
    tmp_path: Path, softhsm: SoftHsm
) -> None:
    case = TokenCase(tmp_path, softhsm)
    running = asyncio.run(case.while_it_runs())
    started = asyncio.run(case.at_a_start())

    assert running == started == {f"key-unreadable {BAD}", f"list-not-published {BAD}"}


async def _has(ours: Deployment, alarm: tuple[str, str]) -> bool:
    return alarm in await ours.alarms()


async def _has_none(ours: Deployment) -> bool:
    return not await ours.alarms()
