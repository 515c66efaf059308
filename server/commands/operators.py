"""
`touchstone principal` and `key`: who may act. Beside a running server, or without one.

A running server knows a new principal or key at once; a revoked key may work for half a second more. The text of
a key is shown once: in a file of mode 0600, or on stdout where `--print` asks for
it; it is never an argument, which every process of the machine could read. Each change is an audit row.
"""

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.commands.terminal import ACTOR, fail, note, run, say, settings_or_exit
from server.settings import Settings

if TYPE_CHECKING:
    from operators import Principals

Work = Callable[["Principals", Settings], Coroutine[Any, Any, None]]


@click.group()
def principal() -> None:
    """Add or list people and programs that may change things."""


@principal.command("add")
@click.argument("principal_id", metavar="ID")
@click.option("--name", required=True, help="A name for people to read.")
@click.option("--issuer", "issuer_id", default=None, help="The only issuer that it acts for. Without: all.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(["admin", "issuer", "reader"]),
    multiple=True,
    required=True,
    help="admin may do everything, issuer change its lists, reader only read. May be repeated.",
)
def principal_add(principal_id: str, name: str, issuer_id: str | None, roles: tuple[str, ...]) -> None:
    """Add a person or program. `touchstone key create` makes its key."""

    async def work(principals: "Principals", _: Settings) -> None:
        from operators import Role

        given = frozenset(Role(role) for role in roles)
        await principals.create_principal(
            principal_id, name=name, issuer_id=issuer_id, roles=given, actor=ACTOR
        )
        say(f"added the principal {principal_id}; its key: touchstone key create {principal_id}")

    _with_principals(work)


@principal.command("list")
def principal_list() -> None:
    """Print all of them. One a line, separated by tabs: id, its issuer or `*`, roles, name."""

    async def work(principals: "Principals", _: Settings) -> None:
        for found in await principals.principals():
            roles = ",".join(sorted(role.value for role in found.roles))
            click.echo("\t".join((found.id, found.issuer_id or "*", roles, found.name)))

    _with_principals(work)


@click.group()
def key() -> None:
    """Create, list or revoke API keys."""


@key.command("create")
@click.argument("principal_id", metavar="PRINCIPAL")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    help="Where to write it. Default: <key dir>/<principal>.key",
)
@click.option("--print", "is_printed", is_flag=True, help="Print the key instead, on stdout.")
@click.option("--expires", default=None, help="When it ends, such as 2027-01-31T00:00:00Z. Without: never.")
def key_create(principal_id: str, path: Path | None, is_printed: bool, expires: str | None) -> None:
    """Make an API key, in a new file that only you can read."""

    async def work(principals: "Principals", settings: Settings) -> None:
        from operators import check_id

        target = path or Path(settings.key_dir) / f"{check_id(principal_id)}.key"
        expires_at = _microseconds(expires)
        if is_printed:
            click.echo(await principals.create_key(principal_id, actor=ACTOR, expires_at=expires_at))
            return
        descriptor = _new_file(target)
        try:
            text = await principals.create_key(principal_id, actor=ACTOR, expires_at=expires_at)
        except BaseException:
            os.close(descriptor)
            target.unlink()
            raise
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        say(f"created the key {text.split('_')[1]}, in {target} (mode 0600)")

    _with_principals(work)


@key.command("list")
@click.argument("principal_id", metavar="[PRINCIPAL]", required=False)
def key_list(principal_id: str | None) -> None:
    """
    Print every API key, without its secret.

    One a line, separated by tabs: public id, principal, when created, when it ends, when revoked; `-` for never.
    """

    async def work(principals: "Principals", _: Settings) -> None:
        from wire import format_utc

        keys = await principals.keys(principal_id)
        if not keys:
            note("there are no API keys")
        for found in keys:
            times = (found.created_at, found.expires_at, found.revoked_at)
            shown = ["-" if at is None else format_utc(at) for at in times]
            click.echo("\t".join((found.public_id, found.principal_id, *shown)))

    _with_principals(work)


# A public id may begin with a hyphen, and then hold an h.
@key.command("revoke", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("public_id", metavar="PUBLIC_ID")
def key_revoke(public_id: str) -> None:
    """
    Revoke an API key.

    The public id is the middle part of the key (tsk_<public id>_...), and what `touchstone key list` shows.
    """

    async def work(principals: "Principals", _: Settings) -> None:
        await principals.revoke_key(public_id, actor=ACTOR)
        say(f"revoked the key {public_id}")

    _with_principals(work)


def _microseconds(text: str | None) -> int | None:
    from wire import parse_utc

    try:
        return None if text is None else parse_utc(text)
    except ValueError as error:
        fail(f"--expires: {error}", 2)


def _new_file(path: Path) -> int:
    from wire import Conflict

    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already; name another with --file") from None


def _with_principals(work: Work) -> None:
    from server.commands.opened import open_principals

    settings = settings_or_exit()

    async def opened() -> None:
        async with open_principals(settings) as principals:
            await work(principals, settings)

    run(opened)
