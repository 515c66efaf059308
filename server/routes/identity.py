"""
The DID documents that we host: our own, and those of issuers. Routes.
"""

from collections.abc import Callable

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from server.identity import DEFAULT_ISSUER, Identities
from wire import Answer


def identity_routes(identities: Identities, clock: Callable[[], float]) -> list[HTTPRouteHandler]:
    """Return the routes of the DID documents that we host."""

    @get("/.well-known/did.json", tags=["Identity"], summary="Our DID document")
    async def own_document() -> Answer:
        return identities.document_answer(DEFAULT_ISSUER, clock())

    @get(
        "/issuers/{issuer_id:str}/did.json", tags=["Identity"], summary="The DID document of a hosted issuer"
    )
    async def issuer_document(issuer_id: FromPath[str]) -> Answer:
        return identities.document_answer(issuer_id, clock())

    return [own_document, issuer_document]
