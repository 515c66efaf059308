"""The logs of keys beside the mirror: what is written, when, and what becomes of a log that is damaged."""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from operators import IssuerKey, KeyState
from operators.issuers import key_store
from operators.issuers.views import AddKey
from server.identity import key_lines, log_files
from server.identity.key_lines import Replay, public_halves
from server.identity.key_log import LOOK_AGAIN_SECONDS, RETRY_SECONDS, replay_log
from server.identity.log_files import logs_in
from tests.clock import Clock
from tests.databases import SqlitePlace
from tests.server.deployment import ACTOR, Deployment

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _lines(ours: Deployment, issuer_id: str = "default") -> list[bytes]:
    return ours.log_of(issuer_id).read_bytes().splitlines()


async def _said(ours: Deployment, issuer_id: str = "default") -> tuple[tuple[IssuerKey, ...], list[str]]:
    """Return what the log says last, to somebody who knows all keys, and what of it does not count."""
    faults: list[str] = []
    replay = Replay(ours.settings.public_url, await ours.issuer(issuer_id), (), is_held=lambda _: True)
    assert ours.settings.mirror_path is not None
    replay_log(ours.settings.mirror_path, await ours.issuer(issuer_id), replay, faults.append)
    return replay.last.keys if replay.last is not None else (), faults


@pytest.fixture
def place(tmp_path: Path) -> SqlitePlace:
    return SqlitePlace(tmp_path / "touchstone.db")


