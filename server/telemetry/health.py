"""
Health: `/livez` (the process answers), `/readyz` (it may be sent requests), and, for operators, why not.

Readiness is about what a request needs: the registry view and the published lists. The signer is told of separately
and does not make us unready: lists are served from bytes signed before. Nor do failing writes, where the public is
concerned: reads go on, and no other node of the same database would do better. Operators are told "not ready" then.
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
    """
    Collects the checks; `is_draining` is set when the process was asked to stop.

    Args:
        writes_fail: whether writes of this node fail at present.
    """

    def __init__(self, checks: list[Callable[[], Check]], *, writes_fail: Callable[[], bool]) -> None:
        self._checks = checks
        self._writes_fail = writes_fail
        self.is_started = False
        self.is_draining = False

    def ready(self, *, detailed: bool) -> Answer:
        """Return the answer of `/readyz`: 200 or 503; the checks themselves only where `detailed`."""
        checks = [check() for check in self._checks]
        writes_fail = self._writes_fail()
        ok = not (writes_fail and detailed)
        ok = (
            ok
            and self.is_started
            and not self.is_draining
            and all(check.ok for check in checks if check.needed)
        )
        body: dict[str, object] = {
            "status": "ready" if ok else "draining" if self.is_draining else "not ready"
        }
        if writes_fail:
            body["writes"] = "failing"
        if detailed:
            body["checks"] = checks
        headers = () if ok else (("retry-after", "1"),)
        return Answer(status=200 if ok else 503, body=encode(body), headers=headers)


def live() -> Answer:
    """Return the answer of `/livez`."""
    return Answer(body=b'{"status":"alive"}')
