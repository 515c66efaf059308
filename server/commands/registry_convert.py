"""
`touchstone registry convert`: files of others, as change sets for this registry. Asks no server.

What comes out goes through `touchstone registry change-set new -f`, so that one person sees what it changes, and
another one may have to agree.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from server.commands.terminal import EXIT_USAGE, fail, note, print_json, say, told
from wire import parse_utc

if TYPE_CHECKING:
    from registry.imports.terms import Right, Terms
    from registry.placed import Placed

F = TypeVar("F", bound=Callable[..., Any])
MAX_FILE_BYTES = 16 * 1_048_576  # 16 MiB; as `registry.imports`
MAX_OPERATIONS = 1_000  # of one change set
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _since(_: click.Context, __: click.Parameter, text: str | None) -> int:
    try:
        return int(time.time()) * 1_000_000 if text is None else parse_utc(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _options(command: F) -> F:
    """Add what every file needs."""
    authority = click.option(
        "--authority", required=True, metavar="ID", help="In whose name it grants: an id, or a DID."
    )
    since = click.option(
        "--since", metavar="TIME", callback=_since, help="When began what the file gives no time for; now."
    )
    return authority(since(command))


_RIGHT = click.option(
    "--right",
    "rights",
    required=True,
    multiple=True,
    metavar="ACTION:RESOURCE",
    help="What whoever is in the file may do; as often as needed.",
)


@click.group("convert")
def registry_convert() -> None:
    """
    Turn a file of others into a change set.

    It is printed as JSON; `touchstone registry change-set new -f` takes it.
    """


@registry_convert.command("dcc")
@click.argument("file", type=_FILE)
@_RIGHT
@_options
def convert_dcc(file: Path, rights: tuple[str, ...], authority: str, since: int) -> None:
    """Convert FILE, a registry file of the Digital Credentials Consortium."""
    from registry.imports.dcc import placed_dcc

    with told():
        _print(file, placed_dcc(_bytes_of(file), _terms(authority, rights), lambda *_: since))


@registry_convert.command("pem")
@click.argument("file", type=_FILE)
@click.option("--name", metavar="NAME", help="Make one entity of this name of all; else each is its own.")
@_RIGHT
@_options
def convert_pem(file: Path, name: str | None, rights: tuple[str, ...], authority: str, since: int) -> None:
    """Convert FILE, certificates in PEM."""
    from registry.imports.anchors import placed_anchors

    with told():
        as_one = None if name is None else {"und": name}
        terms = _terms(authority, rights)
        _print(file, placed_anchors(_bytes_of(file), terms, lambda *_: since, as_one=as_one))


@registry_convert.command("lote")
@click.argument("file", type=_FILE)
@click.option(
    "--anchors", required=True, type=_FILE, help="Certificates in PEM, of whom you trust to sign the list."
)
@click.option(
    "--service",
    "services",
    required=True,
    multiple=True,
    metavar="TYPE=ACTION:RESOURCE",
    help="What a service of this ServiceTypeIdentifier may do; as often as needed.",
)
@_options
def convert_lote(file: Path, anchors: Path, services: tuple[str, ...], authority: str, since: int) -> None:
    """Convert FILE, a signed list of trusted entities (ETSI TS 119 602), if it is in force."""
    from registry.imports.lote.meaning import ListTerms, meaning_of
    from registry.imports.lote.reading import read_list
    from registry.imports.lote.signature import read_list_anchors, verify_list

    now = int(time.time() * 1_000_000)
    with told():
        signed = verify_list(_bytes_of(file), read_list_anchors(_bytes_of(anchors)), now=now)
        current = read_list(signed, now=now, last=None)
        meaning = meaning_of(current, ListTerms(authority, _by_type(services)), lambda *_: since)
        for pointer, detail in meaning.remarks:
            say(f"{pointer}: {detail}")
        _print(file, meaning.items)


def _bytes_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_FILE_BYTES + 1)  # A longer one is refused without the rest of it.


def _terms(authority: str, rights: Iterable[str]) -> "Terms":
    from registry.imports.terms import Terms

    return Terms(authority, tuple(map(_right, rights)))


def _by_type(services: Iterable[str]) -> dict[str, tuple["Right", ...]]:
    found: dict[str, tuple[Right, ...]] = {}
    for service in services:
        kind, is_there, right = service.rpartition("=")
        if not is_there:
            fail(f"--service {service}: expected TYPE=ACTION:RESOURCE", EXIT_USAGE)
        found[kind] = (*found.get(kind, ()), _right(right))
    return found


def _right(text: str) -> "Right":
    import msgspec

    from registry.imports.terms import Right

    action, _, resource = text.partition(":")
    try:
        return msgspec.convert({"action": action, "resource": resource}, Right)
    except msgspec.ValidationError:
        fail(f"{text}: expected ACTION:RESOURCE, in visible ASCII without spaces", EXIT_USAGE)


def _print(file: Path, items: Iterable["Placed"]) -> None:
    import msgspec

    operations = [{"op": "add", "kind": each.kind, "fact": msgspec.to_builtins(each.item)} for each in items]
    if len(operations) > MAX_OPERATIONS:
        fail(f"the file makes {len(operations)} changes; a change set may have {MAX_OPERATIONS}: split it")
    if not operations:
        note("the file grants nothing by these terms")
    print_json({"title": f"From {file.name[:150]}", "operations": operations})
