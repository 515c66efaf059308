"""
`touchstone break-glass`: an API key for an hour, when everybody is locked out. Opens the database, as servers do.

One transaction: the principal, its grants, the key, the audit row, and the alarm that tells the others. The file is
opened before, so that no key is made that nobody has.
"""

import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.commands.remote.api import NEEDED_REASON, given_reason
from server.commands.secret_file import SECRET_FILE, new_secret_file
from server.commands.terminal import ACTOR, run, say, settings_or_exit

if TYPE_CHECKING:
    from operators.actors.api_keys import ApiKey
    from operators.grants import Grant
    from storage import Transaction

PRINCIPAL = "break-glass"
ROLES = ("administrator", "break-glass")  # It lets its own requests past, where all who approve are gone.
SECONDS = 3_600  # an hour, for the key and for the grants that it carries


@click.command("break-glass")
@click.option(
    "--issuer", "issuer_ids", multiple=True, metavar="ID", help="Only for this issuer. May be repeated."
)
@click.option(
    "--file",
    "path",
    type=SECRET_FILE,
    help="Where to write the key. Default: <key dir>/break-glass-<public id>.key",
)
@NEEDED_REASON
def break_glass(issuer_ids: tuple[str, ...], path: Path | None) -> None:
    """
    Let yourself in when nobody else can.

    Makes an API key that administers everything for an hour. It needs the server's database and no API key. It
    raises an alarm and stands in the audit trail.
    """
    from operators.actors.api_keys import new_api_key
    from server.commands.database.opened import open_database

    settings, reason = settings_or_exit(), given_reason()

    async def work() -> None:
        key = new_api_key(secrets.token_bytes)
        target = path or Path(settings.key_dir) / f"{PRINCIPAL}-{key.public_id}.key"
        at = int(time.time() * 1_000_000)
        async with open_database(settings) as database:
            with new_secret_file(target) as file:
                file.write(f"{key.text}\n")
                await database.write(lambda tx: _open(tx, key, issuer_ids, reason, at=at))
        say(f"made the API key {key.public_id} of {PRINCIPAL}, in {target} (mode 0600); it ends in an hour")
        say(f"use it: TOUCHSTONE_OPERATOR_KEY_FILE={target} touchstone ...")
        say(f"others are told by an alarm; when you are done: touchstone key revoke {key.public_id}")

    run(work)


def _open(
    tx: "Transaction", key: "ApiKey", issuer_ids: tuple[str, ...], reason: str | None, *, at: int
) -> None:
    """
    Raises:
        ResourceNotFound: there is no such issuer.
        Conflict: the principal of that name is a person, or somebody else made it.
    """
    from operators import AlarmKind
    from operators.actors.key_store import KeyRow, insert_key, keys_of, revoke_key
    from operators.alarms.store import Told, tell
    from operators.noting import note
    from server.commands.database.opened import operator_of

    limits = _limits(tx, issuer_ids)
    ends_at = at + SECONDS * 1_000_000
    _let_act(tx, at=at, ends_at=ends_at)
    row = KeyRow(
        public_id=key.public_id,
        principal_id=PRINCIPAL,
        made_by=ACTOR,
        created_at=at,
        limits=limits,
        expires_at=ends_at,
    )
    for one in keys_of(tx, PRINCIPAL):  # Whoever has an earlier one would act with the grants of this one.
        revoke_key(tx, one.public_id, at)
    insert_key(tx, row, key.digest)
    scopes = sorted(str(limit.scope) for limit in limits or ()) or ["everything"]
    uid = os.getuid()
    note(
        tx,
        operator_of(reason),
        "break-glass.open",
        PRINCIPAL,
        at=at,
        key=key.public_id,
        scopes=scopes,
        uid=uid,
    )
    why = f"an API key administers {', '.join(scopes)} for an hour: {reason}"
    tell(tx, [Told(AlarmKind.BREAK_GLASS, f"the key {key.public_id} of {PRINCIPAL}", why)], at)


def _limits(tx: "Transaction", issuer_ids: tuple[str, ...]) -> "frozenset[Grant] | None":
    from operators.grants import Grant, Role, issuer_scope
    from operators.store import find_issuer
    from wire import ResourceNotFound

    for issuer_id in issuer_ids:
        if find_issuer(tx, issuer_id) is None:
            raise ResourceNotFound(f"there is no issuer {issuer_id[:63]!r}")
    return frozenset(Grant(issuer_scope(name), Role(role)) for name in issuer_ids for role in ROLES) or None


def _let_act(tx: "Transaction", *, at: int, ends_at: int) -> None:
    """Let the principal act, with its grants until `ends_at`; whoever had deactivated it is overruled."""
    from operators.actors.actor_store import Actor, find_actor, insert_actor, set_active
    from operators.actors.grant_store import OPERATOR, HeldGrant, add_grant, end_grant
    from operators.actors.schema import FORMER, adopt_older
    from operators.grants import EVERYTHING, Grant, Kind, Role
    from wire import Conflict

    adopt_older(tx)
    insert_actor(tx, Actor(id=PRINCIPAL, kind=Kind.SERVICE, name="Break glass", made_by=ACTOR, made_at=at))
    found = find_actor(tx, PRINCIPAL)
    if found is None or found.kind is not Kind.SERVICE:
        raise Conflict(f"{PRINCIPAL} is a person here; only a service can have that key")
    if found.made_by not in (ACTOR, FORMER):  # Release 0.2 had none over HTTP.
        raise Conflict(f"{found.made_by} made the principal {PRINCIPAL}, and may have what acts as it")
    set_active(tx, PRINCIPAL, True, by=ACTOR, at=at)
    for role in ROLES:
        grant = Grant(EVERYTHING, Role(role))
        end_grant(tx, PRINCIPAL, grant, by=ACTOR, at=at)
        held = HeldGrant(grant=grant, source=OPERATOR, granted_by=ACTOR, granted_at=at, ends_at=ends_at)
        add_grant(tx, PRINCIPAL, held)
