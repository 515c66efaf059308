"""What is published stands in an object store under the path of its URL, the newest version, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from obstore.exceptions import GenericError, NotSupportedError
from obstore.store import MemoryStore

from operators import AlarmKind
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MEDIA_TYPES
from statuslist.publishing.bucket import LABEL, Bucket, BucketFailed
from statuslist.publishing.published import Published
from statuslist.publishing.uploading import (
    AT_ONCE,
    LOOK_EVERY_SECONDS,
    TOLD_AFTER_SECONDS,
    Uploader,
    key_of,
    label_of,
)
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio

LIST = "badges-revocation"
NAME = "s3://lists/public"
NOT_UPLOADED = (AlarmKind.LISTS_NOT_UPLOADED, NAME)
TTL = 300  # seconds
VALIDITY = 86_400  # seconds


class Store:
    """A store in memory that counts what it is asked for, and that can be away, or know no conditions."""

    def __init__(self) -> None:
        self.within = MemoryStore()
        self.asked: list[tuple[str, str]] = []
        self.is_down = False
        self.knows_conditions = True
        self.before_put: Callable[[str], Awaitable[None]] | None = None

    async def get_async(self, key: str, *, options: Any) -> Any:
        self._ask("look", key)
        return await self.within.get_async(key, options=options)

    async def put_async(self, key: str, body: bytes, *, mode: Any, **named: Any) -> Any:
        if self.before_put is not None:
            await self.before_put(key)
        self._ask("put", key)
        if mode != "overwrite" and not self.knows_conditions:
            raise NotSupportedError("conditional put is disabled")
        return await self.within.put_async(key, body, mode=mode, **named)

    def _ask(self, what: str, key: str) -> None:
        if self.is_down:
            raise GenericError("Generic S3 error: no route to https://host/lists?sig=secret\n\nDebug source")
        self.asked.append((what, key))

    async def found(self, form: str, list_id: str = LIST) -> tuple[bytes, dict[str, str]]:
        """Return what readers get: bytes and headers."""
        got = await self.within.get_async(f"status-lists/{list_id}/{form}")
        return bytes(await got.bytes_async()), dict(got.attributes)


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    place = SqlitePlace(tmp_path / "test.db")
    async with Wing.open(place, ttl_seconds=TTL, validity_seconds=VALIDITY) as opened:
        await opened.create("badges")
        yield opened


@pytest.fixture
def store() -> Store:
    return Store()


def uploader_of(wing: Wing, store: Store) -> Uploader:
    """Return an uploader as another node would have it, or this one after a restart."""

    def open_bucket() -> Bucket:
        return Bucket(store)  # type: ignore[arg-type]

    return Uploader(
        NAME, open_bucket, ttl_seconds=TTL, clock=wing.clock, timer=wing.clock.timer, on_state=wing._state
    )


@pytest.fixture
def uploader(wing: Wing, store: Store) -> Uploader:
    return uploader_of(wing, store)


async def publish(wing: Wing) -> Published:
    await wing.publisher.publish_dirty()
    current = wing.publisher.lists.current(LIST)
    assert current is not None
    return current


async def publish_newer(wing: Wing) -> Published:
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    return await publish(wing)


def version_of(headers: dict[str, str]) -> int:
    return int(headers[LABEL].partition(".")[0])


async def test_each_form_stands_at_the_path_of_its_url_with_its_type(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    current = await publish(wing)
    uploader.take(current)

    await uploader.step()

    types = {**MEDIA_TYPES, DATA_INTEGRITY: "application/ld+json"}
    for form, artefact in current.forms.items():
        body, headers = await store.found(form)
        assert body == artefact.body
        assert headers == {
            "Content-Type": types[form],
            "Cache-Control": f"public, max-age={TTL}",
            LABEL: label_of(artefact),
        }
    assert (uploader.waiting, uploader.failed) == (0, 0)


async def test_a_version_is_put_there_once_and_the_next_without_a_look(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    uploader.take(await publish(wing))
    await uploader.step()
    store.asked.clear()
    await uploader.step()
    idle = list(store.asked)
    newer = await publish_newer(wing)
    uploader.take(newer)
    await uploader.step()

    assert idle == []
    assert sorted(store.asked) == sorted(("put", key_of(LIST, form)) for form in newer.forms)


async def test_after_a_restart_what_is_there_is_left_alone(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    current = await publish(wing)
    uploader.take(current)
    await uploader.step()
    store.asked.clear()
    restarted = uploader_of(wing, store)
    restarted.take(current)
    await restarted.step()

    assert sorted(store.asked) == sorted(("look", key_of(LIST, form)) for form in current.forms)
    assert restarted.waiting == 0


async def test_a_process_that_died_between_two_forms_is_made_up_for(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    uploader.take(await publish(wing))
    await uploader.step()
    newer = await publish_newer(wing)

    async def die_before_the_second(key: str) -> None:
        if key.endswith(JWT):
            raise asyncio.CancelledError

    store.before_put = die_before_the_second
    uploader.take(newer)
    with pytest.raises(asyncio.CancelledError):
        await uploader.step()
    mixed = [version_of((await store.found(form))[1]) for form in (DATA_INTEGRITY, JWT)]
    store.before_put = None
    restarted = uploader_of(wing, store)
    restarted.take(newer)
    await restarted.step()

    assert mixed == [newer.version, newer.version - 1]
    assert [(await store.found(form))[0] for form in newer.forms] == [
        artefact.body for artefact in newer.forms.values()
    ]


async def test_only_the_newest_version_of_a_list_waits(wing: Wing, store: Store, uploader: Uploader) -> None:
    uploader.take(await publish(wing))
    newer = await publish_newer(wing)
    uploader.take(newer)
    await uploader.step()

    assert version_of((await store.found(DATA_INTEGRITY))[1]) == newer.version
    assert len([what for what, _ in store.asked if what == "put"]) == len(newer.forms)


async def test_a_version_published_during_an_upload_is_put_there_after_it(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    old = await publish(wing)
    newer = await publish_newer(wing)

    async def take_newer(key: str) -> None:
        store.before_put = None
        uploader.take(newer)

    store.before_put = take_newer
    uploader.take(old)
    await uploader.step()

    assert version_of((await store.found(DATA_INTEGRITY))[1]) == newer.version
    assert uploader.waiting == 0


async def test_an_older_version_never_takes_the_place_of_a_newer_one(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    old = await publish(wing)
    newer = await publish_newer(wing)
    uploader.take(newer)
    await uploader.step()
    behind = uploader_of(wing, store)
    behind.take(old)
    await behind.step()
    kept = version_of((await store.found(DATA_INTEGRITY))[1])
    waiting, failed = behind.waiting, behind.failed
    behind.take(newer)
    await behind.step()

    assert (kept, waiting, failed) == (newer.version, 1, 1)
    assert (behind.waiting, behind.failed) == (0, 1)


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_node_that_was_held_up_between_look_and_write_overwrites_nothing(
    wing: Wing, store: Store, uploader: Uploader, is_there: bool
) -> None:
    first = await publish(wing)
    if is_there:
        uploader.take(first)
        await uploader.step()
    old = await publish_newer(wing)
    newer = await publish_newer(wing)
    held_up = uploader_of(wing, store)

    async def overtake(key: str) -> None:
        store.before_put = None
        uploader.take(newer)
        await uploader.step()

    store.before_put = overtake
    held_up.take(old)
    await held_up.step()

    assert [version_of((await store.found(form))[1]) for form in newer.forms] == [newer.version] * 2
    assert held_up.waiting == 1


async def test_a_newer_version_of_another_database_is_an_alarm_and_holds_up_no_other_list(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    await wing.create("other")
    old = await publish(wing)
    foreign = f"{old.version + 1000}.{'0' * 64}"
    await store.within.put_async(
        f"status-lists/{LIST}/{DATA_INTEGRITY}", b"theirs", attributes={LABEL: foreign}
    )
    for published in wing.publisher.lists:
        uploader.take(published)
    await uploader.step()
    at_first = dict(wing.alarms)
    wing.clock.ahead += TOLD_AFTER_SECONDS
    await uploader.step()

    assert at_first == {}
    assert (await store.found(DATA_INTEGRITY))[0] == b"theirs"
    assert (await store.found(DATA_INTEGRITY, "other-revocation"))[1]["Cache-Control"]
    assert wing.alarms[NOT_UPLOADED].startswith(
        f"1 lists wait: {LIST}: version {old.version + 1000} is there"
    )


async def test_same_version_with_other_bytes_is_replaced(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    """As by somebody who wrote into the bucket by hand."""
    current = await publish(wing)
    label = f"{current.version}.by-hand"
    key = f"status-lists/{LIST}/{JWT}"
    await store.within.put_async(key, b"by hand", attributes={LABEL: label})
    uploader.take(current)
    await uploader.step()

    assert (await store.found(JWT))[0] == current.forms[JWT].body


async def test_an_object_that_somebody_deleted_is_put_there_with_the_next_version(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    uploader.take(await publish(wing))
    await uploader.step()
    await store.within.delete_async(f"status-lists/{LIST}/{JWT}")
    newer = await publish_newer(wing)
    uploader.take(newer)
    await uploader.step()

    assert (await store.found(JWT))[0] == newer.forms[JWT].body
    assert uploader.failed == 0


async def test_a_store_that_is_away_is_left_alone_longer_and_longer_and_made_up_for(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    store.is_down = True
    uploader.take(await publish(wing))
    tried = []
    for second in range(16):
        before = uploader.failed
        await uploader.step()
        if uploader.failed > before:
            tried.append(second)
        wing.clock.ahead += 1
    told = wing.alarms.get(NOT_UPLOADED)
    store.is_down = False
    wing.clock.ahead += 60
    await uploader.step()

    assert tried == [0, 1, 3, 7, 15]
    assert told == "1 lists wait: Generic S3 error: no route to https://host/lists"
    assert wing.alarms == {}
    assert uploader.waiting == 0


async def test_a_bucket_that_cannot_be_opened_is_a_failure_as_any(wing: Wing, store: Store) -> None:
    def open_bucket() -> Bucket:
        raise BucketFailed("/run/secrets/store.toml: No such file or directory")

    uploader = Uploader(
        NAME, open_bucket, ttl_seconds=TTL, clock=wing.clock, timer=wing.clock.timer, on_state=wing._state
    )
    uploader.take(await publish(wing))
    await uploader.step()

    assert (uploader.waiting, uploader.failed) == (1, 1)


async def test_a_list_that_was_not_signed_anew_is_not_kept_by_caches_beyond_its_end(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    uploader.take(await publish(wing))
    await uploader.step()
    wing.clock.ahead += VALIDITY - 2 * TTL
    await uploader.step()
    before = (await store.found(JWT))[1]["Cache-Control"]
    wing.clock.ahead += TTL - 2 * LOOK_EVERY_SECONDS
    await uploader.step()
    after = (await store.found(JWT))[1]["Cache-Control"]
    store.asked.clear()
    wing.clock.ahead += LOOK_EVERY_SECONDS
    await uploader.step()

    assert before == f"public, max-age={TTL}"
    assert after == "no-cache"
    assert store.asked == [], "it is put there again once"


async def test_a_list_of_the_future_is_not_kept_by_caches(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    current = await publish(wing)
    wing.clock.set_by -= 7_200
    uploader.take(current)
    await uploader.step()

    assert (await store.found(JWT))[1]["Cache-Control"] == "no-cache"


async def test_who_leads_again_looks_at_everything_again(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    """The process that led meanwhile may have died half-way."""
    uploader.take(await publish(wing))
    await uploader.step()
    uploader.leave()
    followed = uploader.waiting
    await store.within.delete_async(f"status-lists/{LIST}/{JWT}")
    await uploader.step()

    assert followed == 0, "who does not lead has nothing that waits"
    assert (await store.found(JWT))[0]


async def test_a_store_without_conditional_writes_is_written_after_a_look(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    store.knows_conditions = False
    uploader.take(await publish(wing))
    await uploader.step()
    newer = await publish_newer(wing)
    uploader.take(newer)
    await uploader.step()

    assert (await store.found(JWT))[0] == newer.forms[JWT].body


async def test_of_many_lists_a_store_that_is_away_is_asked_for_a_few(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    take_many(uploader, await publish(wing))
    store.is_down = True
    await uploader.step()

    assert uploader.failed == AT_ONCE


async def test_neither_the_first_nor_the_last_of_many_lists_waits_for_all_others(
    wing: Wing, store: Store, uploader: Uploader
) -> None:
    """As at the start of a node with many lists, all of which are looked at."""
    take_many(uploader, await publish(wing))
    uploader.take(await publish_newer(wing))
    await uploader.step()

    asked = [key for _, key in store.asked]
    assert asked.index(key_of(LIST, DATA_INTEGRITY)) <= 2 * AT_ONCE
    assert asked.index(key_of("set0-revocation", DATA_INTEGRITY)) <= 2 * AT_ONCE
    assert uploader.waiting == 0


def take_many(uploader: Uploader, published: Published) -> None:
    for number in range(5 * AT_ONCE):
        uploader.take(msgspec.structs.replace(published, list_id=f"set{number}-revocation"))
