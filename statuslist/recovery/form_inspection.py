"""
Whether every form of every list says what the rows say; changes nothing. Store.

Each set is looked at in a transaction of its own. Where a set waits to be published, its lists may say less.
"""

from functools import partial

from credentials.errors import CredentialError
from proofs import ProofError
from statuslist.publishing.artefacts import Artefact, published_artefacts
from statuslist.publishing.projections import Projection
from statuslist.publishing.rendering import ListContent, lists_of
from statuslist.publishing.self_check import bits_said
from statuslist.publishing.set_versions import read_content
from statuslist.recovery.inspection import MAX_FAULTS, Progress, silent
from storage import Database, Transaction
from wire import JsonError


async def said_faults(database: Database, on_progress: Progress = silent) -> list[str]:
    """All forms of a set that is published as it is wanted say the same, which is what its rows say."""
    sets = await database.read(lambda tx: tx.all("SELECT set_id FROM set_versions ORDER BY set_id"))
    faults: list[str] = []
    for done, row in enumerate(sets):
        on_progress(done, len(sets))
        faults += await database.read(partial(_of_set, set_id=row["set_id"]))
    return faults[:MAX_FAULTS]


def _of_set(tx: Transaction, set_id: str) -> list[str]:
    content = read_content(tx, set_id)
    if content.version != content.published_version:
        return []
    lists = lists_of(content, Projection(content, content.statuses or ()))
    return [
        f"{wanted.list_id}: {artefact.form} {fault}"
        for wanted in lists
        for artefact in published_artefacts(tx, wanted.list_id)
        if (fault := _fault_of(artefact, wanted))
    ]


def _fault_of(artefact: Artefact, wanted: ListContent) -> str:
    try:
        said = bits_said(artefact)
    except (ProofError, CredentialError, JsonError) as error:
        return f"cannot be read ({error})"
    if said != wanted.bits:
        return "does not say what the rows say"
    is_noted = artefact.content in (wanted.digest, "")  # Releases before 0.3 noted nothing.
    return "" if is_noted else "has the digest of other content"
