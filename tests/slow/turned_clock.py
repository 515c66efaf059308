"""
The service with a clock that somebody sets: `python -m tests.slow.turned_clock serve` is `python -m server serve`,
but that its clock is ahead by as many seconds as the file `clock` in the working directory says.

What lasts goes by another clock, as on a real machine. That the clock jumped is told for seconds, not for minutes.
"""

import time
from contextlib import suppress
from pathlib import Path

TOLD_SECONDS = 6.0

right = time.time


def turned() -> float:
    with suppress(FileNotFoundError):
        return right() + float(Path("clock").read_text())
    return right()


if __name__ == "__main__":
    time.time = turned  # Before anybody takes it as a default.
    from server.commands.cli import main
    from server.vitals import clock

    clock.TOLD_SECONDS = TOLD_SECONDS
    main()
