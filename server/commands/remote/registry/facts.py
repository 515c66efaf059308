"""
`touchstone registry add | update | suspend | resume | revoke | end`: change sets of one operation; `emergency`.

A fact is named by its id; an entity or an authority also by an identifier.
"""

from typing import TYPE_CHECKING, Any

import click

from server.commands.remote.api import NEEDED_REASON, REASON, OperatorApi, given_reason, operator_api
from server.commands.remote.registry.drafting import propose, proposes, tell
from server.commands.remote.registry.reports import HISTORY
from server.commands.terminal import EXIT_NOT_FOUND, fail

if TYPE_CHECKING:
    from registry.editing.shapes import Verb
    from registry.reports.shapes import RevisionRow

KINDS = ("entity", "authority", "authorization", "recognition", "delegation")
SUSPENSIONS = "/operator/registry/suspensions"
LISTS = frozenset({"actions", "resources", "kinds"})  # members that may be given more than once
NUMBERS = frozenset({"further", "freshness_seconds", "max_delegations"})
_KIND = click.option("--kind", type=click.Choice(KINDS), help="Where facts of several kinds have this id.")
_SINCE = click.option("--since", metavar="TIME", help="From when on; else from when it takes effect.")
_MEMBERS = click.argument("members", metavar="MEMBER=VALUE...", nargs=-1, required=True)


@click.command("add")
@click.argument("kind", type=click.Choice(KINDS))
@_MEMBERS
@proposes
@REASON
def registry_add(kind: str, members: tuple[str, ...], **proposal: Any) -> None:
    """
    Add a fact, such as

    \b
    touchstone registry add entity id=uni names.en="University" identifiers=did:web:uni.example
    touchstone registry add authorization authority_id=ministry entity_id=uni action=issue \\
        resource=Degree valid_from=2026-01-01T00:00:00Z

    Members are those of a registry file; a point leads into a member, and lists take several.
    """
    with operator_api() as api:
        from registry.editing.shapes import Operation

        fact = fact_of({}, members)
        about = fact.get("id") or fact.get("entity_id") or kind
        operation = Operation(op="add", kind=kind, fact=fact)  # type: ignore[arg-type]
        propose(api, f"Add the {kind} {about}", [operation], **proposal)


@click.command("update")
@click.argument("fact_id", metavar="ID")
@_MEMBERS
@_KIND
@click.option("--correct", is_flag=True, help="It may say something else of the past than the registry did.")
@proposes
@REASON
def registry_update(
    fact_id: str, members: tuple[str, ...], kind: str | None, correct: bool, **proposal: Any
) -> None:
    """
    Let a fact say something else: MEMBER=VALUE, as `add` has them; MEMBER= takes it out.

    With --correct also of the past, which is shown as a late correction.
    """
    with operator_api() as api:
        from registry.editing.shapes import Operation

        found = _newest(api, fact_id, kind)
        operation = Operation(
            op="correct" if correct else "change",
            kind=found.kind,  # type: ignore[arg-type]
            id=found.id,
            if_match=found.revision,
            fact=fact_of(found.fact or {}, members),
        )
        propose(api, f"{operation.op.capitalize()} the {found.kind} {found.id}", [operation], **proposal)


@click.command("suspend")
@click.argument("fact_id", metavar="ID")
@_KIND
@_SINCE
@proposes
@NEEDED_REASON
def registry_suspend(fact_id: str, kind: str | None, since: str | None, **proposal: Any) -> None:
    """Suspend a grant or a delegation. The reason is shown to whoever asks."""
    _change_state("suspend", fact_id, kind, proposal, since=since)


@click.command("resume")
@click.argument("fact_id", metavar="ID")
@_KIND
@_SINCE
@proposes
@REASON
def registry_resume(fact_id: str, kind: str | None, since: str | None, **proposal: Any) -> None:
    """Let a suspended grant or delegation hold again."""
    _change_state("resume", fact_id, kind, proposal, since=since)


