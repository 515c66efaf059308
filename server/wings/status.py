"""
The status lists: allocated, changed, published, checked.
"""

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from credentials.keys.issuer_metadata import IssuerMetadata
from registry.trust import Trust
from resolver import Resolver
from server.edge.hot_table import HotTable
from server.object_store import ObjectStore
from server.settings.policy import policy_of
from server.wings.operators import Operators
from server.wings.resources import Resources
from statuslist.checking.checker import Checker
from statuslist.entries.references import ReferenceKey
from statuslist.entries.sets import StatusSets
from statuslist.formats.forms import paths_of
from statuslist.populations.manifests import Manifests
from statuslist.publishing.answers import own_list
from statuslist.publishing.mirror import Mirror, has_lists
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from statuslist.publishing.read_back import ReadBack
from statuslist.publishing.uploading import Uploader
from storage import ServedMark


class StatusWing(msgspec.Struct, frozen=True):
    sets: StatusSets
    publisher: Publisher
    manifests: Manifests
    checker: Checker
    mirror: Mirror | None
    uploader: Uploader | None
    read_back: ReadBack


def open_status_wing(
    resources: Resources,
    operators: Operators,
    resolver: Resolver,
    hot: HotTable,
    metadata: IssuerMetadata,
    trust: Trust,
) -> StatusWing:
    """Return what allocates and changes, what publishes, and what checks."""
    mirror = _open_mirror(resources)
    uploader = _open_uploader(resources, operators)
    publisher = _open_publisher(
        resources, operators, hot, [to for to in (mirror, uploader) if to is not None]
    )
    place = resources.settings.mirror_path
    sets = StatusSets(
        resources.database,
        clock=resources.clock,
        random_bytes=secrets.token_bytes,
        base_url=resources.settings.public_url,
        on_changed=publisher.wake,
        max_entries_per_issuer=resources.settings.max_entries_per_issuer,
        was_published=partial(has_lists, place) if place is not None else lambda _: False,
        reference_key=ReferenceKey(resources.settings.reference_key_path),
    )
    manifests = Manifests(
        resources.database,
        signer_of=operators.identities.signer_of,
        validity_seconds=resources.settings.list_validity_seconds,
        clock=resources.clock,
    )
    checker = Checker(
        resolver=resolver,
        fetcher=resources.guard.fetch_stranger,
        own_list=partial(own_list, publisher.lists, publisher.demand),
        metadata=metadata,
        anchors_of=trust.anchors_of,
        clock=resources.clock,
        timer=resources.timer,
        canonicalize_rdf=resources.canonicalize_rdf,
    )
    read_back = ReadBack(resources.database, publisher.lists, mirror, operators.alarms.state)
    return StatusWing(sets, publisher, manifests, checker, mirror, uploader, read_back)


def _open_mirror(resources: Resources) -> Mirror | None:
    path = resources.settings.mirror_path
    return Mirror(path) if resources.share.leads and path is not None else None


def _open_uploader(resources: Resources, operators: Operators) -> Uploader | None:
    settings = resources.settings
    if not settings.publish_url or not resources.share.leads:
        return None
    files = (settings.publish_options_file, settings.dangerously_trusted_ca_file)
    store = ObjectStore(settings.publish_url, *(Path(file) if file else None for file in files))
    return Uploader(
        store.url,
        store.open,
        ttl_seconds=settings.list_ttl_seconds,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )


def _open_publisher(
    resources: Resources, operators: Operators, hot: HotTable, copies: Sequence[Mirror | Uploader]
) -> Publisher:
    def on_published(published: Published) -> None:
        hot.evict(path.encode() for path in paths_of(published.list_id))
        for copy in copies:
            copy.take(published)

    board = resources.share.board
    return Publisher(
        resources.database,
        signer_of=operators.identities.signer_of,
        clock=resources.clock,
        timer=resources.timer,
        policy=policy_of(resources.settings),
        on_published=on_published,
        on_state=operators.alarms.state,
        mark=ServedMark(board.list_marks, resources.share.slot) if board is not None else None,
    )
