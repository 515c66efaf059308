"""
What the metrics tell of the database, the publisher, the mirror, the drivers, the hot table and the alarms.
"""

from operators import Alarms
from resolver import Resolver
from resolver.drivers.breaker import BreakerState
from server.background import Background
from server.edge.hot_table import HotTable
from server.edge.service_keys import LOOK_UPS
from server.identity.key_log import KeyLog
from server.settings.outbound import readings_of
from server.telemetry.counters import ANSWERED, LIMITED, Source, Telemetry
from server.wings import Auditing, Wings
from statuslist.publishing.mirror import Mirror
from statuslist.publishing.publisher import Publisher
from statuslist.publishing.uploading import Uploader
from storage import Engine
from wire import Reading


def sources_of(wings: Wings, background: Background) -> list[Source]:
    """Return what is asked when metrics are rendered."""
    resources, status, history = wings.resources, wings.status, wings.observatory.history
    return [
        lambda: _database_readings(resources.database, background),
        lambda: _list_readings(status.publisher),
        lambda: _hot_readings(wings.hot),
        lambda: _caller_readings(resources.telemetry),
        lambda: _mirror_readings(status.mirror, wings.issuing.log),
        lambda: _upload_readings(status.uploader),
        history.observations.readings,
        history.key_alarms.readings,
        wings.observatory.purges.readings,
        lambda: _alarm_readings(wings.operators.alarms),
        wings.editing.change_sets.readings,
        wings.auditing.refusals.readings,
        lambda: _audit_readings(wings.auditing),
        *([] if wings.registry.deliveries is None else [wings.registry.deliveries.readings]),
        lambda: _cache_readings(wings.resolver),
        lambda: _driver_readings(wings.resolver),
        lambda: readings_of(resources.guard),
        wings.monitoring.vitals.readings,
    ]


def _database_readings(database: Engine, background: Background) -> list[Reading]:
    stats, is_up = database.stats, database.is_healthy and database.stats.failing_since is None
    return [
        Reading("touchstone_database_commits", "Transactions committed.", stats.commits, "sum"),
        Reading("touchstone_database_writes", "Writes in them.", stats.writes, "sum"),
        Reading("touchstone_database_write_failures", "Writes refused or given up.", stats.failures, "sum"),
        Reading("touchstone_database_retries", "Batches run again.", stats.retries, "sum"),
        Reading(
            "touchstone_database_up", "1 while the database answers and takes writes.", float(is_up), "min"
        ),
        Reading(
            "touchstone_database_age_seconds",
            "How old what is served from memory may be.",
            background.age_seconds(),
        ),
        Reading("touchstone_database_wal_bytes", "Size of the write-ahead log.", stats.wal_bytes),
        Reading(
            "touchstone_database_checkpoint_failures",
            "Checkpoints that failed.",
            stats.checkpoint_failures,
            "sum",
        ),
    ]


def _list_readings(publisher: Publisher) -> list[Reading]:
    remaining = publisher.lists.remaining_seconds() or 0.0
    return [
        Reading(
            "touchstone_lists_published", "List versions published by this node.", publisher.published, "sum"
        ),
        Reading("touchstone_lists_failed", "Publications that failed.", publisher.failed, "sum"),
        Reading(
            "touchstone_lists_never_published",
            "Lists that are wanted and have no version yet.",
            publisher.demand.never_published,
        ),
        Reading(
            "touchstone_lists_waiting_seconds",
            "Since when the oldest change waits to be published.",
            publisher.waiting_seconds,
        ),
        Reading(
            "touchstone_lists_to_sign_anew",
            "Lists that wait for a fresh signature, and say nothing new.",
            publisher.demand.to_sign_anew,
        ),
        Reading("touchstone_lists_remaining_seconds", "Until the first list runs out.", remaining, "min"),
    ]


def _hot_readings(hot: HotTable) -> list[Reading]:
    return [
        Reading("touchstone_hot_hits", "Answers given from the hot table.", hot.hits, "sum"),
        Reading("touchstone_hot_bytes", "Bytes in the hot table.", hot.bytes_held, "sum"),
    ]


