"""
What one process knows of issuers: the documents that it serves, and the keys that it can sign with.

Documents are made of rows alone. A key that cannot be read fails the next signature of its issuer alone, and
raises an alarm. A key that was read is kept: where its file is lost or changed later, signing goes on, and the
alarm comes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import msgspec

from operators import AlarmKind, Issuer, IssuerKey, KeyState, OnState
from operators.issuers import key_store
from operators.store import all_issuers
from proofs import KeyFileError, Signer, SignerAway, algorithm_of
from resolver.documents.contexts import with_contexts_of_v1
from resolver.errors import InternalError
from server.identity.custody import Custody, spki_of
from server.identity.documents import JsonObject, did_document
from server.identity.own import is_hosted, issuer_did
from server.settings import Settings
from server.vitals.nodes import node_name
from storage import Database, DatabaseUnavailable, Transaction
from wire import Answer, ResourceNotFound, encode, etag_of

LOG = logging.getLogger("touchstone.identity")

LOOK_AGAIN_SECONDS = 15.0  # monotonic seconds between two looks at the keys that we hold
DID_JSON = "application/did+json"
NEVER = float("inf")

KeyName = tuple[str, str]  # the id of an issuer, and that of its key
Rows = dict[str, tuple[Issuer, list[IssuerKey]]]  # by the id of the issuer


class DocumentUnavailable(InternalError, status=503):
    """We host this DID, and cannot tell its keys just now; its operator has an alarm."""

    def __init__(self) -> None:
        super().__init__(
            "the keys of this DID of ours cannot be told just now; try again later",
            headers={"retry-after": "5"},
        )


class _Held(msgspec.Struct, frozen=True):
    """A key that signs, and the mark of what it was read from."""

    signer: Signer
    mark: object


class _Found(msgspec.Struct, frozen=True):
    """What became of a key that was looked at: it signs, or why it does not."""

    issuer: Issuer
    key: IssuerKey
    held: _Held | None
    fault: str | None


class Identities:
    """
    Args:
        custody: where the keys are; a token is opened once in a process.
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
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        on_state: OnState = lambda *_: None,
    ) -> None:
        self.on_replaced: Callable[[], None] = lambda: None
        self._settings = settings
        self._database = database
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._custody = custody or Custody(settings)
        self.version: tuple[int, int] | None = None
        self.rows: Rows = {}
        self._documents: dict[
            str, JsonObject | None
        ] = {}  # By DID, of those we host; None: a key is not known.
        self._ends_at = NEVER  # When a document becomes another one by time alone; microseconds since 1970.
        self._held: dict[KeyName, _Held] = {}
        self.faults: dict[KeyName, str] = {}
        self._looked_at = -NEVER  # Monotonic seconds.

    async def refresh(self) -> bool:
        """
        Take up what changed in the rows and the key files; tell whether there is a key that could not sign before.

        Raises:
            DatabaseUnavailable: the rows cannot be read; what was known before still is.
        """
        await self._take_rows()
        found = await asyncio.to_thread(self._look, self._to_look_at())
        with suppress(DatabaseUnavailable):  # The disk may be full: reads must not wait for it.
            await self._fill(found)
        return self._note(found)

    async def _take_rows(self) -> None:
        version = await self._database.read(key_store.version)
        if version != self.version:
            self.rows = await self._database.read(_read_rows)
            self.version = version
            await self._adopt()
        elif self._clock() * 1_000_000 < self._ends_at:
            return
        self._make_documents()

    async def _adopt(self) -> None:
        """Give issuers that a node of a release before 0.3 added their key; that node may hold the lease."""
        if not all(keys for _, keys in self.rows.values()):
            with suppress(DatabaseUnavailable):
                await self._database.write(key_store.adopt_older)  # The next look finds it.

    def _make_documents(self) -> None:
        now = int(self._clock() * 1_000_000)
        hosted = [(issuer, keys) for issuer, keys in self.rows.values() if is_hosted(self._settings, issuer)]
        before, self._documents = (
            self._documents,
            {issuer.did: did_document(issuer, keys, now) for issuer, keys in hosted},
        )
        ends = [key.signed_until for _, keys in hosted for key in keys if key.state is KeyState.RETIRED]
        self._ends_at = min((end for end in ends if end is not None and end > now), default=NEVER)
        if any(self._documents.get(did) != document for did, document in before.items()):
            self.on_replaced()

    def _to_look_at(self) -> list[tuple[Issuer, IssuerKey]]:
        """Return the keys that we shall hold and do not; now and then all of them."""
        every = self._timer() - self._looked_at >= LOOK_AGAIN_SECONDS
        if every:
            self._looked_at = self._timer()
        wanted = {(key.issuer_id, key.key_id): (issuer, key) for issuer, key in self._wanted()}
        for name in (
            self.faults.keys() - wanted.keys()
        ):  # It shall sign no more: what is wrong with it is over.
            self._tell(name, None)
        self._held = {name: held for name, held in self._held.items() if name in wanted}
        return [pair for name, pair in wanted.items() if every or name not in self._held]

    def _wanted(self) -> Iterator[tuple[Issuer, IssuerKey]]:
        for issuer, keys in self.rows.values():
            for key in keys:
                if key.state in (KeyState.ACTIVE, KeyState.ANNOUNCED):
                    yield issuer, key

    def _look(self, pairs: list[tuple[Issuer, IssuerKey]]) -> list[_Found]:
        """Open each key, unless it is as it was when it was opened; blocks."""
        return [self._look_at(issuer, key) for issuer, key in pairs]

    def _look_at(self, issuer: Issuer, key: IssuerKey) -> _Found:
        held = self._held.get((issuer.id, key.key_id))
        mark = self._custody.mark_of(key)
        if held is not None and mark is not None and held.mark == mark:
            return _Found(issuer, key, held, None)
        try:
            return _Found(issuer, key, _Held(self._custody.open(issuer, key), mark), None)
        except (KeyFileError, SignerAway, OSError) as error:
            return _Found(issuer, key, held, str(error))

    async def _fill(self, found: list[_Found]) -> None:
        """Say what the keys of a release before 0.3 are, of which the rows tell a name only."""
        nameless = [one for one in found if one.key.public_key is None and one.held is not None]
        for one in nameless:
            assert one.held is not None
            public_key = one.held.signer.public_key
            algorithm, spki = algorithm_of(public_key).value, spki_of(public_key)
            fill = partial(key_store.fill_public_key, key=one.key, algorithm=algorithm, public_key=spki)
            await self._database.write(fill)
        if nameless:
            await self._take_rows()

    def _note(self, found: list[_Found]) -> bool:
        fresh = False
        for one in found:
            name = (one.issuer.id, one.key.key_id)
            fresh |= one.held is not None and name not in self._held
            if one.held is not None:
                self._held[name] = one.held
            self._tell(name, one.fault)
        return fresh

    def _tell(self, name: KeyName, fault: str | None) -> None:
        """Each node has key files of its own: one that can read a key says nothing of another."""
        if fault is not None and name not in self.faults:
            LOG.warning("the key %s of %s cannot sign: %s", name[1], name[0], fault)
        if fault is None:
            self.faults.pop(name, None)
        else:
            self.faults[name] = fault
        self._on_state(AlarmKind.KEY_UNREADABLE, f"{name[0]}#{name[1]} on {node_name(self._settings)}", fault)

    def signer_of(self, issuer_id: str, key_id: str) -> Signer:
        """
        Return what signs with a key of an issuer.

        Raises:
            ResourceNotFound: we do not hold it.
        """
        held = self._held.get((issuer_id, key_id))
        if held is None:
            raise ResourceNotFound(f"the key {key_id} of the issuer {issuer_id!r} is not held here")
        return held.signer

    def foreign(self) -> Iterator[tuple[Issuer, list[IssuerKey]]]:
        """Yield the issuers whose documents others publish, with every key of theirs."""
        return (pair for pair in self.rows.values() if not is_hosted(self._settings, pair[0]))

    def own_document(self, did: str) -> JsonObject | None:
        """
        Return our document for `did`, or None where we do not host it.

        Raises:
            DocumentUnavailable: we host it, and one of its keys is not known yet.
        """
        if did not in self._documents:
            return None
        document = self._documents[did]
        if document is None:
            raise DocumentUnavailable
        return document

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


def _read_rows(tx: Transaction) -> Rows:
    rows: Rows = {issuer.id: (issuer, []) for issuer in all_issuers(tx)}
    for key in key_store.all_keys(tx):
        if key.issuer_id in rows:  # On PostgreSQL one may have been added in between; the next look finds it.
            rows[key.issuer_id][1].append(key)
    return rows
