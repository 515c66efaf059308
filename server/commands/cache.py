"""
`touchstone cache`: what running servers have in memory. Beside them, through the database that they share.
"""

import time

import click

from server.commands.terminal import ACTOR, fail, run, say, settings_or_exit
from server.settings import Settings


@click.group()
def cache() -> None:
    """Make running servers forget what they keep in memory."""


@cache.command("purge")
@click.option("--did", default=None, help="Forget one DID, in any spelling.")
@click.option("--host", default=None, help="Forget all DIDs of a host: its name without a port.")
@click.option("--all", "everything", is_flag=True, help="Forget everything.")
def cache_purge(did: str | None, host: str | None, everything: bool) -> None:
    """Forget cached documents. Every running server does so within a second."""
    settings = settings_or_exit()

    async def work() -> None:
        await _purge(settings, did, host, everything)

    run(work)


async def _purge(settings: Settings, did: str | None, host: str | None, everything: bool) -> None:
    from observatory.purges import AskedPurge, add_purge, check_asked
    from resolver import Resolver
    from server.commands.opened import open_database
    from wire import BadRequest

    asked = AskedPurge(did=did, host=host, all=everything)
    try:
        check_asked(asked, Resolver())
    except BadRequest as error:
        option = (error.pointer or "").removeprefix("/")
        fail(f"--{option}: {error}" if option else "give exactly one of --did, --host and --all")
    at = int(time.time() * 1_000_000)
    async with open_database(settings) as database:
        purge = await database.write(lambda tx: add_purge(tx, asked, actor=ACTOR, at=at))
    say(f"purge {purge.number}: every running server has done it by {purge.everywhere_by}")
