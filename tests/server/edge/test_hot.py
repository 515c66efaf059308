"""The table of hot answers: what it keeps, what it lets go first, and that nothing outlives its source."""

import pytest

from server.edge.hot_reads import HotReads
from server.edge.hot_table import ENTRY_OVERHEAD_BYTES, HotTable
from server.edge.request_head import RequestHead
from server.telemetry.counters import Telemetry
from wire import Answer

NOW = 1_000.0
ENTRY = ENTRY_OVERHEAD_BYTES + 1


def table(entries: int) -> HotTable:
    return HotTable(max_bytes=entries * ENTRY, clock=lambda: NOW)


def answer(fresh_until: float | None = None) -> Answer:
    return Answer(body=b"x", etag='"x"', fresh_until=fresh_until, immutable=fresh_until is None)


def held(hot: HotTable, *paths: bytes) -> list[bool]:
    return [hot.find((path, b""), NOW) is not None for path in paths]


def test_a_flood_of_answers_that_nobody_asks_for_twice_leaves_what_is_hot() -> None:
    hot = table(16)
    for path in (b"/a", b"/b"):
        hot.keep(path, b"", answer())
        hot.find((path, b""), NOW)
    for number in range(10_000):
        hot.keep(b"/flood/%d" % number, b"", answer())

    assert held(hot, b"/a", b"/b", b"/flood/0", b"/flood/9999") == [True, True, False, True]
    assert hot.bytes_held <= 16 * ENTRY


def test_what_is_hot_makes_room_for_what_becomes_hot() -> None:
    hot = table(16)
    for number in range(100):
        hot.keep(b"/%d" % number, b"", answer())
        hot.find((b"/%d" % number, b""), NOW)

    assert held(hot, b"/0", b"/99") == [False, True]
    assert hot.bytes_held <= 16 * ENTRY


def test_an_answer_larger_than_the_table_is_not_kept() -> None:
    hot = table(1)
    hot.keep(b"/large", b"", Answer(body=b"x" * 2 * ENTRY, etag='"x"', immutable=True))

    assert held(hot, b"/large") == [False]
    assert hot.bytes_held == 0


def test_an_answer_that_is_to_be_made_anew_each_time_is_not_kept() -> None:
    hot = table(16)
    fresh = Answer(body=b"x", etag='"x"', fresh_until=NOW + 10, may_be_kept=False)
    for _ in range(2):
        hot.keep(b"/a", b"", fresh)

    assert held(hot, b"/a") == [False]


def test_an_entry_ends_with_its_source() -> None:
    hot = table(16)
    hot.keep(b"/a", b"", answer(NOW + 10))
    hot.keep(b"/past", b"", answer(NOW))

    assert held(hot, b"/a", b"/past") == [True, False]
    assert hot.find((b"/a", b""), NOW + 10) is None
    assert hot.bytes_held == 0


@pytest.mark.parametrize("was_hot", [False, True])
def test_an_answer_lives_no_longer_where_the_clock_was_set_back(was_hot: bool) -> None:
    passed = [0.0]
    hot = HotTable(max_bytes=16 * ENTRY, clock=lambda: NOW, timer=lambda: passed[0])
    hot.keep(b"/a", b"", answer(NOW + 10))
    if was_hot:
        hot.find((b"/a", b""), NOW)

    passed[0] = 9.9
    before = was_hot and hot.find((b"/a", b""), NOW - 7_200)
    passed[0] = 10.0

    assert bool(before) is was_hot
    assert hot.find((b"/a", b""), NOW - 7_200) is None


def test_the_headers_follow_a_clock_that_was_set_back() -> None:
    hot = table(16)
    hot.keep(b"/a", b"", Answer(body=b"x", etag='"x"', made_at=NOW - 900, fresh_until=NOW + 60))
    found = hot.find((b"/a", b""), NOW)
    assert found is not None
    ages = []
    for now in (NOW, NOW - 600):
        found.refresh(now)
        ages.append(dict(found.headers)[b"age"])

    assert ages == [b"900", b"300"]


