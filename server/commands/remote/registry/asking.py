"""
`touchstone registry check | history`: what is answered about one time with what was known at another; and why.
"""

import click

from server.commands.remote.api import operator_api
from server.commands.remote.registry.facts import KINDS
from server.commands.remote.registry.reports import CHANGE, HISTORY, print_rows, rows_of
from server.commands.terminal import print_json, printable

CHECK = "/operator/registry/check"


@click.command("check")
@click.argument("authority")
@click.argument("entity")
@click.argument("action")
@click.argument("resource")
@click.option("--kind", type=click.Choice(("authorization", "recognition")), default="authorization")
@click.option("--at", metavar="TIME", help="The time that the question is about; else now.")
@click.option(
    "--known-at", metavar="TIME", help="Answer with what the registry knew then; else all it knows."
)
@click.option("--json", "as_json", is_flag=True, help="Print all about the answer, as JSON.")
def registry_check(
    authority: str,
    entity: str,
    action: str,
    resource: str,
    kind: str,
    at: str | None,
    known_at: str | None,
    as_json: bool,
) -> None:
    """
    Ask whether AUTHORITY lets ENTITY do ACTION with RESOURCE.

    Prints "yes", "no" or "unknown", a word for machines that says why, and the same for people.
    """
    with operator_api() as api:
        from registry.reports.shapes import Checked

        question = {"authority": authority, "entity": entity, "action": action, "resource": resource}
        found = api.get(CHECK, Checked, kind=kind, at=at, known_at=known_at, **question)
        if as_json:
            print_json(found)
        else:
            click.echo("\t".join(map(printable, (found.decision, found.reason, found.message))))


@click.command("history")
@click.argument("fact_id", metavar="ID")
@click.option("--kind", type=click.Choice(KINDS), help="Where facts of several kinds have this id.")
@click.option("--json", "as_json", is_flag=True, help="Print each revision as JSON, with what it said.")
def registry_history(fact_id: str, kind: str | None, as_json: bool) -> None:
    """
    Print how a fact came to be what it is.

    One revision a line, separated by tabs: when it was recorded, what was done, kind, id, revision, from when on,
    "late" where the registry learned it later, by whom, on what occasion.
    """
    with operator_api() as api:
        from registry.reports.shapes import History

        print_rows(rows_of(api, HISTORY, History, id=fact_id, kind=kind), CHANGE, as_json=as_json)
