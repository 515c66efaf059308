"""
A rival: did:web by stock httpx, under uvicorn. `python -m benchmarks.httpx_web CA_FILE PORT`.

One client for the process, as httpx asks for; it checks no address and has no caps.
"""

import ssl
import sys
from urllib.parse import unquote

import httpx
import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from benchmarks.bare_asgi import serve

_PREFIX = b"/1.0/identifiers/did:web:"


def resolver(client: httpx.AsyncClient) -> ASGIApp:
    """Return an application that resolves the did:web in the path."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        raw_path = scope["raw_path"]
        body = b"{}"
        if raw_path.startswith(_PREFIX):
            host, *path = raw_path.removeprefix(_PREFIX).decode().split(":")
            answer = await client.get(f"https://{unquote(host)}/{'/'.join(path)}/did.json")
            document = msgspec.json.decode(answer.content)
            assert document["id"].startswith("did:web:")
            body = msgspec.json.encode({"didDocument": document})
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


if __name__ == "__main__":
    context = ssl.create_default_context(cafile=sys.argv[1])
    serve(resolver(httpx.AsyncClient(verify=context, trust_env=False)), int(sys.argv[2]))
