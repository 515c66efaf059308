"""
How the parts of a process are put together: a function for each, which is handed what it needs of others.

Most parts are a wing each. The observatory is opened in two steps: the history of DIDs before the resolver, which
asks it, and the rest after the resolver, which it asks. Two parts are no wings: the table of ready answers, and
what watches this machine and the other nodes.
"""

import msgspec

from credentials.keys.crls import Crls
from credentials.keys.issuer_metadata import IssuerMetadata
from registry.sources.sources import Sources
from resolver import Resolver
from server.edge.hot_table import HotTable
from server.wings.auditing import Auditing, open_auditing
from server.wings.editing import Editing, open_editing
from server.wings.issuing import Issuing, open_issuing
from server.wings.operators import Operators, open_operators
from server.wings.registry import RegistryWing, open_registry
from server.wings.resolving import open_did_history, open_hot_table, open_resolver
from server.wings.resources import Resources
from server.wings.sources import open_sources
from server.wings.status import StatusWing, open_status_wing
from server.wings.verifying import open_verifier
from server.wings.watching import Monitoring, Observatory, open_monitoring, open_observatory
from verification.verifier import Verifier


class Wings(msgspec.Struct, frozen=True):
    """All wings of one process, and the parts beside them."""

    resources: Resources
    operators: Operators
    auditing: Auditing
    registry: RegistryWing
    editing: Editing
    sources: Sources
    resolver: Resolver
    hot: HotTable
    issuing: Issuing
    status: StatusWing
    observatory: Observatory
    monitoring: Monitoring
    metadata: IssuerMetadata
    crls: Crls
    verifier: Verifier


async def open_wings(resources: Resources) -> Wings:
    """
    Put all parts together, in the order of their needs.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    operators = await open_operators(resources)
    auditing = open_auditing(resources, operators)
    registry = open_registry(resources, operators)
    sources = open_sources(resources, operators, registry.registry)
    history = open_did_history(resources, registry.registry)
    resolver = open_resolver(resources, operators, history)
    editing = open_editing(resources, operators, registry, resolver)
    hot = open_hot_table(resources, resolver)
    monitoring = open_monitoring(resources, operators)
    issuing = open_issuing(resources, operators, resolver, hot, monitoring.clock_watch)
    metadata = IssuerMetadata(
        fetcher=resources.guard.fetch_stranger, clock=resources.clock, timer=resources.timer
    )
    status = open_status_wing(resources, operators, resolver, hot, metadata, registry.trust)
    crls = Crls(fetcher=resources.guard.fetch_stranger, clock=resources.clock, timer=resources.timer)
    verifier = open_verifier(
        resolver,
        metadata,
        registry.trust,
        status.checker,
        crls,
        clock=resources.clock,
        canonicalize_rdf=resources.canonicalize_rdf,
    )
    observatory = open_observatory(resources, history, registry.registry, resolver, status, hot)
    return Wings(
        resources,
        operators,
        auditing,
        registry,
        editing,
        sources,
        resolver,
        hot,
        issuing,
        status,
        observatory,
        monitoring,
        metadata,
        crls,
        verifier,
    )


__all__ = ["Auditing", "Resources", "Wings", "open_wings"]
