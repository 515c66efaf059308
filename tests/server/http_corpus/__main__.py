"""
What the two listeners answer to some thousand requests, byte for byte, before and after a change that should change
nothing. `tests/server/test_http_corpus.py` compares.

    python -m tests.server.http_corpus --write

writes what it compares with, from what this code answers: for a change that was decided and is in the changelog.
"""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.server.http_corpus.groups import EXPECTED, GROUPS, transcribe
from tests.server.http_corpus.transcripts import render


async def write() -> None:
    logging.disable()  # What is wrong is in the answers.
    for name, group in GROUPS.items():
        with tempfile.TemporaryDirectory() as directory:
            found = await transcribe(group, Path(directory))
        (EXPECTED / f"{name}.txt").write_text(render(found.transcript))
        print(f"{name}: {len(found.transcript)} requests")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(str(__doc__))
    asyncio.run(write())
