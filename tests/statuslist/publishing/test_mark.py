"""No process of a node serves a version of a list after another has served a newer one."""

import mmap
from collections.abc import AsyncIterator

import httpx
import pytest

from statuslist.formats.bitstring import status_at
from statuslist.publishing.publisher import Publisher
from storage import ServedMark
from storage.mark import SLOT_BYTES
from tests.databases import MayFail, Place
from tests.statuslist.application import application_of, checker_of
from tests.statuslist.wing import BASE_URL, ISSUERS, Wing, bits_of

pytestmark = pytest.mark.anyio

LIST = "badges-revocation"
PATHS = {"": "negotiated", "/credential.json": "with a proof", "/credential.jwt": "as a token"}


class TwoProcesses:
    """Two publishers of one node: `slow` has a published list, and no loop that would follow; `fast` publishes."""

    def __init__(self, wing: Wing, index: int) -> None:
        self.wing, self.index = wing, index
        self.memory = mmap.mmap(-1, 3 * SLOT_BYTES)
        self.database = MayFail(wing.database)
        self.slow = wing.another_publisher(database=self.database, mark=ServedMark(self.memory, 0))
        self.fast = wing.another_publisher(mark=ServedMark(self.memory, 1))
        wing.publisher = self.slow

    async def revoke_elsewhere(self) -> None:
        await self.wing.revoke("badges", self.index)
        await self.fast.publish_dirty()

    def shown(self, publisher: Publisher) -> int | None:
        return self.wing.published_status(LIST, self.index, publisher)


@pytest.fixture
async def two(place: Place) -> AsyncIterator[TwoProcesses]:
    async with Wing.open(place) as wing:
        two = TwoProcesses(wing, await wing.set_with_entry("badges"))
        await two.slow.publish_dirty()
        await two.fast.load()
        await two.slow.following.look()
        yield two


@pytest.fixture
async def http(two: TwoProcesses) -> AsyncIterator[httpx.AsyncClient]:
    """Ask the slow process."""
    async with checker_of(two.wing) as checker:
        transport = httpx.ASGITransport(application_of(two.wing, checker))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield client


@pytest.mark.parametrize("path", PATHS, ids=PATHS.values())
async def test_version_that_another_process_serves_is_served_here_too(
    two: TwoProcesses, http: httpx.AsyncClient, path: str
) -> None:
    before = (await http.get(f"/status-lists/{LIST}{path}")).headers["etag"]
    await two.revoke_elsewhere()

    answer = await http.get(f"/status-lists/{LIST}{path}")

    assert two.shown(two.fast) == two.shown(two.slow) == 1
    assert answer.headers["etag"] != before
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_check_of_an_own_list_does_not_go_back(two: TwoProcesses, http: httpx.AsyncClient) -> None:
    await two.revoke_elsewhere()
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(two.index),
        "statusListCredential": f"{BASE_URL}/status-lists/{LIST}/credential.json",
    }

    answer = await http.post("/status/check", json={"issuer": ISSUERS["acme"], "credentialStatus": entry})

    assert answer.json()["results"][0]["valid"] is False


async def test_where_the_newer_version_cannot_be_read_the_older_is_kept_by_no_cache(
    two: TwoProcesses, http: httpx.AsyncClient
) -> None:
    await two.revoke_elsewhere()
    two.database.is_away = True
    older = await http.get(f"/status-lists/{LIST}/credential.json")
    again = await http.get(f"/status-lists/{LIST}/credential.jwt")
    two.database.is_away = False
    two.wing.clock.ahead = 1.0
    newer = await http.get(f"/status-lists/{LIST}/credential.json")

    assert older.headers["cache-control"] == again.headers["cache-control"] == "no-store"
    assert status_at(bits_of(older.content), two.index) == 0
    assert newer.headers["cache-control"] == "public, max-age=300"
    assert status_at(bits_of(newer.content), two.index) == 1


async def test_processes_that_follow_put_one_another_not_behind(two: TwoProcesses) -> None:
    third = two.wing.another_publisher(mark=ServedMark(two.memory, 2))
    await third.load()
    await two.revoke_elsewhere()
    behind = [two.slow.following.is_behind(), third.following.is_behind()]
    await two.slow.following.look()
    await third.following.look()

    assert behind == [True, True]
    assert [two.slow.following.is_behind(), third.following.is_behind()] == [False, False]


async def test_process_that_is_alone_is_never_behind(place: Place) -> None:
    async with Wing.open(place) as wing:
        await wing.create("badges")
        await wing.publisher.publish_dirty()

        assert not wing.publisher.following.is_behind()
        assert await wing.publisher.following.catch_up()
