"""
`POST /verify`: may I rely on this credential now? Routes.
"""

from collections.abc import Callable
from typing import Any

from litestar import Controller, Request, post
from litestar.openapi.datastructures import ResponseSpec

from statuslist.checking.account import UNLIMITED, Account
from verification.requests import MAX_REQUEST_BYTES, read_verify_batch, read_verify_request
from verification.verdicts import Verification, Verifications
from verification.verifier import Verifier
from wire import Answer, encode
from wire.openapi import reads
from wire.routing import over

VERIFY_PATH = "/verify"
_EXAMPLE = {"credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.e30.c2ln~", "explain": True}
_TOLD = ResponseSpec(Verification, description="The verdicts.", generate_examples=False)
_ALL_TOLD = ResponseSpec(Verifications, description="The verdicts on each.", generate_examples=False)


def build_verify_routes(
    verifier: Verifier,
    account_of: Callable[[str], Account] = lambda _: UNLIMITED,
    charge: Callable[[str, float], None] = lambda *_: None,
) -> type[Controller]:
    """
    Return the routes; the application's response class must render an `Answer`.

    Args:
        account_of: who is charged for what strangers are asked; as of `statuslist.routes.build_routes`.
        charge: takes tokens of a client for what is computed, beside the one of the request; raises where there are
            too few.
    """
    return over(_Routes, verifier=verifier, account_of=account_of, charge=charge)


class _Routes(Controller):
    tags = ("verification",)
    request_max_body_size = MAX_REQUEST_BYTES
    verifier: Verifier
    account_of: Callable[[str], Account]
    charge: Callable[[str, float], None]

    @post(
        VERIFY_PATH,
        name="verify_credential",
        status_code=200,
        summary="May I rely on this credential now?",
        description="Send a credential of any form. `rely` is true only if nothing that the policy asks for is `no`"
        " or `unknown`. docs/verify.md lists verdicts, reasons and policies.",
        responses={200: _TOLD},
        operation_class=reads(_EXAMPLE),
    )
    async def verify(self, request: Request[Any, Any, Any]) -> Answer:
        asked = read_verify_request(await request.body(), request.headers.get("content-type"))
        return Answer(body=encode(await self.verifier.verify(asked, self._account(request))))

    @post(
        f"{VERIFY_PATH}/batch",
        name="verify_credentials",
        status_code=200,
        summary="May I rely on these credentials now?",
        description="As `POST /verify`, for up to 100 credentials that are looked at in the same way.",
        responses={200: _ALL_TOLD},
        operation_class=reads({"credentials": [_EXAMPLE["credential"]]}),
    )
    async def verify_batch(self, request: Request[Any, Any, Any]) -> Answer:
        asked = read_verify_batch(await request.body(), request.headers.get("content-type"))
        self.charge(_client(request), len(asked.credentials) - 1)
        told = await self.verifier.verify_all(asked, self._account(request))
        return Answer(body=encode(Verifications(results=told)))

    def _account(self, request: Request[Any, Any, Any]) -> Account:
        return self.account_of(_client(request))


def _client(request: Request[Any, Any, Any]) -> str:
    client: str = request.scope.get("state", {}).get("client", "")
    return client
