"""
An origin of did:webs, over TLS: `python -m benchmarks.peers.web_origin PEM PORT`. Any path has a document.

PEM has its key and certificate. It is as quick as we can make it, since it shares the core of the load.
"""

import asyncio
import ssl
import sys
from urllib.parse import quote

import uvloop

_DOCUMENT = (
    '{"@context":["https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"],"id":"%s",'
    '"verificationMethod":[{"id":"%s#key-1","type":"Multikey","controller":"%s",'
    '"publicKeyMultibase":"z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}],'
    '"authentication":["%s#key-1"],"assertionMethod":["%s#key-1"]}'
)
_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class _Origin(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(answer(head.decode("latin-1")))  # type: ignore[attr-defined]


def answer(head: str) -> bytes:
    """Return the answer to a GET of `/<segments>/did.json`."""
    path = head.split(" ", 2)[1].removesuffix("/did.json").removesuffix("/.well-known")
    lines = head.split("\r\n")
    host = next(line[5:].strip() for line in lines if line[:5].lower() == "host:")
    did = f"did:web:{quote(host)}{path.replace('/', ':')}"
    body = (_DOCUMENT % ((did,) * 5)).encode()
    return (_HEAD % len(body)).encode() + body


async def serve(pem: str, port: int) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
