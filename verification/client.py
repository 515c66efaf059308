"""
`POST /verify` of a server, with the Structs that the server uses. Client.

    async with VerificationClient("http://localhost:8000") as verifier:
        told = await verifier.verify(VerifyRequest(credential=token))

Importing this loads no HTTP client; making one does (httpx).
"""

from typing import TYPE_CHECKING, TypeVar

import msgspec

from verification.requests import VerifyBatch, VerifyOptions, VerifyRequest
from verification.verdicts import Verdict, Verification, Verifications
from wire import Refusal, encode
from wire.client import HttpClient, RequestRefused, content_of

__all__ = [
    "RequestRefused",
    "Verdict",
    "Verification",
    "VerificationClient",
    "VerificationUnavailable",
    "VerifyBatch",
    "VerifyRequest",
]

if TYPE_CHECKING:
    import httpx

T = TypeVar("T", Verification, Verifications)


class VerificationUnavailable(
    Refusal, type="/problems/verification-unavailable", title="Verification unavailable", status=502
):
    """The server cannot be reached, or what it answers tells nothing of a credential."""


class VerificationClient(HttpClient):
    """
    Asks one server, and believes what it says.

    Args:
        base_url: scheme, host and port.
        transport: httpx's transport; tests hand in one that calls the application in process.
    """

    def __init__(self, base_url: str, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        # `trust_env`: no proxy from the environment gets to see a credential.
        super().__init__(base_url, transport=transport, trust_env=False)

    async def verify(self, request: VerifyRequest) -> Verification:
        """
        Return what the server tells of a credential.

        Raises:
            RequestRefused: the server refuses the question, as one of another shape or over its limits.
            VerificationUnavailable: no answer comes, or none of this kind.
        """
        return await self._ask("/verify", request, Verification)

    async def verify_all(self, batch: VerifyBatch) -> list[Verification]:
        """Return what the server tells of each credential, in their order; raises as `verify`."""
        told = (await self._ask("/verify/batch", batch, Verifications)).results
        if len(told) != len(batch.credentials):
            raise VerificationUnavailable("the server tells of another number of credentials than was asked")
        return told

    async def _ask(self, path: str, asked: VerifyOptions, shape: type[T]) -> T:
        headers = {"content-type": "application/json"}
        content = content_of(await self._send("POST", path, content=encode(asked), headers=headers))
        try:
            return msgspec.json.decode(content, type=shape)
        except msgspec.MsgspecError as error:
            raise VerificationUnavailable(f"the server answers what is no verification: {error}") from None

    def _unreachable(self) -> Exception:
        return VerificationUnavailable("the server that verifies cannot be reached")
