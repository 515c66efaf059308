"""
Migrations: each room lists its own, numbered; one runner applies them and remembers their checksums.

A migration's statements are plain SQL for both engines, with these tokens where the engines differ:

    {blob}               BLOB / BYTEA
    {identity}           INTEGER PRIMARY KEY AUTOINCREMENT / BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY
    {bigint}             INTEGER / BIGINT

and `forbid(table, when, message)` for a one-way rule, which the engine renders as a trigger.
"""

import msgspec


class Migration(msgspec.Struct, frozen=True):
    """
    One step of a room's schema.

    Attributes:
        room: the room that owns the tables ("storage", "operators", "registry", "statuslist", "server").
        number: 1, 2, 3 ... within the room, without a gap.
        name: what the step does, in words.
        statements: SQL statements with tokens, run in order in one transaction.
    """

    room: str
    number: int
    name: str
    statements: tuple[str, ...]
