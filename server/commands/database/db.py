"""
The command line of the database: `touchstone db`. Data goes to stdout, talk to stderr; exit codes as `cli.py`.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from server.commands.database.db_issuers import db_add_issuer, db_give_up_key
from server.commands.database.db_references import db_forget_references
from server.commands.remote.api import REASON, given_reason
from server.commands.terminal import EXIT_FAILED, fail, run, say, settings_or_exit

SERVED_PAGE = 1_000  # versions read at once
REPORT_SECONDS = 1.0  # seconds between two lines about one long step


@click.group()
def db() -> None:
    """Back up, restore, check, copy or upgrade the database."""


for command in (db_add_issuer, db_give_up_key, db_forget_references):
    db.add_command(command)


@db.command("migrate")
@REASON
def db_migrate() -> None:
    """
    Bring the database to this release.

    Prints each migration that was missing, and the oldest release that can still use the database.
    """
    from server.commands.database.opened import operator_of
    from server.commands.database.upkeep import migrate_database

    settings, operator = settings_or_exit(), operator_of(given_reason())

    async def work() -> None:
        applied, floor = await migrate_database(settings, operator)
        for step in applied:
            click.echo(f"applied {step}")
        say(f"{len(applied)} migrations applied; the oldest release that can run beside it: {_any(floor)}")

    run(work)


@db.command("check")
def db_check() -> None:
    """Look for damage. A server may run meanwhile. The exit code is 1 if something is wrong."""
    from server.commands.database.upkeep import check_database

    settings = settings_or_exit()
    failed: list[str] = []

    async def work() -> None:
        async for result in check_database(settings, _reporter()):
            click.echo(f"{'FAILED' if result.faults else 'ok':7} {result.name}")
            for fault in result.faults:
                click.echo(f"        {fault}")
            failed.extend(result.faults)

    run(work)
    sys.exit(EXIT_FAILED if failed else 0)


@db.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def db_backup(file: Path) -> None:
    """Copy a SQLite database to FILE, even in use. FILE must not exist; it gets mode 0600."""
    from server.commands.database.upkeep import BackupUnsupported, back_up_database

    settings = settings_or_exit()
    report = _reporter()

    async def work() -> None:
        await back_up_database(settings, file, lambda done, of: report("bytes", done, of))
        say(f"{file}: copied and verified")

    try:
        run(work)
    except BackupUnsupported as error:
        fail(str(error))


@db.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option(
    "--lists",
    "mirrors",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the mirror: published lists, and logs of keys. May be repeated.",
)
@REASON
def db_restore(file: Path | None, mirrors: tuple[Path, ...]) -> None:
    """
    Put back a backup, and make it safe to serve.

    FILE takes the place of the SQLite database. Without FILE: make a database safe to serve that was recovered by
    other means. The server must be stopped.
    """
    from server.commands.database.opened import operator_of
    from server.commands.database.restoring import (
        NotComplete,
        NotPublished,
        describe,
        restore_file,
        restore_in_place,
    )

    settings, operator = settings_or_exit(), operator_of(given_reason())

    async def work() -> None:
        if file is None:
            report = await restore_in_place(settings, mirrors, operator, say)
        else:
            report = await restore_file(settings, file, mirrors, operator, say)
        for note in (*report.notes, *report.missing):
            say(note)
        for line in describe(report):
            click.echo(line)
        if report.missing:
            raise NotComplete("issuers are missing, see above; do not start the server before they are there")
        say("no set takes allocations any more: create new ones, then start the server")

    try:
        run(work)
    except (NotComplete, NotPublished) as error:
        fail(str(error))


@db.command("served")
@click.argument("list_id", metavar="LIST")
def db_served(list_id: str) -> None:
    """
    Print which versions of a status list were served.

    One a line, separated by tabs: version, form, SHA-256, validFrom, validUntil. If somebody shows you a copy of a
    list, `sha256sum` tells which version it is, and so from when to when it was the newest.
    """
    from server.commands.database.opened import open_database
    from statuslist.publishing.artefacts import served_forms
    from wire import ResourceNotFound, format_utc

    settings = settings_or_exit()

    async def work() -> None:
        async with open_database(settings) as database:
            after = -1
            while found := await database.read(
                partial(served_forms, list_id=list_id, after=after, limit=SERVED_PAGE)
            ):
                for one in found:
                    times = (format_utc(one.valid_from), format_utc(one.valid_until))
                    click.echo("\t".join((str(one.version), one.form, one.digest, *times)))
                after = found[-1].version
            if after < 0:
                raise ResourceNotFound(f"nothing was published of a list {list_id[:80]!r}")

    run(work)


@db.command("copy")
@click.argument("source_url")
@click.argument("destination_url")
@REASON
def db_copy(source_url: str, destination_url: str) -> None:
    """
    Copy everything into another, empty database.

    Both URLs are SQLite's or PostgreSQL's, as in TOUCHSTONE_DATABASE_URL; a password is read from
    TOUCHSTONE_DATABASE_PASSWORD_FILE. Both servers must be stopped. Prints each table with its number of rows and
    their SHA-256, which are the same on both sides.
    """
    from server.commands.database.opened import operator_of
    from server.commands.database.upkeep import copy_database

    settings, operator = settings_or_exit(), operator_of(given_reason())
    report = _reporter()

    async def work() -> None:
        copied = await copy_database(
            source_url, destination_url, settings, lambda table, rows: report(table, rows, 0), operator
        )
        for table in copied:
            click.echo(f"{table.table:20} {table.rows:10} {table.digest}")
        say(f"{sum(table.rows for table in copied)} rows copied, and the same on both sides")

    run(work)


def _reporter() -> Callable[[str, int, int], None]:
    """Return what tells how far something is (0: of an unknown number), at most once a second."""
    told_at = time.monotonic()

    def report(name: str, done: int, of: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= REPORT_SECONDS:
            told_at = time.monotonic()
            say(f"  {name}: {done}{f' of {of}' if of else ''}")

    return report


def _any(floor: str) -> str:
    return "any" if floor == "0" else floor