@click.command("revoke")
@click.argument("fact_id", metavar="ID")
@_KIND
@_SINCE
@click.option(
    "--compromised-since",
    metavar="TIME",
    help="What was signed from then on is not to be trusted, whatever time it claims.",
)
@proposes
@NEEDED_REASON
def registry_revoke(
    fact_id: str,
    kind: str | None,
    since: str | None,
    compromised_since: str | None,
    **proposal: Any,
) -> None:
    """Revoke a grant or a delegation, for good. The reason is shown to whoever asks."""
    _change_state("revoke", fact_id, kind, proposal, since=since, compromised_since=compromised_since)


@click.command("end")
@click.argument("fact_id", metavar="ID")
@_KIND
@_SINCE
@proposes
@REASON
def registry_end(fact_id: str, kind: str | None, since: str | None, **proposal: Any) -> None:
    """Let a fact end. What it said of the time before stays so."""
    _change_state("end", fact_id, kind, proposal, since=since)


@click.command("emergency")
@click.argument("fact_ids", metavar="[ID]...", nargs=-1)
@click.option("--entity", metavar="ID", help="Suspend all that was granted to it.")
@click.option("--authority", metavar="ID", help="Only what this authority granted.")
@NEEDED_REASON
def registry_emergency(fact_ids: tuple[str, ...], entity: str | None, authority: str | None) -> None:
    """
    Suspend grants at once, though nobody else approved it.

    For the role break-glass. Everybody is told.
    """
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetView, Suspension

        asked = Suspension(
            reason=given_reason() or "", authority=authority, entity=entity, ids=list(fact_ids)
        )
        tell(api.change("POST", SUSPENSIONS, ChangeSetView, asked))


def fact_of(before: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    """Return a fact with members that are given as MEMBER=VALUE; one without a value is left out."""
    fact = {name: value for name, value in before.items() if name != "id" or not before}
    given: set[str] = set()
    for member in members:
        name, equals, value = member.partition("=")
        if not equals or not name:
            raise click.UsageError(f"Expected MEMBER=VALUE, not {member!r}.")
        _give(fact, name, value, is_first=name not in given)
        given.add(name)
    return fact


def _give(fact: dict[str, Any], name: str, value: str, *, is_first: bool) -> None:
    outer, _, inner = name.partition(".")
    if inner:
        fact[outer] = dict(fact.get(outer) or {})
        _give(fact[outer], inner, value, is_first=is_first)
    elif not value:
        fact.pop(name, None)
    elif name == "identifiers":
        fact[name] = [*([] if is_first else fact[name]), {"value": value}]
    elif name in LISTS:
        fact[name] = [*([] if is_first else fact[name]), value]
    elif name in NUMBERS and value.isdecimal():
        fact[name] = int(value)
    else:
        fact[name] = value


def _change_state(
    op: "Verb", fact_id: str, kind: str | None, proposal: dict[str, Any], **times: str | None
) -> None:
    with operator_api() as api:
        from registry.editing.shapes import Operation

        found = _newest(api, fact_id, kind)
        operation = Operation(
            op=op,
            kind=found.kind,  # type: ignore[arg-type]
            id=found.id,
            if_match=found.revision,
            reason=given_reason(),
            **times,  # type: ignore[arg-type]
        )
        propose(api, f"{op.capitalize()} the {found.kind} {found.id}", [operation], **proposal)


def _newest(api: OperatorApi, fact_id: str, kind: str | None) -> "RevisionRow":
    """Return the newest revision of a fact."""
    from registry.reports.shapes import History

    newest = None
    for page in api.pages(HISTORY, History, id=fact_id, kind=kind):
        newest = page.rows[-1] if page.rows else newest
    if newest is None or newest.fact is None:
        fail(f"there is no fact {fact_id} in the registry", EXIT_NOT_FOUND)
    return newest
