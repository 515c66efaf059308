"""`touchstone status export`: a folder that has what a server has, and asks for nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from server.commands.terminal import EXIT_AWAY
from statuslist.client import CreateSet, RequestRefused, StatusListClient
from tests.server.commands.operating import run_command
from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(tmp_path / "server") as opened:
        yield opened


async def export(running: Running, folder: Path, *more: str) -> Result:
    environment = {"TOUCHSTONE_PUBLIC_URL": running.url}
    return await asyncio.to_thread(
        lambda: run_command("status", "export", "--to", str(folder), *more, **environment)
    )


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


async def test_a_form_that_did_not_change_is_not_sent_again(running: Running) -> None:
    async with StatusListClient(running.url) as client:
        (form, *_) = (await client.get_changes()).sets[0].forms

        assert await client.get_changed_form(form.url, form.etag) is None
        assert await client.get_changed_form(form.url, '"other"') == await client.get_form(form.url)
        with pytest.raises(RequestRefused):
            await client.get_changed_form(form.url.replace("sample", "nothing"), form.etag)


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
