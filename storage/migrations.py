"""
Migrations: each room lists its own, numbered; one runner applies them and remembers their checksums.

A statement is plain SQL for both engines, with these tokens where the engines differ:

    {blob}               BLOB / BYTEA
    {identity}           INTEGER PRIMARY KEY AUTOINCREMENT / BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY
    {bigint}             INTEGER / BIGINT

or `forbid(table, when, message)` for a one-way rule, which becomes a trigger.
"""

import hashlib
import time
from collections.abc import Sequence

import msgspec

from storage.database import Database, Transaction
from wire import Refusal

TOKENS = {
    "sqlite": {
        "{blob}": "BLOB",
        "{bigint}": "INTEGER",
        "{identity}": "INTEGER PRIMARY KEY AUTOINCREMENT",
    }
}


class SchemaMismatch(Refusal):
    """The database was made by another version of Touchstone; run the one that its migrations name."""

    type = "/problems/schema-mismatch"
    title = "Schema mismatch"
    status = 503


class Forbid(msgspec.Struct, frozen=True):
    """A one-way rule: `event` on a row of `table` fails with `message`; `when` narrows it, or is ""."""

    table: str
    event: str
    when: str
    message: str


def forbid(table: str, when: str, message: str) -> Forbid:
    """
    Return the rule that forbids an event on a table: `forbid("events", "DELETE", "events are append only")`.

    `when` is UPDATE or DELETE, optionally followed by `WHEN` and a condition over OLD and NEW.
    """
    event, _, condition = when.partition(" WHEN ")
    if event not in ("UPDATE", "DELETE"):
        raise ValueError(f"expected UPDATE or DELETE, found {event!r}")
    return Forbid(table, event, condition, message)


class Migration(msgspec.Struct, frozen=True):
    """
    One step of a room's schema.

    Attributes:
        room: the room that owns the tables ("storage", "operators", "registry", "statuslist").
        number: 1, 2, 3 ... within the room, without a gap.
        name: what the step does, in words.
        statements: run in order, in one transaction with all other missing steps.
    """

    room: str
    number: int
    name: str
    statements: tuple[str | Forbid, ...]

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements as written here, the same for both engines."""
        return hashlib.sha256(msgspec.json.encode(self.statements)).hexdigest()


async def migrate(database: Database, migrations: Sequence[Migration]) -> None:
    """
    Apply what is missing of `migrations`, in their order, in one transaction.

    Raises:
        SchemaMismatch: the database holds a step that is not among them, or another text of one.
    """
    await database.write(lambda tx: apply(tx, migrations, database.dialect))


def apply(tx: Transaction, migrations: Sequence[Migration], dialect: str) -> None:
    """As `migrate`, inside a transaction."""
    tx.execute(
        "CREATE TABLE IF NOT EXISTS migrations (room TEXT NOT NULL, number BIGINT NOT NULL,"
        " name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (room, number))"
    )
    applied = {(row["room"], row["number"]): row["checksum"] for row in tx.all("SELECT * FROM migrations")}
    _refuse_unknown(applied, migrations)
    for migration in migrations:
        found = applied.get((migration.room, migration.number))
        if found is None:
            _apply_one(tx, migration, dialect)
        elif found != migration.checksum:
            raise SchemaMismatch(
                f"migration {migration.room}-{migration.number} in the database is not this version's"
            )


def _refuse_unknown(applied: dict[tuple[str, int], str], migrations: Sequence[Migration]) -> None:
    unknown = set(applied) - {(migration.room, migration.number) for migration in migrations}
    if unknown:
        room, number = min(unknown)
        raise SchemaMismatch(f"the database holds migration {room}-{number}, unknown to this version")


def _apply_one(tx: Transaction, migration: Migration, dialect: str) -> None:
    for position, statement in enumerate(migration.statements):
        name = f"{migration.room}_{migration.number}_{position}"
        tx.execute(render(statement, dialect, name))
    tx.execute(
        "INSERT INTO migrations (room, number, name, checksum, applied_at)"
        " VALUES (:room, :number, :name, :checksum, :at)",
        {
            "room": migration.room,
            "number": migration.number,
            "name": migration.name,
            "checksum": migration.checksum,
            "at": time.time_ns() // 1_000,
        },
    )


def render(statement: str | Forbid, dialect: str, name: str) -> str:
    """Return the SQL of a statement for one engine; `name` names the trigger of a `Forbid`."""
    if isinstance(statement, Forbid):
        when = f"WHEN {statement.when} " if statement.when else ""
        message = statement.message.replace("'", "''")
        return (
            f"CREATE TRIGGER forbid_{name} BEFORE {statement.event} ON {statement.table} {when}"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    for token, sql in TOKENS[dialect].items():
        statement = statement.replace(token, sql)
    return statement
