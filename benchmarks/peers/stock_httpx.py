"""
A rival, uvicorn and one client of httpx as it comes: `python -m benchmarks.peers.stock_httpx CA PORT`.

It resolves a did:web by the letter: the URL, one GET over a kept connection, JSON, the id. No caps, no checks.
"""

import json
import ssl
import sys
from urllib.parse import unquote

import httpx
from litestar.types import Receive, Scope, Send

from benchmarks.bare_asgi import serve

HEADERS = [(b"content-type", b"application/did-resolution")]


def url_of(did: str) -> str:
    """Return the URL of a did:web, without the checks that it needs."""
    host, *path = did.removeprefix("did:web:").split(":")
    return f"https://{unquote(host)}/{'/'.join(path) or '.well-known'}/did.json"


class App:
    """Answers `/1.0/identifiers/<did>`, and `/` for the start."""

    def __init__(self, ca_file: str) -> None:
        self._client = httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca_file))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        result = b"{}" if scope["path"] == "/" else await self._resolve(scope["path"].rpartition("/")[2])
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": result, "more_body": False})

    async def _resolve(self, did: str) -> bytes:
        response = await self._client.get(url_of(did))
        document = response.raise_for_status().json()
        if document["id"] != did:
            raise ValueError("the document is another DID's")
        result = {"didDocument": document, "didDocumentMetadata": {}, "didResolutionMetadata": {}}
        return json.dumps(result).encode()


if __name__ == "__main__":
    serve(App(sys.argv[1]), int(sys.argv[2]))  # type: ignore[arg-type]
