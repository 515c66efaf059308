"""
Whether a restore would take every published form as it stands: ours, at its own URL, signed by its issuer. Store.

Where nothing of a set waits to be published, the key that signs now has signed all of it: a change of keys wants
every list anew. Until that is done, any key that the issuer ever had will do.
"""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from operators import IssuerKey
from operators.issuers.key_store import keys_of, signing_key
from operators.store import find_issuer
from statuslist.formats.forms import TOKEN_FORMS
from statuslist.publishing.artefacts import Artefact, artefacts_of_set
from statuslist.publishing.mirror import FoundForm
from statuslist.recovery.found_lists import FoundList, KnownKey, NotOurList, read_found
from statuslist.recovery.found_token_lists import read_found_tokens
from statuslist.recovery.inspection import MAX_FAULTS, Progress, silent
from storage import Database, Row, Transaction

PublicKeyOf = Callable[[IssuerKey], object]  # of a key whose public half is known


class SignatureInspection(msgspec.Struct, frozen=True, kw_only=True):
    """
    What forms are compared with, beside their rows.

    Attributes:
        base_url: what the URLs of our lists begin with.
        now: microseconds since 1970.
    """

    public_key_of: PublicKeyOf
    base_url: str
    now: int

    async def faults(self, database: Database, on_progress: Progress = silent) -> list[str]:
        """Every published form is signed by its issuer, for the very place that it has."""
        sets = await database.read(lambda tx: tx.all("SELECT set_id FROM set_versions ORDER BY set_id"))
        faults: list[str] = []
        for done, row in enumerate(sets):
            on_progress(done, len(sets))
            faults += await database.read(partial(self._of_set, set_id=row["set_id"]))
        return faults[:MAX_FAULTS]

    def _of_set(self, tx: Transaction, set_id: str) -> list[str]:
        row = tx.one(
            "SELECT s.id, s.issuer_id, s.length, v.profile, v.wanted_version = v.published_version AS is_settled"
            " FROM status_sets s JOIN set_versions v ON v.set_id = s.id WHERE s.id = :id",
            {"id": set_id},
        )
        assert row is not None, "sets are never deleted"
        keys = self._keys_of(tx, row["issuer_id"])
        if not keys:
            return []  # Of a release before 0.3, and nobody could read the file yet.
        active = signing_key(tx, row["issuer_id"])
        signs = next((key for key in keys if key.key_id == active), None)
        return [
            f"{artefact.list_id}: {artefact.form} {fault}"
            for artefact in artefacts_of_set(tx, set_id, after=0)
            if (fault := self._fault_of(artefact, row, keys, signs)) is not None
        ]

    def _keys_of(self, tx: Transaction, issuer_id: str) -> list[KnownKey]:
        """Return all that it ever had; that one was compromised since does not make its signature another's."""
        issuer = find_issuer(tx, issuer_id)
        assert issuer is not None, "sets have issuers"
        return [
            KnownKey(did=issuer.did, key_id=key.key_id, public_key=self.public_key_of(key))
            for key in keys_of(tx, issuer_id)
            if key.public_key is not None
        ]

    def _fault_of(
        self, artefact: Artefact, row: Row, keys: Sequence[KnownKey], signs: KnownKey | None
    ) -> str | None:
        """Return what is wrong; `signs` is the key that signs now, if one does."""
        try:
            found = self._read(artefact, row["issuer_id"], keys)
        except NotOurList as error:
            return f"is not ours: {error}"
        if any((each.set_id, each.length) != (row["id"], row["length"]) for each in found):
            return "is that of another set, or has another length"
        if not row["is_settled"]:
            return None
        if any(each.profile not in (None, row["profile"]) for each in found):
            return f"does not name its key as the profile {row['profile']} has it"
        signed = next(key for key in keys if key.key_id == found[0].key_id)
        if signs is not None and signed.public_key != signs.public_key:
            return f"is signed with the key {signed.key_id}, and {signs.key_id} signs now"
        return None

    def _read(self, artefact: Artefact, issuer_id: str, keys: Sequence[KnownKey]) -> Sequence[FoundList]:
        form = FoundForm(
            list_id=artefact.list_id, form=artefact.form, body=artefact.body, version=artefact.version
        )
        if artefact.form in TOKEN_FORMS:
            return read_found_tokens(form, keys={issuer_id: keys}, base_url=self.base_url)
        return (read_found(form, keys={issuer_id: keys}, base_url=self.base_url, now=self.now),)
