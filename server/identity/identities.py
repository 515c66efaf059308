"""
What one process knows of issuers: the documents that it serves, and the keys that it can sign with.

Documents are made of rows alone, each when it is asked for first. What changes in the rows is taken up by issuer,
so that a change costs as little with 10,000 of them as with one.

Rows are taken up apart from the looks at keys: a token, or a key directory, that hangs delays no document. The keys
of each custody are looked at apart from those of the other.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import msgspec

from operators import Issuer, IssuerKey, KeyState, OnState
from operators.issuers import key_store
from operators.issuers.keys import active_key
from operators.store import all_issuers
from proofs import Signer, algorithm_of
from proofs.notes import NoteKey
from resolver.documents.contexts import with_contexts_of_v1
from resolver.errors import InternalError
from server.identity.custody import CUSTODIES, Custody, spki_of
from server.identity.documents import JsonObject, did_document, method_ids, public_key_of
from server.identity.held_keys import HeldKeys, KeyName
from server.identity.own import is_hosted, issuer_did, services_of
from server.settings import Settings
from server.vitals.nodes import node_name
from storage import Database, DatabaseUnavailable, Transaction
from wire import Answer, ResourceNotFound, encode, etag_of

DID_JSON = "application/did+json"
NEVER = float("inf")

Rows = dict[str, tuple[Issuer, list[IssuerKey]]]  # by the id of the issuer
Version = tuple[int, int]


class DocumentUnavailable(InternalError, status=503):
    """We host this DID, and cannot tell its keys just now; its operator has an alarm."""

    def __init__(self) -> None:
        super().__init__(
            "the keys of this DID of ours cannot be told just now; try again later",
            headers={"retry-after": "5"},
        )


class _Made(msgspec.Struct, frozen=True):
    """A document that was asked for; None: a key is not known. By time alone it ends in microseconds since 1970."""

    document: JsonObject | None
    ends_at: float


class _Changes(msgspec.Struct, frozen=True):
    """What is not as it was: all issuers, where some are new, and all keys of each of which one changed."""

    version: Version
    issuers: list[Issuer]
    keys: dict[str, list[IssuerKey]]


class Identities:
    """
    Args:
        custody: where the keys are; a token is opened once in a process.
        holds_keys: whether this process may have to sign; one that only answers opens no private key.
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told of each key that cannot be read, and when it can be again.

    Attributes:
        rows: issuers and their keys, as this process saw them last.
        version: another one whenever `rows` are.
        faults: what is wrong with keys that shall sign here, by issuer and key.
        on_replaced: called when a document that was served before has become another one.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        custody: Custody | None = None,
        holds_keys: bool = True,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        on_state: OnState = lambda *_: None,
    ) -> None:
        self.on_replaced: Callable[[], None] = lambda: None
        self._settings = settings
        self._database = database
        self._clock = clock
        custody = custody or Custody(settings)
        node = node_name(settings)
        self._held = {
            kind: HeldKeys(custody, node, clock=clock, timer=timer, on_state=on_state)
            for kind in (CUSTODIES if holds_keys else ())
        }
        self._looked = {kind: asyncio.Event() for kind in self._held}
        self._untold: dict[KeyName, Signer] = {}  # Keys that came, of which rows may not tell what they are.
        self._taking = asyncio.Lock()  # Rows that were read later are taken up later.
        self.version: Version | None = None
        self.rows: Rows = {}
        self._hosted: dict[str, str] = {}  # The DIDs that we host, and whose they are.
        self._documents: dict[str, _Made] = {}  # By DID, those that were asked for.

    @property
    def faults(self) -> dict[KeyName, str]:
        """What is wrong with keys that shall sign here, by issuer and key."""
        return {name: fault for held in self._held.values() for name, fault in held.faults.items()}

    async def refresh(self) -> bool:
        """
        Do what `follow` does, then what `look` does for each custody; for tools, and tests.

        Raises:
            DatabaseUnavailable: as `follow`.
        """
        await self.follow()
        return any([await self.look(kind) for kind in self._held])

    async def follow(self) -> bool:
        """
        Take up what changed in the rows, and tell whether anything did; waits for no key.

        Raises:
            DatabaseUnavailable: the rows cannot be read; what was known before still is.
        """
        async with self._taking:
            return await self._take_rows()

    async def look(self, kind: str) -> bool:
        """Look at keys of one custody; tell whether one signs that did not before. Not twice at a time."""
        fresh = await self._held[kind].look()
        with suppress(DatabaseUnavailable):  # The disk may be full: reads must not wait for it.
            await self._fill(fresh)
        self._looked[kind].set()
        return bool(fresh)

    async def looked(self) -> None:
        """Wait until the keys of each custody were looked at once; a token that hangs is waited for as well."""
        for event in self._looked.values():
            await event.wait()

    async def _take_rows(self) -> bool:
        changes = await self._database.read(partial(_changes_since, seen=self.version))
        if changes is None:
            return False
        new = [issuer for issuer in changes.issuers if issuer.id not in self.rows]
        for issuer in new:
            self._take(issuer, [])
        # On PostgreSQL an issuer may have been added in between; the next look finds it, and its keys.
        known = [(self.rows[name][0], keys) for name, keys in changes.keys.items() if name in self.rows]
        replaced = [self._take(issuer, keys) for issuer, keys in known]
        self.version = changes.version
        if any(replaced):
            self.on_replaced()
        if any(issuer.did in self._hosted and not self.rows[issuer.id][1] for issuer in new):
            await self._adopt()
        return True

    def _take(self, issuer: Issuer, keys: list[IssuerKey]) -> bool:
        """Take up the keys of an issuer; tell whether its document, which was asked for, is another one now."""
        _, before = self.rows.get(issuer.id, (issuer, []))
        self.rows[issuer.id] = (issuer, keys)
        for kind, held in self._held.items():
            held.take(issuer, before, [key for key in keys if key.custody == kind])
        if is_hosted(self._settings, issuer):
            self._hosted[issuer.did] = issuer.id
        made = self._documents.pop(issuer.did, None)
        return made is not None and self._made(issuer.did).document != made.document

    async def _adopt(self) -> None:
        """Give issuers that a node of a release before 0.3 added their key; that node may hold the lease."""
        with suppress(DatabaseUnavailable):
            await self._database.write(key_store.adopt_older)  # The next look finds it.

    async def _fill(self, fresh: dict[KeyName, Signer]) -> None:
        """Say what the keys of a release before 0.3 are, of which the rows tell a name only."""
        came, self._untold = self._untold | fresh, {}
        nameless = [
            (key, came[issuer_id, key.key_id].public_key)
            for issuer_id in {issuer_id for issuer_id, _ in came}
            for key in self.rows[issuer_id][1]
            if key.public_key is None and (issuer_id, key.key_id) in came
        ]

        def fill(tx: Transaction) -> None:
            for key, public_key in nameless:
                key_store.fill_public_key(tx, key, algorithm_of(public_key).value, spki_of(public_key))

        if not nameless:
            return
        try:
            await self._database.write(fill)
        except DatabaseUnavailable:
            self._untold |= came  # To be told at the next look.
            raise
        await self.follow()

    def signer_of(self, issuer_id: str, key_id: str) -> Signer:
        """
        Return what signs with a key of an issuer.

        Raises:
            ResourceNotFound: we do not hold it.
        """
        found = (held.find((issuer_id, key_id)) for held in self._held.values())
        signer = next(filter(None, found), None)
        if signer is None:
            raise ResourceNotFound(f"the key {key_id} of the issuer {issuer_id!r} is not held here")
        return signer

    def active_signer(self, issuer_id: str) -> Signer:
        """
        Return what signs for an issuer now.

        Raises:
            ResourceNotFound: no key of it is active, or we do not hold that.
        """
        _, keys = self.rows.get(issuer_id, (None, []))
        active = active_key(keys)
        if active is None:
            raise ResourceNotFound(f"the issuer {issuer_id!r} has no active key")
        return self.signer_of(issuer_id, active.key_id)

    def note_keys(self, issuer_id: str) -> list[NoteKey]:
        """Return the keys of an issuer that can have signed a note, now or before; [] for one that is not known."""
        issuer, keys = self.rows.get(issuer_id, (None, []))
        return [
            NoteKey(method_ids(issuer.did, key.key_id)[0], public_key_of(key))
            for key in keys
            if issuer is not None and key.public_key is not None
        ]

    def foreign(self) -> Iterator[tuple[Issuer, list[IssuerKey]]]:
        """Yield the issuers whose documents others publish, with every key of theirs."""
        return (pair for pair in self.rows.values() if pair[0].did not in self._hosted)

    def own_document(self, did: str) -> JsonObject | None:
        """
        Return our document for `did`, or None where we do not host it.

        Raises:
            DocumentUnavailable: we host it, and a key that signs, or shall, is not known yet.
        """
        if did not in self._hosted:
            return None
        made = self._made(did)
        if made.document is None:
            raise DocumentUnavailable
        return made.document

    def _made(self, did: str) -> _Made:
        """Return the document of a DID that we host, made anew where a retired key has to leave it."""
        made = self._documents.get(did)
        now = int(self._clock() * 1_000_000)
        if made is None or made.ends_at <= now:
            issuer, keys = self.rows[self._hosted[did]]
            document = did_document(issuer, keys, now, services_of(self._settings, did))
            made = self._documents[did] = _Made(document, _end_of(keys, now))
        return made

    def document_answer(self, issuer_id: str, now: float) -> Answer:
        """
        Return the answer for a did.json: of a media type of DID v1.0, with did/v1 and the contexts of its types.

        A JsonWebKey stays one, unlike in what the resolver answers in this media type: VC-JOSE-COSE, section 4.2,
        demands that type of a key that signs, and verifiers elsewhere read it here.

        Raises:
            ResourceNotFound: we host no such issuer.
            DocumentUnavailable: as `own_document`.
        """
        document = self.own_document(issuer_did(self._settings, issuer_id))
        if document is None:
            raise ResourceNotFound("no issuer of this name is hosted here")
        body = encode(with_contexts_of_v1(document))
        return Answer(
            body=body,
            media_type=DID_JSON,
            etag=etag_of(body, DID_JSON),
            fresh_until=now + self._settings.did_document_ttl_seconds,
        )


def _end_of(keys: list[IssuerKey], now: int) -> float:
    """Return when the first retired key leaves a document that was made at `now`."""
    ends = (key.signed_until for key in keys if key.state is KeyState.RETIRED)
    return min((end for end in ends if end is not None and end > now), default=NEVER)


def _changes_since(tx: Transaction, seen: Version | None) -> _Changes | None:
    """Return what changed since `seen`, or everything; None where that is the version still."""
    version = key_store.version(tx)
    if version == seen:
        return None
    since, count = seen or (0, None)
    issuers = [] if version[1] == count else all_issuers(tx)
    keys: dict[str, list[IssuerKey]] = {}
    for key in key_store.changed_keys(tx, since):
        keys.setdefault(key.issuer_id, []).append(key)
    return _Changes(version, issuers, keys)
