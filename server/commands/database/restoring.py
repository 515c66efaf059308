"""
`touchstone db restore`: a backup in the place of the database, safe to serve before it gets there.

A backup is an older truth: `statuslist.recovery.epoch` says what that would do to credentials.
With a file (SQLite):

1. refuse while a server runs or anybody has the database open;
2. copy the file to `<database>.restoring`, verified and migrated;
3. bring in the issuers that were added since, the keys that issuers got, and what became of the others: from the
   old database, from those that earlier restores moved aside, from the logs beside the mirror;
4. gather what was published last, in the same places: whatever any key of an issuer signed while it was good; where
   it is signed with a key that nobody knows to be active yet, it is;
5. open a new epoch in the copy; an issuer whose key cannot be read, or is not one for the profile of a set, has
   its own lists withheld, and no others;
   and note in the registry since when, and until when, what it was told is lost: it answers as of no such time;
6. publish every list there, so that not even the first answer is older than what readers were given before;
7. move the old database aside, and the copy to its place.

Until step 7 the old database is untouched; a crash before or in it is healed by running the command again.
Without a file (a PostgreSQL recovered by its own means) 3 to 6 happen in place; 3 and 5 are a transaction each.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from operators import Principal
from operators.audit.anchor_files import AnchorFiles
from operators.issuers.keys import active_key
from operators.store import find_issuer
from registry.events import record_gap
from server.background import LEASE
from server.commands.database.former_databases import Former, databases_before, look_into
from server.commands.database.restored_issuers import bring_in_issuers
from server.commands.database.restored_keys import KeySources, activate_signers, bring_in_keys
from server.commands.database.upkeep import hold
from server.database import open_of, prepare
from server.identity.documents import public_key_of
from server.identity.identities import Identities, Rows
from server.identity.own import DEFAULT_ISSUER, require_same_identity
from server.settings import Settings
from server.settings.policy import policy_of
from statuslist.formats.forms import TOKEN_FORMS
from statuslist.publishing.mirror import FoundForm, read_mirror
from statuslist.publishing.publisher import Publisher
from statuslist.recovery.epoch import EpochReport, open_epoch, owners
from statuslist.recovery.found_lists import FoundList, KnownKey, check_owner, gather, read_found
from statuslist.recovery.found_token_lists import read_found_tokens
from storage import Database, Engine, Transaction, open_database, sqlite_path
from storage.file_lease import FileLease
from storage.sqlite_backup import COMPANIONS, back_up, is_in_use, set_aside, take_place
from wire import Conflict, ResourceNotFound

Say = Callable[[str], None]


class NotPublished(Exception):
    """A list of the restored database could not be published, so the database must not be served."""


class NotComplete(Exception):
    """The restore is done, and knows of an issuer that it could not bring in."""


class RestoreReport(EpochReport, frozen=True, kw_only=True):
    """What a restore did; `missing` are sentences about issuers that it knows of and could not bring in."""

    missing: tuple[str, ...]


async def restore_file(
    settings: Settings, file: Path, mirrors: Sequence[Path], operator: Principal, say: Say
) -> RestoreReport:
    """
    Do steps 1 to 7; the database is that of `settings`.

    Args:
        mirrors: directories laid out as the mirror, besides that of the settings.

    Raises:
        Conflict: the database is in use, or is not SQLite.
        NotPublished: see there.
        DatabaseUnavailable, SchemaMismatch, IdentityChanged: of the file; nothing was changed.
    """
    path = sqlite_path(settings.database_url)
    if path is None:
        raise Conflict(
            "recover PostgreSQL by its own means, then run `touchstone db restore` without a file;"
            " see docs/operations.md"
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lease = FileLease(path.with_name(f"{path.name}.{LEASE}"))
    if not lease.hold() or is_in_use(path):  # 1
        lease.release()
        raise Conflict(f"{path} is in use; stop the server first")
    try:
        return await _restore_held(settings, file, path, mirrors, operator, say)
    finally:
        lease.release()


async def restore_in_place(
    settings: Settings, mirrors: Sequence[Path], operator: Principal, say: Say
) -> RestoreReport:
    """
    Do steps 3 to 6 to the database of `settings`, which was recovered by other means.

    Raises: as `restore_file`.
    """
    database = open_of(settings)
    try:
        hold(database)
        await prepare(database)
        path = sqlite_path(settings.database_url)
        aside = set_aside(path) if path is not None else []
        former = [await look_into(old, say) for old in aside]
        return await _make_safe(database, settings, former, mirrors, operator, say)
    finally:
        database.close()


async def _restore_held(
    settings: Settings, file: Path, path: Path, mirrors: Sequence[Path], operator: Principal, say: Say
) -> RestoreReport:
    restoring = path.with_name(f"{path.name}.restoring")
    _remove(restoring)
    back_up(file, restoring)  # 2
    database = open_database(f"sqlite:///{restoring}")
    try:
        await prepare(database)
        former = [await look_into(old, say) for old in databases_before(path)]
        report = await _make_safe(database, settings, former, mirrors, operator, say)  # 3 to 6
    finally:
        database.close()
    if is_in_use(path):  # 7
        raise Conflict(f"{path} was opened meanwhile; stop what uses it, and run this again")
    aside = take_place(restoring, path, _stamp())
    _remove(restoring)
    if aside is not None:
        say(f"the database that was there is now {aside}")
    return report


async def _make_safe(
    database: Engine,
    settings: Settings,
    former: Sequence[Former],
    mirrors: Sequence[Path],
    operator: Principal,
    say: Say,
) -> RestoreReport:
    require_same_identity(settings, await database.read(lambda tx: find_issuer(tx, DEFAULT_ISSUER)))
    now = time.time_ns() // 1_000
    identities = Identities(settings, database)
    await identities.refresh()
    places = (*mirrors, settings.mirror_path) if settings.mirror_path is not None else tuple(mirrors)
    sources = KeySources([old.rows for old in former], places)
    missing = await bring_in_issuers(  # 3
        database, settings, identities.rows, sources, operator=operator, at=now, say=say
    )
    await identities.refresh()
    await bring_in_keys(database, settings, identities.rows, sources, operator=operator, at=now, say=say)
    await identities.refresh()
    forms = chain(*(old.forms for old in former), *map(read_mirror, places))
    known = await database.read(owners)
    found = _gather(settings, identities.rows, known, forms, now, say)  # 4
    await activate_signers(
        database, settings, identities.rows, found.values(), operator=operator, at=now, say=say
    )
    await identities.refresh()
    readable = {issuer_id for issuer_id in identities.rows if _can_sign(identities, issuer_id)}
    lost = await _lost_anchors(database, settings, identities)
    told_until = max((now, *(old.told_until for old in former)))

    def begin_anew(tx: Transaction) -> EpochReport:
        record_gap(tx, told_until, operator.id)
        return open_epoch(
            tx,
            found,
            random_bytes=secrets.token_bytes,
            operator=operator,
            at=now,
            readable=readable,
            lost_anchors=lost,
        )

    report = await database.write(begin_anew)  # 5
    await _publish(database, settings, identities)  # 6
    return RestoreReport(**msgspec.structs.asdict(report), missing=tuple(missing))


async def _lost_anchors(database: Database, settings: Settings, identities: Identities) -> frozenset[str]:
    """Return the names of the signed heads beside the mirror that are of rows which a restore does not have."""
    if settings.mirror_path is None:
        return frozenset()
    files = AnchorFiles(database, settings.mirror_path, keys=partial(identities.note_keys, DEFAULT_ISSUER))
    await files.look()
    return files.foreign


def _gather(
    settings: Settings,
    rows: Rows,
    known: Mapping[str, tuple[str, int]],
    forms: Iterable[FoundForm],
    now: int,
    say: Say,
) -> dict[str, FoundList]:
    keys, base_url = _known_keys(rows), settings.public_url

    def read_one(form: FoundForm) -> Sequence[FoundList]:
        if form.form in TOKEN_FORMS:
            lists = read_found_tokens(form, keys=keys, base_url=base_url)
        else:
            lists = (read_found(form, keys=keys, base_url=base_url, now=now),)
        check_owner(lists, known)
        return lists

    found = gather(forms, read_one, say)
    say(f"found {len(found)} published lists of ours")
    return found


def _known_keys(rows: Rows) -> dict[str, list[KnownKey]]:
    """Return the public half of every key that the rows know, of the issuers that have one."""
    known = {
        issuer.id: [
            KnownKey(
                did=issuer.did,
                key_id=key.key_id,
                public_key=public_key_of(key),
                compromised_since=key.compromised_since,
            )
            for key in keys
            if key.public_key is not None
        ]
        for issuer, keys in rows.values()
    }
    return {issuer_id: keys for issuer_id, keys in known.items() if keys}


def _can_sign(identities: Identities, issuer_id: str) -> bool:
    """Tell whether an issuer has an active key that can be read here."""
    key = active_key(identities.rows[issuer_id][1])
    if key is None:
        return False
    try:
        identities.signer_of(issuer_id, key.key_id)
    except ResourceNotFound:
        return False
    return True


async def _publish(database: Database, settings: Settings, identities: Identities) -> None:
    publisher = Publisher(
        database,
        signer_of=identities.signer_of,
        clock=time.time,
        policy=policy_of(settings),
        on_published=lambda _: None,
    )
    await publisher.load()
    await publisher.publish_dirty()
    if publisher.failed:
        raise NotPublished(f"{publisher.failed} lists could not be published; nothing may be served")


def _remove(path: Path) -> None:
    """Remove a database of ours that has no name yet, and what belongs to it."""
    for suffix in ("", *COMPANIONS, ".unfinished", ".writer"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _stamp() -> str:
    """Return the time to the microsecond, UTC, in an order that sorts."""
    now = time.time_ns() // 1_000
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now // 1_000_000))}.{now % 1_000_000:06}Z"


def describe(report: RestoreReport) -> Iterator[str]:
    """Yield what a report says, a line each."""
    for name, value in msgspec.structs.asdict(report).items():
        if name not in ("notes", "missing"):
            yield f"{name.replace('_', ' ')}: {value}"
