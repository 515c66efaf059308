"""Writes that are done in one: which, in what order, and what becomes of one that fails."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from storage import DatabaseUnavailable, Engine, Together, Transaction

pytestmark = pytest.mark.anyio


class Notes:
    """Adds notes, some at once; refuses "refused", and fails at "broken"."""

    def __init__(self) -> None:
        self.made: list[list[str]] = []

    def add(self, tx: Transaction, texts: Sequence[str]) -> list[int | Exception]:
        self.made.append(list(texts))
        taken = [text for text in texts if text != "refused"]
        tx.execute_many("INSERT INTO notes (text) VALUES (:text)", [{"text": text} for text in taken])
        if "broken" in texts:
            raise LookupError("broken")
        return [len(texts) if text != "refused" else ValueError(text) for text in texts]


async def write_behind(database: Engine, *wanted: object) -> list[object]:
    """Have `wanted` wait for the writer, all at once; return what became of each."""
    entered, opened = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        entered.set()
        assert opened.wait(10)

    held = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(entered.wait, 10)
    waiting = [asyncio.ensure_future(database.write(fn)) for fn in wanted]  # type: ignore[arg-type, var-annotated]
    await asyncio.sleep(0.05)
    opened.set()
    await held
    return list(await asyncio.gather(*waiting, return_exceptions=True))


async def texts_in(database: Engine) -> list[str]:
    return await database.read(
        lambda tx: [row["text"] for row in tx.all("SELECT text FROM notes ORDER BY id")]
    )


async def test_those_of_a_kind_that_wait_are_done_in_one_in_their_order(database: Engine) -> None:
    notes = Notes()

    results = await write_behind(database, *(Together(notes.add, str(number)) for number in range(5)))

    assert results == [5] * 5
    assert notes.made == [["0", "1", "2", "3", "4"]]
    assert await texts_in(database) == ["0", "1", "2", "3", "4"]


async def test_nothing_is_done_before_what_was_asked_for_before_it(database: Engine) -> None:
    """Another write in between, or one of another kind, keeps its place."""
    notes, others = Notes(), Notes()

    await write_behind(
        database,
        Together(notes.add, "a"),
        Together(notes.add, "b"),
        lambda tx: tx.execute("INSERT INTO notes (text) VALUES ('alone')"),
        Together(notes.add, "c"),
        Together(others.add, "d"),
        Together(notes.add, "e"),
    )

    assert notes.made == [["a", "b"], ["c"], ["e"]]
    assert await texts_in(database) == ["a", "b", "alone", "c", "d", "e"]


async def test_one_that_is_refused_takes_nobody_along(database: Engine) -> None:
    notes = Notes()

    results = await write_behind(database, *(Together(notes.add, text) for text in ("a", "refused", "b")))

    assert [type(result) for result in results] == [int, ValueError, int]
    assert notes.made == [["a", "refused", "b"]]
    assert await texts_in(database) == ["a", "b"]


async def test_one_that_fails_fails_alone_and_what_was_written_with_it_is_written_once(
    database: Engine,
) -> None:
    notes = Notes()

    results = await write_behind(database, *(Together(notes.add, text) for text in ("a", "broken", "b")))

    assert [type(result) for result in results] == [int, LookupError, int]
    assert results[0] == results[2] == 1
    assert await texts_in(database) == ["a", "b"]


async def test_alone_it_is_a_write_like_any_other(database: Engine) -> None:
    notes = Notes()

    result = await database.write(Together(notes.add, "a"))
    with pytest.raises(ValueError, match="refused"):
        await database.write(Together(notes.add, "refused"))
    with pytest.raises(LookupError):
        await database.write(Together(notes.add, "broken"))

    assert result == 1
    assert await texts_in(database) == ["a"]


async def test_one_whose_time_is_over_never_happens_and_the_others_do(database: Engine) -> None:
    notes = Notes()
    database.call_seconds = 0.3
    entered, opened = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        entered.set()
        assert opened.wait(10)

    held = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(entered.wait, 10)
    late = asyncio.create_task(database.write(Together(notes.add, "late")))
    with pytest.raises(DatabaseUnavailable, match="nothing was written"):
        await late
    database.call_seconds = 10
    soon = [asyncio.create_task(database.write(Together(notes.add, text))) for text in ("a", "b")]
    await asyncio.sleep(0.05)
    opened.set()
    await asyncio.gather(*soon)
    with pytest.raises(DatabaseUnavailable):
        await held

    assert await texts_in(database) == ["a", "b"]
