"""An issuer's day: entries are taken and set here, credentials issued and judged with others' libraries alone."""

import urllib.error
from typing import Any

import pytest

from proofs import read_compact
from statuslist.formats import token_bits
from statuslist.formats.token_list import token_list_of_jwt
from tests.machine import wait_until
from tests.process import Server
from tests.slow.issuers import add_issuer, key_of
from tests.slow.js_libraries import run_with_libraries
from tests.slow.published import published, set_bits

pytestmark = pytest.mark.slow

ISSUER, SET = "acme", "diplomas"
PURPOSES = ("revocation", "suspension")
FORMATS = ("application/vc", "dc+sd-jwt")
REFERENCE = "diploma 17"
ACCEPTED = {"credential": "accepted", "sdJwt": "accepted"}
SUSPENDED = {"credential": "suspension", "sdJwt": "Status is not valid"}
VALUES = {"revocation": token_bits.INVALID, "suspension": token_bits.SUSPENDED}
REVOKED = {"credential": "revocation", "sdJwt": "Status is not valid"}


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
    """An issuer that took an entry for each format of a credential, and issued it in both."""

    def __init__(self, server: Server, algorithm: str) -> None:
        self._server = server
        issuer = add_issuer(server, ISSUER, algorithm)
        server.operator("", {"id": SET, "purposes": PURPOSES, "issuerId": ISSUER})
        entries = [self._allocated(format_name) for format_name in FORMATS]
        self._indices = [int(entry.pop("statusListIndex")) for entry in entries]
        given = {"issuer": issuer["did"], "key": key_of(server, issuer), **entries[0], **entries[1]}
        self._credentials = run_with_libraries("issuing.mjs", given)
        self._wait_for("revocation", 0)

    def judged(self) -> Any:
        """Return what a verifier thinks of each credential."""
        return run_with_libraries("accepting.mjs", {"origin": self._server.url, **self._credentials})

    def set_status(self, purpose: str, status: int) -> None:
        """Change the status of the credential for one purpose, in both formats; wait until readers see it."""
        change = {"reference": REFERENCE, "statusPurpose": purpose, "status": status}
        changed = self._server.operator(f"/{SET}/statuses", {"changes": [change]})
        assert changed["changed"] == len(FORMATS)
        self._wait_for(purpose, status)

    def _allocated(self, format_name: str) -> Any:
        asked = {"format": format_name, "references": [REFERENCE]}
        return self._server.operator(f"/{SET}/allocations", asked)["entries"][0]

    def _wait_for(self, purpose: str, status: int) -> None:
        wait_until(lambda: self._is_published(purpose, status), f"{purpose} {status} to be published")

    def _is_published(self, purpose: str, status: int) -> bool:
        """Tell whether both lists show it: a version of the set is swapped list by list."""
        expected = set(self._indices) if status else set()
        try:
            bits = published(self._server, f"{SET}-{purpose}")
            token = read_compact(self._server.get(f"/status-lists/{SET}/token.jwt"), max_bytes=1_000_000)
        except urllib.error.HTTPError:  # The first version is not there yet.
            return False
        found = token_list_of_jwt(token, max_bytes=1_000_000)
        lst = token_bits.expanded(found.lst, max_bytes=1_000_000)
        is_set = {token_bits.value_at(lst, index, found.bits) == VALUES[purpose] for index in self._indices}
        return set_bits(bits) == expected and is_set == {bool(status)}
