"""
Who we are: the did:web documents that we serve, and the signers behind them.

The service's own DID is did:web of the public URL, its document at `/.well-known/did.json`; an issuer that we
host is `did:web:<host>:issuers:<id>`, at `/issuers/<id>/did.json`. Each has one Ed25519 status key, listed
under `assertionMethod` in two shapes: `#<id>` as Multikey (what Data Integrity verifiers read) and
`#<id>-jwk` as JsonWebKey (what VC-JOSE-COSE verifiers read, section 3.3.1 there).
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from operators import Issuer
from proofs import Ed25519Signer, Signer, read_key_file
from proofs.errors import KeyFileError
from resolver.keys.multikey import jwk_of, multikey_of
from server.settings import Settings
from wire import Answer, ResourceNotFound, encode, etag_of

LOG = logging.getLogger("touchstone.identity")

DEFAULT_ISSUER = "default"
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


class HostedIssuer(msgspec.Struct, frozen=True):
    """An issuer whose key we hold: its row, its signer and its document."""

    issuer: Issuer
    signer: Ed25519Signer
    document: JsonObject


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
    The issuers that we host, by id and by DID; read at start, and those added since by `take_up`.

    Raises (constructor):
        KeyFileError: a key file is missing, unsafe or no key.
    """

    def __init__(self, settings: Settings, issuers: Iterable[Issuer]) -> None:
        self._settings = settings
        self._told: set[str] = set()  # Issuers whose key could not be read: once in the log is enough.
        self._by_id = {issuer.id: _hosted(settings, issuer) for issuer in issuers if issuer.key_name}
        self._by_did = {hosted.issuer.did: hosted for hosted in self._by_id.values()}

    def take_up(self, issuers: Iterable[Issuer]) -> bool:
        """
        Host the issuers that are new among `issuers`; tell whether there was one.

        One whose key file cannot be read is logged, and tried again at the next call: its key may be on its way.
        """
        new = [issuer for issuer in issuers if issuer.key_name and issuer.id not in self._by_id]
        return sum(self._take_up(issuer) for issuer in new) > 0

    def _take_up(self, issuer: Issuer) -> bool:
        try:
            hosted = _hosted(self._settings, issuer)
        except KeyFileError as error:
            if issuer.id not in self._told:
                LOG.warning("the issuer %s cannot sign: %s", issuer.id, error)
            self._told.add(issuer.id)
            return False
        self._by_id[issuer.id] = self._by_did[issuer.did] = hosted
        return True

    def signer_of(self, issuer_id: str) -> Signer:
        """
        Return the signer of a hosted issuer.

        Raises:
            ResourceNotFound: we hold no key of that issuer.
        """
        hosted = self._by_id.get(issuer_id)
        if hosted is None:
            raise ResourceNotFound(f"no signing key is held for the issuer {issuer_id!r}")
        return hosted.signer

    def own_document(self, did: str) -> JsonObject | None:
        """Return our document for `did`, or None where we do not host it."""
        hosted = self._by_did.get(did)
        return hosted.document if hosted is not None else None

    def document_answer(self, issuer_id: str, now: float) -> Answer:
        """
        Return the answer for a did.json.

        Raises:
            ResourceNotFound: we host no such issuer.
        """
        hosted = self._by_id.get(issuer_id)
        if hosted is None:
            raise ResourceNotFound("no issuer of this name is hosted here")
        body = encode(hosted.document)
        return Answer(
            body=body,
            media_type=DID_JSON,
            etag=etag_of(body, DID_JSON),
            fresh_until=now + FRESH_SECONDS,
        )


def _hosted(settings: Settings, issuer: Issuer) -> HostedIssuer:
    key_name = issuer.key_name or ""
    private_key = read_key_file(key_path(settings, key_name))
    method = f"{issuer.did}#{key_name}"
    signer = Ed25519Signer(private_key, method, jws_key_id=method + JWK_SUFFIX)
    return HostedIssuer(issuer, signer, did_document(issuer.did, key_name, signer))
