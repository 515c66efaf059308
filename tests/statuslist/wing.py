"""
The status list wing over a real engine, with two issuers, a principal for each, and a clock to turn.

    async with Wing.open(place) as wing:
        index = await wing.set_with_entry("badges")
        await wing.revoke("badges", index)
        await wing.publisher.publish_dirty()
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import operators
import operators.store
import statuslist.schema
import storage
from operators import AlarmKind, Issuer, IssuerKey, KeyState, Role
from operators.issuers import key_store
from proofs import KeySigner
from resolver.keys.multikey import multikey_of
from statuslist.entries.references import ReferenceKey
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet, StatusChange
from statuslist.entries.sets import StatusSets
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list, status_at
from statuslist.formats.bitstring_credential import read_status_list_credential
from statuslist.formats.forms import DATA_INTEGRITY, MAX_FORM_BYTES
from statuslist.publishing.answers import own_list
from statuslist.publishing.policy import Policy
from statuslist.publishing.publication import SignerOf
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from statuslist.publishing.set_versions import sign_anew
from storage import Database, Engine, ServedMark
from tests.actors import acting
from tests.databases import Place
from tests.issuers import inserting, key_row
from wire import read

BASE_URL = "https://status.example.com"
MIGRATIONS = (*storage.MIGRATIONS, *operators.MIGRATIONS, *statuslist.schema.MIGRATIONS)
KEY_ID = "status"  # of the first key of each issuer
ISSUERS = {"default": "did:web:status.example.com", "acme": "did:web:status.example.com:issuers:acme"}

ROOT = acting("root", Role.ADMINISTRATOR)
ACME = acting("acme-hr", Role.EDITOR, issuer_id="acme")
OTHER = acting("other", Role.EDITOR, issuer_id="default")
READER = acting("reader", Role.VIEWER)


class Clock:
    """
    Seconds since 1970: real time plus what a test adds.

    Attributes:
        ahead: seconds that a test lets pass.
        set_by: seconds by which somebody set the clock; no time passed.
    """

    def __init__(self) -> None:
        self.ahead = 0.0
        self.set_by = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead + self.set_by

    def timer(self) -> float:
        return time.monotonic() + self.ahead


def signer_for(issuer_id: str, key_id: str = KEY_ID) -> KeySigner:
    """Return the same signer for the same key in every process of a test."""
    key = Ed25519PrivateKey.from_private_bytes(f"{issuer_id} {key_id}".encode().ljust(32, b"."))
    return KeySigner(key, f"{ISSUERS[issuer_id]}#{key_id}")


def key_of(issuer_id: str, key_id: str, state: KeyState = KeyState.ACTIVE) -> IssuerKey:
    """Return the row of the key of `signer_for`."""
    return key_row(issuer_id, key_id, signer_for(issuer_id, key_id).public_key, state)


def did_document(signer: KeySigner) -> dict[str, Any]:
    """Return a DID document that lists the signer's key under assertionMethod."""
    method = {
        "id": signer.verification_method,
        "type": "Multikey",
        "controller": signer.controller,
        "publicKeyMultibase": multikey_of(signer.public_key),
    }
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": signer.controller,
        "verificationMethod": [method],
        "assertionMethod": [signer.verification_method],
    }


