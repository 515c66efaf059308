"""Metrics of several processes: each puts its own on the board, any of them renders the sum."""

import os

from server.telemetry.board import SLOT_BYTES, Board, Snapshot, merged
from server.telemetry.counters import Telemetry
from wire import Reading


def telemetry_on(board: Board | None, slot: int, published: float, remaining: float) -> Telemetry:
    telemetry = Telemetry(board, slot)
    telemetry.sources.append(
        lambda: [
            Reading("published", "P.", published, "sum"),
            Reading("age", "A.", remaining),
            Reading("remaining", "R.", remaining, "min"),
        ]
    )
    return telemetry


def test_any_process_renders_the_numbers_of_all() -> None:
    board = Board(2)
    telemetries = [telemetry_on(board, 0, 2, 30.5), telemetry_on(board, 1, 3, 7)]
    for telemetry in telemetries:
        telemetry.count("/livez", "GET", 200)
        telemetry.share()
    lines = [set(telemetry.render().decode().splitlines()) for telemetry in telemetries]

    assert lines[0] == lines[1]
    assert 'touchstone_http_requests_total{fault="",method="GET",route="/livez",status="200"} 2.0' in lines[0]
    assert {"published 5.0", "age 30.5", "remaining 7.0"} <= lines[0]


def test_a_board_is_shared_with_a_forked_process() -> None:
    board = Board(2)
    child = os.fork()
    if child == 0:
        telemetry_on(board, 1, 4, 1).share()
        os._exit(0)
    os.waitpid(child, 0)

    assert [reading.value for reading in board.get(1).readings] == [4, 1, 1]


def test_a_process_started_anew_goes_on_counting() -> None:
    board = Board(1)
    for _ in range(3):
        telemetry = telemetry_on(board, 0, 2, 9)
        telemetry.count("/livez", "GET", 200)
        telemetry.share()

    assert board.get(0).requests == (("/livez", "GET", 200, "", 3),)
    assert [reading.value for reading in board.get(0).readings] == [6, 9, 9]


def test_a_torn_slot_is_read_as_it_was_before() -> None:
    board = Board(1)
    telemetry_on(board, 0, 1, 1).share()
    before = board.get(0)
    board._memory[20:30] = b"\xff" * 10

    assert board.get(0) == before != Snapshot()


def test_a_snapshot_too_large_for_its_slot_is_left_out() -> None:
    board = Board(1)
    board.put(0, Snapshot(requests=(("x" * SLOT_BYTES, "GET", 200, "", 1),)))

    assert board.get(0) == Snapshot()
    assert merged([]) == Snapshot()
