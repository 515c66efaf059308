"""
`touchstone registry report`: what an auditor asks. One row a line, separated by tabs; or as JSON lines.
"""

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from server.commands.remote.api import OperatorApi, Query, operator_api
from server.commands.terminal import escaped, note, row

REPORTS = "/operator/registry/reports"
HISTORY = "/operator/registry/history"
_JSON = click.option("--json", "as_json", is_flag=True, help="Print each row as JSON.")
_SINCE = click.option("--since", metavar="TIME", help="Only from this time on.")
_UNTIL = click.option("--until", metavar="TIME", help="Only before this time.")


@click.group("report")
def registry_report() -> None:
    """Print what an auditor asks."""


@registry_report.command("access")
@_JSON
def report_access(as_json: bool) -> None:
    """Who may do what. Principal, kind, role, scope, who granted it, when, until when."""
    from registry.reports.shapes import AccessPage

    columns = ("principal", "kind", "role", "scope", "granted_by", "granted_at", "ends_at")
    _print("access", AccessPage, columns, as_json=as_json)


@registry_report.command("approvals")
@_SINCE
@_UNTIL
@_JSON
def report_approvals(since: str | None, until: str | None, as_json: bool) -> None:
    """Who decided what. Approval, what became of it, action, subject, author, who decided, when, why."""
    from registry.reports.shapes import ApprovedPage

    columns = ("approval", "state", "action", "subject", "author", "decided_by", "decided_at", "reason")
    _print("approvals", ApprovedPage, columns, as_json=as_json, since=since, until=until)


@registry_report.command("reviews")
@click.option(
    "--days", default=0, type=click.IntRange(0, 3_660), help="Also what is due within so many days."
)
@_JSON
def report_reviews(days: int, as_json: bool) -> None:
    """What was to be looked at again. When, kind, id, what it is."""
    from registry.reports.shapes import DuePage

    _print("reviews", DuePage, ("at", "kind", "id", "about"), as_json=as_json, days=days)


@registry_report.command("ends")
@click.option("--days", default=30, show_default=True, type=click.IntRange(0, 3_660))
@_JSON
def report_ends(days: int, as_json: bool) -> None:
    """What ends soon. When, "end" or "identifier-end" (a key or a certificate), kind, id, what it is."""
    from registry.reports.shapes import DuePage

    _print("ends", DuePage, ("at", "what", "kind", "id", "about"), as_json=as_json, days=days)


@registry_report.command("changes")
@_SINCE
@_UNTIL
@_JSON
def report_changes(since: str | None, until: str | None, as_json: bool) -> None:
    """What was changed. When it was recorded, what, kind, id, revision, from when on, "late", by whom, how."""
    from registry.reports.shapes import ChangesPage

    _print("changes", ChangesPage, CHANGE, as_json=as_json, since=since, until=until)


CHANGE = ("recorded_at", "what", "kind", "id", "revision", "effective_at", "is_late", "actor", "occasion")


def print_rows(rows: Iterator[Any], columns: tuple[str, ...], *, as_json: bool) -> bool:
    """Print rows; tell whether there was any."""
    is_any = False
    for each in rows:
        is_any = True
        if as_json:
            click.echo(escaped(msgspec.json.encode(each).decode()))
        else:
            row(*(_cell(name, getattr(each, name)) for name in columns))
    return is_any


def rows_of(api: OperatorApi, path: str, shape: type[Any], **query: Query) -> Iterator[Any]:
    """Yield the rows of all pages."""
    for page in api.pages(path, shape, **query):
        yield from page.rows


def _print(
    name: str, shape: Callable[..., Any], columns: tuple[str, ...], *, as_json: bool, **query: Query
) -> None:
    with operator_api() as api:
        found = rows_of(api, f"{REPORTS}/{name}", shape, **query)  # type: ignore[arg-type]
        if not print_rows(found, columns, as_json=as_json):
            note("there is nothing to report")


def _cell(name: str, value: Any) -> str:
    if name == "is_late":
        return "late" if value else "-"
    return "-" if value is None else str(value)
