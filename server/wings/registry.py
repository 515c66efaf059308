"""
The trust registry.
"""

import msgspec

from registry.answering import Answering
from registry.files import Files
from registry.reading import read_apart
from registry.registry import Registry
from registry.reports.due_dates import DueDates
from registry.reports.reports import Reports
from server.wings.operators import Operators
from server.wings.resources import Resources


class RegistryWing(msgspec.Struct, frozen=True):
    registry: Registry
    answering: Answering
    files: Files
    reports: Reports
    due_dates: DueDates


def open_registry(resources: Resources, operators: Operators) -> RegistryWing:
    """Return the trust registry, which knows nothing until it is loaded."""
    registry = Registry(
        resources.database,
        clock=resources.clock,
        timer=resources.timer,
        index_path=resources.settings.registry_index,
    )
    return RegistryWing(
        registry,
        Answering(registry),
        Files(registry, resources.database, read_file=read_apart),
        Reports(registry, resources.database),
        DueDates(registry, operators.alarms.state),
    )
