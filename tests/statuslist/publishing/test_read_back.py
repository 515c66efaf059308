"""What is served and mirrored is read again: an alarm where it is not what was published, and files are mended."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from operators import AlarmKind
from statuslist.formats.forms import FORM_NAMES, FormName
from statuslist.publishing.artefacts import digest_of
from statuslist.publishing.mirror import Mirror
from statuslist.publishing.published import Published
from statuslist.publishing.read_back import AT_ONCE, MIRROR, ReadBack
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuslist.publishing.read_back.AGAIN_SECONDS", 0.0)


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as opened:
        await opened.create("badges")
        yield opened


def list_of(form: FormName) -> str:
    return "badges" if form.startswith("token") else "badges-revocation"


async def mirrored(wing: Wing, tmp_path: Path) -> Mirror:
    """Publish two versions, the second of which revokes an entry, and mirror them; keep the first beside."""
    mirror = Mirror(tmp_path / "public")
    for folder in ("old", "public"):
        await wing.revoke("badges", (await wing.allocate("badges"))[0])
        await wing.publisher.publish_dirty()
        for published in wing.publisher.lists:
            mirror.take(published)
        await mirror.write_due()
        if folder == "old":
            (tmp_path / "public").rename(tmp_path / "old")
    return mirror


def read_back(wing: Wing, mirror: Mirror | None) -> ReadBack:
    return ReadBack(wing.database, wing.publisher.lists, mirror, wing._state)


async def test_what_was_published_is_no_alarm_and_all_lists_are_read_in_turn(
    wing: Wing, tmp_path: Path
) -> None:
    for number in range(AT_ONCE):
        await wing.create(f"set-{number}")
    mirror = await mirrored(wing, tmp_path)
    looks = read_back(wing, mirror)
    seen: list[Published] = []
    mirror.read = lambda published: seen.append(published) or Mirror.read(mirror, published)  # type: ignore[method-assign,func-returns-value]

    for _ in range(3):
        await looks.step()

    assert {found.list_id for found in seen} == {found.list_id for found in wing.publisher.lists}
    assert wing.alarms == {}


def older(place: Path, old: Path) -> None:
    """As whoever wants a revocation to be forgotten: a file that was published, and says so."""
    place.write_bytes(old.read_bytes())
    version = f"{place.name}.version"
    place.with_name(version).write_bytes(old.with_name(version).read_bytes())


def garbled(place: Path, _: Path) -> None:
    place.write_bytes(place.read_bytes()[:-1])


def garbled_version(place: Path, _: Path) -> None:
    place.with_name(f"{place.name}.version").write_text("2\n")


def gone(place: Path, _: Path) -> None:
    place.unlink()


@pytest.mark.parametrize("fault", [older, garbled, gone, garbled_version])
@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_file_of_the_mirror_that_is_another_is_an_alarm_and_is_written_anew(
    wing: Wing, tmp_path: Path, form: FormName, fault: Callable[[Path, Path], None]
) -> None:
    mirror = await mirrored(wing, tmp_path)
    path = f"status-lists/{list_of(form)}/{form}"
    versions = {found.list_id: found.version for found in wing.publisher.lists}
    good = (tmp_path / "public" / path).read_bytes()
    fault(tmp_path / "public" / path, tmp_path / "old" / path)
    looks = read_back(wing, mirror)

    await looks.step()
    told = dict(wing.alarms)
    await mirror.write_due()
    wing.alarms.clear()
    await looks.step()

    version = versions[list_of(form)]
    reason = f"{list_of(form)}/{form} was not version {version} as it was published, nor a newer one"
    assert told == {(AlarmKind.LIST_DIFFERED, MIRROR): reason}
    assert (tmp_path / "public" / path).read_bytes() == good
    assert wing.alarms == {}


async def test_an_old_file_that_says_it_is_newer_is_an_alarm_and_is_left_for_a_person(
    wing: Wing, tmp_path: Path
) -> None:
    mirror = await mirrored(wing, tmp_path)
    old, place = (tmp_path / folder / "status-lists/badges/token.jwt" for folder in ("old", "public"))
    place.write_bytes(old.read_bytes())
    place.with_name("token.jwt.version").write_text(f"900 {digest_of(old.read_bytes())}\n")

    await read_back(wing, mirror).step()

    assert list(wing.alarms) == [(AlarmKind.LIST_DIFFERED, MIRROR)]
    assert not await mirror.write_due()


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_bytes_in_memory_that_nobody_published_are_an_alarm(wing: Wing, form: FormName) -> None:
    await wing.publisher.publish_dirty()
    published = wing.publisher.lists.current(list_of(form))
    assert published is not None
    artefact = published.forms[form]
    flipped = bytes([artefact.body[0] ^ 1]) + artefact.body[1:]
    published.forms[form] = msgspec.structs.replace(artefact, body=flipped)

    await read_back(wing, None).step()

    told = f"what is served as {form} is not what was published as version 1"
    assert wing.alarms == {(AlarmKind.LIST_DIFFERED, list_of(form)): told}


async def test_a_list_that_waits_for_the_mirror_and_a_newer_one_of_another_node_are_no_alarm(
    wing: Wing, tmp_path: Path
) -> None:
    behind = wing.another_publisher()
    await wing.publisher.publish_dirty()
    await behind.load()
    mirror = await mirrored(wing, tmp_path)
    waiting = Mirror(tmp_path / "empty")
    for published in wing.publisher.lists:
        waiting.take(published)

    await read_back(wing, waiting).step()
    await ReadBack(wing.database, behind.lists, mirror, wing._state).step()

    assert wing.alarms == {}
