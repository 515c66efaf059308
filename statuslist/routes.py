"""
`GET /status-lists/...` and `POST /status/check`, for anybody. Routes.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from credentials.secured import VC_JWT
from statuslist.checking.account import UNLIMITED, Account
from statuslist.checking.checker import Checker
from statuslist.checking.requests import EntryCheck, StatusCheck
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MEDIA_TYPES, TOKEN_CWT, TOKEN_JWT, FormName
from statuslist.publishing.answers import NEGOTIATED, answer_form, answer_negotiated, answer_with_proof
from statuslist.publishing.publisher import Publisher
from wire import Answer, ResourceNotFound, encode, read_body, require_media_type
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

_LIST = ResponseSpec(
    dict[str, Any],
    description="A BitstringStatusListCredential (Bitstring Status List v1.0, section 2.2).",
    media_type=NEGOTIATED[0].name,  # The server's document has them all (`server/routes/operations.py`).
    generate_examples=False,
)
_TOKEN_LIST_JWT, _TOKEN_LIST_CWT = (
    ResponseSpec(
        bytes,
        description="A Status List Token (Token Status List, section 5).",
        media_type=MEDIA_TYPES[form],
        generate_examples=False,
    )
    for form in (TOKEN_JWT, TOKEN_CWT)
)
_CHECKED = ResponseSpec(StatusCheck, description="What the lists say.", generate_examples=False)
_ENTRY_EXAMPLE = {
    "issuer": "did:web:issuer.example",
    "credentialStatus": {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": "https://issuer.example/status-lists/3/credential.json",
    },
}


def build_routes(
    publisher: Publisher,
    checker: Checker,
    *,
    clock: Callable[[], float],
    account_of: Callable[[str], Account] = lambda _: UNLIMITED,
) -> type[Controller]:
    """
    Return the public routes of the status lists, for a Litestar application.

    The application's response class must render an `Answer`.

    Args:
        clock: seconds since 1970.
        account_of: who is charged for the fetches of a check; the client is the request's state `client`, where the
            server put it.
    """
    return over(_Routes, publisher=publisher, checker=checker, clock=clock, account_of=account_of)


class _Routes(Controller):
    tags = ("status lists",)
    request_max_body_size = MAX_BODY_BYTES
    publisher: Publisher
    checker: Checker
    clock: Callable[[], float]
    account_of: Callable[[str], Account]

    @get(
        "/status-lists/{list_id:str}",
        name="get_status_list",
        summary="A status list, in the form that Accept asks for",
        responses={200: _LIST},
    )
    async def get_status_list(self, list_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        accept, query = _accept(request), _query(request)
        is_newest = await self.publisher.following.catch_up()
        answer = answer_negotiated(self.publisher.lists, list_id, accept, query, now=self.clock())
        return answer if is_newest else _kept_nowhere(answer)

    @get(
        f"/status-lists/{{list_id:str}}/{DATA_INTEGRITY}",
        name="get_status_list_with_proof",
        summary="A status list with a Data Integrity proof; its permanent URL",
        description="The same bytes as application/vc, or as the type of JSON that Accept asks for.",
        responses={200: _LIST},
    )
    async def get_with_proof(self, list_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        accept, query = _accept(request), _query(request)
        is_newest = await self.publisher.following.catch_up()
        answer = answer_with_proof(self.publisher.lists, list_id, accept, query, now=self.clock())
        return answer if is_newest else _kept_nowhere(answer)

    @get(
        f"/status-lists/{{list_id:str}}/{JWT}",
        name="get_status_list_jwt",
        summary="A status list as application/vc+jwt; its permanent URL",
        responses={200: _LIST},
    )
    async def get_jwt(self, list_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        return await self._form(list_id, JWT, request)

    @get(
        f"/status-lists/{{list_id:str}}/{TOKEN_JWT}",
        name="get_token_list_jwt",
        summary="A token list as application/statuslist+jwt; its permanent URL",
        responses={200: _TOKEN_LIST_JWT},
    )
    async def get_token_jwt(self, list_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        return await self._form(list_id, TOKEN_JWT, request)

    @get(
        f"/status-lists/{{list_id:str}}/{TOKEN_CWT}",
        name="get_token_list_cwt",
        summary="A token list as application/statuslist+cwt; its permanent URL",
        responses={200: _TOKEN_LIST_CWT},
    )
    async def get_token_cwt(self, list_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        return await self._form(list_id, TOKEN_CWT, request)

    async def _form(self, list_id: str, form: FormName, request: Request[Any, Any, Any]) -> Answer:
        query = _query(request)
        is_newest = await self.publisher.following.catch_up()
        answer = answer_form(self.publisher.lists, list_id, form, query, now=self.clock())
        return answer if is_newest else _kept_nowhere(answer)

    @post(
        "/status/check",
        name="check_status",
        status_code=200,
        summary="Does this credential still hold?",
        description=(
            "Send status entries with the issuer of the credential that carried them, as application/json: "
            "`credentialStatus` of a W3C credential, or the claim `status` of another token. "
            "You vouch for having verified it, and the answer says `credentialVerified: false`. "
            "Or send a whole credential as application/vc+jwt: it is verified first. "
            "Lists of all forms are read. An entry of an unknown type has the reason `unsupported`."
        ),
        responses={200: _CHECKED},
        operation_class=reads(_ENTRY_EXAMPLE, VC_JWT),
    )
    async def check_status(self, request: Request[Any, Any, Any]) -> Answer:
        body, content_type = await request.body(), request.headers.get("content-type")
        await self.publisher.following.catch_up()  # A check of our own lists does not go back either.
        account = self.account_of(request.scope.get("state", {}).get("client", ""))
        if require_media_type(content_type, "application/json", VC_JWT) == VC_JWT:
            checked = await self.checker.check_credential(body, account)
        else:
            checked = await self.checker.check_entries(read_body(body, content_type, EntryCheck), account)
        return Answer(body=encode(checked))


def _kept_nowhere(answer: Answer) -> Answer:
    """Return an answer that no cache may keep: another process of the node may serve a newer one."""
    return msgspec.structs.replace(answer, fresh_until=None)


def _accept(request: Request[Any, Any, Any]) -> str | None:
    return ", ".join(request.headers.getall("accept", [])) or None


def _query(request: Request[Any, Any, Any]) -> bytes:
    """
    Return the query, once the path is known to be spelled in the one way there is.

    No part of our paths needs an escape. With one, it would be a second URL of the same list, which caches
    (our own among them) would keep past the publication of a new version.
    """
    if b"%" in request.scope["raw_path"]:
        raise ResourceNotFound("there is no such status list")
    query: bytes = request.scope["query_string"]
    return query
