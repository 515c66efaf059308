"""
What former SQLite databases have: the one that a restore replaces, and those that restores before it moved aside.
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from operators.issuers import key_store
from operators.store import all_issuers
from registry.events import read_head
from server.identity.identities import Rows
from statuslist.publishing.artefacts import older_bodies, published_bodies, published_list_ids
from statuslist.publishing.mirror import FoundForm
from statuslist.recovery import epoch
from storage import Database, DatabaseUnavailable, Transaction, open_database
from storage.sqlite_backup import set_aside

T = TypeVar("T")

Say = Callable[[str], None]


class Former(msgspec.Struct, frozen=True):
    """
    What a database that was there before has as published, and its issuers with their keys.

    Attributes:
        told_until: until when its registry was told something, or answered for good; microseconds since 1970.
    """

    forms: Sequence[FoundForm]
    rows: Rows
    told_until: int = 0


async def look_into(path: Path, say: Say) -> Former:
    """Return what a former database has, or as much of it as can be read."""
    try:
        database = open_database(f"sqlite:///{path}")
    except DatabaseUnavailable as error:
        say(f"{path} cannot be read, what was published must be found elsewhere: {error}")
        return Former([], {})
    try:
        forms = await _or_nothing(_forms_in(database), [], path, say)
        rows = await _or_nothing(database.read(_rows_in), {}, path, say)
        return Former(forms, rows, await _or_nothing(database.read(_told_until), 0, path, say))
    finally:
        database.close()


async def _or_nothing(reading: Coroutine[Any, Any, T], nothing: T, path: Path, say: Say) -> T:
    try:
        return await reading
    except Exception as error:  # Whatever is wrong with it: that is why somebody restores.
        say(f"{path} cannot be read, what was published must be found elsewhere: {error}")
        return nothing


def databases_before(path: Path) -> list[Path]:
    """Return the old database, if it is there, and those that earlier restores moved aside, the latest first."""
    return [old for old in (path, *set_aside(path)) if old.exists()]


async def _forms_in(database: Database) -> list[FoundForm]:
    has_versions = await database.read(_has_versions_of_sets)
    names = await database.read(published_list_ids if has_versions else epoch.list_ids)
    read = published_bodies if has_versions else older_bodies
    found: list[FoundForm] = []
    for name in names:
        bodies = await database.read(partial(read, list_id=name))
        found += [
            FoundForm(list_id=name, form=form, body=body, version=version) for form, version, body in bodies
        ]
    return found


def _has_versions_of_sets(tx: Transaction) -> bool:
    """Tell whether lists are where this release has them; before 0.3 each had a version of its own."""
    return tx.one("SELECT 1 AS found FROM sqlite_master WHERE name = 'list_forms'") is not None


def _rows_in(tx: Transaction) -> Rows:
    """Return the issuers of a former SQLite database, and their keys."""
    rows: Rows = {issuer.id: (issuer, []) for issuer in all_issuers(tx)}
    for key in key_store.all_keys(tx) if key_store.has_keys(tx) else key_store.older_keys(tx):
        rows[key.issuer_id][1].append(key)
    return rows


def _told_until(tx: Transaction) -> int:
    if tx.one("SELECT 1 AS found FROM sqlite_master WHERE name = 'registry_head'") is None:
        return 0  # Of a release before 0.3, which answered as of no recorded time.
    head = read_head(tx)
    return max(head.recorded_at, head.closed_at)
