"""The mirror: what is published stands there as files, whole, whatever happens to the disk or the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from statuslist.formats.forms import DATA_INTEGRITY, JWT, TOKEN_FORMS
from statuslist.publishing.mirror import Mirror, has_lists, read_mirror, write_forms
from statuslist.publishing.published import Published
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio

LIST = "badges-revocation"


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as opened:
        await opened.create("badges")
        yield opened


async def _publish(wing: Wing) -> Published:
    await wing.publisher.publish_dirty()
    current = wing.publisher.lists.current(LIST)
    assert current is not None
    return current


async def test_each_form_stands_at_the_path_of_its_url(wing: Wing, tmp_path: Path) -> None:
    current = await _publish(wing)
    mirror = Mirror(tmp_path / "public")
    mirror.take(current)

    assert await mirror.write_due()
    assert mirror.waiting == 0
    for form, artefact in current.forms.items():
        assert (tmp_path / "public/status-lists" / LIST / form).read_bytes() == artefact.body
    assert {found.body for found in read_mirror(tmp_path / "public")} == {
        artefact.body for artefact in current.forms.values()
    }


async def test_a_token_list_stands_there_under_the_id_of_its_set(wing: Wing, tmp_path: Path) -> None:
    await wing.publisher.publish_dirty()
    tokens = wing.publisher.lists.current("badges")
    assert tokens is not None
    before = has_lists(tmp_path / "public", "badges")
    write_forms(tmp_path / "public", tokens)

    found = list(read_mirror(tmp_path / "public"))
    assert [(one.list_id, one.form, one.version) for one in found] == [
        ("badges", form, tokens.version) for form in TOKEN_FORMS
    ]
    assert (before, has_lists(tmp_path / "public", "badges")) == (False, True)


async def test_a_newer_version_of_one_form_keeps_all_forms_as_they_are(wing: Wing, tmp_path: Path) -> None:
    old = await _publish(wing)
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    new = await _publish(wing)
    last = list(new.forms)[-1]
    write_forms(tmp_path / "public", msgspec.structs.replace(new, forms={last: new.forms[last]}))

    with pytest.raises(FileExistsError):
        write_forms(tmp_path / "public", old)
    assert [found.form for found in read_mirror(tmp_path / "public")] == [last]


async def test_a_disk_that_fails_is_counted_and_made_up_for(wing: Wing, tmp_path: Path) -> None:
    current = await _publish(wing)
    mirror = Mirror(tmp_path / "public")
    (tmp_path / "public").write_text("in the way")
    mirror.take(current)
    written = await mirror.write_due()
    failed, waiting = mirror.failed, mirror.waiting
    (tmp_path / "public").unlink()

    assert (written, failed, waiting) == (False, 1, 1)
    assert await mirror.write_due()
    assert mirror.waiting == 0


async def test_the_newest_version_is_written_once(wing: Wing, tmp_path: Path) -> None:
    old = await _publish(wing)
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    new = await _publish(wing)
    mirror = Mirror(tmp_path / "public")
    running = asyncio.create_task(mirror.run())
    mirror.take(old)
    mirror.take(new)
    while mirror.waiting:
        await asyncio.sleep(0.01)
    path = tmp_path / "public/status-lists" / LIST / DATA_INTEGRITY
    written = path.stat().st_ino
    mirror.take(new)
    while mirror.waiting:
        await asyncio.sleep(0.01)
    running.cancel()

    assert path.read_bytes() == new.forms[DATA_INTEGRITY].body
    assert path.stat().st_ino == written, "what is there already is left alone"


async def test_a_file_half_written_is_never_read(wing: Wing, tmp_path: Path) -> None:
    current = await _publish(wing)
    place = tmp_path / "public/status-lists" / LIST
    place.mkdir(parents=True)
    half = place / "credential.json.node-1.unfinished"
    half.write_bytes(b"half")

    assert list(read_mirror(tmp_path / "public")) == []
    mirror = Mirror(tmp_path / "public")
    mirror.take(current)
    await mirror.write_due()
    assert sorted(path.name for path in place.iterdir()) == [
        "credential.json",
        "credential.json.node-1.unfinished",
        "credential.json.version",
        "credential.jwt",
        "credential.jwt.version",
    ]


async def test_each_form_has_its_version_beside_it(wing: Wing, tmp_path: Path) -> None:
    current = await _publish(wing)
    mirror = Mirror(tmp_path / "public")
    mirror.take(current)
    await mirror.write_due()

    assert [found.version for found in read_mirror(tmp_path / "public")] == [current.version] * 2


@pytest.mark.parametrize(
    "text", [None, b"", b"1", b"9 " + b"0" * 64 + b"\n", b"-1 " + b"0" * 64 + b"\n", b"1" * 1_000_000]
)
async def test_a_version_that_is_missing_damaged_or_of_other_bytes_is_not_known(
    wing: Wing, tmp_path: Path, text: bytes | None
) -> None:
    mirror = Mirror(tmp_path / "public")
    mirror.take(await _publish(wing))
    await mirror.write_due()
    file = tmp_path / "public/status-lists" / LIST / "credential.json.version"
    file.unlink()
    if text is not None:
        file.write_bytes(text)

    found = {one.form: one.version for one in read_mirror(tmp_path / "public")}
    assert (found[DATA_INTEGRITY], found[JWT]) == (None, 1)


async def test_an_older_version_never_takes_the_place_of_a_newer_one(wing: Wing, tmp_path: Path) -> None:
    """As a node that is behind another would, in a directory that both write."""
    old = await _publish(wing)
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    new = await _publish(wing)
    behind, ahead = Mirror(tmp_path / "public"), Mirror(tmp_path / "public")
    ahead.take(new)
    await ahead.write_due()
    behind.take(old)
    written = await behind.write_due()
    kept = [found.version for found in read_mirror(tmp_path / "public")]
    behind.take(new)

    assert (written, kept, behind.failed) == (False, [new.version] * 2, 1)
    assert await behind.write_due()
    assert behind.waiting == 0


async def test_a_write_whose_task_was_cancelled_disturbs_none_after_it(wing: Wing, tmp_path: Path) -> None:
    current = await _publish(wing)
    failed = 0
    for number in range(30):
        mirror = Mirror(tmp_path / f"public-{number}")
        running = asyncio.create_task(mirror.run())
        mirror.take(current)
        await asyncio.sleep(0.0005 * (number % 5))
        running.cancel()
        await mirror.write_due()
        failed += mirror.failed

    assert failed == 0


async def test_an_end_waits_a_moment_for_the_mirror_and_the_next_start_writes_the_rest(
    wing: Wing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statuslist.publishing.mirror.LAST_SECONDS", 0.05)
    for number in range(300):
        await wing.create(f"set-{number}")
    await wing.publisher.publish_dirty()
    mirror = Mirror(tmp_path / "public")
    for published in wing.publisher.lists:
        mirror.take(published)
    await mirror.write_last()
    written, left = set(read_mirror(tmp_path / "public")), mirror.waiting
    started = Mirror(tmp_path / "public")
    await wing.another_publisher(on_published=started.take).load()
    await started.write_due()

    lists = list(wing.publisher.lists)
    assert 0 < left < len(lists)
    assert (
        len(written) < len(set(read_mirror(tmp_path / "public"))) == sum(len(found.forms) for found in lists)
    )
