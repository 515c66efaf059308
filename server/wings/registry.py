"""
The trust registry.
"""

import contextlib
import random
from functools import partial

import msgspec

from registry.answering import Answering
from registry.asking.browse import authority_called
from registry.asking.metadata import Service
from registry.errors import AuthorityNotFound
from registry.feed.deliveries import Deliveries
from registry.feed.reading import Feed
from registry.feed.subscribers import Subscribers
from registry.files import Files
from registry.reading import read_apart
from registry.registry import Registry
from registry.reports.due_dates import DueDates
from registry.reports.reports import Reports
from registry.telling import Telling
from registry.trust import Trust
from resolver.methods import METHODS
from server.edge.limits import BURST_SECONDS
from server.identity.own import DEFAULT_ISSUER
from server.receivers import Receivers, receiver_of
from server.settings import Settings
from server.wings.operators import Operators
from server.wings.resources import Resources


class RegistryWing(msgspec.Struct, frozen=True):
    """
    The registry; what answers questions, tells those who read, and reads and writes its files; who is told of its
    changes, which only a process that may lead pushes.
    """

    registry: Registry
    answering: Answering
    telling: Telling
    trust: Trust
    files: Files
    reports: Reports
    due_dates: DueDates
    feed: Feed
    subscribers: Subscribers
    deliveries: Deliveries | None


def open_registry(resources: Resources, operators: Operators) -> RegistryWing:
    """Return the trust registry, which knows nothing until it is loaded; scopes name its authorities."""
    service = _service_of(resources.settings)
    registry = Registry(
        resources.database,
        clock=resources.clock,
        timer=resources.timer,
        index_path=resources.settings.registry_index,
    )
    authority_of = partial(authority_id, registry)
    operators.access.authority_of = operators.grants.authority_of = authority_of
    if operators.signing_in is not None:
        operators.signing_in.sign_in.authority_of = authority_of
    return RegistryWing(
        registry,
        Answering(registry, service),
        Telling(registry, service),
        Trust(registry, service.freshness_seconds),
        Files(registry, resources.database, read_file=read_apart),
        Reports(registry, resources.database),
        DueDates(registry, operators.alarms.state),
        Feed(registry, resources.database, clock=resources.clock),
        Subscribers(resources.database, check_url=receiver_of, clock=resources.clock),
        _open_deliveries(resources, operators),
    )


def authority_id(registry: Registry, reference: str) -> str | None:
    """Return the id of the authority that an id, or an identifier, names now; None: there is none."""
    with registry.reading() as known:
        if known.authority(reference) is not None:  # Be it one that is still to begin.
            return reference
        with contextlib.suppress(AuthorityNotFound):
            return authority_called(known, reference, registry.now()).id
    return None


def _open_deliveries(resources: Resources, operators: Operators) -> Deliveries | None:
    if not resources.share.leads:
        return None
    return Deliveries(
        resources.database,
        post=Receivers(resources.guard).post,
        signer=partial(operators.identities.active_signer, DEFAULT_ISSUER),
        clock=resources.clock,
        timer=resources.timer,
        jitter=random.random,
        on_state=operators.alarms.state,
    )


def _service_of(settings: Settings) -> Service:
    return Service(
        base_url=settings.public_url,
        did=settings.did,
        did_methods=tuple(f"did:{name}" for name in sorted(METHODS)),
        freshness_seconds=settings.registry_freshness_seconds,
        requests_per_second=int(settings.rate_cpu_per_second),
        burst=int(settings.rate_cpu_per_second * BURST_SECONDS),
    )
