"""
Health: `/livez` (the process answers), `/readyz` (it may be sent requests), and, for operators, why not.

Readiness is about what a request needs: the database writer, the registry view and the published lists. The
signer is told of separately and does not make us unready: lists are served from bytes signed before.
"""

from collections.abc import Callable

import msgspec

from wire import Answer, encode


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one part; `detail` is for operators only."""

    name: str
    ok: bool
    needed: bool = True
    detail: dict[str, object] = {}


class Health:
    """Collects the checks; `is_draining` is set when the process was asked to stop."""

    def __init__(self, checks: list[Callable[[], Check]]) -> None:
        self._checks = checks
        self.is_started = False
        self.is_draining = False

    def ready(self, *, detailed: bool) -> Answer:
        """Return the answer of `/readyz`: 200 or 503; the checks themselves only where `detailed`."""
        checks = [check() for check in self._checks]
        ok = self.is_started and not self.is_draining and all(check.ok for check in checks if check.needed)
        body: dict[str, object] = {
            "status": "ready" if ok else "draining" if self.is_draining else "not ready"
        }
        if detailed:
            body["checks"] = checks
        headers = () if ok else (("retry-after", "1"),)
        return Answer(status=200 if ok else 503, body=encode(body), headers=headers)


def live() -> Answer:
    """Return the answer of `/livez`."""
    return Answer(body=b'{"status":"alive"}')
