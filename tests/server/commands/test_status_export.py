"""`touchstone status export`: a folder that has what a server has, and asks for nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import Result

from server.commands.status.export import STATE, State
from server.commands.terminal import EXIT_AWAY, EXIT_NOT_FOUND
from statuslist.client import (
    Allocate,
    ChangeStatuses,
    CreateSet,
    RequestRefused,
    StatusChange,
    StatusListClient,
)
from tests.server.commands.caching import Cached, caching
from tests.server.commands.operating import run_command
from tests.server.running import Running, running_in
from wire import etag_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(tmp_path / "server") as opened:
        yield opened


async def export(running: Running, folder: Path, *more: str, url: str | None = None) -> Result:
    environment = {"TOUCHSTONE_PUBLIC_URL": url or running.url}
    return await asyncio.to_thread(
        lambda: run_command("status", "export", "--to", str(folder), *more, **environment)
    )


def state_of(folder: Path) -> State:
    return msgspec.json.decode((folder / STATE).read_bytes(), type=State)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name[0] != "."
    }


async def test_the_files_are_what_is_served_and_only_what_changed_is_fetched_again(
    running: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    first = await export(running, folder)
    again = await export(running, folder)
    async with StatusListClient(running.operator_url, api_key=running.key) as operator:
        await operator.create_set(CreateSet(id="later", purposes=("revocation",)))
        while (await operator.get_set("later")).version < 1:
            pass
    later = await export(running, folder)

    assert [result.exit_code for result in (first, again, later)] == [0, 0, 0]
    assert first.stderr.startswith("6 files")
    assert again.stderr.startswith("0 files")
    assert later.stderr.startswith("4 files")
    found = files(folder)
    assert len(found) == 10
    async with httpx.AsyncClient(base_url=running.url) as http:
        for path, body in found.items():
            assert (await http.get(f"/{path}")).content == body


async def test_a_file_that_is_gone_is_fetched_again_and_no_other(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    await export(running, folder)
    before = files(folder)
    (folder / "status-lists/sample/token.cwt").unlink()

    again = await export(running, folder)

    assert (again.exit_code, again.stderr[:7]) == (0, "1 files")
    assert files(folder) == before


@pytest.fixture
async def cached(running: Running) -> AsyncIterator[Cached]:
    async with caching(running.url) as cache:
        yield cache


async def publish_a_revocation(running: Running) -> None:
    """Return when the server gives the list with the revocation."""
    async with StatusListClient(running.operator_url, api_key=running.key) as operator:
        (entry,) = (await operator.allocate("sample", Allocate())).entries
        change = StatusChange(
            status_list_index=entry.status_list_index, status_purpose="revocation", status=1
        )
        changed = await operator.set_statuses("sample", ChangeStatuses(changes=(change,)))
        while (await operator.get_set("sample")).version < max(changed.versions.values()):
            pass


async def test_an_export_through_a_cache_has_the_revocation_that_the_cache_does_not_have(
    running: Running, cached: Cached, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    await export(running, folder, url=cached.url)
    await publish_a_revocation(running)
    async with httpx.AsyncClient(base_url=cached.url) as http:
        old = await http.get("/status-lists/sample/token.jwt")

    exported = await export(running, folder, url=cached.url)

    assert exported.exit_code == 0, exported.stderr
    assert old.headers["x-from-cache"] == "1"
    async with httpx.AsyncClient(base_url=running.url) as http:
        now = (await http.get("/status-lists/sample/token.jwt")).content
    assert old.content != now
    assert files(folder)["status-lists/sample/token.jwt"] == now


async def test_a_list_in_another_version_than_told_is_not_written_and_asked_for_again(
    running: Running, cached: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commands.status.export.PAUSE_SECONDS", 0.01)
    folder = tmp_path / "public"
    await export(running, folder, url=cached.url)
    before, state = files(folder), state_of(folder)
    await publish_a_revocation(running)
    cached.obeys = False

    stale = await export(running, folder, url=cached.url)

    assert stale.exit_code == EXIT_AWAY
    assert "lists came in another version than was told" in stale.stderr
    assert (files(folder), state_of(folder)) == (before, state)
    cached.obeys = True
    assert (await export(running, folder, url=cached.url)).exit_code == 0
    assert files(folder)["status-lists/sample/token.jwt"] != before["status-lists/sample/token.jwt"]
    assert state_of(folder).position > state.position


async def test_a_list_that_comes_late_from_another_node_is_waited_for(
    running: Running, cached: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commands.status.export.PAUSE_SECONDS", 0.01)
    folder = tmp_path / "public"
    await export(running, folder, url=cached.url)
    before = files(folder)
    await publish_a_revocation(running)
    cached.obeys, cached.obeys_after = False, 3

    exported = await export(running, folder, url=cached.url)

    assert exported.exit_code == 0, exported.stderr
    assert files(folder)["status-lists/sample/token.jwt"] != before["status-lists/sample/token.jwt"]


async def test_a_position_that_the_server_does_not_have_is_left_once_and_for_all(
    running: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    await export(running, folder)
    state = state_of(folder)
    (folder / STATE).write_bytes(msgspec.json.encode(msgspec.structs.replace(state, position=10**9)))

    again = await export(running, folder)

    assert again.exit_code == 0, again.stderr
    assert again.stderr.splitlines() == [
        "nothing was published at position 1000000000: beginning again from 0",
        f"0 files up to position {state.position}",
    ]
    assert state_of(folder) == state


async def test_an_issuer_that_is_not_there_leaves_the_folder_as_it_is(
    running: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    await export(running, folder)
    before, state = files(folder), state_of(folder)

    mistyped = await export(running, folder, "--issuer", "defualt")

    assert mistyped.exit_code == EXIT_NOT_FOUND
    assert "there is no issuer of that id" in mistyped.stderr
    assert (files(folder), state_of(folder)) == (before, state)


async def test_a_form_comes_in_the_version_that_was_told_or_not_at_all(running: Running) -> None:
    async with StatusListClient(running.url) as client:
        (form, *_) = (await client.get_changes()).sets[0].forms

        body = await client.get_form(form.url, form.etag)

        assert body is not None
        assert etag_of(body, "application/vc") == form.etag
        assert await client.get_form(form.url, '"other"') is None
        with pytest.raises(RequestRefused):
            await client.get_form(form.url.replace("sample", "nothing"), form.etag)


async def test_a_server_that_is_away_leaves_the_folder_as_it_is(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    await export(running, folder)
    before = files(folder)

    environment = {"TOUCHSTONE_PUBLIC_URL": "http://localhost:9"}
    away = await asyncio.to_thread(
        lambda: run_command("status", "export", "--to", str(folder), **environment)
    )

    assert away.exit_code == EXIT_AWAY
    assert files(folder) == before
