"""
Migrations: each room lists its own, numbered; one runner applies them and remembers their checksums.

A statement is plain SQL for both engines, with these tokens where the engines differ:

    {blob}               BLOB / BYTEA
    {identity}           INTEGER PRIMARY KEY AUTOINCREMENT / BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY
    {bigint}             INTEGER / BIGINT

or a one-way rule, which becomes a trigger: `forbid(table, when, message)`, or `ForbidWhile` where a query decides.
`Lift` takes a rule of an earlier step away; only the step that puts another in its place does so. On PostgreSQL
every TEXT column compares by code point (COLLATE "C"), as on SQLite.

Migrations expand, then contract. A step that an older release can live with (a new table, a column with a default)
says nothing; one that it cannot (a column dropped) names in `oldest_release` the oldest that it can run beside.
The newest such release is the *floor* of the database. A release finds steps that it does not know: at or above
the floor it runs beside them, so nodes go up, and down again, one by one; below it is refused.
"""

import hashlib
import re
import time
from collections.abc import Sequence

import msgspec

from storage.database import Database, Transaction
from storage.release import RELEASE
from wire import Refusal

TOKENS = {
    "sqlite": {
        "{blob}": "BLOB",
        "{bigint}": "INTEGER",
        "{identity}": "INTEGER PRIMARY KEY AUTOINCREMENT",
    },
    "postgres": {
        "{blob}": "BYTEA",
        "{bigint}": "BIGINT",
        "{identity}": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    },
}


class SchemaMismatch(Refusal, type="/problems/schema-mismatch", status=503):
    """The database was made by another version of Touchstone; run the one that its migrations name."""


class Forbid(msgspec.Struct, frozen=True):
    """A one-way rule: `event` on a row of `table` fails with `message`; `when` narrows it, or is ""."""

    table: str
    event: str
    when: str
    message: str


class ForbidWhile(msgspec.Struct, frozen=True, tag=True):
    """A one-way rule: `event` on a row of `table` fails with `message` while `query` (over OLD, NEW) has a row."""

    table: str
    event: str
    query: str
    message: str


class Lift(msgspec.Struct, frozen=True, tag=True):
    """The end of a rule: the one that stands at `position` among the statements of step `number` of `room`."""

    table: str
    room: str
    number: int
    position: int


Statement = str | Forbid | ForbidWhile | Lift


def forbid(table: str, when: str, message: str) -> Forbid:
    """
    Return the rule that forbids an event on a table: `forbid("events", "DELETE", "events are append only")`.

    `when` is INSERT, UPDATE or DELETE, optionally followed by `WHEN` and a condition over OLD and NEW.
    """
    event, _, condition = when.partition(" WHEN ")
    if event not in ("INSERT", "UPDATE", "DELETE"):
        raise ValueError(f"expected INSERT, UPDATE or DELETE, found {event!r}")
    return Forbid(table, event, condition, message)