def _caller_readings(telemetry: Telemetry) -> list[Reading]:
    """Return what trusted callers asked, and what became of the API keys that the public listener was shown."""
    return [
        *(
            Reading(
                "touchstone_trusted_requests",
                "Requests of trusted callers.",
                telemetry.trusted[trusted_for, outcome],
                "sum",
                labels={"trusted_for": trusted_for, "outcome": outcome},
            )
            for trusted_for in ("network", "key")
            for outcome in (ANSWERED, LIMITED)
        ),
        *(
            Reading(
                "touchstone_service_keys",
                "API keys looked up for the public listener.",
                telemetry.service_keys[result],
                "sum",
                labels={"result": result},
            )
            for result in LOOK_UPS
        ),
    ]


def _mirror_readings(mirror: Mirror | None, log: KeyLog | None) -> list[Reading]:
    """None is a process, or a node, that mirrors nothing."""
    waiting, failed = (mirror.waiting, mirror.failed) if mirror is not None else (0, 0)
    waiting_keys, failed_keys = (log.waiting, log.failed) if log is not None else (0, 0)
    return [
        Reading(
            "touchstone_key_logs_waiting", "Issuers whose keys are not yet written beside it.", waiting_keys
        ),
        Reading("touchstone_mirror_waiting", "Published lists not yet in the mirror.", waiting),
        Reading("touchstone_mirror_failed", "Writes to the mirror that failed.", failed + failed_keys, "sum"),
    ]


def _upload_readings(uploader: Uploader | None) -> list[Reading]:
    """None is a process, or a node, that uploads nothing."""
    waiting, failed = (uploader.waiting, uploader.failed) if uploader is not None else (0, 0)
    return [
        Reading("touchstone_upload_waiting", "Published lists not yet in the object store.", waiting),
        Reading("touchstone_upload_failed", "Uploads to the object store that failed.", failed, "sum"),
    ]


def _alarm_readings(alarms: Alarms) -> list[Reading]:
    """Return how many alarms of each kind nobody has acknowledged."""
    return [
        Reading(
            "touchstone_alarms", "Alarms that nobody has acknowledged.", count, labels={"kind": kind.value}
        )
        for kind, count in alarms.counts().items()
    ]


def _audit_readings(auditing: Auditing) -> list[Reading]:
    """A process that neither signs nor pushes, and a node without a collector, has nothing that waits."""
    pusher, anchors, seals = auditing.pusher, auditing.anchors, auditing.seals
    waiting, failures = (pusher.waiting, pusher.failures) if pusher is not None else (0, 0)
    failed = anchors.failed if anchors is not None else 0
    return [
        Reading(
            "touchstone_audit_unsealed_seconds",
            "For how long the oldest audit row that is not sealed has waited for it.",
            seals.waiting_seconds if seals is not None else 0.0,
        ),
        Reading(
            "touchstone_audit_push_waiting", "Sealed audit rows that the collector has not taken.", waiting
        ),
        Reading("touchstone_audit_push_failures", "Pushes to it that failed.", failures, "sum"),
        Reading(
            "touchstone_audit_anchor_failures",
            "Writes of anchors beside the mirror that failed.",
            failed,
            "sum",
        ),
    ]


def _driver_readings(resolver: Resolver) -> list[Reading]:
    """Return how the drivers of this process do, all of them together."""
    states = resolver.driver_states
    away = sum(state.breaker is not BreakerState.CLOSED for state in states)
    return [
        Reading("touchstone_drivers_open", "Drivers that are left alone, or tried, since they failed.", away),
        Reading("touchstone_driver_requests", "Requests to drivers.", sum(s.requests for s in states), "sum"),
        Reading("touchstone_driver_failures", "... that failed.", sum(s.failures for s in states), "sum"),
    ]


def _cache_readings(resolver: Resolver) -> list[Reading]:
    """Return what the documents that this process keeps take."""
    return [Reading("touchstone_cache_bytes", "Bytes of DID documents kept.", resolver.cache_bytes, "sum")]
