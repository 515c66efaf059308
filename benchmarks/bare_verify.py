"""
A rival: uvicorn and an application that reads a body, verifies a signature, and gives one answer. `FILE PORT`.

FILE as of `bare_asgi`. The signature is an ES256 one over some 1 KB, as of an SD-JWT VC, and always the same. GET
gives the answer, so that it can be waited for.
"""

import sys
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from litestar.types import ASGIApp, Receive, Scope, Send

from benchmarks.bare_asgi import serve
from benchmarks.bare_posts import reading
from benchmarks.http import Captured

_SIGNED = b"a" * 1_024


def verifying(captured: Captured) -> ASGIApp:
    """Return an application that does as `bare_posts.reading`, once a signature is verified."""
    answer, private_key = reading(captured), generate_private_key(SECP256R1())
    key, signature = private_key.public_key(), private_key.sign(_SIGNED, ECDSA(SHA256()))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        key.verify(signature, _SIGNED, ECDSA(SHA256()))
        await answer(scope, receive, send)

    return app


if __name__ == "__main__":
    serve(verifying(msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Captured)), int(sys.argv[2]))
