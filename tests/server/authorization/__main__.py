"""
Writes docs/authorization.md, from what the routes declare; `--check` fails where that is stale, or a route says
nothing.

    python -m tests.server.authorization --write
"""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from server.app import declared_of
from server.declarations import NotDeclared
from server.routes.authorization import render
from tests.server.http_corpus.world import scene_in

PAGE = Path(__file__).parents[3] / "docs" / "authorization.md"


async def rendered() -> str:
    with tempfile.TemporaryDirectory() as directory:
        async with scene_in(Path(directory)) as scene:
            return render(declared_of(scene.services))


def main(wanted: list[str]) -> None:
    if wanted not in (["--write"], ["--check"]):
        sys.exit(str(__doc__))
    logging.disable()  # Of a deployment that is thrown away.
    try:
        page = asyncio.run(rendered())
    except NotDeclared as error:
        sys.exit(f"a route does not say whom it lets in: {error}")
    if wanted == ["--write"]:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        sys.exit("docs/authorization.md is stale; run: make authorization")


if __name__ == "__main__":
    main(sys.argv[1:])
