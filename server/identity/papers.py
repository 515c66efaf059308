"""
What others are handed of the keys of an issuer, and hand back: DID documents, requests for certificates, and
certificates. Service.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from ssl import DER_cert_to_PEM_cert
from typing import Any

import msgspec

from operators import Issuer, IssuerKey, Permission, Principal
from operators.acting import act_once
from operators.issuers import rotation
from operators.issuers.issuers import Issuers, issuer_and_keys
from operators.issuers.key_changes import KeyChanges
from operators.issuers.views import IssuerKeyView
from proofs import KeyFileError, SignerAway
from resolver.documents.contexts import with_contexts_of_v1
from server.identity.custody import Custody
from server.identity.documents import did_document, public_key_of, published_members
from storage import Database, Transaction
from wire import Conflict, Refusal

JsonObject = dict[str, Any]


class KeyUnreadable(
    Refusal, type="/problems/key-unreadable", title="The key cannot be used here now", status=503
):
    """This server cannot read the file of the key, or its token does not answer; the detail says why."""


class AskCertificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`subject`: whom to certify, a distinguished name (RFC 4514) such as "CN=Transport Office,O=Ministry,C=NO"."""

    subject: str


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request for a certificate of a key (PKCS#10, RFC 2986), in PEM."""

    issuer_id: str
    key: str
    certificate_request: str


class GivenCertificates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate of a key and those above it, PEM, in any order; the anchor may be among them."""

    certificates: str


class IssuerPapers:
    """
    Every method raises ResourceNotFound where there is no such issuer, or it never had that key.

    Args:
        clock: seconds since 1970.
        services_of: what a DID that we host offers, as its document says it.
    """

    def __init__(
        self,
        database: Database,
        issuers: Issuers,
        changes: KeyChanges,
        custody: Custody,
        *,
        clock: Callable[[], float],
        services_of: Callable[[str], tuple[JsonObject, ...]],
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._changes = changes
        self._custody = custody
        self._clock = clock
        self._services_of = services_of

    async def document(self, principal: Principal, issuer_id: str) -> JsonObject:
        """
        Return the DID document of a hosted issuer, or what the owner of a foreign one must add to it.

        Raises:
            Conflict: a key is not known yet (see `IssuerKey`).
        """
        issuer, keys = await self._read(principal, issuer_id, Permission.READ)
        now = self._now()
        if not self._issuers.is_hosted(issuer):
            return published_members(issuer, keys, now)
        if (document := did_document(issuer, keys, now, self._services_of(issuer.did))) is None:
            raise _not_known(f"a key of {issuer_id}")
        return with_contexts_of_v1(document)

    async def request(
        self,
        principal: Principal,
        issuer_id: str,
        key_id: str,
        asked: AskCertificate,
        *,
        idempotency_key: str | None = None,
    ) -> CertificateRequest:
        """
        Return a request for a certificate, signed with the key itself.

        Raises:
            MalformedCertificate, CertificateInvalid: as `proofs.certificates.certificate_request`.
            KeyUnreadable: its private half is out of reach.
        """
        issuer, keys = await self._read(principal, issuer_id, Permission.ADMINISTER)
        key = rotation.known_key(keys, key_id)
        pem = await asyncio.to_thread(self._sign_request, issuer, key, asked.subject)
        at = self._now()

        def note(tx: Transaction) -> CertificateRequest:
            rotation.note(tx, key, "issuer-key.request-certificate", actor=principal, at=at)
            return CertificateRequest(issuer_id=issuer_id, key=key_id, certificate_request=pem)

        wanted = ("request-certificate", issuer_id, key_id, asked)
        return await act_once(
            self._database, principal, idempotency_key, wanted, note, CertificateRequest, at=at
        )

    async def certify(
        self,
        principal: Principal,
        issuer_id: str,
        key_id: str,
        given: GivenCertificates,
        *,
        idempotency_key: str | None = None,
    ) -> IssuerKeyView:
        """
        Keep the certificates of a key, without the anchor.

        Raises:
            MalformedCertificate, CertificateInvalid: as `proofs.certificates.read_chain`.
            Conflict: the key is not known yet.
        """
        _, keys = await self._read(principal, issuer_id, Permission.ADMINISTER)
        key = rotation.known_key(keys, key_id)
        if key.public_key is None:
            raise _not_known(key_id)
        kept = await asyncio.to_thread(self._chain_of, key, given.certificates)
        return await self._changes.certify(
            principal, issuer_id, key_id, kept, idempotency_key=idempotency_key
        )

    def _sign_request(self, issuer: Issuer, key: IssuerKey, subject: str) -> str:
        from proofs.certificates import certificate_request

        try:
            return certificate_request(self._custody.open(issuer, key), subject).decode()
        except (KeyFileError, SignerAway) as error:
            raise KeyUnreadable(str(error)) from None
        except OSError as error:
            raise KeyUnreadable(f"{key.locator} cannot be read: {error.strerror}") from None

    def _chain_of(self, key: IssuerKey, pem: str) -> str:
        from proofs.certificates import read_chain

        now = datetime.fromtimestamp(self._clock(), UTC)
        return "".join(map(DER_cert_to_PEM_cert, read_chain(pem.encode(), public_key_of(key), now=now)))

    async def _read(
        self, principal: Principal, issuer_id: str, permission: Permission
    ) -> tuple[Issuer, list[IssuerKey]]:
        return await self._database.read(lambda tx: issuer_and_keys(tx, principal, issuer_id, permission))

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _not_known(which: str) -> Conflict:
    return Conflict(f"{which} is not known yet; a server that can read its file notes what it is")
