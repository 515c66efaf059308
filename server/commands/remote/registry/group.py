"""
`touchstone registry`: the group, and what is in it.

Every running server answers from what took effect within a second.
"""

import click

from server.commands.registry_convert import registry_convert
from server.commands.remote.registry.asking import registry_check, registry_history
from server.commands.remote.registry.change_sets import change_set
from server.commands.remote.registry.code import registry_apply, registry_plan
from server.commands.remote.registry.facts import (
    registry_add,
    registry_emergency,
    registry_end,
    registry_resume,
    registry_revoke,
    registry_suspend,
    registry_update,
)
from server.commands.remote.registry.files import (
    registry_export,
    registry_import,
    registry_list,
    registry_show,
)
from server.commands.remote.registry.reports import registry_report
from server.commands.remote.registry_feed import registry_changes, registry_subscriber
from server.commands.remote.registry_sources import registry_source


@click.group()
def registry() -> None:
    """
    Say who may issue what: the trust registry.

    What changes it is a change set, which another person approves where two can: docs/registry.md.
    """


for command in (
    registry_list,
    registry_show,
    registry_check,
    registry_history,
    registry_add,
    registry_update,
    registry_suspend,
    registry_resume,
    registry_revoke,
    registry_end,
    registry_emergency,
    registry_plan,
    registry_apply,
    registry_import,
    registry_export,
    registry_report,
    registry_changes,
    registry_subscriber,
    registry_source,
    registry_convert,
    change_set,
):
    registry.add_command(command)
