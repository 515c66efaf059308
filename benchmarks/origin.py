"""
A web server of DID documents over TLS, on uvloop: `python -m benchmarks.origin CERTIFICATE PORT`.

It has a document at every path: the one of the did:web that leads there. CERTIFICATE is a PEM file with its key.
It does as little as it can, so that it is not what is measured.
"""

import asyncio
import re
import ssl
import sys
from typing import cast

import uvloop

_REQUEST = re.compile(rb"GET /(\S*) HTTP/1\.1\r\n(?:[^\r]+\r\n)*?[Hh]ost: ([^\r]+)\r\n")
_DOCUMENT = (
    '{"@context":["https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"],"id":"DID",'
    '"verificationMethod":[{"id":"DID#key-1","type":"Multikey","controller":"DID",'
    '"publicKeyMultibase":"z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}],'
    '"authentication":["DID#key-1"],"assertionMethod":["DID#key-1"],"service":[{"id":"DID#files",'
    '"type":"LinkedDomains","serviceEndpoint":"https://origin.example/"}]}'
)


class Origin(asyncio.Protocol):
    """One connection, kept open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            request, self._received = self._received[: end + 4], self._received[end + 4 :]
            self._transport.write(answer(request))


def answer(request: bytes) -> bytes:
    """Return the answer to a request; what is not asked for as DIDs are is answered with an empty object."""
    found = _REQUEST.match(request)
    path, host = (found[1].decode(), found[2].decode()) if found else ("", "")
    segments = [host.replace(":", "%3A"), *path.removesuffix("/did.json").split("/")]
    body = _DOCUMENT.replace("DID", "did:web:" + ":".join(segments)).encode() if path else b"{}"
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/did+json\r\nContent-Length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


async def serve(certificate: str, port: int) -> None:
    """Serve on a loopback port until a signal."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(
        Origin, "127.0.0.1", port, ssl=context, backlog=1_024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
