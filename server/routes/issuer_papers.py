"""
`/operator/issuers/{id}/document`, requests for certificates, and certificates. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath

from operators import Permission
from operators.asking import Acting, answer_of, body_of, key_of
from operators.issuers.key_routes import ISSUERS
from operators.needs import named
from server.identity.papers import AskCertificate, GivenCertificates, IssuerPapers
from wire import Answer, encode
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

DOCUMENT = f"{ISSUERS}/{{issuer_id:str}}/document"
_KEY = f"{ISSUERS}/{{issuer_id:str}}/keys/{{key_id:str}}"


def issuer_paper_routes(papers: IssuerPapers) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, papers=papers)


class _Routes(Controller):
    tags = ("operators: issuers",)
    request_max_body_size = MAX_BODY_BYTES
    papers: IssuerPapers

    @get(
        DOCUMENT,
        name="get_issuer_document",
        needs=named("issuer_id", Permission.READ),
        summary="The DID document of an issuer",
        description="Of a foreign issuer: what its owner must add to the document, so that our signatures verify.",
    )
    async def document(self, principal: Acting, issuer_id: FromPath[str]) -> Answer:
        return Answer(body=encode(await self.papers.document(principal, issuer_id)))

    @post(
        f"{_KEY}/certificate-request",
        name="request_issuer_certificate",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Request a certificate of a key",
        description="PKCS#10 in PEM, of a P-256 or P-384 key, signed where the server that answers has the key.",
        operation_class=reads({"subject": "CN=Transport Office,O=Ministry,C=NO"}),
    )
    async def certificate_request(
        self,
        principal: Acting,
        issuer_id: FromPath[str],
        key_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        asked = await body_of(request, AskCertificate)
        made = await self.papers.request(principal, issuer_id, key_id, asked, idempotency_key=key_of(request))
        return answer_of(made)

    @post(
        f"{_KEY}/certificates",
        name="keep_issuer_certificates",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Keep the certificates of a key",
        description="Its own and those above it, PEM, in any order; they take the place of those that were kept"
        " before. They must fit the key and one another. The anchor is left out.",
        operation_class=reads({"certificates": "-----BEGIN CERTIFICATE-----\n..."}),
    )
    async def certificates(
        self,
        principal: Acting,
        issuer_id: FromPath[str],
        key_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        given = await body_of(request, GivenCertificates)
        kept = await self.papers.certify(principal, issuer_id, key_id, given, idempotency_key=key_of(request))
        return answer_of(kept)