class Migration(msgspec.Struct, frozen=True):
    """
    One step of a room's schema.

    Attributes:
        room: the room that owns the tables ("storage", "operators", "registry", "statuslist").
        number: 1, 2, 3 ... within the room, without a gap.
        name: what the step does, in words.
        statements: run in order, in one transaction with all other missing steps.
        oldest_release: the oldest release that can run beside this step; "0": any.
    """

    room: str
    number: int
    name: str
    statements: tuple[Statement, ...]
    oldest_release: str = "0"

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements as written here, the same for both engines."""
        return hashlib.sha256(msgspec.json.encode(self.statements)).hexdigest()


class SchemaState(msgspec.Struct, frozen=True, kw_only=True):
    """
    How the schema of a database compares with a release's migrations; each step is named as "room-number".

    Attributes:
        missing: of this release, and not applied.
        unknown: applied by a newer release.
        differing: applied with another text than this release has.
        floor: the oldest release that may use the database; "0": any.
    """

    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    differing: tuple[str, ...]
    floor: str


async def migrate(
    database: Database, migrations: Sequence[Migration], release: str = RELEASE
) -> tuple[Migration, ...]:
    """
    Apply what is missing of `migrations`, in their order, in one transaction; return what that was.

    Where nothing is missing nothing is written: a process starts, and serves reads, while the disk is full,
    as long as the engine can open the database (SQLite makes its -wal and -shm files anew after an orderly end).

    Raises:
        SchemaMismatch: the database is beyond `release`, or holds another text of one of the steps.
    """
    schema = await database.read(lambda tx: read_schema(tx, migrations, database.dialect))
    if not (schema.missing or schema.unknown or schema.differing):
        return ()
    return await database.write(lambda tx: apply(tx, migrations, database.dialect, release))


def apply(
    tx: Transaction, migrations: Sequence[Migration], dialect: str, release: str
) -> tuple[Migration, ...]:
    """As `migrate`, inside a transaction."""
    tx.execute(
        "CREATE TABLE IF NOT EXISTS migrations (room TEXT NOT NULL, number BIGINT NOT NULL,"
        " name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (room, number))"
    )
    tx.execute("CREATE TABLE IF NOT EXISTS schema_floor (oldest_release TEXT NOT NULL)")
    applied = {(row["room"], row["number"]): row["checksum"] for row in tx.all("SELECT * FROM migrations")}
    _refuse_older(tx, applied, migrations, release)
    missing = []
    for migration in migrations:
        found = applied.get((migration.room, migration.number))
        if found is None:
            _apply_one(tx, migration, dialect)
            missing.append(migration)
        elif found != migration.checksum:
            raise SchemaMismatch(
                f"migration {migration.room}-{migration.number} in the database is not this release's"
            )
    return tuple(missing)


def read_schema(tx: Transaction, migrations: Sequence[Migration], dialect: str) -> SchemaState:
    """Return how the schema stands to `migrations`, changing nothing; an empty database misses them all."""
    names = {f"{migration.room}-{migration.number}": migration.checksum for migration in migrations}
    applied, floor = {}, "0"
    if tx.one(_HAS_MIGRATIONS[dialect]) is not None:
        rows = tx.all("SELECT room, number, checksum FROM migrations ORDER BY room, number")
        applied = {f"{row['room']}-{row['number']}": row["checksum"] for row in rows}
        floor = _floor(tx)
    return SchemaState(
        missing=tuple(name for name in names if name not in applied),
        unknown=tuple(name for name in applied if name not in names),
        differing=tuple(name for name in names if applied.get(name, names[name]) != names[name]),
        floor=floor,
    )


_HAS_MIGRATIONS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_floor'",
    "postgres": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = current_schema() AND table_name = 'schema_floor'",
}


def _floor(tx: Transaction) -> str:
    floors = [row["oldest_release"] for row in tx.all("SELECT oldest_release FROM schema_floor")]
    return max(floors, key=_as_numbers, default="0")


def _refuse_older(
    tx: Transaction, applied: dict[tuple[str, int], str], migrations: Sequence[Migration], release: str
) -> None:
    unknown = set(applied) - {(migration.room, migration.number) for migration in migrations}
    floor = _floor(tx)
    if unknown and _as_numbers(release) < _as_numbers(floor):
        room, number = min(unknown)
        raise SchemaMismatch(
            f"the database holds migration {room}-{number}, which release {release} cannot run beside;"
            f" start release {floor} or newer, or restore a backup from before the upgrade"
        )


def _as_numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.split("."))


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
    if migration.oldest_release != "0":
        tx.execute(
            "INSERT INTO schema_floor (oldest_release) VALUES (:release)",
            {"release": migration.oldest_release},
        )


def render(statement: Statement, dialect: str, name: str) -> str:
    """Return the SQL of a statement for one engine; `name` names the trigger of a rule."""
    if isinstance(statement, Forbid):
        return (_sqlite_trigger if dialect == "sqlite" else _postgres_trigger)(statement, f"forbid_{name}")
    if isinstance(statement, ForbidWhile):
        return (_sqlite_while if dialect == "sqlite" else _postgres_while)(statement, f"forbid_{name}")
    if isinstance(statement, Lift):
        lifted = f"forbid_{statement.room}_{statement.number}_{statement.position}"
        return f"DROP TRIGGER {lifted}" + ("" if dialect == "sqlite" else f" ON {statement.table}")
    for token, sql in TOKENS[dialect].items():
        statement = statement.replace(token, sql)
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement) if dialect == "postgres" else statement


def _sqlite_trigger(rule: Forbid, name: str) -> str:
    when = f"WHEN {rule.when} " if rule.when else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} {when}"
        f"BEGIN SELECT RAISE(ABORT, '{_quoted(rule.message)}'); END"
    )


def _postgres_trigger(rule: Forbid, name: str) -> str:
    when = f"WHEN ({rule.when}) " if rule.when else ""
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE integrity_constraint_violation USING MESSAGE = '{_quoted(rule.message)}'; END $$;"
        f" CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW {when}EXECUTE FUNCTION {name}()"
    )


def _sqlite_while(rule: ForbidWhile, name: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} BEGIN"
        f" SELECT RAISE(ABORT, '{_quoted(rule.message)}') WHERE EXISTS ({rule.query}); END"
    )


def _postgres_while(rule: ForbidWhile, name: str) -> str:
    row = "OLD" if rule.event == "DELETE" else "NEW"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF EXISTS ({rule.query}) THEN"
        f" RAISE integrity_constraint_violation USING MESSAGE = '{_quoted(rule.message)}'; END IF;"
        f" RETURN {row}; END $$;"
        f" CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def _quoted(message: str) -> str:
    return message.replace("'", "''")
