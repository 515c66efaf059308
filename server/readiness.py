"""
What makes a process ready, and what an operator ought to look at: the checks of `/readyz`.
"""

from collections.abc import Callable

from registry import Registry
from server.background import Background
from server.telemetry.counters import Telemetry
from server.telemetry.health import Check, Health
from server.wings import Wings
from statuslist.publishing.publisher import Publisher
from storage import DatabaseUnavailable, Engine


def health_of(wings: Wings, background: Background) -> Health:
    """Return what tells whether this process is ready."""
    vitals = wings.monitoring.vitals
    checks: list[Callable[[], Check]] = [
        lambda: _database_check(wings.resources.database, background),
        lambda: registry_check(wings.registry.registry),
        lambda: _lists_check(wings.status.publisher),
        lambda: _background_check(background, wings.status.publisher),
        lambda: _alarms_check(wings.resources.telemetry),
        vitals.check,
    ]
    if wings.resources.settings.approvals_alone:
        checks.append(_approvals_check)
    return Health(checks, writes_fail=lambda: vitals.writes_fail)


def _database_check(database: Engine, background: Background) -> Check:
    """It does not make us unready: reads go on, and writes say when to come back."""
    detail: dict[str, object] = {
        "age_s": round(background.age_seconds(), 3),
        "wal_bytes": database.stats.wal_bytes,
    }
    return Check("database", database.is_healthy, needed=False, detail=detail)


def registry_check(registry: Registry) -> Check:
    """An index that is damaged is made anew within seconds; until then questions are refused with a 503."""
    try:
        return Check("registry", True, detail={"version": registry.version})
    except DatabaseUnavailable:
        return Check("registry", False, needed=False)


def _lists_check(publisher: Publisher) -> Check:
    remaining = publisher.lists.remaining_seconds()
    detail: dict[str, object] = {
        "remaining_s": None if remaining is None else int(remaining),
        "never_published": publisher.demand.never_published,
        "not_yet_valid": publisher.lists.not_yet_valid,
        "waiting_s": round(publisher.waiting_seconds, 3),
    }
    return Check("status_lists", remaining is None or remaining > 0, detail=detail)


def _background_check(background: Background, publisher: Publisher) -> Check:
    return Check("background", background.is_running, detail={"failed_publications": publisher.failed})


def _approvals_check() -> Check:
    """That is as it was set, and whoever relies on two persons ought to know."""
    return Check("approvals", True, detail={"alone_while_nobody_else_can_approve": True})


def _alarms_check(telemetry: Telemetry) -> Check:
    """An alarm needs a person; whether it makes us unready, the check of its own subject says."""
    counts = telemetry.values_of("touchstone_alarms")
    detail: dict[str, object] = {kind: int(count) for kind, count in counts.items() if count}
    return Check("alarms", not detail, needed=False, detail=detail)
