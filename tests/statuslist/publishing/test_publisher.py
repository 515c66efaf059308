"""Publication: what readers see, and when; what is refused; what a crash or a lost race leaves behind."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TypeVar

import msgspec
import pytest

from operators import AlarmKind
from proofs import Signer, verify_compact, verify_proof
from statuslist.errors import StatusRetrievalError
from statuslist.formats.bitstring_credential import read_status_list_credential
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing import set_versions
from statuslist.publishing.projections import Projection
from statuslist.publishing.rendering import lists_of, render
from storage import Database, DatabaseUnavailable, Leadership, Transaction
from tests.databases import Place
from tests.statuslist.wing import BASE_URL, Wing, bits_of, signer_for
from wire import read

pytestmark = pytest.mark.anyio
T = TypeVar("T")

LIST = "badges-revocation"


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


class BreaksAfterWrite:
    """
    A database whose next write is durable, and reported as failed: a crash right behind the commit.

    The next of one step of a publication: "begin" or "publish".
    """

    def __init__(self, inner: Database, step: str = "publish") -> None:
        self._inner = inner
        self._step = step
        self.dialect = inner.dialect
        self.is_broken = True

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        result = await self._inner.write(fn)
        if self.is_broken and fn.__name__ == self._step:
            self.is_broken = False
            raise ConnectionError("the process ends here")
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        return await self._inner.read(fn)

    def close(self) -> None:
        self._inner.close()


class BreaksBeforeWrite(BreaksAfterWrite):
    """A database whose next write is not done."""

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        if self.is_broken and fn.__name__ == self._step:
            self.is_broken = False
            raise ConnectionError("the process ends here")
        return await self._inner.write(fn)


def no_signer(_issuer_id: str, _key_id: str) -> Signer:
    raise FileNotFoundError("the key is gone")


async def test_lists_published_beside_one_another_are_all_counted(wing: Wing) -> None:
    for number in range(12):
        await wing.create(f"set-{number}")

    assert await wing.publisher.publish_dirty() == 12


@pytest.mark.parametrize("cryptosuite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
async def test_each_form_verifies_and_says_its_own_url(place: Place, cryptosuite: str) -> None:
    async with Wing.open(place, cryptosuite=cryptosuite) as wing:
        await wing.create("badges")

        await wing.publisher.publish_dirty()

        current = wing.publisher.lists.current(LIST)
        assert current is not None
        key = signer_for("acme").public_key
        document = read(current.forms[DATA_INTEGRITY].body, max_bytes=100_000)
        verify_proof(document, key, now=int(wing.clock() * 1_000_000))
        payload = read(verify_compact(current.forms[JWT].body, key).payload, max_bytes=100_000)
        assert document["proof"]["cryptosuite"] == cryptosuite
        assert document["id"] == f"{BASE_URL}/status-lists/{LIST}/credential.json"
        assert payload["id"] == f"{BASE_URL}/status-lists/{LIST}/credential.jwt"
        assert read_status_list_credential(payload).issuer == signer_for("acme").controller


async def test_revocation_is_visible_within_a_second_and_others_are_not(wing: Wing) -> None:
    await wing.create("badges")
    revoked, other = await wing.allocate("badges", 2)
    loop = asyncio.create_task(wing.publisher.run(Leadership(wing.database.lease("publisher"))))
    try:
        await _until(lambda: wing.publisher.lists.current(LIST) is not None)

        await wing.revoke("badges", revoked)
        acknowledged_at = time.perf_counter()
        await _until(lambda: wing.published_status(LIST, revoked) == 1)

        assert time.perf_counter() - acknowledged_at < 1.0
        assert wing.published_status(LIST, other) == 0
        assert wing.told == [LIST, "badges"] * 2
    finally:
        await _stop(loop)


async def test_change_by_another_process_is_seen_without_a_wake(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    elsewhere = wing.another_publisher()
    loop = asyncio.create_task(elsewhere.run(Leadership(wing.database.lease("publisher"))))
    try:
        await wing.revoke("badges", index)

        await _until(lambda: wing.published_status(LIST, index, elsewhere) == 1)
    finally:
        await _stop(loop)


async def test_only_the_holder_of_the_lease_publishes_and_the_others_follow(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    first, second = wing.another_publisher(), wing.another_publisher()
    held, waiting = wing.database.lease("publisher"), wing.database.lease("publisher")
    assert await asyncio.to_thread(held.hold)
    loops = [
        asyncio.create_task(first.run(Leadership(waiting))),
        asyncio.create_task(second.run(Leadership(held))),
    ]
    try:
        await wing.revoke("badges", index)
        await _until(lambda: wing.published_status(LIST, index, first) == 1)

        assert first.published == 0
        assert (
            1 <= first.rows.adopted <= second.published
        )  # A version that was followed by another may be passed over.
        await _stop(loops.pop())
        await asyncio.to_thread(held.release)
        await wing.change("badges", (await wing.allocate("badges"))[0], "revocation", 1)
        await _until(lambda: first.published == 1)
    finally:
        for loop in loops:
            await _stop(loop)
        await asyncio.to_thread(waiting.release)


async def test_list_is_built_from_rows_and_has_the_length_of_its_set(wing: Wing) -> None:
    await wing.create("badges", "suspension")
    first, second = await wing.allocate("badges", 2)
    await wing.change("badges", first, "suspension", 1)
    await wing.publisher.publish_dirty()

    await wing.change("badges", first, "suspension", 0)
    await wing.change("badges", second, "suspension", 1)
    await wing.publisher.publish_dirty()

    current = wing.publisher.lists.current("badges-suspension")
    assert current is not None
    bits = bits_of(current.forms[DATA_INTEGRITY].body)
    assert len(bits) * 8 == 131_072
    assert wing.published_status("badges-suspension", first) == 0
    assert wing.published_status("badges-suspension", second) == 1
    assert sum(byte.bit_count() for byte in bits) == 1


async def test_allocation_changes_no_published_byte(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    before = wing.publisher.lists.current(LIST)

    await wing.allocate("badges", 100)

    assert await wing.publisher.publish_dirty() == 0
    assert wing.publisher.lists.current(LIST) == before


async def test_many_changes_make_one_version(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    for index in await wing.allocate("badges", 20):
        await wing.revoke("badges", index)

    published = await wing.publisher.publish_dirty()

    assert published == 1
    assert await wing.count("list_forms") == 4
    assert await wing.count("served_list_forms") == 8


async def test_lost_revocation_is_not_published(wing: Wing) -> None:
    """The last good version stays when a row of a published revocation has gone."""
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    good = wing.publisher.lists.current(LIST)
    wing.place.drop_rule("statuses", "DELETE")
    wing.tamper("DELETE FROM statuses", "UPDATE set_versions SET wanted_version = wanted_version + 1")
    restarted = wing.another_publisher()

    published = await restarted.publish_dirty()

    assert published == 0
    assert restarted.failed == 1
    assert restarted.lists.current(LIST) == good
    assert wing.published_status(LIST, index, restarted) == 1


async def test_bits_that_differ_from_the_rows_are_told_of_and_the_rows_win(wing: Wing) -> None:
    """Every list is made of all rows when it is signed anew, and what was kept is compared with them."""
    index = await wing.set_with_entry("badges", "suspension")
    await wing.change("badges", index, "suspension", 1)
    await wing.publisher.publish_dirty()
    wing.tamper("DELETE FROM statuses")

    wing.clock.ahead += 86_400 / 2
    await wing.publisher.publish_dirty()

    assert set(wing.alarms) == {(AlarmKind.LIST_DIFFERED, "badges")}
    assert wing.published_status("badges-suspension", index) == 0


async def test_crash_behind_the_commit_loses_nothing(wing: Wing) -> None:
    """The version is in the rows but was never swapped in: the next pass, or a restart, serves it."""
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    crashing = wing.another_publisher(database=BreaksAfterWrite(wing.database))

    await crashing.publish_dirty()
    assert (crashing.lists.current(LIST), crashing.failed) == (None, 1)
    restarted = wing.another_publisher(signer_of=no_signer)
    await restarted.load()
    await crashing.publish_dirty()

    assert wing.published_status(LIST, index, restarted) == 1
    assert crashing.lists.current(LIST) == restarted.lists.current(LIST)
    assert await wing.count("list_forms") == 4


@pytest.mark.parametrize(
    ("breaks", "step"),
    [(BreaksBeforeWrite, "begin"), (BreaksAfterWrite, "begin"), (BreaksBeforeWrite, "publish")],
)
async def test_crash_before_the_commit_leaves_the_last_good_version(
    wing: Wing, breaks: type[BreaksAfterWrite], step: str
) -> None:
    index = await wing.set_with_entry("badges")
    await wing.publisher.publish_dirty()
    crashing = wing.another_publisher(database=breaks(wing.database, step))
    await wing.revoke("badges", index)

    await crashing.publish_dirty()
    assert wing.published_status(LIST, index, crashing) == 0
    wing.clock.ahead += 2  # Past the pause.
    await crashing.publish_dirty()

    assert wing.published_status(LIST, index, crashing) == 1


async def test_restart_without_a_signer_serves_the_same_bytes_and_tags(wing: Wing) -> None:
    await wing.create("badges", "revocation", "suspension")
    await wing.publisher.publish_dirty()

    restarted = wing.another_publisher(signer_of=no_signer)
    await restarted.load()

    for list_id in (LIST, "badges-suspension"):
        assert restarted.lists.current(list_id) == wing.publisher.lists.current(list_id) is not None


async def test_list_without_a_signer_holds_up_no_other(wing: Wing) -> None:
    await wing.create("badges", issuer_id="acme")
    await wing.create("diplomas", issuer_id="default")

    def only_default(issuer_id: str, key_id: str) -> Signer:
        return (signer_for if issuer_id == "default" else no_signer)(issuer_id, key_id)

    publisher = wing.another_publisher(signer_of=only_default)

    assert await publisher.publish_dirty() == 1
    assert publisher.lists.current("diplomas-revocation") is not None
    assert publisher.lists.current(LIST) is None
    assert publisher.failed == 1


async def test_failed_list_is_tried_again_after_a_pause_that_grows(wing: Wing) -> None:
    await wing.create("badges")
    publisher = wing.another_publisher(signer_of=no_signer)
    await publisher.publish_dirty()

    await publisher.publish_dirty()
    assert publisher.failed == 1
    wing.clock.ahead += 1.1
    await publisher.publish_dirty()
    assert publisher.failed == 2
    wing.clock.ahead += 1.1
    await publisher.publish_dirty()

    assert publisher.failed == 2


async def test_two_publishers_never_give_one_version_two_bodies(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    publishers = [wing.another_publisher() for _ in range(4)]

    await asyncio.gather(*(publisher.publish_dirty() for publisher in publishers))
    for publisher in publishers:
        await publisher.publish_dirty()

    bodies = {publisher.lists.current(LIST).forms[JWT].body for publisher in publishers}  # type: ignore[union-attr]
    assert len(bodies) == 1
    assert sum(publisher.published for publisher in publishers) == 1
    assert await wing.count("list_forms") == 4


async def test_signature_is_renewed_at_half_of_its_life_with_the_same_bits(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    first = wing.publisher.lists.current(LIST)
    assert first is not None

    wing.clock.ahead += 86_400 * 3 / 8 - 120
    assert await wing.publisher.publish_dirty() == 0
    wing.clock.ahead += 86_400 / 8 + 60
    assert await wing.publisher.publish_dirty() == 1

    second = wing.publisher.lists.current(LIST)
    assert second is not None
    assert second.version == first.version + 1
    assert second.valid_until > first.valid_until
    assert second.forms[JWT].etag != first.forms[JWT].etag
    assert bits_of(second.forms[DATA_INTEGRITY].body) == bits_of(first.forms[DATA_INTEGRITY].body)


async def test_other_settings_are_published_after_a_restart(place: Place) -> None:
    async with Wing.open(place, cryptosuite="eddsa-rdfc-2022") as wing:
        await wing.create("badges")
        await wing.publisher.publish_dirty()
    async with Wing.open(place, cryptosuite="eddsa-jcs-2022") as wing:
        await wing.publisher.load()
        before = wing.publisher.lists.current(LIST)

        published = [await wing.publisher.publish_dirty() for _ in range(2)]

        after = wing.publisher.lists.current(LIST)
        assert before is not None
        assert after is not None
        assert published == [1, 0]
        assert (before.version, after.version) == (1, 2)
        assert b"eddsa-jcs-2022" in after.forms[DATA_INTEGRITY].body


async def test_list_is_valid_for_clocks_a_minute_behind(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()

    current = wing.publisher.lists.current(LIST)

    assert current is not None
    assert current.valid_from / 1_000_000 <= wing.clock() - 60
    assert current.valid_until / 1_000_000 == pytest.approx(wing.clock() + 86_400, abs=5)


async def test_own_list_is_found_by_its_permanent_url_only(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    own_list = wing.own_list

    found = own_list(f"{BASE_URL}/status-lists/{LIST}/credential.jwt")

    assert found is not None
    assert found[1] == "application/vc+jwt"
    assert own_list("https://elsewhere.example/status-lists/badges-revocation/credential.jwt") is None
    assert own_list(f"{BASE_URL}.example/status-lists/{LIST}/credential.jwt") is None
    for path in (f"/status-lists/{LIST}", "/status-lists/unknown-revocation/credential.json", "/"):
        with pytest.raises(StatusRetrievalError):
            own_list(BASE_URL + path)


async def test_same_rows_version_and_time_give_the_same_bytes(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    content = await wing.database.read(lambda tx: set_versions.read_content(tx, "badges"))
    assert content.statuses is not None
    lists = lists_of(content, Projection(content, content.statuses))

    first = [render(each, signer_for("acme"), wing.policy, now=1_800_000_000_000_000) for each in lists]
    second = [render(each, signer_for("acme"), wing.policy, now=1_800_000_000_999_999) for each in lists]

    assert len(first) == 2
    assert first == second


async def test_an_outage_of_writes_is_no_fault_of_a_list_and_delays_it_no_longer(wing: Wing) -> None:
    class RefusesWrites(BreaksAfterWrite):
        async def write(self, fn: Callable[[Transaction], T]) -> T:
            if self.is_broken:
                raise DatabaseUnavailable("away")
            return await self._inner.write(fn)

    await wing.create("badges")
    away = RefusesWrites(wing.database)
    publisher = wing.another_publisher(database=away)
    during = [await publisher.publish_dirty() for _ in range(5)]
    away.is_broken = False

    assert (during, publisher.failed) == ([0] * 5, 0)
    assert await publisher.publish_dirty() == 1


async def test_loop_survives_a_database_that_fails(wing: Wing) -> None:
    class Away(BreaksAfterWrite):
        async def read(self, fn: Callable[[Transaction], T]) -> T:
            if self.is_broken:
                self.is_broken = False
                raise ConnectionError("away")
            return await self._inner.read(fn)

    await wing.create("badges")
    away = Away(wing.database)
    publisher = wing.another_publisher(database=away)
    loop = asyncio.create_task(publisher.run(Leadership(wing.database.lease("publisher"))))
    try:
        await _until(lambda: publisher.lists.current(LIST) is not None)

        assert publisher.failed == 1
    finally:
        await _stop(loop)


async def test_a_tenant_with_many_slow_lists_delays_no_other(wing: Wing) -> None:
    """While every slot that one tenant may have is taken, another's revocation appears."""
    for number in range(20):
        await wing.create(f"big-{number}", issuer_id="acme")
    await wing.create("badges", issuer_id="default")
    (index,) = await wing.allocate("badges")
    is_free = threading.Event()

    def slow_for_acme(issuer_id: str, key_id: str) -> Signer:
        if issuer_id == "acme":
            is_free.wait(30)
        return signer_for(issuer_id, key_id)

    publisher = wing.another_publisher(signer_of=slow_for_acme)
    loop = asyncio.create_task(publisher.run(Leadership(wing.database.lease("publisher"))))
    try:
        await _until(lambda: publisher.lists.current(LIST) is not None)
        await wing.revoke("badges", index)
        await _until(lambda: wing.published_status(LIST, index, publisher) == 1)

        assert publisher.lists.current("big-0-revocation") is None
        is_free.set()
        await _until(lambda: publisher.lists.current("big-19-revocation") is not None)
    finally:
        is_free.set()
        await _stop(loop)


