"""Anchors: when the head is signed, what is never signed, and what lies beside the mirror."""

from pathlib import Path

import pytest

from operators import AlarmKind
from operators.audit import anchor_files, store
from operators.audit.heads import read_head
from proofs import Algorithm
from proofs.notes import read_note_key, verify_note
from storage import Engine, read_sealed
from storage.chain import FIRST_DIGEST, next_digest
from tests.clock import Clock
from tests.databases import RULE_BROKEN, Place
from tests.operators.audit.anchoring import ORIGIN, Anchoring
from tests.proofs.documents import SIGNERS

pytestmark = pytest.mark.anyio

BROKEN = (AlarmKind.AUDIT_BROKEN, "audit")


async def positions(anchoring: Anchoring) -> list[int]:
    return [anchor.position for anchor in await anchoring.signed()]


async def test_the_first_head_is_signed_at_once_and_verifies(database: Engine, clock: Clock) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.anchors.step()
    before = await positions(anchoring)
    await anchoring.add(3)
    await anchoring.anchors.step()
    (anchor,) = await anchoring.signed()
    (sealed,) = (await database.read(read_sealed))[-1:]
    assert anchor.note is not None and anchor.note_key is not None
    head = read_head(verify_note(anchor.note.encode(), [read_note_key(anchor.note_key)]))

    assert before == []
    assert (head.origin, head.position, head.digest) == (ORIGIN, 3, sealed.digest)
    assert read_note_key(anchor.note_key).name == SIGNERS[Algorithm.ED25519].verification_method
    assert anchoring.alarms == {}


async def test_a_head_is_signed_every_hour_while_the_log_grows(database: Engine, clock: Clock) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(1)
    await anchoring.anchors.step()
    await anchoring.add(1)
    await anchoring.anchors.step()
    too_early = await positions(anchoring)
    clock.now += 3_600
    await anchoring.anchors.step()
    clock.now += 3_600
    await anchoring.anchors.step()

    assert too_early == [1]
    assert await positions(anchoring) == [1, 2]


async def test_a_clock_that_was_set_back_delays_no_anchor(database: Engine, clock: Clock) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(1)
    await anchoring.anchors.step()
    await anchoring.add(1)
    clock.now -= 86_400
    await anchoring.anchors.step()

    assert await positions(anchoring) == [1, 2]


