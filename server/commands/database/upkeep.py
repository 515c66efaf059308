"""
What `touchstone db` does to a database as it is: migrate, check, back up, copy.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from observatory.document_store import faulty_documents
from operators import Principal
from operators.audit.watching import named, never_sealed
from operators.noting import note
from registry.events import Verifier, close, read_head, told_after
from registry.former import has_former_rows
from server.background import LEASE
from server.database import MIGRATIONS, open_of, prepare
from server.identity.documents import public_key_of
from server.settings import Settings
from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import key_faults
from statuslist.recovery.form_inspection import said_faults
from statuslist.recovery.inspection import (
    MAX_FAULTS,
    count_faults,
    forms_faults,
    revocation_faults,
    status_faults,
)
from statuslist.recovery.signature_inspection import SignatureInspection
from storage import (
    ChainBroken,
    Database,
    DatabaseUnavailable,
    Engine,
    Transaction,
    migrate,
    open_database,
    read_sealed,
    sqlite_path,
    verify_chain,
)
from storage.chain import FIRST_DIGEST
from storage.copying import TableDigest, copy_rows
from storage.migrations import SchemaState, read_schema
from storage.sqlite_backup import back_up, integrity_faults
from wire import Conflict

CHAIN_PAGE = 1_000  # audit rows verified in one transaction
DOCUMENT_PAGE = 100  # documents of up to 256 KiB, likewise
EVENT_PAGE = 1_000  # events of the registry, likewise

Progress = Callable[[str, int, int], None]  # of what, done, of how many


class CheckResult(msgspec.Struct, frozen=True):
    """One check of a database: what it is about, and its faults; none: it holds."""

    name: str
    faults: tuple[str, ...] = ()


class BackupUnsupported(Exception):
    """The engine has backups of its own; the message names them."""


async def migrate_database(settings: Settings, operator: Principal) -> tuple[tuple[str, ...], str]:
    """
    Apply what is missing; return what that was, step by step, and the oldest release that may still be used.

    Raises:
        DatabaseUnavailable, SchemaMismatch: as `storage.migrate`.
    """
    database = open_of(settings)
    try:
        applied = await prepare(database)
        schema = await _schema(database)
        steps = tuple(f"{step.room}-{step.number}: {step.name}" for step in applied)
        if steps:
            at = time.time_ns() // 1_000
            await database.write(
                lambda tx: note(tx, operator, "database.migrate", "database", at=at, steps=steps)
            )
    finally:
        database.close()
    return steps, schema.floor


async def check_database(settings: Settings, on_progress: Progress) -> AsyncIterator[CheckResult]:
    """
    Yield each check when it is done; nothing is changed, and a server may run.

    Where the schema is not ours to read, that is the only check.
    """
    database = open_of(settings)
    try:
        schema = await _schema(database)
        yield _schema_result(schema)
        if schema.missing or schema.differing:
            return
        if database.dialect == "sqlite":
            faults = await database.read(lambda tx: integrity_faults(tx.all))
            yield CheckResult("the file's integrity and its foreign keys", tuple(faults[:10]))
        faults_of_rows = (*await _chain_faults(database, on_progress), *await _seal_faults(database))
        yield CheckResult("the chain of the audit rows", faults_of_rows)
        signatures = SignatureInspection(
            public_key_of=public_key_of, base_url=settings.public_url, now=time.time_ns() // 1_000
        )
        for name, look in (
            ("every published list has its forms", forms_faults),
            ("published revocations are those of the rows", revocation_faults),
            ("all forms of a list say what the rows say", said_faults),
            ("all forms of a list are signed by its issuer", signatures.faults),
            ("statuses stand at allocated indexes only", status_faults),
        ):
            found = await look(database, lambda done, of, name=name: on_progress(name, done, of))  # type: ignore[misc]
            yield CheckResult(name, tuple(found))
        yield CheckResult("allocations add up", tuple(await count_faults(database)))
        key = ReferenceKey(settings.reference_key_path)
        yield CheckResult(
            "the key of references is there, where there are any", await key_faults(database, key)
        )
        yield CheckResult("documents that were seen have their digests", await _document_faults(database))
        yield CheckResult("the registry has all that it was told", await _registry_faults(database))
    finally:
        database.close()


async def back_up_database(settings: Settings, file: Path, on_progress: Callable[[int, int], None]) -> None:
    """
    Copy the SQLite database, which may be in use, to `file`.

    The registry is closed before: what a restore loses of it begins at the backup.

    Raises:
        BackupUnsupported: it is not SQLite.
        FileExistsError, DatabaseUnavailable: as `storage.sqlite_backup.back_up`.
    """
    path = sqlite_path(settings.database_url)
    if path is None:
        raise BackupUnsupported(
            "this is for SQLite. PostgreSQL has its own: pg_basebackup with archived WAL for recovery to a point in"
            " time (PITR), or pg_dump; see docs/operations.md, and run `touchstone db restore` after a recovery"
        )
    if path.exists():
        await _close_registry(settings)
    back_up(path, file, on_progress)


async def _close_registry(settings: Settings) -> None:
    """Promise that the registry records nothing more up to now; the backup is made without that, too."""
    database = open_of(settings)
    try:
        schema = await _schema(database)
        if not (schema.missing or schema.differing or schema.unknown):
            await database.write(lambda tx: close(tx, time.time_ns() // 1_000))
    except DatabaseUnavailable:
        pass
    finally:
        database.close()


async def copy_database(
    source_url: str,
    destination_url: str,
    settings: Settings,
    on_progress: Callable[[str, int], None],
    operator: Principal,
) -> list[TableDigest]:
    """
    Copy all rows to a database that is empty, or not there yet where it is SQLite; return what was copied.

    The audit trail of the copy goes on with the row that says so.

    Raises:
        Conflict: a server runs on either, or the source lacks migrations.
        CopyRefused, DatabaseUnavailable, SchemaMismatch: see `copy_rows` and `migrate`.
    """
    async with _held(source_url, settings) as source, _held(destination_url, settings, create=True) as target:
        if (schema := await _schema(source)).missing or schema.unknown or schema.differing:
            raise Conflict("the source is not of this release; run `touchstone db migrate` on it first")
        await migrate(target, MIGRATIONS)
        copied = await copy_rows(source, target, MIGRATIONS, on_progress)
        rows, of, at = sum(table.rows for table in copied), source.dialect, time.time_ns() // 1_000
        await target.write(
            lambda tx: note(tx, operator, "database.copy", "database", at=at, rows=rows, of=of)
        )
        return copied


@asynccontextmanager
async def _held(url: str, settings: Settings, *, create: bool = False) -> AsyncIterator[Engine]:
    """Open a database of which no server may be running, and keep it from starting to publish."""
    password_file = Path(settings.database_password_file) if settings.database_password_file else None
    database = open_database(url, create=create, password_file=password_file)
    try:
        hold(database)
        yield database
    finally:
        database.close()


def hold(database: Engine) -> None:
    """
    Take the publisher's lease until `database` is closed.

    Raises:
        Conflict: a server has it.
    """
    if not database.lease(LEASE).hold():
        raise Conflict("a server is running on this database; stop it first, on every node")


async def _schema(database: Database) -> SchemaState:
    return await database.read(lambda tx: read_schema(tx, MIGRATIONS, database.dialect))


def _schema_result(schema: SchemaState) -> CheckResult:
    missing = [f"{step} is missing; run: touchstone db migrate" for step in schema.missing]
    differing = [f"{step} is not this release's" for step in schema.differing]
    known = f"schema: {len(MIGRATIONS) - len(missing) - len(differing)} steps known"
    unknown = f", {len(schema.unknown)} of a newer release" if schema.unknown else ""
    return CheckResult(f"{known}{unknown}, floor {schema.floor}", tuple(missing + differing))


async def _document_faults(database: Database) -> tuple[str, ...]:
    faults: list[str] = []
    after = ""
    while True:
        last = after

        def look(tx: Transaction, after: str = last) -> tuple[list[str], str]:
            return faulty_documents(tx, after=after, limit=DOCUMENT_PAGE)

        found, after = await database.read(look)
        faults += [f"the document {digest} is not what was seen" for digest in found]
        if not after:
            return tuple(faults[:MAX_FAULTS])


async def _registry_faults(database: Database) -> tuple[str, ...]:
    if await database.read(has_former_rows):
        return ("rows of a release before 0.3 are not events yet; run: touchstone db migrate",)
    verifier = Verifier()
    while events := await database.read(partial(told_after, position=verifier.position, limit=EVENT_PAGE)):
        if fault := next(filter(None, map(verifier.take, events)), None):
            return (fault,)
    fault = verifier.end(await database.read(read_head))
    return (fault,) if fault else ()


async def _chain_faults(database: Database, on_progress: Progress) -> tuple[str, ...]:
    digest, after = FIRST_DIGEST, 0
    try:
        while True:
            last, position = digest, after

            def verify(tx: Transaction, digest: bytes = last, after: int = position) -> tuple[bytes, int]:
                sealed = read_sealed(tx, after=after, limit=CHAIN_PAGE)
                return verify_chain(sealed, digest, after), after + len(sealed)

            digest, after = await database.read(verify)
            if after == position:
                return ()
            on_progress("audit rows", after, after)
    except ChainBroken as error:
        return (str(error),)


async def _seal_faults(database: Database) -> tuple[str, ...]:
    lost, _ = await never_sealed(database)
    return (f"neither sealed nor waiting, by the ids of the rows: {named(lost)}",) if lost else ()


__all__ = [
    "BackupUnsupported",
    "CheckResult",
    "DatabaseUnavailable",
    "back_up_database",
    "check_database",
    "copy_database",
    "hold",
    "migrate_database",
]
