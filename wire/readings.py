"""One number of a running process, as metrics show it. Pure."""

from typing import Literal

import msgspec


class Reading(msgspec.Struct, frozen=True):
    """
    One number of one process.

    Attributes:
        merge: how the numbers of several processes become one: "sum", "max" or "min".
        labels: what tells this number from others of its name; the same names for all of them.
    """

    name: str
    help: str
    value: float
    merge: Literal["sum", "max", "min"] = "max"
    labels: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, ...]:
        """What is one number in all processes."""
        return self.name, *self.labels.values()