async def test_a_head_that_was_asked_for_is_signed_once_the_key_is_there(
    database: Engine, clock: Clock
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(2)
    await anchoring.anchors.step()
    await anchoring.add(1)
    anchoring.signing = None
    await database.write(lambda tx: store.ask_anchor(tx, 3, 1))
    await anchoring.anchors.step()
    waiting = await positions(anchoring)
    anchoring.signing = SIGNERS[Algorithm.P256]
    clock.now += 10
    await anchoring.anchors.step()
    await anchoring.anchors.step()

    assert (waiting, await positions(anchoring)) == ([2], [2, 3])
    assert (await anchoring.signed())[1].note_key != (await anchoring.signed())[0].note_key
    assert anchoring.alarms == {}, "the alarm is that of the key"


async def test_an_anchor_is_final(database: Engine, clock: Clock, place: Place) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(1)
    await anchoring.anchors.step()
    before = await anchoring.signed()
    await database.write(lambda tx: store.put_anchor(tx, 1, note="other", note_key="other", at=1))

    assert await anchoring.signed() == before
    for change in (
        "UPDATE audit_anchors SET note = 'other'",
        "UPDATE audit_anchors SET signed_at = 1",
        "DELETE FROM audit_anchors",
    ):
        with pytest.raises(RULE_BROKEN):
            place.query(change)


def rewrite(place: Place, position: int) -> None:
    """Change a row past the rules, and compute the chain anew from there on."""
    for event in ("UPDATE", "DELETE"):
        for table in ("audit", "audit_seals"):
            place.drop_rule(table, event)
    place.query(
        "UPDATE audit SET subject = 'forged'"
        f" WHERE id = (SELECT audit_id FROM audit_seals WHERE position = {position})"
    )


async def chain_anew(database: Engine) -> None:
    sealed, digest = await database.read(read_sealed), FIRST_DIGEST
    for entry in sealed:
        digest = next_digest(digest, entry.position, entry.row)
        values = {"position": entry.position, "digest": digest}
        await database.write(
            lambda tx, v=values: tx.execute(  # type: ignore[misc]
                "UPDATE audit_seals SET digest = :digest WHERE position = :position", v
            )
        )


async def test_nothing_is_signed_over_a_row_that_was_changed(
    database: Engine, clock: Clock, place: Place
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(2)
    await anchoring.anchors.step()
    await anchoring.add(3)
    rewrite(place, 4)
    clock.now += 3_600
    await anchoring.anchors.step()

    assert await positions(anchoring) == [2]
    assert "at position 4" in anchoring.alarms[BROKEN]


async def test_nothing_is_signed_over_a_past_that_was_computed_anew(
    database: Engine, clock: Clock, place: Place
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(3)
    await anchoring.anchors.step()
    await anchoring.add(1)
    rewrite(place, 2)
    await chain_anew(database)
    clock.now += 3_600
    await anchoring.anchors.step()

    assert await positions(anchoring) == [3]
    assert "position 3" in anchoring.alarms[BROKEN]
    assert "rewritten" in anchoring.alarms[BROKEN]


async def test_an_alarm_of_a_process_that_leads_no_more_is_taken_back(
    database: Engine, clock: Clock, place: Place
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(2)
    rewrite(place, 2)
    await anchoring.anchors.step()
    told = dict(anchoring.alarms)
    anchoring.anchors.leave()

    assert (BROKEN in told, anchoring.alarms) == (True, {})


async def test_anchors_are_files_beside_the_mirror_with_their_keys(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    anchoring = Anchoring(database, clock, tmp_path)
    await anchoring.add(1)
    await anchoring.anchors.step()
    anchoring.signing = SIGNERS[Algorithm.P384]
    await anchoring.add(1)
    clock.now += 3_600
    await anchoring.anchors.step()
    place = tmp_path / "audit"
    notes, keys = sorted(place.glob("*.note")), sorted(place.glob("*.key"))
    known = [read_note_key(path.read_text()) for path in keys]

    assert [read_head(verify_note(path.read_bytes(), known)).position for path in notes] == [1, 2]
    assert notes[0].name == anchor_files.name_of(1, (await anchoring.signed())[0].digest)
    assert len(keys) == 2 and len(list(place.iterdir())) == 4
    assert anchoring.alarms == {}


async def test_files_that_were_lost_are_written_again_by_the_next_process(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    await Anchoring(database, clock).add(1)
    before = Anchoring(database, clock)
    await before.anchors.step()
    after = Anchoring(database, clock, tmp_path)
    await after.anchors.step()

    assert len(list((tmp_path / "audit").glob("*.note"))) == 1


async def test_a_full_disk_stops_neither_signing_nor_the_next_try(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    anchoring = Anchoring(database, clock, tmp_path)
    (tmp_path / "audit").write_text("in the way")
    await anchoring.add(1)
    await anchoring.anchors.step()
    assert anchoring.files is not None
    failed = anchoring.files.failed
    (tmp_path / "audit").unlink()
    clock.now += 10
    await anchoring.anchors.step()

    assert failed == 1
    assert await positions(anchoring) == [1]
    assert len(list((tmp_path / "audit").glob("*.note"))) == 1


async def test_no_file_is_seen_before_it_is_whole(
    database: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchoring = Anchoring(database, clock, tmp_path)
    await anchoring.add(1)

    def crash(_: int) -> None:
        raise OSError("crashed before the file was on the disk")

    with monkeypatch.context() as patch:
        patch.setattr("operators.audit.anchor_files.os.fsync", crash)
        await anchoring.anchors.step()
    seen = [path.suffix for path in (tmp_path / "audit").iterdir()]

    assert set(seen) == {".unfinished"}


async def test_files_of_rows_that_the_database_lost_stay_and_raise_an_alarm(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    """As after a restore: other rows get the positions of those that were lost."""
    place = tmp_path / "audit"
    place.mkdir()
    lost = place / anchor_files.name_of(2, bytes(32))
    lost.write_text("signed before the restore")
    anchoring = Anchoring(database, clock, tmp_path)
    await anchoring.add(2)
    await anchoring.anchors.step()
    told = anchoring.alarms[BROKEN]
    anchored = await positions(anchoring)
    lost.rename(tmp_path / lost.name)
    clock.now += 60
    await anchoring.anchors.step()

    assert lost.name in told and "restored" in told
    assert anchored == [2]
    assert len(list(place.glob("*.note"))) == 1
    assert anchoring.alarms == {}
