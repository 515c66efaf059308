"""
The DID documents that we host: our own, and those of issuers. Routes.
"""

from collections.abc import Callable

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from server.identity.identities import Identities
from server.identity.own import DEFAULT_ISSUER
from wire import Answer

OWN_DOCUMENT = "/.well-known/did.json"
ISSUER_DOCUMENTS = "/issuers/"


def identity_routes(identities: Identities, clock: Callable[[], float]) -> list[HTTPRouteHandler]:
    """Return the routes of the DID documents that we host."""

    @get(OWN_DOCUMENT, tags=["Identity"], summary="Our DID document")
    async def own_document() -> Answer:
        return identities.document_answer(DEFAULT_ISSUER, clock())

    @get(
        f"{ISSUER_DOCUMENTS}{{issuer_id:str}}/did.json",
        tags=["Identity"],
        summary="The DID document of a hosted issuer",
    )
    async def issuer_document(issuer_id: FromPath[str]) -> Answer:
        return identities.document_answer(issuer_id, clock())

    return [own_document, issuer_document]
