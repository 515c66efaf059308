"""
Who we are: the did:web documents that we serve, and the signers behind them.

The service's own DID is did:web of the public URL, its document at `/.well-known/did.json`; an issuer that we
host is `did:web:<host>:issuers:<id>`, at `/issuers/<id>/did.json`. Each has one Ed25519 status key, listed
under `assertionMethod` in two shapes: `#<id>` as Multikey (what Data Integrity verifiers read) and
`#<id>-jwk` as JsonWebKey (what VC-JOSE-COSE verifiers read, section 3.3.1 there).

No other DID is answered from here, whatever an issuer's row says: a foreign DID's document is its owner's to
publish, and is fetched as anybody's.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operators import AlarmKind, Issuer, OnState
from proofs import KeySigner, Signer, read_key_file
from proofs.errors import KeyFileError, KeyFileMissing
from resolver.documents.contexts import with_contexts_of_v1
from resolver.errors import InternalError
from resolver.keys.multikey import jwk_of, multikey_of
from server.settings import Settings
from server.vitals.nodes import node_name
from wire import Answer, ResourceNotFound, encode, etag_of

LOG = logging.getLogger("touchstone.identity")

DEFAULT_ISSUER = "default"
FIRST_KEY = "key-1"  # of the default issuer, made by `touchstone init`
FRESH_SECONDS = 300  # seconds; a key is announced this long before it signs
JWK_SUFFIX = "-jwk"
DID_JSON = "application/did+json"

JsonObject = dict[str, Any]


def issuer_did(settings: Settings, issuer_id: str) -> str:
    """Return the DID under which we host `issuer_id`; the default issuer is the service itself."""
    return settings.did if issuer_id == DEFAULT_ISSUER else f"{settings.did}:issuers:{issuer_id}"


def key_path(settings: Settings, key_name: str) -> Path:
    """Return the file of a key: `<key_dir>/<key name>.pem`."""
    return Path(settings.key_dir) / f"{key_name}.pem"


def did_document(did: str, key_name: str, signer: Signer) -> JsonObject:
    """Return the DID document of an issuer that we host (DID v1.1, Controlled Identifiers v1.0)."""
    multikey, jwk = f"{did}#{key_name}", f"{did}#{key_name}{JWK_SUFFIX}"
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": did,
        "verificationMethod": [
            {
                "id": multikey,
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": multikey_of(signer.public_key),
            },
            {"id": jwk, "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk_of(signer.public_key)},
        ],
        "assertionMethod": [multikey, jwk],
    }


class DocumentUnavailable(InternalError, status=503):
    """We host this DID, and its key cannot be read just now; its operator has an alarm."""

    def __init__(self) -> None:
        super().__init__(
            "the key of this DID of ours cannot be read just now; try again later",
            headers={"retry-after": "5"},
        )


def is_hosted(settings: Settings, issuer: Issuer) -> bool:
    """Tell whether the document of an issuer is ours to serve: it lies under our host, and we hold its key."""
    return issuer.key_name is not None and issuer.did == issuer_did(settings, issuer.id)


class IdentityChanged(Exception):
    """The database was made for another DID than ours; the message names both and says what to do."""


def require_same_identity(settings: Settings, default_issuer: Issuer | None) -> None:
    """
    Refuse to serve a database under another DID than the one it was made for.

    Its lists are signed by that DID, and credentials out there name it: under another one nothing holds.

    Raises:
        IdentityChanged: the default issuer, if there is one yet, has another DID.
    """
    if default_issuer is None or default_issuer.did == settings.did:
        return
    raise IdentityChanged(
        f"the database belongs to {default_issuer.did}, but "
        f"TOUCHSTONE_PUBLIC_URL={settings.public_url} makes us {settings.did}. Set TOUCHSTONE_PUBLIC_URL back to "
        "the URL of that DID; or, to begin anew under this one, name another database and key directory in "
        "TOUCHSTONE_DATABASE_URL and TOUCHSTONE_KEY_DIR, and run `touchstone init`"
    )


class Identities:
    """
    The issuers that we host or sign for; `take_up` reads their keys.

    A key that cannot be read fails its issuer alone: its document is unavailable and its lists are not signed anew.

    Args:
        on_state: told of each key that cannot be read, and when it can be again.
    """

    def __init__(self, settings: Settings, *, on_state: OnState = lambda *_: None) -> None:
        self._settings = settings
        self._on_state = on_state
        self._signers: dict[str, KeySigner] = {}  # By the id of the issuer.
        self._documents: dict[
            str, JsonObject | None
        ] = {}  # By DID, of those we host; None: no key to be read.
        self._unreadable: set[str] = set()  # Ids of issuers; once in the log is enough.

    async def take_up(self, issuers: Iterable[Issuer]) -> bool:
        """
        Read the keys of the issuers whose keys we have not yet; tell whether there was one.

        One that cannot be read is logged, is an alarm, and is tried again at the next call.
        """
        missing = [issuer for issuer in issuers if issuer.key_name and issuer.id not in self._signers]
        return sum([await self._take_up(issuer) for issuer in missing]) > 0

    async def _take_up(self, issuer: Issuer) -> bool:
        hosted = is_hosted(self._settings, issuer)
        try:
            signer = await asyncio.to_thread(signer_for, self._settings, issuer)
        except (KeyFileError, OSError) as error:
            self._cannot_read(issuer, error)
            if hosted:
                self._documents[issuer.did] = None
            return False
        self._signers[issuer.id] = signer
        if hosted:
            self._documents[issuer.did] = did_document(issuer.did, issuer.key_name or "", signer)
        self._unreadable.discard(issuer.id)
        self._on_state(AlarmKind.KEY_UNREADABLE, self._subject(issuer), None)
        return True

    def _subject(self, issuer: Issuer) -> str:
        """Each node has key files of its own: one that can read a key says nothing of another."""
        return f"{issuer.id} on {node_name(self._settings)}"

    def _cannot_read(self, issuer: Issuer, error: Exception) -> None:
        if issuer.id not in self._unreadable:
            LOG.warning("the issuer %s cannot sign: %s", issuer.id, error)
        self._unreadable.add(issuer.id)
        self._on_state(AlarmKind.KEY_UNREADABLE, self._subject(issuer), str(error))

    def signers(self) -> Mapping[str, Signer]:
        """Return the signers that we have, by the id of the issuer."""
        return dict(self._signers)

    def signer_of(self, issuer_id: str) -> Signer:
        """
        Return the signer of an issuer.

        Raises:
            ResourceNotFound: we hold no key of that issuer.
        """
        signer = self._signers.get(issuer_id)
        if signer is None:
            raise ResourceNotFound(f"no signing key is held for the issuer {issuer_id!r}")
        return signer

    def own_document(self, did: str) -> JsonObject | None:
        """
        Return our document for `did`, or None where we do not host it.

        Raises:
            DocumentUnavailable: we host it, and its key cannot be read.
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
            fresh_until=now + FRESH_SECONDS,
        )


def signer_for(settings: Settings, issuer: Issuer) -> KeySigner:
    """
    Read the key of an issuer that has one.

    Raises:
        KeyFileError: its file is missing, unsafe or no key.
    """
    key_name = issuer.key_name or ""
    method = f"{issuer.did}#{key_name}"
    try:
        private_key = read_key_file(key_path(settings, key_name))
    except KeyFileMissing as error:
        new = "; `touchstone init` makes a new one in its place" * (key_name == FIRST_KEY)
        raise KeyFileMissing(f"{error}{new}") from None
    return KeySigner(private_key, method, jws_key_id=method + JWK_SUFFIX)
