"""
Acknowledged single revocations over HTTP from 64 writers, beside the same service with a commit for each.

Each writer is a connection that revokes one entry, waits for the answer and revokes the next. Both services run as
they do in production, publication of the list included; they take turns on the same core.
"""

import http.client
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.hot_answers import RESOLVE_PATH
from benchmarks.load import Posts, shoot
from benchmarks.processes import Deployment, Running
from benchmarks.result import Result, compared

ROUNDS = 5
SECONDS = 2.0  # of a round
PER_CALL = 10_000  # entries
CALLS = 2  # so that a round does not run out of entries: what is revoked already costs less
SET = "/operator/status-lists/writers"
RIVAL = "the same service, a commit per request"
AT_LEAST = 2.5


def measure(folder: Path) -> list[Result]:
    """Return the rate, and the ratio to that with batches of one."""
    with ExitStack() as stack:
        grouped = _service(stack, folder / "grouped")
        single = _service(stack, folder / "single", "benchmarks.single_commits", "serve")
        pairs = [(grouped.rate(), single.rate()) for _ in range(ROUNDS)]
    ours, theirs = zip(*pairs, strict=True)
    return [compared("http_revocations_64_writers", ours, theirs, "acknowledged/s", RIVAL, at_least=AT_LEAST)]


def _service(stack: ExitStack, folder: Path, *module: str) -> "_Service":
    deployment = Deployment(folder, MIRROR_DIR="off")
    server = stack.enter_context(deployment.serving(RESOLVE_PATH, *module))
    return _Service(deployment, server.pid)


class _Service:
    """A service with one set, whose entries are revoked one by one, each once."""

    def __init__(self, deployment: Deployment, pid: int) -> None:
        bind = deployment.environment["TOUCHSTONE_OPERATOR_BIND"]
        self._server = Running(pid, int(bind.rpartition(":")[2]), 0.0)
        self._folder = deployment.folder
        self._key = (deployment.folder / "var/keys/operator.key").read_text().strip()
        length = 2**20
        self._ask("/operator/status-lists", {"id": "writers", "purposes": ["revocation"], "length": length})

    def rate(self) -> float:
        """Return revocations acknowledged a second."""
        file = self._folder / "posts"
        file.write_text("".join(f"{SET}/statuses {_revocation(index)}\n" for index in self._entries()))
        return shoot(self._server, Posts(file, f"Bearer {self._key}"), SECONDS).rate

    def _entries(self) -> Sequence[str]:
        calls = [self._ask(f"{SET}/allocations", {"count": PER_CALL}) for _ in range(CALLS)]
        return [entry["statusListIndex"] for call in calls for entry in call["entries"]]

    def _ask(self, path: str, body: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        told = msgspec.json.decode(answer.read())
        connection.close()
        if answer.status != 201:
            raise RuntimeError(f"{path}: {told}")
        return told


def _revocation(index: str) -> str:
    change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
    return msgspec.json.encode({"changes": [change]}).decode()
