"""
The status lists: allocated, changed, published, checked.
"""

import secrets
from functools import partial

import msgspec

from resolver import Resolver
from server.edge.hot_table import HotTable
from server.settings.policy import policy_of
from server.wings.operators import Operators
from server.wings.resources import Resources
from statuslist.checking.checker import Checker
from statuslist.entries.sets import StatusSets
from statuslist.publishing.answers import own_list
from statuslist.publishing.mirror import Mirror, has_lists
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from storage import ServedMark


class StatusWing(msgspec.Struct, frozen=True):
    sets: StatusSets
    publisher: Publisher
    checker: Checker
    mirror: Mirror | None


def open_status_wing(
    resources: Resources, operators: Operators, resolver: Resolver, hot: HotTable
) -> StatusWing:
    """Return what allocates and changes, what publishes, and what checks."""
    mirror = _open_mirror(resources)
    publisher = _open_publisher(resources, operators, hot, mirror)
    place = resources.settings.mirror_path
    sets = StatusSets(
        resources.database,
        clock=resources.clock,
        random_bytes=secrets.token_bytes,
        base_url=resources.settings.public_url,
        on_changed=publisher.wake,
        max_entries_per_issuer=resources.settings.max_entries_per_issuer,
        was_published=partial(has_lists, place) if place is not None else lambda _: False,
    )
    checker = Checker(
        resolver=resolver,
        fetcher=resources.guard.fetch_stranger,
        own_list=partial(own_list, publisher.lists, publisher.demand),
        clock=resources.clock,
        timer=resources.timer,
    )
    return StatusWing(sets, publisher, checker, mirror)


def _open_mirror(resources: Resources) -> Mirror | None:
    path = resources.settings.mirror_path
    return Mirror(path) if resources.share.leads and path is not None else None


def _open_publisher(
    resources: Resources, operators: Operators, hot: HotTable, mirror: Mirror | None
) -> Publisher:
    def on_published(published: Published) -> None:
        hot.evict(f"/status-lists/{published.list_id}".encode())
        if mirror is not None:
            mirror.take(published)

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
