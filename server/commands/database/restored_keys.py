"""
What a restore brings in of issuers' keys: all that were held since the backup, in the state that each got to.

They are found in former databases, which we moved aside ourselves, and in the logs beside mirrors, of which only
what our keys signed counts (`server.identity.key_lines`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from operators import Issuer, IssuerKey, KeyState, Principal
from operators.issuers import key_store
from operators.issuers.joining import OtherKey, joined, with_one_active
from operators.issuers.keys import active_key
from operators.issuers.rotation import note
from proofs import KeyFileError, SignerAway
from server.identity.custody import Custody
from server.identity.identities import Rows
from server.identity.key_lines import Replay
from server.identity.key_log import replay_log
from server.settings import Settings
from statuslist.recovery.found_lists import FoundList
from storage import Database, Transaction

Say = Callable[[str], None]


class KeySources(msgspec.Struct, frozen=True):
    """Where keys may be told of: former databases' rows, and directories with logs."""

    former: Sequence[Rows]
    mirrors: Sequence[Path]


async def bring_in_keys(
    database: Database,
    settings: Settings,
    rows: Rows,
    sources: KeySources,
    *,
    operator: Principal,
    at: int,
    say: Say,
) -> None:
    """
    Bring in what `sources` know of the keys of the issuers in `rows`, which are the database's.

    A key goes forward only: where the database is the one that knows more, it stays as it is.

    Args:
        at: now, in microseconds since 1970.
    """
    custody = Custody(settings)
    changed: list[IssuerKey] = []
    for issuer, known in rows.values():
        held_here = partial(is_held, custody, rows, issuer)
        found = _found(settings, issuer, known, sources, held_here, say)
        changed += _changed(known, found, settings, at)
    await _put(database, changed, operator, at)
    for key in changed:
        say(f"the key {key.key_id} of {key.issuer_id} is {key.state}, as was written down after the backup")


async def activate_signers(
    database: Database,
    settings: Settings,
    rows: Rows,
    found: Iterable[FoundList],
    *,
    operator: Principal,
    at: int,
    say: Say,
) -> None:
    """
    Let the announced keys be active with which published lists are signed: only an active key signs lists.

    So a log that lacks its last lines does not let a restore go back to a key that may have been given up.
    """
    signed: dict[tuple[str, str], int] = {}
    for one in found:
        name = (one.issuer_id, one.key_id)
        signed[name] = max(one.valid_from, signed.get(name, 0))
    changed: list[IssuerKey] = []
    for _, known in rows.values():
        before = active_key(known)
        since = (before.activated_at or 0) + 1 if before is not None else 0  # Lists are dated back a little.
        changed += _changed(known, [_as_signed(key, signed, since) for key in known], settings, at)
    await _put(database, changed, operator, at)
    for key in changed:
        say(
            f"the key {key.key_id} of {key.issuer_id} is {key.state}, as published lists show, and nothing else;"
            " if a key was given up since the backup, give it up again before you start the server"
        )


def _as_signed(key: IssuerKey, signed: Mapping[tuple[str, str], int], since: int) -> IssuerKey:
    at = signed.get((key.issuer_id, key.key_id))
    if at is None or key.state is not KeyState.ANNOUNCED:
        return key
    return msgspec.structs.replace(key, state=KeyState.ACTIVE, activated_at=max(at, since))


def _changed(
    known: Iterable[IssuerKey], found: Iterable[IssuerKey], settings: Settings, at: int
) -> list[IssuerKey]:
    until = at + settings.list_validity_seconds * 1_000_000
    return [key for key in with_one_active(found, until) if key not in known]


def _found(
    settings: Settings,
    issuer: Issuer,
    known: Sequence[IssuerKey],
    sources: KeySources,
    is_held: Callable[[IssuerKey], bool],
    say: Say,
) -> Iterable[IssuerKey]:
    keys = joined(known, ())
    for former in sources.former:
        owner, held = former.get(issuer.id, (None, []))
        if known:  # Else a key that nobody can tell anything of would keep its document from being served.
            held = [key for key in held if key.public_key is not None]
        if owner is not None and owner.did == issuer.did:
            try:
                keys = joined(keys.values(), held)
            except OtherKey as error:
                say(f"the keys of {issuer.id} in a former database are ignored: {error}")
    for mirror in sources.mirrors:
        replay = Replay(settings.public_url, issuer, keys.values(), is_held)
        replay_log(mirror, issuer, replay, say)
        keys = replay.keys
    return keys.values()


def is_held(custody: Custody, rows: Rows, issuer: Issuer, key: IssuerKey) -> bool:
    """Tell whether the private half of a key that no row has is held here, hence made by us."""
    if any(key.public_key == other.public_key for _, keys in rows.values() for other in keys):
        return False  # It is another issuer's.
    try:
        custody.open(issuer, msgspec.structs.replace(key, certificates=None))  # Nobody has verified it yet.
    except (KeyFileError, SignerAway, OSError, ValueError):  # Of a locator or a name that is none.
        return False
    return True


async def _put(database: Database, changed: list[IssuerKey], operator: Principal, at: int) -> None:
    # Whoever becomes active comes last: of an issuer's keys one at most is, at any time.
    changed.sort(key=lambda key: key.state is KeyState.ACTIVE)

    def put(tx: Transaction) -> None:
        for key in changed:
            known = {one.key_id: one for one in key_store.keys_of(tx, key.issuer_id)}
            was = known.get(key.key_id)
            key_store.put_key(tx, key)
            state = key.state.value
            note(tx, was or key, "issuer-key.restore", actor=operator, at=at, is_new=was is None, state=state)

    await database.write(put)
