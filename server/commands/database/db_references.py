"""
`touchstone db forget-references`: the way out where the key of the references of entries is lost for good.
"""

import time

import click

from server.commands.remote.api import NEEDED_REASON, given_reason
from server.commands.terminal import fail, run, say, settings_or_exit


@click.command("forget-references")
@click.option("--key-is-lost", is_flag=True, help="Yes: no machine and no backup has references.key.")
@NEEDED_REASON
def db_forget_references(key_is_lost: bool) -> None:
    """
    Forget your own names of status entries, and make a new key for them.

    For when references.key is lost for good. Entries, their statuses and published lists stay; an entry is then
    found by its index alone. The server must be stopped.
    """
    settings = settings_or_exit()
    if not key_is_lost:
        fail(
            "this forgets every reference for ever. Look for references.key in the backups and on all machines that"
            " run this server; if none has it, add --key-is-lost"
        )

    async def work() -> None:
        from server.commands.database.opened import open_database, operator_of
        from server.commands.database.upkeep import hold
        from statuslist.entries.references import ReferenceKey
        from statuslist.entries.referring import begin_anew

        async with open_database(settings) as database:
            hold(database)
            key = ReferenceKey(settings.reference_key_path)
            at = time.time_ns() // 1_000
            forgotten = await begin_anew(database, key, operator_of(given_reason()), at=at)
        say(f"forgot {forgotten} references, and made a new key for others: {settings.reference_key_path}")
        say("back it up, and copy it to every other machine that runs this server; remove what they have")

    run(work)
