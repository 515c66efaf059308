"""Anchors: when the head is signed, what is never signed, and what lies beside the mirror."""

from base64 import b64encode
from pathlib import Path

import pytest

from operators import MIGRATIONS, AlarmKind
from operators.audit import anchor_files, store
from operators.audit.heads import Head, read_head
from proofs import Algorithm
from proofs.notes import read_note_key, sign_note, verify_note
from storage import MIGRATIONS as STORAGE
from storage import Engine, read_sealed, record, seal
from storage.chain import FIRST_DIGEST, next_digest
from tests.clock import Clock
from tests.databases import RULE_BROKEN, Place, SqlitePlace, migrated
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


async def test_a_position_that_there_is_not_delays_no_anchor(tmp_path: Path, clock: Clock) -> None:
    """A connection to SQLite that does not ask for foreign keys may insert it."""
    place = SqlitePlace(tmp_path / "t.db")
    async with migrated(place, (*STORAGE, *MIGRATIONS)) as database:
        anchoring = Anchoring(database, clock)
        await anchoring.add(1)
        place.query(
            "INSERT INTO audit_anchors (position, asked_at) VALUES (1000000000000000, 1800000000000000)"
        )
        await anchoring.anchors.step()

        assert await positions(anchoring) == [1]


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
        patch.setattr("storage.files.os.fsync", crash)
        await anchoring.anchors.step()
    seen = [path.suffix for path in (tmp_path / "audit").iterdir()]

    assert set(seen) == {".unfinished"}


def a_foreign_file(place: Path, position: int) -> Path:
    """Write what the server signed over a row that the database does not have."""
    place.mkdir(exist_ok=True)
    signer = SIGNERS[Algorithm.ED25519]
    text = Head(ORIGIN, position, bytes(32)).text
    lost = place / anchor_files.name_of(position, bytes(32))
    lost.write_bytes(sign_note(text, signer.verification_method, signer))
    return lost


async def restore(database: Engine, *names: str) -> None:
    detail = {"anchors": names}
    await database.write(
        lambda tx: record(tx, actor="o", action=store.RESTORE, subject="database", detail=detail, at=1)
    )
    await database.write(lambda tx: seal(tx, limit=1))


async def test_files_of_rows_that_a_restore_lost_raise_an_alarm_until_they_are_moved(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    """As after a restore: other rows get the positions of those that were lost."""
    lost = a_foreign_file(tmp_path / "audit", 2)
    anchoring = Anchoring(database, clock, tmp_path)
    await restore(database, lost.name)
    await anchoring.add(2)
    await anchoring.anchors.step()
    told, anchored = anchoring.alarms[BROKEN], await positions(anchoring)
    await anchoring.add(1)
    clock.now += 3_600
    await anchoring.anchors.step()
    clock.now += 60
    await anchoring.anchors.step()
    still, later = anchoring.alarms.get(BROKEN), await positions(anchoring)
    lost.rename(tmp_path / lost.name)
    clock.now += 60
    await anchoring.anchors.step()

    assert lost.name in told and "restored" in told
    assert (anchored, later) == ([3], [3, 4]), "a restore is on record, so signing goes on"
    assert still == told, "a newer anchor does not end the alarm"
    assert len(list((tmp_path / "audit").glob("*.note"))) == 2
    assert anchoring.alarms == {}


async def test_nothing_is_signed_while_a_file_contradicts_and_no_restore_named_it(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    lost = a_foreign_file(tmp_path / "audit", 2)
    anchoring = Anchoring(database, clock, tmp_path)
    await restore(database, "000000000002-another.note")
    await anchoring.add(4)
    await anchoring.anchors.step()
    clock.now += 60
    await anchoring.anchors.step()
    refused, told = await positions(anchoring), anchoring.alarms.get(BROKEN, "")
    lost.unlink()
    clock.now += 60
    await anchoring.anchors.step()

    assert refused == [] and lost.name in told
    assert (await positions(anchoring), anchoring.alarms) == ([5], {})


async def test_no_past_is_signed_anew_after_its_anchors_were_deleted(
    database: Engine, clock: Clock, place: Place, tmp_path: Path
) -> None:
    before = Anchoring(database, clock, tmp_path)
    await before.add(3)
    await before.anchors.step()
    rewrite(place, 2)
    await chain_anew(database)
    place.drop_rule("audit_anchors", "DELETE")
    place.query("DELETE FROM audit_anchors")
    for anchoring in (before, Anchoring(database, clock, tmp_path)):
        clock.now += 3_600
        await anchoring.anchors.step()
        clock.now += 60
        await anchoring.anchors.step()

        assert await positions(anchoring) == []
        assert "rewritten" in anchoring.alarms[BROKEN]
    assert len(list((tmp_path / "audit").glob("*.note"))) == 1


async def test_a_process_knows_what_it_signed_where_no_file_says_it(
    database: Engine, clock: Clock, place: Place
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(3)
    await anchoring.anchors.step()
    rewrite(place, 2)
    await chain_anew(database)
    place.drop_rule("audit_anchors", "DELETE")
    place.query("DELETE FROM audit_anchors")
    clock.now += 3_600
    await anchoring.anchors.step()

    assert (await positions(anchoring), "position 3" in anchoring.alarms[BROKEN]) == ([], True)


@pytest.mark.parametrize("has_files", [True, False])
async def test_a_stored_note_that_says_another_digest_under_the_old_signature_is_found(
    database: Engine, clock: Clock, place: Place, tmp_path: Path, has_files: bool
) -> None:
    before = Anchoring(database, clock)
    await before.add(3)
    await before.anchors.step()
    (anchor,) = await before.signed()
    rewrite(place, 2)
    await chain_anew(database)
    (head,) = (await database.read(read_sealed))[-1:]
    lines = (anchor.note or "").split("\n")
    forged = "\n".join([*lines[:2], b64encode(head.digest).decode(), *lines[3:]])
    place.drop_rule("audit_anchors", "UPDATE")
    place.query(f"UPDATE audit_anchors SET note = '{forged}'")
    anchoring = Anchoring(database, clock, tmp_path if has_files else None)
    await anchoring.add(1)
    clock.now += 3_600
    await anchoring.anchors.step()
    await anchoring.anchors.step()

    assert await positions(anchoring) == [3]
    assert "position 3" in anchoring.alarms[BROKEN]
    assert list(tmp_path.glob("audit/*.note")) == [], "what is not signed is no file"


async def test_a_file_that_no_key_of_ours_signed_raises_an_alarm(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    anchoring = Anchoring(database, clock, tmp_path)
    await anchoring.add(1)
    await anchoring.anchors.step()
    (note,) = (tmp_path / "audit").glob("*.note")
    note.write_text(note.read_text().replace("audit\n", "audi\n", 1))
    clock.now += 60
    after = Anchoring(database, clock, tmp_path)
    await after.anchors.step()

    assert note.name in after.alarms[BROKEN]
