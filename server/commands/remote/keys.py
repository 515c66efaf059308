"""
`touchstone key`: API keys of people and services. Over the operator API.

The text of a key is shown once: in a file of mode 0600, or on stdout where `--print` asks for it; it is never an
argument, which every process of the machine could read.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from server.commands.remote.api import REASON, OperatorApi, operator_api, segment
from server.commands.remote.principals import GRANTS, PRINCIPALS, read_grant
from server.commands.secret_file import SECRET_FILE, new_secret_file
from server.commands.terminal import note, row, say, settings_or_exit, told

if TYPE_CHECKING:
    from operators.access.views import MadeKey

F = TypeVar("F", bound=Callable[..., Any])

KEYS = "/operator/keys"
PRINT = click.option("--print", "is_printed", is_flag=True, help="Print the key instead, on stdout.")
EXPIRES = click.option(
    "--expires", default=None, help="When it ends, such as 2027-01-31T00:00:00Z. Default: in 90 days."
)
# A public id may begin with a hyphen, and then hold an h.
_ANY_ID = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


def _file_option(name: str) -> Callable[[F], F]:
    text = f"Where to write it. Default: <key dir>/{name}.key"
    return click.option("--file", "path", type=SECRET_FILE, help=text)


@click.group()
def key() -> None:
    """Create, list, rotate or revoke API keys."""


@key.command("create")
@click.argument("principal_id", metavar="PRINCIPAL")
@_file_option("<principal>")
@PRINT
@EXPIRES
@GRANTS
@REASON
def key_create(
    principal_id: str, path: Path | None, is_printed: bool, expires: str | None, grants: tuple[str, ...]
) -> None:
    """Make an API key, in a new file that only you can read. With --grant it may do no more than that."""
    from operators.access.views import CreateKey, MadeKey

    asked = CreateKey(grants=tuple(map(read_grant, grants)) or None, expires_at=expires)

    def make() -> MadeKey:
        with operator_api() as api:
            made = api.send_once(f"{PRINCIPALS}/{segment(principal_id)}/keys", MadeKey, asked)
            api.expect(made.key.principal == principal_id, "with a key of another principal")
            return _checked(api, made)

    _keep(make, path, principal_id, is_printed)


@key.command("rotate", context_settings=_ANY_ID)
@click.argument("public_id", metavar="PUBLIC_ID")
@click.option("--overlap", type=click.IntRange(0, 2_592_000), default=86_400, help="Seconds. Default: a day.")
@_file_option("after-<public id>")
@PRINT
@EXPIRES
@REASON
def key_rotate(
    public_id: str, overlap: int, path: Path | None, is_printed: bool, expires: str | None
) -> None:
    """Replace an API key by a new one. The old one works for --overlap more."""
    from operators.access.views import MadeKey, RotateKey

    asked = RotateKey(overlap_seconds=overlap, expires_at=expires)

    def make() -> MadeKey:
        with operator_api() as api:
            return _checked(api, api.send_once(f"{KEYS}/{segment(public_id)}/rotate", MadeKey, asked))

    _keep(make, path, f"after-{public_id}", is_printed)


@key.command("list")
@click.argument("principal_id", metavar="[PRINCIPAL]", required=False)
def key_list(principal_id: str | None) -> None:
    """
    Print every API key, without its secret.

    One a line, separated by tabs: public id, principal, when created, when it ends, when revoked, when last used
    (to the hour), grants that it is narrowed to, who made it, with which API key; `-` for none.
    """
    from operators.access.views import ApiKeyPage, PrincipalPage

    is_any = False
    with operator_api() as api:
        pages = api.pages(PRINCIPALS, PrincipalPage) if principal_id is None else ()
        ids = (
            (one.id for page in pages for one in page.principals) if principal_id is None else [principal_id]
        )
        for found in (
            found for name in ids for found in api.get(f"{PRINCIPALS}/{segment(name)}/keys", ApiKeyPage).keys
        ):
            is_any = True
            times = (found.created_at, found.expires_at, found.revoked_at, found.last_used)
            limits = ",".join(f"{one.role}@{one.scope}" for one in found.limits or ())
            made = (found.made_by, found.made_with or "-")
            row(found.key, found.principal, *(at or "-" for at in times), limits or "-", *made)
    if not is_any:
        note("there are no API keys")


@key.command("revoke", context_settings=_ANY_ID)
@click.argument("public_id", metavar="PUBLIC_ID")
@REASON
def key_revoke(public_id: str) -> None:
    """
    Revoke an API key, and those made with it.

    It takes along keys of the same principal only. The public id is the middle part of the key
    (tsk_<public id>_...), and what `touchstone key list` shows.
    """
    from operators.access.views import ApiKeyView

    with operator_api() as api:
        revoked = api.post(f"{KEYS}/{segment(public_id)}/revoke", ApiKeyView)
        is_done = revoked.key == public_id and revoked.revoked_at is not None
        api.expect(is_done, f"that {public_id} is not revoked")
    say(f"revoked the key {public_id}")
    for also in revoked.also_revoked:
        say(f"and the key {also}, which was made with it")
    if revoked.replaced_by is not None:
        say(f"the key {revoked.replaced_by}, which took its place, goes on")


def _checked(api: OperatorApi, made: "MadeKey") -> "MadeKey":
    """Return what was made; end the command where it is no key, or another than the answer says."""
    from operators.actors.api_keys import parse_api_key

    parsed = parse_api_key(made.api_key)
    api.expect(parsed is not None and parsed.public_id == made.key.key, "with what is no API key")
    return made


def _keep(make: "Callable[[], MadeKey]", path: Path | None, name: str, is_printed: bool) -> None:
    """Make a key and keep it where it was asked for; the file is opened first, so that no key is lost."""
    if is_printed:
        made = make()
        click.echo(made.api_key)
    else:
        with told():
            target = path or Path(settings_or_exit().key_dir) / f"{_file_name(name)}.key"
            with new_secret_file(target) as file:
                made = make()
                file.write(made.api_key + "\n")
        say(f"created the key {made.key.key}, in {target} (mode 0600); it ends {made.key.expires_at}")
    if made.approval is not None and made.approval.state == "pending":
        say(f"it works once another person has approved it: approval {made.approval.approval}")


def _file_name(name: str) -> str:
    from wire import BadRequest

    if "/" in name or name.startswith("."):
        raise BadRequest(f"{name!r} is no name of a principal")
    return name
