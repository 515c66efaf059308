"""
What a restore does about issuers that were added after the backup: it brings them in, or names them.

What former databases have, which we moved aside ourselves, is believed. Where only a log of keys beside a mirror
tells of an issuer, the backup knows none of its keys. Such an issuer is believed if we would host its DID, and the
log is signed with a key that is held here. Of any other a person must say whose it is.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from operators import Issuer, Principal
from operators.issuers import key_store
from operators.noting import note
from operators.store import insert_issuer
from server.commands.database.restored_keys import KeySources, is_held
from server.identity.custody import Custody
from server.identity.identities import Rows
from server.identity.key_lines import Replay
from server.identity.key_log import replay_log
from server.identity.log_files import logs_in
from server.identity.own import DEFAULT_ISSUER, issuer_did
from server.settings import Settings
from storage import Database, Transaction

Say = Callable[[str], None]


async def bring_in_issuers(
    database: Database,
    settings: Settings,
    rows: Rows,
    sources: KeySources,
    *,
    operator: Principal,
    at: int,
    say: Say,
) -> list[str]:
    """
    Bring in the issuers that `sources` know and `rows`, which are the database's, do not; their keys come next.

    Return a sentence about each that is told of and could not be brought in.

    Args:
        at: now, in microseconds since 1970.
    """
    known = {issuer.id: issuer for issuer, _ in rows.values()}
    found: dict[str, Issuer] = {}
    for issuer in _in_former(settings, sources):
        found.setdefault(issuer.id, issuer)
    missing: dict[str, str] = {}
    for mirror in sources.mirrors:
        for issuer_id, path in logs_in(mirror):
            if issuer_id in known or issuer_id in found:
                continue
            told, faults = _told(settings, rows, mirror, issuer_id)
            if told is not None:
                found[issuer_id] = told
            else:
                missing[issuer_id] = _advice(settings, issuer_id, path, faults)
    new = [issuer for issuer in found.values() if issuer.id not in known]
    taken = await database.write(lambda tx: _insert(tx, new, operator, at)) if new else []
    for issuer in new:
        if issuer not in taken:
            say(f"the issuer {issuer.id}, {issuer.did}, was added after the backup and is brought in")
    return [
        *(
            f"the issuer {issuer.id} was added after the backup, and {issuer.did} is taken"
            for issuer in taken
        ),
        *(sentence for name, sentence in missing.items() if name not in found),
    ]


def _in_former(settings: Settings, sources: KeySources) -> Iterator[Issuer]:
    """Yield the issuers of former databases of this service, those of the latest first."""
    for former in sources.former:
        default, _ = former.get(DEFAULT_ISSUER, (None, []))
        if default is not None and default.did == settings.did:
            yield from (issuer for issuer, _ in former.values())


def _told(settings: Settings, rows: Rows, mirror: Path, issuer_id: str) -> tuple[Issuer | None, list[str]]:
    """Return the issuer that a log tells of, if it may be believed, or why it may not."""
    issuer = Issuer(id=issuer_id, did=issuer_did(settings, issuer_id))
    faults: list[str] = []
    replay = Replay(settings.public_url, issuer, (), partial(is_held, Custody(settings), rows, issuer))
    replay_log(mirror, issuer, replay, faults.append)
    return (issuer if replay.last is not None else None), faults


def _advice(settings: Settings, issuer_id: str, path: Path, faults: list[str]) -> str:
    return (
        f"the issuer {issuer_id} is in {path} and not in the backup: put its keys back into {settings.key_dir}, or"
        f" add it with `touchstone db add-issuer {issuer_id}` (with --did, if the DID is its own), then run"
        " `touchstone db restore` without a file before you start the server"
        + (f" ({faults[-1]})" if faults else "")
    )


def _insert(tx: Transaction, issuers: list[Issuer], operator: Principal, at: int) -> list[Issuer]:
    """Insert issuers; return those of which the DID is taken."""
    refused = []
    for issuer in issuers:
        if insert_issuer(tx, issuer, at):
            note(tx, operator, "issuer.restore", issuer.id, at=at, after=issuer, did=issuer.did)
        else:
            refused.append(issuer)
    key_store.note_change(tx)
    return refused
