"""Which key signs a list: the one that the rows say is active when the version is written, and no other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from operators import AlarmKind, IssuerKey
from operators.issuers import key_store
from operators.issuers.key_store import SIGNED_STEP
from proofs import ProofError, Signer, verify_compact, verify_proof
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from storage import Database, Transaction
from tests.databases import Place
from tests.statuslist.wing import KEY_ID, Wing, bits_of, signer_for
from wire import ResourceNotFound, read

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]
T = TypeVar("T")

LIST = "badges-revocation"


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        await opened.create("badges", "revocation", "suspension")
        await opened.create("diplomas", issuer_id="default")
        yield opened


class ActsBeforeWrite:
    """A database in which somebody else does something right before our next version is written."""

    def __init__(self, inner: Database, act: Callable[[], Awaitable[None]]) -> None:
        self.dialect = inner.dialect
        self._inner = inner
        self._acts = [act]

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        if self._acts and fn.__name__ == "publish":
            await self._acts.pop()()
        return await self._inner.write(fn)

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        return await self._inner.read(fn)

    def close(self) -> None:
        self._inner.close()


def served(publisher: Publisher, list_id: str = LIST) -> Published:
    current = publisher.lists.current(list_id)
    assert current is not None
    return current


def is_signed_with(published: Published, key_id: str, wing: Wing, issuer_id: str = "acme") -> bool:
    """Tell whether both forms verify with a key, and name it."""
    signer = signer_for(issuer_id, key_id)
    document = read(published.forms[DATA_INTEGRITY].body, max_bytes=100_000)
    try:
        verify_proof(document, signer.public_key, now=int(wing.clock() * 1_000_000))
        jws = verify_compact(published.forms[JWT].body, signer.public_key)
    except ProofError:
        return False
    return (document["proof"]["verificationMethod"], jws.header["kid"]) == (
        signer.verification_method,
        signer.jws_key_id,
    )


async def keys(wing: Wing) -> dict[str, IssuerKey]:
    return {key.key_id: key for key in await wing.database.read(lambda tx: key_store.keys_of(tx, "acme"))}


async def test_all_lists_of_an_issuer_follow_its_key_and_say_what_they_said(wing: Wing) -> None:
    (index,) = await wing.allocate("badges")
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    before, others = served(wing.publisher), served(wing.publisher, "diplomas-revocation")
    await wing.rotate(await wing.announce("acme", "second"))

    assert await wing.publisher.publish_dirty() == 1

    after = served(wing.publisher)
    assert (is_signed_with(before, KEY_ID, wing), is_signed_with(before, "second", wing)) == (True, False)
    assert (is_signed_with(after, KEY_ID, wing), is_signed_with(after, "second", wing)) == (False, True)
    assert is_signed_with(served(wing.publisher, "badges-suspension"), "second", wing)
    assert after.version == before.version + 1
    assert bits_of(after.forms[DATA_INTEGRITY].body) == bits_of(before.forms[DATA_INTEGRITY].body)
    assert served(wing.publisher, "diplomas-revocation") == others


async def test_nothing_is_published_that_was_signed_before_the_keys_changed(wing: Wing) -> None:
    """A change was rendered and signed with the old key; then, before it is written, the new one is active."""
    await wing.publisher.publish_dirty()
    before = served(wing.publisher)
    (index,) = await wing.allocate("badges")
    await wing.revoke("badges", index)
    second = await wing.announce("acme", "second")
    racing = wing.another_publisher(database=ActsBeforeWrite(wing.database, lambda: wing.rotate(second)))
    await racing.load()

    assert await racing.publish_dirty() == 0
    assert served(racing) == before
    assert wing.place.query(f"SELECT max(version) FROM served_list_forms WHERE list_id = '{LIST}'") == [(1,)]

    assert await racing.publish_dirty() == 1
    assert is_signed_with(served(racing), "second", wing)
    assert wing.published_status(LIST, index, racing) == 1
    assert racing.failed == 0


async def test_nothing_is_published_that_a_key_signed_before_it_was_compromised(wing: Wing) -> None:
    await wing.publisher.publish_dirty()
    before = served(wing.publisher)
    noted = (await keys(wing))[KEY_ID].signed_until
    (index,) = await wing.allocate("badges")
    await wing.revoke("badges", index)
    wing.clock.ahead += 2 * 3_600  # Beyond what was noted; lists are not signed anew yet.
    racing = wing.another_publisher(
        database=ActsBeforeWrite(wing.database, lambda: wing.compromise("acme", KEY_ID))
    )
    await racing.load()

    assert await racing.publish_dirty() == 0
    assert served(racing) == before
    assert (await keys(wing))[KEY_ID].signed_until == noted
    await wing.rotate(await wing.announce("acme", "second"))
    racing.retry()
    assert await racing.publish_dirty() == 1
    assert is_signed_with(served(racing), "second", wing)


async def test_an_issuer_without_a_key_that_signs_has_an_alarm_and_holds_up_no_other(wing: Wing) -> None:
    await wing.publisher.publish_dirty()
    before = served(wing.publisher)
    await wing.compromise("acme", KEY_ID)
    (index,) = await wing.allocate("diplomas")
    await wing.revoke("diplomas", index)

    assert await wing.publisher.publish_dirty() == 1
    wing.clock.ahead += 11
    await wing.publisher.publish_dirty()

    assert wing.alarms == {
        (AlarmKind.LIST_NOT_PUBLISHED, "badges"): "publishing fails: the issuer acme has no active key"
    }
    assert served(wing.publisher) == before
    assert wing.published_status("diplomas-revocation", index) == 1


async def test_a_process_that_does_not_know_the_new_key_yet_cannot_sign_with_the_old_one(wing: Wing) -> None:
    def knows_the_first(issuer_id: str, key_id: str) -> Signer:
        if key_id != KEY_ID:
            raise ResourceNotFound(f"the key {key_id} is not held here")
        return signer_for(issuer_id, key_id)

    lagging = wing.another_publisher(signer_of=knows_the_first)
    await lagging.publish_dirty()
    before = served(lagging)
    await wing.rotate(await wing.announce("acme", "second"))

    assert await lagging.publish_dirty() == 0

    assert (served(lagging), lagging.failed) == (before, 1)
    wing.clock.ahead += 11
    await lagging.publish_dirty()
    assert (
        wing.alarms[AlarmKind.LIST_NOT_PUBLISHED, "badges"]
        == "publishing fails: the key second is not held here"
    )


async def test_a_key_that_is_let_go_while_a_list_is_made_is_no_fault_of_the_list(wing: Wing) -> None:
    loop, one_at_a_time = asyncio.get_running_loop(), threading.Lock()
    changes = [await wing.announce("acme", "second")]

    def lets_go(issuer_id: str, key_id: str) -> Signer:
        if issuer_id == "acme" and key_id == KEY_ID:
            with one_at_a_time:
                if changes:
                    asyncio.run_coroutine_threadsafe(wing.rotate(changes.pop()), loop).result(10)
            raise ResourceNotFound(f"the key {key_id} is not held here")
        return signer_for(issuer_id, key_id)

    publisher = wing.another_publisher(signer_of=lets_go)
    await publisher.publish_dirty()
    await publisher.publish_dirty()

    assert publisher.failed == 0
    assert is_signed_with(served(publisher), "second", wing)


async def test_a_signer_of_another_key_than_was_asked_for_publishes_nothing(wing: Wing) -> None:
    confused = wing.another_publisher(signer_of=lambda issuer_id, _: signer_for(issuer_id))
    await wing.rotate(await wing.announce("acme", "second"))

    assert await confused.publish_dirty() == 1

    assert confused.lists.current(LIST) is None
    assert confused.failed == 1


async def test_until_when_a_key_has_signed_is_noted_to_the_hour(wing: Wing) -> None:
    await wing.publisher.publish_dirty()
    first = served(wing.publisher).valid_until
    await wing.rotate(await wing.announce("acme", "second"))
    between = (await keys(wing))["second"].signed_until
    wing.clock.ahead += 3 * 3_600
    await wing.publisher.publish_dirty()
    second = served(wing.publisher).valid_until

    found = await keys(wing)
    assert between is None
    for key_id, end in ((KEY_ID, first), ("second", second)):
        noted = found[key_id].signed_until
        assert noted is not None
        assert end <= noted < end + SIGNED_STEP
        assert noted % SIGNED_STEP == 0
