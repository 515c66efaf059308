"""`touchstone audit`: the trail read and taken away, and attacks on it, each found by the line."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from operators.audit.views import encode_line, line_of, read_line
from storage import read_sealed, record, seal
from storage.chain import FIRST_DIGEST, SealedRow, next_digest
from tests.databases import SqlitePlace
from tests.server.commands.operating import Operating, Serving, operating_in


@pytest.fixture
def log(operating: Operating, serving: Serving) -> None:
    """At least eight rows of one test are sealed."""
    add(serving, 8)


def add(serving: Serving, count: int, **changes: str) -> None:
    """Write rows past the API, seal all that wait, and let the head be signed where it was asked for."""
    row = {"actor": "tester", "action": "test", "subject": "s"} | changes
    database = serving.services.database
    for number in range(count):
        detail = {"n": number, "text": "\x1b[31m\x9b ü \U0001f600"}
        serving.call(database.write(lambda tx, d=detail: record(tx, **row, detail=d, at=1)))
    serving.call(database.write(lambda tx: seal(tx, limit=1_000)))


@pytest.fixture
def exported(operating: Operating, log: None, tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    path.write_text(operating.done("audit", "export").stdout)
    return path


@pytest.fixture
def anchor(operating: Operating, serving: Serving, exported: Path, tmp_path: Path) -> Path:
    """The head of `exported`, signed; in a directory of its own, with its key."""
    return signed_in(operating, serving, tmp_path)


def signed_in(operating: Operating, serving: Serving, directory: Path) -> Path:
    """Have the head signed, by what works in the background of a server; return the file of the anchor."""
    place = directory / "anchors"
    place.mkdir(exist_ok=True)
    anchors = serving.services.auditing.anchors
    assert anchors is not None

    async def sign() -> None:
        while True:
            await anchors.step()
            await asyncio.sleep(0.02)

    signing = asyncio.run_coroutine_threadsafe(sign(), serving.loop)
    try:
        printed = operating.done("audit", "anchor", str(place)).stdout
    finally:
        signing.cancel()
    return Path(printed.rstrip("\n"))


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def forged(lines: list[bytes], position: int) -> list[bytes]:
    """Change a row, and compute the chain anew."""
    entries, digest = [], FIRST_DIGEST
    for line in lines:
        row = read_line(line).sealed().row
        number = len(entries) + 1
        if number == position:
            row = row.__class__(row.id, row.at, "somebody else", row.action, row.subject, row.detail)
        digest = next_digest(digest, number, row)
        entries.append(SealedRow(number, digest, row))
    return [encode_line(line_of(entry)) for entry in entries]


def test_the_newest_rows_are_printed_in_their_order(operating: Operating, log: None) -> None:
    printed = operating.done("audit", "tail", "-n", "3").stdout
    rows = [json.loads(line) for line in printed.splitlines()]

    assert [row["detail"]["n"] for row in rows] == [5, 6, 7]
    assert rows[0]["detail"]["text"] == "\x1b[31m\x9b ü \U0001f600"
    assert "\x1b" not in printed and "\x9b" not in printed
    assert "ü" in printed


def test_rows_are_selected_by_who_what_and_when(operating: Operating, serving: Serving, log: None) -> None:
    add(serving, 2, actor="someone", action="other", subject="here")
    found = operating.done(
        "audit", "tail", "-n", "1", "--actor", "someone", "--action", "other", "--subject", "here"
    )
    none = operating.done("audit", "tail", "--actor", "someone", "--since", "2999-01-01T00:00:00Z")
    selected = operating.done("audit", "export", "--actor", "someone")
    wrong = operating.run("audit", "tail", "--since", "yesterday")

    assert [json.loads(line)["detail"]["n"] for line in found.stdout.splitlines()] == [1]
    assert none.stdout == ""
    assert len(selected.stdout.splitlines()) >= 2
    assert "cannot be verified" in selected.stderr
    assert (wrong.exit_code, "since: expected a UTC time" in wrong.stderr) == (1, True)


def test_an_export_goes_on_where_another_one_ended(
    operating: Operating, serving: Serving, exported: Path
) -> None:
    count = len(lines_of(exported))
    add(serving, 2)
    rest = operating.done("audit", "export", "--after", str(count)).stdout
    more = exported.with_name("more.jsonl")
    more.write_text(rest)
    verified = operating.done("audit", "verify", str(exported), str(more))

    assert [json.loads(line)["position"] for line in rest.splitlines()] == [count + 1, count + 2]
    assert f"rows 1 to {count + 2} are as they were sealed" in verified.stderr
    assert verified.stdout == ""


def test_the_rows_of_the_server_are_verified(operating: Operating, log: None) -> None:
    verified = operating.done("audit", "verify")

    assert "are as they were sealed" in verified.stderr
    assert "without an anchor nobody can tell" in verified.stderr


def test_a_log_that_agrees_with_an_anchor_is_good(operating: Operating, exported: Path, anchor: Path) -> None:
    count = len(lines_of(exported))
    for source in ([str(exported)], []):
        verified = operating.done("audit", "verify", *source, "--anchor", str(anchor))

        assert f"up to row {count} they are those that were signed for localhost:" in verified.stderr
        assert "name the key that you trust" in verified.stderr


def test_whoever_has_the_head_signed_is_in_the_trail(
    operating: Operating, serving: Serving, anchor: Path
) -> None:
    add(serving, 1)
    row = json.loads(operating.done("audit", "tail", "-n", "1", "--action", "audit.anchor").stdout)

    assert (row["subject"], row["detail"]["position"]) == ("audit", int(anchor.name.partition("-")[0]))


def test_a_directory_of_anchors_is_taken_as_each_of_them(
    operating: Operating, serving: Serving, exported: Path, anchor: Path, tmp_path: Path
) -> None:
    add(serving, 1)
    second = signed_in(operating, serving, tmp_path)
    export = operating.done("audit", "export").stdout
    exported.write_text(export)
    verified = operating.done("audit", "verify", str(exported), "--anchor", str(anchor.parent))
    exported.write_text("".join(export.splitlines(keepends=True)[:-1]))
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor.parent))
    spread = operating.run("audit", "verify", str(exported), "--anchor", str(anchor), str(second))
    empty = operating.run("audit", "verify", str(exported), "--anchor", str(tmp_path))

    assert anchor.parent == second.parent and anchor != second
    assert f"up to row {int(second.name.partition('-')[0])} they are those" in verified.stderr
    assert verified.stderr.count("verified with what lies beside it") == 1
    assert "cut off" in refused.stderr
    assert (spread.exit_code, empty.exit_code) == (2, 2)
    assert f"{second}: this is an anchor" in spread.stderr
    assert "no anchor" in empty.stderr


def test_rows_after_an_anchor_are_verified_with_it_alone(
    operating: Operating, serving: Serving, exported: Path, anchor: Path
) -> None:
    count = len(lines_of(exported))
    add(serving, 2)
    rest = exported.with_name("rest.jsonl")
    rest.write_text(operating.done("audit", "export", "--after", str(count)).stdout)
    verified = operating.done("audit", "verify", str(rest), "--anchor", str(anchor))
    alone = operating.run("audit", "verify", str(rest))

    last = count + 3  # That the anchor was asked for is a row too.
    assert f"rows {count + 1} to {last} are as they were sealed" in verified.stderr
    assert f"rows 1 to {count} were not looked at" in verified.stderr
    assert alone.exit_code == 1
    assert (
        "rest.jsonl, line 1: the audit log is not what was sealed, at position 1: the row is missing"
        in alone.stderr
    )


Attack = Callable[[list[bytes]], list[bytes]]
ATTACKS: dict[str, tuple[Attack, str]] = {
    "edited": (
        lambda log: [*log[:3], log[3].replace(b'"actor":"', b'"actor":"x'), *log[4:]],
        "line 4: .* changed",
    ),
    "digest edited": (lambda log: [*log[:3], read_edited(log[3]), *log[4:]], "line 4: .* changed"),
    "reordered": (
        lambda log: [*log[:3], log[4], log[3], *log[5:]],
        "line 4: .* position 4: the row is missing",
    ),
    "taken out": (lambda log: [*log[:3], *log[4:]], "line 4: .* position 4: the row is missing"),
    "repeated": (lambda log: [*log[:4], *log[3:]], "line 5: .* position 4: the row comes once more"),
    "beginning cut": (lambda log: log[1:], "line 1: .* position 1: the row is missing"),
    "line cut": (lambda log: [*log[:3], log[3][:40]], "line 4: no row of an export"),
    "line added": (lambda log: [*log[:3], b"\n", *log[3:]], "line 4: no row of an export"),
    "member added": (
        lambda log: [*log[:3], log[3].replace(b"{", b'{"note":1,', 1)],
        "line 4: no row of an export",
    ),
}


def read_edited(line: bytes) -> bytes:
    row = json.loads(line)
    row["digest"] = ("B" if row["digest"][0] == "A" else "A") + row["digest"][1:]
    return json.dumps(row).encode() + b"\n"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_an_export_is_found_by_the_line(
    operating: Operating, exported: Path, attack: str
) -> None:
    change, expected = ATTACKS[attack]
    exported.write_bytes(b"".join(change(lines_of(exported))))
    refused = operating.run("audit", "verify", str(exported))

    assert refused.exit_code == 1
    assert re.search(rf"audit\.jsonl, {expected}", refused.stderr), refused.stderr


def test_a_past_that_was_computed_anew_is_found_by_an_anchor_alone(
    operating: Operating, exported: Path, anchor: Path
) -> None:
    log = lines_of(exported)
    exported.write_bytes(b"".join(forged(log, 5)))
    unnoticed = operating.run("audit", "verify", str(exported))
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor))

    assert unnoticed.exit_code == 0
    assert refused.exit_code == 1
    assert (
        f"audit.jsonl, line {len(log)}: the row at position {len(log)} is not the one whose digest was signed"
        in (refused.stderr)
    )


def test_an_end_that_was_cut_off_is_found_by_an_anchor_alone(
    operating: Operating, exported: Path, anchor: Path
) -> None:
    log = lines_of(exported)
    exported.write_bytes(b"".join(log[:-2]))
    unnoticed = operating.run("audit", "verify", str(exported))
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor))

    assert unnoticed.exit_code == 0
    assert refused.exit_code == 1
    assert f"the last row is at position {len(log) - 2}" in refused.stderr
    assert "the end was cut off" in refused.stderr


def test_an_anchor_that_another_key_signed_is_refused(
    operating: Operating, exported: Path, anchor: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.key"
    other.write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor), "--key", str(other))
    (right,) = anchor.parent.glob("*.key")
    taken = operating.run("audit", "verify", str(exported), "--anchor", str(anchor), "--key", str(right))

    assert (refused.exit_code, "none of the expected keys signed" in refused.stderr) == (1, True)
    assert (taken.exit_code, "name the key" in taken.stderr) == (0, False)


def test_an_anchor_that_was_changed_is_refused(operating: Operating, exported: Path, anchor: Path) -> None:
    anchor.write_text(anchor.read_text().replace("/audit\n", "/audits\n"))
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor))

    assert (refused.exit_code, "is none" in refused.stderr) == (1, True)


def test_an_anchor_without_a_key_is_wrong_usage(operating: Operating, exported: Path, anchor: Path) -> None:
    for key in anchor.parent.glob("*.key"):
        key.unlink()
    refused = operating.run("audit", "verify", str(exported), "--anchor", str(anchor))
    needless = operating.run("audit", "verify", str(exported), "--key", str(exported))

    assert (refused.exit_code, "--key" in refused.stderr) == (2, True)
    assert needless.exit_code == 2


def test_nothing_to_verify_is_no_success(operating: Operating, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    refused = operating.run("audit", "verify", str(tmp_path / "empty"))

    assert (refused.exit_code, "no row to verify" in refused.stderr) == (1, True)


def test_whoever_may_not_read_it_is_told_so(operating: Operating) -> None:
    refused = operating.run("audit", "tail", TOUCHSTONE_OPERATOR_KEY_FILE=str(wrong_key(operating)))

    assert refused.exit_code == 4


def wrong_key(operating: Operating) -> Path:
    path = operating.key_file.with_name("wrong.key")
    path.touch(0o600)
    path.write_text("tsk_" + "A" * 12 + "_" + "B" * 43)
    return path


def test_a_past_that_was_rewritten_in_the_database_is_found_over_the_api(tmp_path: Path) -> None:
    """Whoever can write into the database drops its rules, changes a row, and computes the chain anew."""
    with operating_in(tmp_path) as (operating, serving):
        add(serving, 8)
        kept = signed_in(operating, serving, tmp_path)
        add(serving, 2)
        good = operating.run("audit", "verify", "--anchor", str(kept))
        place = SqlitePlace(tmp_path / "var/test.db")
        for table in ("audit", "audit_seals"):
            place.drop_rule(table, "UPDATE")
        place.query("UPDATE audit SET actor = 'nobody' WHERE subject = 's' AND detail LIKE '{\"n\":1,%'")
        edited = operating.run("audit", "verify", "--anchor", str(kept))
        position, digest = 0, FIRST_DIGEST
        for entry in serving.call(serving.services.database.read(read_sealed)):
            position, digest = entry.position, next_digest(digest, entry.position, entry.row)
            place.query(f"UPDATE audit_seals SET digest = x'{digest.hex()}' WHERE position = {position}")
        unnoticed = operating.run("audit", "verify")
        refused = operating.run("audit", "verify", "--anchor", str(kept))

    assert (good.exit_code, edited.exit_code, unnoticed.exit_code, refused.exit_code) == (0, 1, 0, 1)
    assert "the row or its digest was changed" in edited.stderr
    assert "was rewritten" in refused.stderr


def test_whoever_follows_sees_each_row_once_as_it_is_sealed(
    operating: Operating, serving: Serving, log: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = []

    def sleep(_: float) -> None:
        slept.append(True)
        if len(slept) == 4:
            raise KeyboardInterrupt
        if len(slept) < 3:
            add(serving, 2, actor="follower")

    monkeypatch.setattr("server.commands.remote.audit.time.sleep", sleep)
    printed = operating.run("audit", "tail", "-n", "1", "--follow", "--actor", "follower").stdout

    assert [json.loads(line)["detail"]["n"] for line in printed.splitlines()] == [0, 1, 0, 1]
