"""
`touchstone status`: sets, entries and statuses, over the operator API; lists in files, read and written here.
"""

import click

from server.commands.status.entries import allocate, find, release, set_status
from server.commands.status.export import export
from server.commands.status.files import decode
from server.commands.status.sets import configure, create, list_sets, publish


@click.group()
def status() -> None:
    """Hand out status entries, revoke and suspend, and look at status lists."""


for command in (create, configure, list_sets, allocate, set_status, release, find, publish, decode, export):
    status.add_command(command)
