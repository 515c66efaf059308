"""
`touchstone principal`: people and services, and what each may do. Over the operator API.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from server.commands.remote.api import REASON, operator_api, segment
from server.commands.terminal import print_json, row, say

if TYPE_CHECKING:
    from operators.access.views import AskedGrant, PrincipalView

PRINCIPALS = "/operator/principals"
ROLES = ("viewer", "allocator", "editor", "approver", "administrator", "auditor", "break-glass")
PRINCIPAL = click.argument("principal_id", metavar="PRINCIPAL")
ROLE = click.option("--role", type=click.Choice(ROLES), required=True)
SCOPE = click.option(
    "--scope", default="everything", help="everything (the default), issuer:<id> or authority:<id>."
)
GRANTS = click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="ROLE[@SCOPE]",
    help=f"A role ({', '.join(ROLES)}), for everything, or @issuer:<id> or @authority:<id>. May be repeated.",
)


@click.group()
def principal() -> None:
    """Add people and services, and say what each may do."""


@principal.command("add")
@click.argument("principal_id", metavar="ID")
@click.option("--name", default="", help="A name for people to read.")
@click.option("--person", is_flag=True, help="A person, who can decide. Without: a service.")
@click.option("--address", default=None, help="Of a person, such as an e-mail address.")
@click.option(
    "--account", nargs=2, default=None, metavar="ISS SUB", help="Who the identity provider says it is."
)
@GRANTS
@REASON
def principal_add(
    principal_id: str,
    name: str,
    person: bool,
    address: str | None,
    account: tuple[str, str] | None,
    grants: tuple[str, ...],
) -> None:
    """Add a person or a service. `touchstone key create` makes its API key."""
    from operators.access.views import CreatePrincipal, PrincipalView
    from operators.grants import Kind

    issuer, subject = account or (None, None)
    wanted = CreatePrincipal(
        id=principal_id,
        kind=Kind.PERSON if person else Kind.SERVICE,
        name=name,
        address=address,
        issuer=issuer,
        subject=subject,
        grants=tuple(map(read_grant, grants)),
    )
    with operator_api() as api:
        added = api.post(PRINCIPALS, PrincipalView, wanted)
        api.expect((added.id, added.kind) == (principal_id, wanted.kind), "about another principal")
    say(f"added the {added.kind} {added.id}; its key: touchstone key create {added.id}")


@principal.command("list")
def principal_list() -> None:
    """Print all of them. One a line, separated by tabs: id, kind, whether active, grants, name."""
    from operators.access.views import PrincipalPage

    with operator_api() as api:
        for page in api.pages(PRINCIPALS, PrincipalPage):
            for found in page.principals:
                grants = ",".join(f"{grant.role}@{grant.scope}" for grant in found.grants) or "-"
                state = "deactivated" if found.deactivated_at else "active"
                row(found.id, found.kind, state, grants, found.name or "-")


@principal.command("show")
@PRINCIPAL
def principal_show(principal_id: str) -> None:
    """Print all about a principal, as JSON."""
    from operators.access.views import PrincipalView

    with operator_api() as api:
        print_json(api.get(f"{PRINCIPALS}/{segment(principal_id)}", PrincipalView))


@principal.command("grant")
@PRINCIPAL
@ROLE
@SCOPE
@REASON
def principal_grant(principal_id: str, role: str, scope: str) -> None:
    """Give a principal a role."""
    wanted = read_grant(f"{role}@{scope}")
    _change(principal_id, "grants", lambda now: _has(now, wanted), wanted)
    say(f"{principal_id} is {role} of {scope}")


@principal.command("ungrant")
@PRINCIPAL
@ROLE
@SCOPE
@REASON
def principal_ungrant(principal_id: str, role: str, scope: str) -> None:
    """Take a role away."""
    wanted = read_grant(f"{role}@{scope}")
    _change(principal_id, "grants/end", lambda now: not _has(now, wanted), wanted)
    say(f"{principal_id} is not {role} of {scope} any more")


@principal.command("deactivate")
@PRINCIPAL
@REASON
def principal_deactivate(principal_id: str) -> None:
    """Let a principal do nothing more. It stays known, for the audit trail."""
    _change(principal_id, "deactivate", lambda now: now.deactivated_at is not None)
    say(f"{principal_id} can do nothing more; touchstone principal reactivate {principal_id}")


@principal.command("reactivate")
@PRINCIPAL
@REASON
def principal_reactivate(principal_id: str) -> None:
    """Let a deactivated principal act again. It has the keys and grants that it had."""
    _change(principal_id, "reactivate", lambda now: now.deactivated_at is None)
    say(f"{principal_id} is active")


@principal.command("erase")
@PRINCIPAL
@REASON
def principal_erase(principal_id: str) -> None:
    """
    Forget who a deactivated person is.

    That is the name, the address and the account. What the person did stays in the audit trail.
    """
    _change(principal_id, "erase", lambda now: not any((now.name, now.address, now.issuer, now.subject)))
    say(f"forgot who {principal_id} is; what it did stays in the audit trail, under that id")


def read_grant(text: str) -> "AskedGrant":
    """Read `role` or `role@scope`."""
    from operators.access.views import AskedGrant
    from operators.grants import Role

    role, _, scope = text.partition("@")
    if role not in ROLES:
        raise click.UsageError(f"{text!r}: expected ROLE or ROLE@SCOPE, with a role of {', '.join(ROLES)}")
    return AskedGrant(scope or "everything", Role(role))


def _change(
    principal_id: str,
    path: str,
    is_done: "Callable[[PrincipalView], bool]",
    asked: "AskedGrant | None" = None,
) -> None:
    """Change a principal; end the command where the answer is about another, or says that it is not done."""
    from operators.access.views import PrincipalView

    with operator_api() as api:
        now = api.post(f"{PRINCIPALS}/{segment(principal_id)}/{path}", PrincipalView, asked)
        api.expect(now.id == principal_id, "about another principal")
        api.expect(is_done(now), f"that nothing has changed about {principal_id}")


def _has(principal: "PrincipalView", wanted: "AskedGrant") -> bool:
    return any((grant.role, grant.scope) == (wanted.role, wanted.scope) for grant in principal.grants)
