"""
`touchstone db add-issuer` and `give-up-key`: what a restore may need before any server may start.

Beside a running server the same is done by `touchstone issuer`.
"""

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from server.commands.remote.api import REASON, given_reason
from server.commands.terminal import run, say, settings_or_exit

if TYPE_CHECKING:
    from operators import Issuer, IssuerKey, Principal
    from operators.issuers.issuers import Issuers
    from server.settings import Settings
    from storage import Engine

Work = Callable[["Engine", "Issuers", "Principal"], Coroutine[Any, Any, None]]


@click.command("add-issuer")
@click.argument("issuer_id", metavar="ID")
@click.option("--owner", default="", help="Who is responsible for it, for people to read.")
@click.option("--did", default=None, help="A DID of its own. Without: this server hosts it, with new keys.")
@REASON
def db_add_issuer(issuer_id: str, owner: str, did: str | None) -> None:
    """Add an issuer that a restore misses. The server must be stopped."""
    settings = settings_or_exit()

    async def work(_: "Engine", issuers: "Issuers", operator: "Principal") -> None:
        from operators.issuers.views import CreateIssuer

        added = await issuers.create(operator, CreateIssuer(id=issuer_id, owner=owner, did=did))
        say(f"added the issuer {added.id}: {added.did}")
        if added.keys:
            names = ", ".join(f"{key.key}.pem" for key in added.keys)
            say(f"created its signing key and a spare one in {settings.key_dir}: {names}")

    _run_alone(settings, work)


@click.command("give-up-key")
@click.argument("issuer_id", metavar="ISSUER")
@click.argument("key_id", metavar="KEY")
@click.option("--since", default=None, help="Since when, such as 2026-11-30T00:00:00Z. Default: now.")
@REASON
def db_give_up_key(issuer_id: str, key_id: str, since: str | None) -> None:
    """Give up a key that others may have, before a restored database is served. The server must be stopped."""
    settings = settings_or_exit()

    async def work(database: "Engine", issuers: "Issuers", operator: "Principal") -> None:
        from operators.approvals.approvals import Approvals
        from operators.issuers.key_changes import KeyChanges
        from operators.issuers.views import CompromiseKey
        from statuslist.publishing.set_versions import sign_anew

        changes = KeyChanges(
            database,
            issuers,
            document_ttl_seconds=settings.did_document_ttl_seconds,
            why_not_listed=_unasked,
            sign_anew=sign_anew,
            approvals=Approvals(database, clock=time.time),
            clock=time.time,
        )
        key = await changes.compromise(operator, issuer_id, key_id, CompromiseKey(since=since))
        say(
            f"{key.key} of {issuer_id} is given up: what it signed since {key.compromised_since} does not count"
        )

    _run_alone(settings, work)


async def _unasked(_issuer: "Issuer", _key: "IssuerKey") -> str:
    """Nobody's document is fetched here; a running server looks for the next key of a foreign issuer."""
    return "no document is fetched while the server is stopped"


def _run_alone(settings: "Settings", work: Work) -> None:
    """Run `work` on a database that no server uses."""

    reason = given_reason()

    async def opened() -> None:
        from operators.issuers.issuers import Issuers
        from server.commands.database.opened import open_database, operator_of
        from server.commands.database.upkeep import hold
        from server.identity.own import DEFAULT_ISSUER, require_same_identity
        from server.identity.surroundings import Surroundings

        async with open_database(settings) as database:
            hold(database)
            issuers = Issuers(database, surroundings=Surroundings(settings), clock=time.time)
            require_same_identity(settings, await issuers.find(DEFAULT_ISSUER))
            await work(database, issuers, operator_of(reason))

    run(opened)
