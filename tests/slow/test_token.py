"""A node of several processes and two issuers, of which one has its key in a token: it hangs; a process dies."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operators import Role
from operators.issuers.views import CreateIssuer
from proofs import verify_proof
from proofs.pkcs11.session import PATIENCE_SECONDS
from resolver.keys.multikey import public_key_of
from server.services import open_services
from server.settings import load_settings
from statuslist.publishing.demand import MAX_BACKOFF_SECONDS
from tests.actors import acting
from tests.machine import wait_until
from tests.process import Server
from tests.softhsm import PIN, SoftHsm

pytestmark = pytest.mark.slow

ROOT = acting("root", Role.ADMINISTRATOR)
NOW = 1_790_000_000_000_000  # microseconds since 1970; no proof here ends
SOON_SECONDS = PATIENCE_SECONDS / 2
LATE_SECONDS = 1.5 * MAX_BACKOFF_SECONDS  # A list that failed is tried again by then.


class Tenant:
    """An issuer with one list, as it is seen from outside."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name
        server.operator("", {"id": name, "issuerId": name, "purposes": ["revocation"]})
        entries = server.operator(f"/{name}/allocations", {"count": 30})["entries"]
        self._indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
        wait_until(self._is_published, f"the list of {name} is published")

    def revoke(self) -> dict[str, Any]:
        """Revoke an entry; return the list as it was before."""
        before = self.list()
        change = {"statusListIndex": self._indexes.pop(), "statusPurpose": "revocation", "status": 1}
        self._server.operator(f"/{self._name}/statuses", {"changes": [change]})
        return before

    def revokes_within(self, seconds: float) -> bool:
        before = self.revoke()
        wait_until(lambda: self.list() != before, f"the list of {self._name} is published anew", seconds)
        return True

    def list(self) -> dict[str, Any]:
        """Return the list, verified with the key in the issuer's document."""
        served = json.loads(self._server.get(f"/status-lists/{self._name}-revocation/credential.json"))
        methods = json.loads(self._server.get(f"/issuers/{self._name}/did.json"))["verificationMethod"]
        (method,) = (method for method in methods if method["id"] == served["proof"]["verificationMethod"])
        verify_proof(served, public_key_of(method), now=NOW)
        return dict(served)

    def _is_published(self) -> bool:
        try:
            return bool(self.list())
        except OSError:
            return False


@pytest.fixture
def server(tmp_path: Path, softhsm: SoftHsm) -> Iterator[Server]:
    """A node with the issuers `held` and `filed`."""
    server = Server(
        tmp_path,
        workers=2,
        PKCS11_MODULE=str(softhsm.module),
        PKCS11_TOKEN=softhsm.label,
        PKCS11_PIN_FILE=str(softhsm.pin_file),
        DATABASE_URL=f"sqlite:///{tmp_path}/touchstone.db",
        KEY_DIR=f"{tmp_path}/var/keys",
    )
    server.initialise()
    asyncio.run(_add_issuers(server))
    softhsm.close()
    server.start()
    yield server
    server.kill()


async def _add_issuers(server: Server) -> None:
    settings = load_settings(
        {name: text for name, text in server.environment.items() if name.startswith("TOUCHSTONE_")}
    )
    async with open_services(settings) as services:
        issuers = services.operators.issuers
        await issuers.create(ROOT, CreateIssuer(id="held", custody="pkcs11", algorithm="P-256"))
        await issuers.create(ROOT, CreateIssuer(id="filed"))


def test_while_a_token_hangs_the_lists_of_others_are_published_at_once(
    server: Server, softhsm: SoftHsm
) -> None:
    held, filed = Tenant(server, "held"), Tenant(server, "filed")
    until = time.monotonic() + 1.5 * PATIENCE_SECONDS
    with softhsm.hanging():
        before = held.revoke()
        while time.monotonic() < until:
            assert filed.revokes_within(SOON_SECONDS)
            time.sleep(0.5)
        assert held.list() == before

    wait_until(lambda: held.list() != before, "the token's list is published", LATE_SECONDS)
    log = (server.directory / "server.log").read_text()
    assert "no answer within 10 s" in log
    assert PIN[:4] not in log  # The log writes what follows in ASCII.


def test_a_process_that_takes_the_place_of_another_signs_with_the_token(server: Server) -> None:
    held = Tenant(server, "held")
    publisher = server.pids[1]
    os.kill(publisher, signal.SIGKILL)
    wait_until(lambda: publisher not in server.pids, "it is gone")

    assert held.revokes_within(LATE_SECONDS)