async def test_a_change_does_not_wait_for_the_lists_of_its_tenant_that_are_signed_anew(wing: Wing) -> None:
    for number in range(20):
        await wing.create(f"big-{number}")
    index = await wing.set_with_entry("badges")
    await wing.publisher.publish_dirty()
    order: list[str] = []
    publisher = wing.another_publisher(on_published=lambda published: order.append(published.list_id))
    await publisher.load()
    order.clear()
    wing.clock.ahead += 86_400 / 2
    await wing.revoke("badges", index)

    await publisher.publish_dirty()

    assert len(order) == 42
    assert order.index(LIST) < 16


async def test_nor_for_all_of_them_when_their_issuer_signs_them_anew(wing: Wing) -> None:
    for number in range(20):
        await wing.create(f"big-{number}")
    index = await wing.set_with_entry("badges")
    await wing.publisher.publish_dirty()
    wing.told.clear()
    await wing.database.write(lambda tx: set_versions.sign_anew(tx, "acme"))
    await wing.revoke("badges", index)

    assert await wing.publisher.publish_dirty() == 21
    assert wing.told.index(LIST) < 16


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_lists_from_the_future_are_made_anew_when_the_clock_goes_back(
    wing: Wing, is_restarted: bool
) -> None:
    """Versions go on, and `validFrom` goes back with the clock that was mended."""
    index = await wing.set_with_entry("badges")
    wing.clock.set_by = 3 * 86_400
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    ahead = wing.publisher.lists.current(LIST)
    wing.clock.set_by = 0
    publisher = wing.another_publisher() if is_restarted else wing.publisher
    await publisher.load()

    published = [await publisher.publish_dirty() for _ in range(2)]

    mended = publisher.lists.current(LIST)
    assert ahead is not None
    assert mended is not None
    assert published == [1, 0]
    assert mended.version == ahead.version + 1
    assert mended.valid_from / 1_000_000 <= wing.clock()
    assert mended.valid_until < ahead.valid_until
    assert wing.published_status(LIST, index, publisher) == 1


async def test_a_clock_two_hours_back_makes_what_was_just_signed_anew(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()

    wing.clock.set_by = -7_200

    assert await wing.publisher.publish_dirty() == 1
    current = wing.publisher.lists.current(LIST)
    assert current is not None
    assert current.valid_from / 1_000_000 <= wing.clock()


async def test_a_clock_that_lags_by_less_than_the_skew_changes_nothing(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()

    wing.clock.set_by = -50

    assert await wing.publisher.publish_dirty() == 0


async def _until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.005)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_other_settings_while_nothing_can_be_written_are_published_later(place: Place) -> None:
    """The disk is full at the start: what is published is served, and made anew when there is room."""

    class Full(BreaksAfterWrite):
        async def write(self, fn: Callable[[Transaction], T]) -> T:
            if self.is_broken:
                raise DatabaseUnavailable("database or disk is full")
            return await self._inner.write(fn)

    async with Wing.open(place) as wing:
        await wing.set_with_entry("badges")
        await wing.publisher.publish_dirty()
        wing.policy = msgspec.structs.replace(wing.policy, ttl_seconds=wing.policy.ttl_seconds - 1)
        database = Full(wing.database)
        restarted = wing.another_publisher(database=database)
        await restarted.load()
        before = restarted.lists.current(LIST)
        database.is_broken = False
        loop = asyncio.create_task(restarted.run(Leadership(wing.database.lease("publisher"))))
        try:
            await _until(lambda: restarted.published == 1)
        finally:
            await _stop(loop)

        after = restarted.lists.current(LIST)
        assert before is not None
        assert after is not None
        assert (before.policy, after.policy) == (wing.publisher.lists.policy.digest, wing.policy.digest)
