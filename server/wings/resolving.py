"""
The registry, what was seen of DIDs, the resolver and its ready answers.
"""

import msgspec

from observatory.key_alarms import KeyAlarms
from observatory.log_heads import StoredHeads
from observatory.observations import Observations
from registry.registry import Registry
from resolver import Resolver
from resolver.binding.answering import touch
from resolver.outbound.trust import trust_of
from server.edge.hot_table import HotTable
from server.registered import RegisteredDids
from server.settings.drivers import drivers_of, share_of
from server.settings.policy import freshness_of, log_limits_of, method_freshness_of
from server.wings.operators import Operators
from server.wings.resources import Resources


class DidHistory(msgspec.Struct, frozen=True):
    """What all nodes together saw of DIDs."""

    observations: Observations
    heads: StoredHeads
    key_alarms: KeyAlarms


def open_did_history(resources: Resources, registry: Registry) -> DidHistory:
    """Return what the resolver tells, and asks, of what was seen before."""
    knows = RegisteredDids(registry).knows
    return DidHistory(
        Observations(resources.database, is_registered=knows, clock=resources.clock),
        StoredHeads(resources.database, resources.clock),
        KeyAlarms(resources.database, is_registered=knows, clock=resources.clock),
    )


def open_resolver(resources: Resources, operators: Operators, history: DidHistory) -> Resolver:
    """Return the resolver, which knows our own documents, our drivers and what was seen before."""
    settings = resources.settings
    ca_file = settings.dangerously_trusted_ca_file
    return Resolver(
        fetcher=resources.guard.fetch_stranger,
        own_document=operators.identities.own_document,
        own_hosts=frozenset({settings.did_host}),
        own_fresh_seconds=settings.did_document_ttl_seconds,
        freshness=freshness_of(settings),
        method_freshness=method_freshness_of(settings),
        observer=history.observations,
        log_heads=history.heads,
        log_limits=log_limits_of(settings),
        drivers=share_of(drivers_of(settings), resources.share.workers),
        driver_trust=trust_of(ca_file) if ca_file else None,
        max_cache_bytes=settings.cache_max_bytes,
        clock=resources.clock,
        timer=resources.timer,
    )


def open_hot_table(resources: Resources, resolver: Resolver) -> HotTable:
    """Return the table of ready-made answers; one that is used keeps its document in the resolver's cache."""
    return HotTable(
        max_bytes=resources.settings.hot_max_bytes,
        clock=resources.clock,
        timer=resources.timer,
        on_used=lambda raw_path: touch(resolver, raw_path),
    )
