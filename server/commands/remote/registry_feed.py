"""
`touchstone registry changes` and `subscriber`: what changed, and who is told of it. Over the operator API.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from server.commands.remote.api import REASON, OperatorApi, operator_api, segment
from server.commands.terminal import note, print_json, row, say

if TYPE_CHECKING:
    from registry.feed.changes import ChangePage, ChangeView
    from registry.feed.views import SubscriberView

CHANGES = "/operator/registry/changes"
SUBSCRIBERS = "/operator/registry/subscribers"
PAGE = 500  # changes
KINDS = ("entity", "authority", "authorization", "recognition", "delegation")
KIND = click.option("--kind", type=click.Choice(KINDS), help="Only facts of this kind.")
AUTHORITY = click.option(
    "--authority", metavar="ID", help="Only what this authority is, grants and delegates."
)
ENTITY = click.option("--entity", metavar="ID", help="Only what this entity is, is granted and delegates.")
SUBSCRIBER = click.argument("subscriber_id", metavar="ID")
_POSITION = click.IntRange(min=0, max=2**53)


@click.command("changes")
@click.option("--since", default=0, type=_POSITION, help="The position after which to begin; without: all.")
@KIND
@AUTHORITY
@ENTITY
@click.option("--json", "as_json", is_flag=True, help="Each change with its fact, as JSON.")
def registry_changes(since: int, as_json: bool, **wanted: str | None) -> None:
    """
    Print what changed, and who changed it. One a line, separated by tabs: position, when it was recorded, what,
    kind, id, since when it holds, whether that is late, occasion, who.
    """
    with operator_api() as api:
        for page in _pages(api, since, wanted):
            for change in page.changes:
                print_json(change) if as_json else _print(change)


@click.group("subscriber")
def registry_subscriber() -> None:
    """Say who is told of changes, by signed events over HTTPS."""


@registry_subscriber.command("add")
@SUBSCRIBER
@click.argument("url")
@click.option(
    "--audience", required=True, metavar="AUD", help="The `aud` of the events, as the receiver expects it."
)
@click.option(
    "--since", default=None, type=_POSITION, help="Tell all after this position; without: from now on."
)
@KIND
@AUTHORITY
@ENTITY
@REASON
def subscriber_add(
    subscriber_id: str,
    url: str,
    audience: str,
    since: int | None,
    kind: str | None,
    authority: str | None,
    entity: str | None,
) -> None:
    """Tell whoever answers at URL of changes. It is https, on a public host."""
    from registry.feed.changes import Filter
    from registry.feed.views import CreateSubscriber, SubscriberView

    filters = Filter(kind=kind, authority=authority, entity=entity)  # type: ignore[arg-type]
    wanted = CreateSubscriber(id=subscriber_id, url=url, audience=audience, filters=filters, since=since)
    with operator_api() as api:
        added = api.post(SUBSCRIBERS, SubscriberView, wanted)
        _expect(api, added, subscriber_id)
    say(f"{added.id} is told of changes after position {added.position}, at {added.url}")


@registry_subscriber.command("list")
def subscriber_list() -> None:
    """
    Print all of them. One a line, separated by tabs: id, position, how many changes wait, failures in a row, when
    it is tried next, URL, why it failed last.
    """
    from registry.feed.views import SubscriberPage

    with operator_api() as api:
        subscribers = api.get(SUBSCRIBERS, SubscriberPage).subscribers
    if not subscribers:
        note("nobody is told of changes; `touchstone registry subscriber add` adds somebody")
    for one in subscribers:
        figures = (str(figure) for figure in (one.position, one.waiting, one.failures))
        row(one.id, *figures, one.next_try_at or "-", one.url, one.last_error or "-")


@registry_subscriber.command("remove")
@SUBSCRIBER
@REASON
def subscriber_remove(subscriber_id: str) -> None:
    """Tell somebody nothing any more."""
    from registry.feed.views import SubscriberView

    with operator_api() as api:
        removed = api.send("DELETE", f"{SUBSCRIBERS}/{segment(subscriber_id)}", SubscriberView, b"")
        _expect(api, removed, subscriber_id)
    say(f"{removed.id} is told nothing any more; it had everything up to position {removed.position}")


@registry_subscriber.command("replay")
@SUBSCRIBER
@click.option("--from", "position", required=True, type=_POSITION, help="Tell all after this position.")
@REASON
def subscriber_replay(subscriber_id: str, position: int) -> None:
    """Tell somebody all that comes after a position: again, or without what it cannot take."""
    from registry.feed.views import Replay, SubscriberView

    with operator_api() as api:
        path = f"{SUBSCRIBERS}/{segment(subscriber_id)}/replay"
        moved = api.post(path, SubscriberView, Replay(from_=position))
        _expect(api, moved, subscriber_id)
    say(f"{moved.id} is told all after position {position}")


def _pages(api: OperatorApi, since: int, wanted: dict[str, str | None]) -> "Iterator[ChangePage]":
    """Yield page after page until all is told; who leads in a circle is no server of ours."""
    from registry.feed.changes import ChangePage

    while True:
        page = api.get(CHANGES, ChangePage, since=since, limit=PAGE, **wanted)
        yield page
        if page.next >= page.last:
            return
        api.expect(page.next > since, "a page that does not go on")
        since = page.next


def _print(change: "ChangeView") -> None:
    late = "late" if change.late else "-"
    times = (change.effective_at, late, change.occasion)
    row(
        str(change.position),
        change.recorded_at,
        change.what,
        change.kind,
        change.id,
        *times,
        change.actor or "-",
    )


def _expect(api: OperatorApi, view: "SubscriberView", subscriber_id: str) -> None:
    api.expect(view.id == subscriber_id, "about another subscriber")
