"""
`touchstone status export`: all published lists as files, for a plain file server, fetched as any mirror does.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import msgspec

from server.commands.terminal import EXIT_AWAY, EXIT_BY_STATUS, fail, run, say, settings_or_exit

if TYPE_CHECKING:
    from statuslist.client import ChangedSets, StatusListClient

STATE = ".touchstone-export.json"  # beside the lists: how far the last export came
TRIES = 4  # of each page of changes, until all its lists come in the versions that it tells
PAUSE_SECONDS = 0.5  # between them; another node learns of a version within one such pause, as a rule


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
    try:
        async with StatusListClient(url) as client:
            try:
                missed = await _follow(client, folder, state)
            except RequestRefused as error:
                if error.status != 410:  # of another deployment, or of a database that is gone
                    raise
                say(f"nothing was published at position {state.position}: beginning again from 0")
                state.position = 0
                missed = await _follow(client, folder, state)
    except (RequestRefused, StatusListsUnavailable) as error:
        code = EXIT_BY_STATUS.get(error.status, EXIT_AWAY)
        fail(f"{url}: {error}; what was written stays, and the next run goes on from there", code)
    if missed:
        fail(
            f"{url}: {len(missed)} lists came in another version than was told, as if a cache kept an old one, such"
            f" as {missed[0]}; they were not written, and the next run asks for them again",
            EXIT_AWAY,
        )


async def _follow(client: "StatusListClient", folder: Path, state: State) -> list[str]:
    """
    Write what was published since the position of the state; return the addresses that gave another version.

    The state stays at the last position up to which all was written.
    """
    missed: list[str] = []
    since, more = state.position, True
    while more:
        page, written, missed_here = await _take_page(client, folder, state, since)
        missed += missed_here
        since, more = page.next, page.more
        if not missed:
            state.position = since
        _keep(folder, state)
        say(f"{written} files up to position {since}")
    return missed


async def _take_page(
    client: "StatusListClient", folder: Path, state: State, since: int
) -> tuple["ChangedSets", int, list[str]]:
    """Write what a page tells; return it, how many were written, and the addresses that gave another version."""
    written, left = 0, TRIES
    while True:
        page = await client.get_changes(since=since, issuer=state.issuer)
        told = {form.url: form.etag for found in page.sets for form in found.forms}
        wanted = [url for url, etag in told.items() if state.etags.get(url) != etag]
        for url in wanted:
            body = await client.get_form(url, told[url])
            if body is not None:
                _write(folder, url, body)
                state.etags[url] = told[url]
                written += 1
        missed = [url for url in wanted if state.etags.get(url) != told[url]]
        left -= 1
        if not missed or not left:
            return page, written, missed
        await asyncio.sleep(PAUSE_SECONDS)


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
