"""An issuer's day: entries are taken and set here, credentials issued and judged with others' libraries alone."""

import urllib.error
from typing import Any

import pytest

from tests.machine import wait_until
from tests.process import Server
from tests.slow.issuers import add_issuer, key_of
from tests.slow.js_libraries import run_with_libraries
from tests.slow.published import published, set_bits

pytestmark = pytest.mark.slow

ISSUER, SET = "acme", "diplomas"
PURPOSES = ("revocation", "suspension")
ACCEPTED = {"credential": "accepted"}
SUSPENDED = {"credential": "suspension"}
REVOKED = {"credential": "revocation"}


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256"])
def test_verifiers_of_others_see_what_the_issuer_does(server: Server, algorithm: str) -> None:
    server.initialise("--sample")
    server.start()
    day = Day(server, algorithm)

    at_first = day.judged()
    day.set_status("suspension", 1)
    suspended = day.judged()
    day.set_status("suspension", 0)
    lifted = day.judged()
    day.set_status("revocation", 1)
    revoked = day.judged()

    assert [at_first, suspended, lifted, revoked] == [ACCEPTED, SUSPENDED, ACCEPTED, REVOKED]


class Day:
    """An issuer that took an entry for a credential and issued it."""

    def __init__(self, server: Server, algorithm: str) -> None:
        self._server = server
        issuer = add_issuer(server, ISSUER, algorithm)
        server.operator("", {"id": SET, "purposes": PURPOSES, "issuerId": ISSUER})
        entry = server.operator(f"/{SET}/allocations", {"count": 1})["entries"][0]
        self._index = entry["credentialStatus"][0]["statusListIndex"]
        given = {"issuer": issuer["did"], "key": key_of(server, issuer), **entry}
        self._credentials = run_with_libraries("issuing.mjs", given)
        self._wait_for("revocation", 0)

    def judged(self) -> Any:
        """Return what a verifier thinks of each credential."""
        return run_with_libraries("accepting.mjs", {"origin": self._server.url, **self._credentials})

    def set_status(self, purpose: str, status: int) -> None:
        """Change the status of the credential for one purpose, and wait until readers see it."""
        change = {"statusListIndex": self._index, "statusPurpose": purpose, "status": status}
        self._server.operator(f"/{SET}/statuses", {"changes": [change]})
        self._wait_for(purpose, status)

    def _wait_for(self, purpose: str, status: int) -> None:
        wait_until(lambda: self._is_published(purpose, status), f"{purpose} {status} to be published")

    def _is_published(self, purpose: str, status: int) -> bool:
        try:
            bits = published(self._server, f"{SET}-{purpose}")
        except urllib.error.HTTPError:  # Its first version is not there yet.
            return False
        return (int(self._index) in set_bits(bits)) == bool(status)
