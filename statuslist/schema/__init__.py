"""The tables of this room, in the order of their steps. Store."""

from statuslist.schema import entries, lists, sets

MIGRATIONS = tuple(
    sorted((*lists.MIGRATIONS, *sets.MIGRATIONS, *entries.MIGRATIONS), key=lambda step: step.number)
)
