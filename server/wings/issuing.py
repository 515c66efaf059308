"""
What changes the keys of issuers, and looks after them.
"""

from functools import partial

import msgspec

from operators.issuers.key_changes import KeyChanges
from resolver import Resolver
from server.edge.hot_table import HotTable
from server.edge.identifiers import IDENTIFIERS_PATH
from server.identity.custody import Custody
from server.identity.key_log import KeyLog
from server.identity.listing import why_not_listed
from server.identity.listing_watch import ListingWatch
from server.identity.own import services_of
from server.identity.papers import IssuerPapers
from server.identity.upkeep import KeyUpkeep
from server.routes.identity import ISSUER_DOCUMENTS, OWN_DOCUMENT
from server.vitals.clock import ClockWatch
from server.wings.operators import Operators
from server.wings.resources import Resources
from statuslist.publishing.set_versions import sign_anew


class Issuing(msgspec.Struct, frozen=True):
    """
    What changes the keys of issuers, and hands out what others need of them; what looks after them, and what writes
    them down beside the mirror.
    """

    changes: KeyChanges
    papers: IssuerPapers
    upkeep: KeyUpkeep
    listings: ListingWatch
    log: KeyLog | None


def open_issuing(
    resources: Resources, operators: Operators, resolver: Resolver, hot: HotTable, clock_watch: ClockWatch
) -> Issuing:
    """Return what operators, and time, do with keys; a document that changes leaves the ready answers."""

    def forget_documents() -> None:
        hot.purge(IDENTIFIERS_PATH)
        for path in (OWN_DOCUMENT, ISSUER_DOCUMENTS):
            hot.evict_below(path.encode())

    operators.identities.on_replaced = forget_documents
    changes = KeyChanges(
        resources.database,
        operators.issuers,
        document_ttl_seconds=resources.settings.did_document_ttl_seconds,
        why_not_listed=partial(why_not_listed, resolver, resources.clock),
        sign_anew=sign_anew,
        approvals=operators.approvals,
        clock=resources.clock,
    )
    operators.approvals.doers |= changes.doers()
    upkeep = KeyUpkeep(
        resources.database,
        operators.issuers,
        changes,
        clock=resources.clock,
        surely_past=clock_watch.surely_past,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )
    listings = ListingWatch(
        resolver,
        operators.identities,
        interval=resources.settings.observe_interval_seconds,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )
    papers = IssuerPapers(
        resources.database,
        operators.issuers,
        changes,
        Custody(resources.settings),
        clock=resources.clock,
        services_of=partial(services_of, resources.settings),
    )
    return Issuing(changes, papers, upkeep, listings, _open_key_log(resources, operators))


def _open_key_log(resources: Resources, operators: Operators) -> KeyLog | None:
    path = resources.settings.mirror_path
    if path is None or not resources.share.leads:
        return None
    return KeyLog(
        path,
        operators.identities,
        service=resources.settings.public_url,
        clock=resources.clock,
        timer=resources.timer,
    )
