"""
`touchstone status export`: all published lists as files, for a plain file server, fetched as any mirror does.
"""

from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from server.commands.terminal import EXIT_AWAY, fail, run, say, settings_or_exit

STATE = ".touchstone-export.json"  # beside the lists: how far the last export came


class State(msgspec.Struct):
    """The position up to which a folder has everything of one server, of whom, and each file's tag by its URL."""

    url: str
    issuer: str | None
    position: int = 0
    etags: dict[str, str] = {}


@click.command()
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--issuer", metavar="ISSUER", help="Only the lists of this issuer.")
def export(folder: Path, issuer: str | None) -> None:
    """
    Write every published list into a folder, each at the path of its address.

    To run it again fetches only what was published since, and files that are gone. Nothing is deleted. Lists end (a
    day by default), so run it often.
    """
    url = settings_or_exit().public_url
    run(lambda: _export(url, folder, issuer))


async def _export(url: str, folder: Path, issuer: str | None) -> None:
    from statuslist.client import RequestRefused, StatusListClient, StatusListsUnavailable

    state = _state_of(folder, url, issuer)
    written = 0
    try:
        async with StatusListClient(url) as client:
            more = True
            while more:
                page = await client.get_changes(since=state.position, issuer=issuer)
                for form in (form for found in page.sets for form in found.forms):
                    if state.etags.get(form.url) != form.etag:
                        _write(folder, form.url, await client.get_form(form.url))
                        state.etags[form.url] = form.etag
                        written += 1
                state.position, more = page.next, page.more
                _keep(folder, state)
                say(f"{written} files up to position {state.position}")
    except (RequestRefused, StatusListsUnavailable) as error:
        fail(f"{url}: {error}; what was written stays, and the next run goes on from there", EXIT_AWAY)


def _state_of(folder: Path, url: str, issuer: str | None) -> State:
    """Return how far the folder is; it begins anew where it is of another server, or of other issuers."""
    try:
        state = msgspec.json.decode((folder / STATE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State(url, issuer)
    is_same = (state.url, state.issuer) == (url, issuer)
    return _with_what_is_there(state, folder) if is_same else State(url, issuer)


def _with_what_is_there(state: State, folder: Path) -> State:
    """Return the state, asking from the beginning where files are gone; those that are there are not fetched."""
    kept = {url: etag for url, etag in state.etags.items() if _place(folder, url).is_file()}
    return state if kept == state.etags else State(state.url, state.issuer, etags=kept)


def _keep(folder: Path, state: State) -> None:
    from storage import replace_durably

    folder.mkdir(parents=True, exist_ok=True)
    replace_durably(folder / STATE, msgspec.json.encode(state))


def _write(folder: Path, url: str, body: bytes) -> None:
    from storage import replace_durably

    place = _place(folder, url)
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(place, body)


def _place(folder: Path, url: str) -> Path:
    """Return where the list of an address belongs; the command ends where that is no address of a list."""
    from statuslist.formats.forms import is_list_path

    path = urlsplit(url).path.lstrip("/")
    if not is_list_path(path):
        fail(f"the server names a list at {url[:200]!r}, which is no place for one", EXIT_AWAY)
    return folder / path
