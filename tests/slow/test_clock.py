"""
What is promised of lists while the clock jumps, and while a signer is away for an hour and more: real processes.

An outsider reads all forms of all lists meanwhile: no revocation is cleared, no version goes back, nothing is
served past its end.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from statuslist.formats.forms import FORM_NAMES, TOKEN_FORMS
from tests.process import Server
from tests.slow.issuers import add_issuer
from tests.slow.revoking import forms, found, is_shown, revoke
from tests.slow.test_watchdog import is_seen
from tests.slow.watcher import watching
from tests.statuslist.watch import Watch

pytestmark = pytest.mark.slow

HOUR, DAY = 3_600.0, 86_400.0
TENANTS = {"held": "away", "others": "default"}  # by set, its issuer
NEAR_END = {("list-near-end", list_id) for list_id in ("held", "held-revocation", "held-suspension")}
FORMS = {
    form: f"/status-lists/{'held' if form in TOKEN_FORMS else 'held-revocation'}/{form}"
    for form in FORM_NAMES
}
SOON_SECONDS = 120  # A list begins a minute before it was signed.


class Clock:
    """The clock of the machine, which `turn` sets."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def turn(self, ahead: float) -> None:
        """Have it be ahead of the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(str(ahead))
        new.replace(self._file)
        self._ahead = ahead


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def node(server: Server) -> Iterator[Server]:
    """A node of two workers and a process that publishes, whose clock can be turned."""
    server.settings["WORKERS"] = "2"
    server.command = ("-m", "tests.slow.turned_clock")
    server.initialise()
    server.start()
    yield server


def alarms(node: Server) -> set[tuple[str, str]]:
    """Return the kind and the subject of each open alarm; a node is `*`."""
    headers = {"Authorization": f"Bearer {node.operator_key}"}
    request = urllib.request.Request(f"{node.operator_url}/operator/alarms", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = json.load(answer)["alarms"]
    return {(alarm["kind"], "*" if ":" in alarm["subject"] else alarm["subject"]) for alarm in told}


@pytest.mark.parametrize("jump", [-2 * HOUR, 3 * DAY], ids=["two hours back", "three days forward"])
def test_a_clock_that_jumps_and_is_set_right_breaks_no_promise(
    node: Server, clock: Clock, jump: float
) -> None:
    with watching([node], clock) as watch:
        first, jumped, later, right = found(node, "badges", "default")
        publishes(node, clock, watch, "badges", first)
        for ahead, indexes in ((jump, (jumped, later)), (0.0, (right,))):
            clock.turn(ahead)
            for index in indexes:
                publishes(node, clock, watch, "badges", index)
            is_seen(node, lambda: ("clock", "*") in alarms(node))
        is_seen(node, lambda: not alarms(node))

    assert len(watch.versions["badges"]) >= 4


def publishes(node: Server, clock: Clock, watch: Watch, set_id: str, index: int) -> None:
    """Revoke an entry: all four forms show it, and are dated by the clock as it is now."""
    revoke(node, set_id, index)
    is_shown(node, watch, set_id, index)
    for said in forms(watch, set_id).values():
        assert said.begins <= clock() < said.ends
        assert clock() - said.begins < SOON_SECONDS


def test_a_signer_that_is_away_for_an_hour_and_more_holds_up_its_tenant_alone(
    node: Server, clock: Clock, tmp_path: Path
) -> None:
    """Its last list is served as long as it is good, and what was revoked meanwhile is shown when it is back."""
    issuer = add_issuer(node, "away", "Ed25519")
    key = next(key["key"] for key in issuer["keys"] if key["state"] == "active")
    file = tmp_path / f"var/keys/{key}.pem"
    entries = {set_id: found(node, set_id, issuer_id, 8) for set_id, issuer_id in TENANTS.items()}
    with watching([node], clock) as watch:
        for set_id in TENANTS:
            publishes(node, clock, watch, set_id, entries[set_id].pop())
        node.terminate()
        file.rename(tmp_path / "elsewhere")
        waiting = []
        for hours in (0, 1, 20):
            clock.turn(hours * HOUR)
            node.start()
            waiting.append(is_held_up(node, clock, watch, entries, near_end=hours >= 20))
            node.terminate()
        node.start()
        clock.turn(30 * HOUR)
        is_seen(node, lambda: {status_of(node, path) for path in FORMS.values()} == {503})
        publishes(node, clock, watch, "others", entries["others"].pop())
        (tmp_path / "elsewhere").rename(file)
        publishes(node, clock, watch, "held", entries["held"].pop())
        shown = forms(watch, "held").values()
        is_seen(node, lambda: not alarms(node))

    assert all(said.revoked is None or said.revoked >= set(waiting) for said in shown)


def is_held_up(
    node: Server, clock: Clock, watch: Watch, entries: dict[str, list[int]], *, near_end: bool
) -> int:
    """Revoke an entry of each tenant, of which the one has no signer; return that which waits to be shown."""
    waiting = entries["held"].pop()
    revoke(node, "held", waiting)
    publishes(node, clock, watch, "others", entries["others"].pop())
    expected = {("key-unreadable", "*"), ("list-not-published", "held"), *(NEAR_END if near_end else ())}
    is_seen(node, lambda: alarms(node) == expected)

    assert {status_of(node, path) for path in FORMS.values()} == {200}
    assert not any(waiting in (said.revoked or ()) for said in forms(watch, "held").values())
    return waiting


def status_of(node: Server, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{node.url}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