def test_eviction_is_by_the_beginning_of_the_path_wherever_the_entry_is() -> None:
    hot = table(16)
    for path in (b"/a/1", b"/a/2", b"/b"):
        hot.keep(path, b"", answer())
    hot.find((b"/a/1", b""), NOW)
    hot.evict_below(b"/a/")

    assert held(hot, b"/a/1", b"/a/2", b"/b") == [False, False, True]
    assert hot.bytes_held == ENTRY


def test_eviction_of_a_path_takes_it_alone_however_it_was_asked_for() -> None:
    """The token list of a set `a` must not take the lists of a set `ab` with it."""
    hot = table(16)
    for path in (b"/lists/a", b"/lists/a/token.jwt", b"/lists/ab", b"/lists/a-revocation"):
        for chosen_by in (b"", b"*/*", b"*/*\n"):
            hot.keep(path, chosen_by, answer())
    hot.find((b"/lists/a", b"*/*"), NOW)

    hot.evict(paths := [b"/lists/a", b"/lists/a/token.jwt", b"/lists/a/token.cwt"])

    for chosen_by in (b"", b"*/*", b"*/*\n"):
        assert [hot.find((path, chosen_by), NOW) for path in paths] == [None] * 3
        assert hot.find((b"/lists/ab", chosen_by), NOW) is not None
        assert hot.find((b"/lists/a-revocation", chosen_by), NOW) is not None
    assert hot.bytes_held == 6 * ENTRY


def test_a_newer_answer_takes_the_place_of_the_older() -> None:
    hot = table(16)
    for body in (b"1", b"2"):
        hot.keep(b"/a", b"", Answer(body=body, etag='"x"', immutable=True))
        found = hot.find((b"/a", b""), NOW)

        assert found is not None
        assert found.answer.body == body
    assert hot.bytes_held == ENTRY


def test_the_headers_of_a_second_are_made_once() -> None:
    hot = table(16)
    hot.keep(b"/a", b"", Answer(body=b"x", etag='"x"', made_at=NOW - 5, fresh_until=NOW + 60))
    found = hot.find((b"/a", b""), NOW)
    assert found is not None
    blocks = []
    for now in (NOW, NOW + 0.9, NOW + 1):
        found.refresh(now)
        blocks.append(found.headers)

    assert blocks[0] is blocks[1]
    assert [dict(block)[b"age"] for block in (blocks[0], blocks[2])] == [b"5", b"6"]
    assert b"age: 6\r\n" in found.head


def test_a_header_that_would_break_the_head_is_not_kept() -> None:
    hot = table(16)
    for value in ("a\r\nset-cookie: x", "a\nb", "a\x00b", "plain"):
        headers = (("content-location", value),)
        hot.keep(f"/{value}".encode(), b"", Answer(body=b"x", etag='"x"', immutable=True, headers=headers))

    assert held(hot, b"/a\r\nset-cookie: x", b"/a\nb", b"/a\x00b", b"/plain") == [False, False, False, True]


def test_uses_of_what_may_change_are_told_once_a_second_and_those_of_the_rest_never() -> None:
    told: list[bytes] = []
    table = HotTable(max_bytes=1_000_000, clock=lambda: 0.0, on_used=told.append)
    changing = Answer(body=b"a", etag='"a"', fresh_until=100.0)
    table.keep(b"/changing", b"", changing)
    table.keep(b"/fixed", b"", Answer(body=b"b", etag='"b"', immutable=True))

    for now in (1.0, 1.2, 1.9, 2.0, 2.5, 3.1):
        assert table.find((b"/changing", b""), now) is not None
        assert table.find((b"/fixed", b""), now) is not None

    assert told == [b"/changing"] * 3


@pytest.mark.parametrize(
    ("path", "is_answered"), [(b"/status-lists/a/credential.json", False), (b"/a", True)]
)
def test_a_list_that_another_process_may_serve_newer_is_not_answered_from_memory(
    path: bytes, is_answered: bool
) -> None:
    hot, behind = table(16), [False]
    hot.keep(path, b"", answer(NOW + 10))
    reads = HotReads(
        hot, tokens=None, telemetry=Telemetry(), clock=lambda: NOW, lists_are_behind=lambda: behind[0]
    )
    first = reads.find("GET", path, RequestHead([]), "192.0.2.1")
    behind[0] = True
    second = reads.find("GET", path, RequestHead([]), "192.0.2.1")

    assert first is not None
    assert (second is not None) is is_answered