class Wing:
    """Services over one database file, and what tests do with them again and again."""

    def __init__(
        self, database: Engine, place: Place, reference_key: ReferenceKey | None = None, **policy: Any
    ) -> None:
        self.place = place
        self.clock = Clock()
        self.database = database
        self.policy = Policy(base_url=BASE_URL, **policy)
        self.told: list[str] = []
        self.alarms: dict[tuple[str, str], str] = {}  # those that hold, with their reasons
        self.publisher = self.another_publisher(
            on_published=lambda published: self.told.append(published.list_id)
        )
        self.sets = StatusSets(
            database,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
            base_url=BASE_URL,
            on_changed=self.publisher.wake,
            reference_key=reference_key,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, place: Place, *, reference_key: ReferenceKey | None = None, **policy: Any
    ) -> AsyncIterator["Wing"]:
        """Open the database at `place`, with its schema and issuers."""
        database = place.open()
        try:
            await storage.migrate(database, MIGRATIONS)
            await database.write(_insert_issuers)
            yield cls(database, place, reference_key, **policy)
        finally:
            database.close()

    def another_publisher(
        self,
        *,
        database: Database | None = None,
        signer_of: SignerOf = signer_for,
        on_published: Callable[[Published], None] = lambda _: None,
        mark: ServedMark | None = None,
    ) -> Publisher:
        """Return a publisher as another process would have it, or this one after a restart."""
        return Publisher(
            database or self.database,
            signer_of=signer_of,
            clock=self.clock,
            timer=self.clock.timer,
            policy=self.policy,
            on_published=on_published,
            on_state=self._state,
            mark=mark,
        )

    def own_list(self, url: str) -> tuple[bytes, str, int] | None:
        return own_list(self.publisher.lists, self.publisher.demand, url)

    def _state(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        if reason is None:
            self.alarms.pop((kind, subject), None)
        else:
            self.alarms[kind, subject] = reason

    async def create(self, set_id: str, *purposes: str, issuer_id: str = "acme") -> None:
        wanted = {"id": set_id, "issuerId": issuer_id, "purposes": purposes or ("revocation",)}
        await self.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))

    async def allocate(self, set_id: str, count: int = 1) -> list[int]:
        allocated = await self.sets.allocate(ROOT, set_id, Allocate(count=count))
        return [int(entry.credential_status[0].status_list_index) for entry in allocated.entries]

    async def set_with_entry(self, set_id: str, *purposes: str) -> int:
        await self.create(set_id, *purposes)
        return (await self.allocate(set_id))[0]

    async def change(self, set_id: str, index: int, purpose: str, status: int) -> None:
        await self.sets.set_statuses(ROOT, set_id, change_of(index, purpose, status))

    async def revoke(self, set_id: str, index: int) -> None:
        await self.change(set_id, index, "revocation", 1)

    def published_status(self, list_id: str, index: int, publisher: Publisher | None = None) -> int | None:
        """Return what readers see of an entry; None where the list is not published."""
        current = (publisher or self.publisher).lists.current(list_id)
        if current is None:
            return None
        return status_at(bits_of(current.forms[DATA_INTEGRITY].body), index)

    async def announce(self, issuer_id: str, key_id: str) -> IssuerKey:
        """Make a key known that follows the active one later."""
        key = key_of(issuer_id, key_id, KeyState.ANNOUNCED)
        await self.database.write(lambda tx: key_store.insert_key(tx, key))
        return key

    async def rotate(self, key: IssuerKey) -> None:
        """Have an announced key sign from now on, as operators do."""
        at = int(self.clock() * 1_000_000)

        def activate(tx: storage.Transaction) -> None:
            assert key_store.activate(tx, key, at)
            sign_anew(tx, key.issuer_id)

        await self.database.write(activate)

    async def compromise(self, issuer_id: str, key_id: str) -> None:
        """Take a key away at once; another has to follow it."""
        at = int(self.clock() * 1_000_000)

        def compromise(tx: storage.Transaction) -> None:
            key = key_store.find_key(tx, issuer_id, key_id)
            assert key is not None
            assert key_store.compromise(tx, key, at, at)
            sign_anew(tx, issuer_id)

        await self.database.write(compromise)

    async def count(self, table: str) -> int:
        row = await self.database.read(lambda tx: tx.one(f"SELECT count(*) AS found FROM {table}"))
        return int(row["found"]) if row is not None else 0

    def tamper(self, *statements: str) -> None:
        """Run SQL as somebody with a database shell would, past the engine."""
        for statement in statements:
            self.place.query(statement)


def change_of(index: int, purpose: str = "revocation", status: int = 1) -> ChangeStatuses:
    change = {"statusListIndex": str(index), "statusPurpose": purpose, "status": status, "reason": "test"}
    return ChangeStatuses(changes=(msgspec.convert(change, StatusChange),))


def bits_of(body: bytes) -> bytes:
    """Return the bitstring of a status list credential in its Data Integrity form."""
    credential = read_status_list_credential(read(body, max_bytes=MAX_FORM_BYTES))
    return expand_list(credential.encoded_list, max_bytes=MAX_LIST_BYTES)


def _insert_issuers(tx: storage.Transaction) -> None:
    known = operators.store.all_issuers(tx)
    for issuer_id, did in ISSUERS.items():
        if any(issuer.id == issuer_id for issuer in known):
            continue  # Opened again, as after a restart.
        inserting(Issuer(id=issuer_id, did=did), key_of(issuer_id, KEY_ID))(tx)
