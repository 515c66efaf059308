"""
What reads, signs, pushes and keeps the audit trail.
"""

from functools import partial
from pathlib import Path

import msgspec

from operators.audit.anchor_files import AnchorFiles
from operators.audit.anchors import Anchors
from operators.audit.heads import Keys
from operators.audit.pushing import Pusher
from operators.audit.reading import AuditTrail
from operators.audit.refusals import Refusals
from operators.audit.watching import SealWatch
from resolver.outbound.trust import trust_of
from server.collector import Collector
from server.identity.own import DEFAULT_ISSUER
from server.wings.operators import Operators
from server.wings.resources import Resources


class Auditing(msgspec.Struct, frozen=True):
    """What reads the audit trail, notes refused attempts, signs the head, and pushes the rows."""

    trail: AuditTrail
    refusals: Refusals
    anchors: Anchors | None
    seals: SealWatch | None
    pusher: Pusher | None
    collector: Collector | None


def open_auditing(resources: Resources, operators: Operators) -> Auditing:
    """Return what every process does of it, and what only one that may hold the lease does."""
    collector = _open_collector(resources)
    keys = partial(operators.identities.note_keys, DEFAULT_ISSUER)
    return Auditing(
        AuditTrail(resources.database, keys=keys, clock=resources.clock),
        Refusals(resources.database, clock=resources.clock),
        _open_anchors(resources, operators, keys),
        _open_seal_watch(resources, operators),
        _open_pusher(resources, operators, collector) if collector is not None else None,
        collector,
    )


def _open_anchors(resources: Resources, operators: Operators, keys: Keys) -> Anchors | None:
    if not resources.share.leads:
        return None
    mirror = resources.settings.mirror_path
    files = AnchorFiles(resources.database, mirror, keys=keys, timer=resources.timer) if mirror else None
    return Anchors(
        resources.database,
        origin=resources.settings.audit_origin,
        signer=partial(operators.identities.active_signer, DEFAULT_ISSUER),
        keys=keys,
        files=files,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )


def _open_seal_watch(resources: Resources, operators: Operators) -> SealWatch | None:
    if not resources.share.leads:
        return None
    return SealWatch(resources.database, timer=resources.timer, on_state=operators.alarms.state)


def _open_collector(resources: Resources) -> Collector | None:
    settings = resources.settings
    if not settings.audit_push_url or not resources.share.leads:
        return None
    token, ca_file = settings.audit_push_token_file, settings.dangerously_trusted_ca_file
    return Collector(
        settings.audit_push_url, Path(token) if token else None, trust_of(ca_file) if ca_file else None
    )


def _open_pusher(resources: Resources, operators: Operators, collector: Collector) -> Pusher:
    return Pusher(
        resources.database,
        collector=collector.url,
        post=collector.post,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )
