"""
Every step from a change to what readers get, failed in each way, and failed again while it is made up for.

    a  a change is accepted             not written; or written, and the client is told that it failed
    b  the publisher is told            the wake is lost; or comes, and is told to have failed
    c  the client is told               the answer is lost: it asks again, with its key or as if for the first time
    d  the version is begun             not begun; or begun, and told to have failed
    e  what it says is read             not read; or read, and told to have failed
    f  it is signed                     not signed; or signed, and told to have failed
    g  it is checked                    refused; or passed, and the process ends
    h  the version is written           not written; or written, and told to have failed
    i  readers get it                   the process ends before it serves; or after
    j  others look                      they cannot read the rows; or read them, and are told that it failed

Whatever fails: what was acknowledged is in every later version, in all forms; versions only grow; no version has
two bodies. A version is written, and made the one that readers get, in one transaction: there is no step between.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from proofs import Signer
from statuslist.entries.sets import StatusSets
from statuslist.publishing.publisher import Publisher
from storage import Database, Transaction
from tests.databases import Place
from tests.statuslist.outsider import Said, read_form
from tests.statuslist.wing import BASE_URL, ROOT, Wing, change_of, signer_for

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]
T = TypeVar("T")

LISTS = ("badges", "badges-revocation", "badges-suspension")


class Fault(Exception):
    """The process ends here, or is told that something failed."""


class Faults:
    """Fails one step so many times: before it is done, or after."""

    def __init__(self, step: str, *, is_done: bool, times: int) -> None:
        self._step, self._is_done, self._left = step, is_done, times
        self.happened = 0

    def before(self, step: str) -> None:
        if not self._is_done:
            self._fail(step)

    def after(self, step: str) -> None:
        if self._is_done:
            self._fail(step)

    def _fail(self, step: str) -> None:
        if step == self._step and self._left:
            self._left -= 1
            self.happened += 1
            raise Fault(step)


class Failing:
    """A database whose reads and writes are steps; `writes`: those of a publication, all others are "a"."""

    def __init__(self, inner: Database, faults: Faults, *, writes: Mapping[str, str], read: str) -> None:
        self._inner, self._faults, self._writes, self._read = inner, faults, writes, read
        self.dialect = inner.dialect

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        step = self._writes.get(getattr(fn, "__name__", ""), "a")
        self._faults.before(step)
        result = await self._inner.write(fn)
        self._faults.after(step)
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        self._faults.before(self._read)
        result = await self._inner.read(fn)
        self._faults.after(self._read)
        return result

    def close(self) -> None:
        self._inner.close()


class Signs:
    """A signer whose signatures are a step."""

    def __init__(self, signer: Signer, faults: Faults) -> None:
        self._signer, self._faults = signer, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signer, name)

    def sign(self, data: bytes) -> bytes:
        self._faults.before("f")
        signature = self._signer.sign(data)
        self._faults.after("f")
        return signature


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


def publisher_of(wing: Wing, faults: Faults) -> Publisher:
    def on_published(_: object) -> None:
        faults.before("i")
        faults.after("i")

    return wing.another_publisher(
        database=Failing(wing.database, faults, writes={"begin": "d", "publish": "h"}, read="e"),
        signer_of=lambda issuer_id, key_id: Signs(signer_for(issuer_id, key_id), faults),  # type: ignore[arg-type, return-value]
        on_published=on_published,
    )


def sets_of(wing: Wing, faults: Faults, publisher: Publisher) -> StatusSets:
    def on_changed() -> None:
        faults.before("b")
        publisher.wake()
        faults.after("b")

    return StatusSets(
        Failing(wing.database, faults, writes={}, read="-"),
        clock=wing.clock,
        random_bytes=bytes,
        base_url=BASE_URL,
        on_changed=on_changed,
    )


async def revoke(sets: StatusSets, faults: Faults, index: int, *, with_key: bool) -> None:
    """Ask until it is acknowledged, as a client does whose answers get lost."""
    for attempt in range(5):
        with suppress(Fault):
            key = "one" if with_key else f"try-{attempt}"
            await sets.set_statuses(ROOT, "badges", change_of(index), idempotency_key=key)
            faults.before("c")
            faults.after("c")
            return
    raise AssertionError("never acknowledged")


async def publish(publisher: Publisher) -> None:
    """Have it published, by a process that may fail at it again and again."""
    for _ in range(5):
        publisher.retry()
        with suppress(Fault, ExceptionGroup):
            await publisher.publish_dirty()


def said_by(publisher: Publisher) -> tuple[int, dict[str, Said]]:
    key, said = signer_for("acme").public_key, {}
    for list_id in LISTS:
        current = publisher.lists.current(list_id)
        assert current is not None
        for form, artefact in current.forms.items():
            said[f"{list_id}/{form}"] = read_form(form, artefact.body, key)  # type: ignore[arg-type]
            assert said[f"{list_id}/{form}"].url == f"{BASE_URL}/status-lists/{list_id}/{form}"
    return publisher.lists.version_of_set("badges"), said


@pytest.mark.parametrize("is_twice", [False, True], ids=["once", "again while it is made up for"])
@pytest.mark.parametrize("is_done", [False, True], ids=["not done", "done and told to have failed"])
@pytest.mark.parametrize("step", "abcdefghij")
async def test_what_was_acknowledged_is_in_every_later_version_whatever_failed(
    wing: Wing, step: str, is_done: bool, is_twice: bool
) -> None:
    await wing.create("badges", "revocation", "suspension")
    earlier, revoked, suspended = await wing.allocate("badges", 3)
    await wing.revoke("badges", earlier)
    await wing.change("badges", suspended, "suspension", 1)
    await wing.publisher.publish_dirty()
    first, _ = said_by(wing.publisher)
    faults = Faults(step, is_done=is_done, times=2 if is_twice else 1)
    publisher = publisher_of(wing, faults)
    await _until_loaded(publisher)
    if step == "g":
        _break_check(publisher, faults)

    await revoke(sets_of(wing, faults, publisher), faults, revoked, with_key=not is_done)
    await publish(publisher)
    follower = wing.another_publisher(database=Failing(wing.database, faults, writes={}, read="j"))
    for _ in range(3):
        with suppress(Fault):
            await follower.following.look()

    assert faults.happened >= 1, "some steps are not needed a second time"
    seen = [said_by(each) for each in (publisher, follower)]
    for version, said in seen:
        assert version > first
        for one in said.values():
            assert one.entries == 131_072
            assert one.revoked in (None, {earlier, revoked})
            assert one.suspended in (None, {suspended})
    assert seen[0] == seen[1]
    assert await wing.count("status_events") == 3
    assert wing.place.query("SELECT count(*) FROM list_forms") == [(6,)]


async def _until_loaded(publisher: Publisher) -> None:
    for _ in range(4):
        with suppress(Fault):
            await publisher.load()
            return
    await asyncio.sleep(0)


def _break_check(publisher: Publisher, faults: Faults) -> None:
    """Fail around the step in which versions are rendered and checked, in the thread that does it."""
    publication = publisher._publication
    inner = publication._render_and_check

    def checked(*arguments: Any) -> Any:
        faults.before("g")
        made = inner(*arguments)
        faults.after("g")
        return made

    publication._render_and_check = checked  # type: ignore[method-assign]