async def test_a_line_is_written_for_each_change_and_none_without_one(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        first = _lines(ours)
        await ours.log.step()
        clock.now += LOOK_AGAIN_SECONDS
        await ours.log.step()
        second = _lines(ours)
        await ours.rotate("default")
        await ours.log.step()
        third = _lines(ours)
        said = await _said(ours)
        keys = await ours.keys("default")
        mode = stat.S_IMODE(ours.log_of("default").stat().st_mode)

    assert len(first) == len(second) == 1
    assert len(third) == 2
    assert third[0] == first[0]
    assert said == (public_halves(keys), [])
    assert mode == 0o600
    assert (ours.log.waiting, ours.log.failed) == (0, 0)


async def test_what_an_active_key_signs_writes_no_line(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        (entry,) = await ours.allocate("default", 1)
        await ours.revoke("default", entry)
        await ours.write_down()
        clock.now += LOOK_AGAIN_SECONDS
        await ours.write_down()
        active = await ours.key("default", KeyState.ACTIVE)

        assert active.signed_until is not None
        assert len(_lines(ours)) == 1


def _delete(path: Path) -> None:
    path.unlink()


def _tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n")


def _scribble(path: Path) -> None:
    path.write_bytes(b"somebody was here\n" + path.read_bytes() + b"\n\nand here")


@pytest.mark.parametrize("harm", [_delete, _tear, _cut, _scribble])
async def test_a_log_that_was_lost_or_damaged_says_everything_again_at_the_next_look(
    tmp_path: Path, place: SqlitePlace, clock: Clock, harm: Callable[[Path], None]
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        await ours.rotate("default")
        await ours.log.step()
        harm(ours.log_of("default"))
        clock.now += LOOK_AGAIN_SECONDS
        await ours.log.step()
        (said, _) = await _said(ours)
        keys = await ours.keys("default")

    assert said == public_halves(keys)
    assert ours.log.failed == 0


@pytest.mark.parametrize("what", ["link", "pipe", "directory"])
async def test_what_stands_in_the_place_of_a_log_is_left_alone_and_counted(
    tmp_path: Path, place: SqlitePlace, clock: Clock, what: str
) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        log = ours.log_of("default")
        log.parent.mkdir(parents=True)
        if what == "link":
            log.symlink_to(target)
        elif what == "pipe":
            os.mkfifo(log)
        else:
            log.mkdir()
        await ours.log.step()
        await ours.log.step()
        failed, waiting = ours.log.failed, ours.log.waiting
        _, told = await _said(ours)
        log.rmdir() if what == "directory" else log.unlink()
        clock.now += RETRY_SECONDS
        await ours.log.step()
        keys = await ours.keys("default")
        said = await _said(ours)

    assert (failed, waiting) == (1, 1)
    assert len(told) == 1
    assert target.read_bytes() == b"precious"
    assert said == (public_halves(keys), [])
    assert ours.log.waiting == 0


async def test_who_has_no_key_that_signs_waits_for_nothing(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        active = await ours.key("default", KeyState.ACTIVE)
        for key in await ours.keys("default"):
            await ours.compromise("default", key.key_id)
        await ours.log.step()
        without = ours.log.waiting
        await ours.changes.add(
            ACTOR, "default", AddKey()
        )  # Where there is no active key, it is active at once.
        await ours.identities.refresh()
        await ours.log.step()
        said, _ = await _said(ours)

    assert without == 0
    assert {key.key_id: key.state for key in said}[active.key_id] is KeyState.COMPROMISED


async def test_a_key_that_is_not_here_lets_the_line_wait(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.add("acme")
    active = tmp_path / "keys" / (await _active_file(tmp_path, place, clock))
    active.rename(active.with_suffix(".aside"))
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        waiting = ours.log.waiting
        active.with_suffix(".aside").rename(active)
        await ours.identities.refresh()
        await ours.log.step()

        assert waiting == 1
        assert (ours.log.waiting, ours.log.failed) == (0, 0)
        assert len(_lines(ours, "acme")) == 1


async def _active_file(tmp_path: Path, place: SqlitePlace, clock: Clock) -> str:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        return (await ours.key("acme", KeyState.ACTIVE)).locator


async def test_two_nodes_that_share_the_mirror_write_each_change_once(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with (
        Deployment.open(tmp_path, place.url, clock) as ours,
        Deployment.open(tmp_path, place.url, clock) as theirs,
    ):
        for _ in range(3):
            await ours.rotate("default")
            await theirs.identities.refresh()
            await ours.log.step()
            await theirs.log.step()
        keys = await ours.keys("default")
        said = await _said(ours)
        written = len(_lines(ours))

    assert said == (public_halves(keys), [])
    assert written == 3


async def test_a_log_that_somebody_holds_lets_the_others_be_written(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.add("acme")
        await ours.log.step()
        with ours.log_of("acme").open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            for issuer_id in ("acme", "default"):
                await ours.rotate(issuer_id)
            await ours.log.step()
            while_held = (len(_lines(ours, "acme")), len(_lines(ours)), ours.log.waiting)
        clock.now += RETRY_SECONDS
        await ours.log.step()

    assert while_held == (1, 2, 1)
    assert len(_lines(ours, "acme")) == 2
    assert (ours.log.waiting, ours.log.failed) == (0, 0)


async def test_a_log_that_is_full_is_begun_anew_and_what_came_before_it_still_tells(
    tmp_path: Path, place: SqlitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "MAX_LOG_BYTES", 6_000)
    async with Deployment.open(tmp_path, place.url) as ours:
        await ours.log.step()
        backup = await ours.keys("default")
        for _ in range(6):
            await ours.rotate("default")
            await ours.log.step()
        keys = await ours.keys("default")
        files = sorted(ours.log_of("default").parent.glob("*.log"))
        issuer, service, mirror = (
            await ours.issuer("default"),
            ours.settings.public_url,
            tmp_path / "published",
        )
    faults: list[str] = []
    replay = Replay(service, issuer, backup, is_held=lambda _: False)
    replay_log(mirror, issuer, replay, faults.append)

    assert len(files) > 2
    assert all(path.stat().st_size <= 6_000 for path in files)
    assert replay.last is not None
    assert (replay.last.keys, faults) == (public_halves(keys), [])
    assert logs_in(mirror) == [("default", ours.log_of("default"))]
    assert (ours.log.waiting, ours.log.failed) == (0, 0)


async def test_a_line_that_would_be_too_long_to_read_is_not_written_and_waits(
    tmp_path: Path, place: SqlitePlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        await ours.rotate("default")
        with monkeypatch.context() as patched:
            patched.setattr(key_lines, "MAX_LINE_BYTES", 1_000)
            await ours.log.step()
            refused = (len(_lines(ours)), ours.log.waiting, ours.log.failed)
        clock.now += RETRY_SECONDS
        await ours.log.step()

        assert refused == (1, 1, 1)
        assert (len(_lines(ours)), ours.log.waiting, ours.log.failed) == (2, 0, 1)


async def test_a_line_that_no_restore_would_believe_is_not_written_and_counted(
    tmp_path: Path, place: SqlitePlace, clock: Clock
) -> None:
    """As of a key that is compromised since before 1970, which nothing refused once."""
    async with Deployment.open(tmp_path, place.url, clock) as ours:
        await ours.log.step()
        await ours.rotate("default")
        retired = await ours.key("default", KeyState.RETIRED)
        bad = msgspec.structs.replace(retired, state=KeyState.COMPROMISED, compromised_since=-1)
        await ours.database.write(lambda tx: key_store.put_key(tx, bad))
        await ours.identities.refresh()
        await ours.log.step()

        assert len(_lines(ours)) == 1
        assert (ours.log.waiting, ours.log.failed) == (1, 1)


def test_a_line_has_room_for_a_thousand_keys() -> None:
    rows = tuple(
        IssuerKey(
            issuer_id="a" * 63,
            key_id="key-0123456789ab",
            custody="pkcs11",
            locator="pkcs11:token=" + "t" * 32 + ";object=key-0123456789ab;type=private",
            state=KeyState.COMPROMISED,
            algorithm="P-384",
            public_key=bytes(120),
            announced_at=2**51,
            activates_at=2**51,
            activated_at=2**51,
            retired_at=2**51,
            compromised_since=2**51,
            compromised_at=2**51,
            signed_until=2**51,
        )
        for _ in range(1_000)
    )

    assert len(msgspec.json.encode(rows)) * 4 / 3 < key_lines.MAX_LINE_BYTES - 10_000
