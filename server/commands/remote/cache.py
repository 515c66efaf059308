"""
`touchstone cache`: what running servers have in memory. Over the operator API, to all that share a database.
"""

import click

from server.commands.remote.api import REASON, operator_api
from server.commands.terminal import fail, say


@click.group()
def cache() -> None:
    """Make running servers forget what they keep in memory."""


@cache.command("purge")
@click.option("--did", default=None, help="Forget one DID, in any spelling.")
@click.option("--host", default=None, help="Forget all DIDs of a host: its name without a port.")
@click.option("--all", "everything", is_flag=True, help="Forget everything.")
@REASON
def cache_purge(did: str | None, host: str | None, everything: bool) -> None:
    """Forget cached documents. Every running server does so within a second."""
    from observatory.purges import AskedPurge, PurgeView

    if sum((did is not None, host is not None, everything)) != 1:
        fail("give exactly one of --did, --host and --all")
    with operator_api() as api:
        asked = AskedPurge(did=did, host=host, all=everything)
        purge = api.post("/operator/cache/purge", PurgeView, asked)
        say(f"purge {purge.number}: every running server has done it by {purge.everywhere_by}")
