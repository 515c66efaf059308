"""Requests of people who sign in: their tokens, honest, forged and out of time, and a provider that is down."""

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.server.http_corpus.asking import Case
from tests.server.http_corpus.operators import as_admin, at_operators, at_rest, read
from tests.server.http_corpus.origins import passing
from tests.server.http_corpus.world import START, Scene, Step

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"corpus provider").digest())
ISSUER, AUDIENCE, CLIENT = "https://id.example", "https://touchstone.example", "console"
ROUTES = ("/operator/me", "/operator/issuers", "/operator/issuers/acme", "/operator/status-lists/sample")
ACCESS, ID = {"alg": "EdDSA", "kid": "1", "typ": "at+jwt"}, {"alg": "EdDSA", "kid": "1"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "ann",
    "client_id": "cli",
    "jti": "1",
    "iat": int(START),
    "exp": int(START) + 3_600,
    "groups": ["admins"],
}


class Keys(BaseHTTPRequestHandler):
    """The provider's key set; at first it is away."""

    is_away = True

    def do_GET(self) -> None:
        key = {"kty": "OKP", "crv": "Ed25519", "x": _b64(KEY.public_key().public_bytes_raw()), "kid": "1"}
        body = msgspec.json.encode({"keys": [key]})
        self.send_response(503 if Keys.is_away else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def settings() -> Iterator[Mapping[str, Any]]:
    """Serve the keys, and yield the settings that say where."""
    Keys.is_away = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield {
            "sign_in_issuer": ISSUER,
            "sign_in_jwks_url": f"http://127.0.0.1:{server.server_address[1]}/jwks",
            "sign_in_audience": AUDIENCE,
            "sign_in_client_id": CLIENT,
            "sign_in_grants": tuple(
                {"claim": "groups", "value": value, "role": role, "scope": scope}
                for value, role, scope in (
                    ("admins", "administrator", "everything"),
                    ("acme", "viewer", "issuer:acme"),
                )
            ),
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def cases() -> Iterator[Step]:
    yield at_rest
    yield _tokens
    yield from _all("ann")
    yield _answering
    yield passing(60)
    for name in TOKENS:
        yield from _all(name)
    yield at_operators(as_admin("/operator/issuers", {"id": "late"}, authorization="Bearer <key of bo>"))
    yield passing(3_600)
    yield from _all("ann")


def _all(name: str) -> Iterator[Case]:
    yield from (at_operators(read(route, name)) for route in ROUTES)


async def _answering(_: Scene) -> None:
    Keys.is_away = False


async def _tokens(scene: Scene) -> None:
    """Let cases name tokens as they name API keys."""
    vars(scene)["keys"] = {**scene.keys, **TOKENS}


def _token(header: dict[str, Any], **changed: Any) -> str:
    """Sign the claims, changed; those of an ID token where its type says so."""
    claims = {
        name: value for name, value in (CLAIMS | changed).items() if header is not ID or name != "client_id"
    }
    signed = f"{_b64(msgspec.json.encode(header))}.{_b64(msgspec.json.encode(claims))}"
    return f"{signed}.{_b64(KEY.sign(signed.encode()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


TOKENS = {
    "ann": _token(ACCESS),
    "ann by her ID token": _token(ID, aud=CLIENT),
    "bo": _token(ACCESS, sub="bo", groups=["acme"]),
    "cy, who is granted nothing": _token(ACCESS, sub="cy", groups=[]),
    "yesterday": _token(ACCESS, exp=int(START) - 1),
    "tomorrow": _token(ACCESS, iat=int(START) + 7_200, exp=int(START) + 9_000),
    "another audience": _token(ACCESS, aud="https://other.example"),
    "another client": _token(ID, aud="other"),
    "another issuer": _token(ACCESS, iss="https://evil.example"),
    "a client": _token(ACCESS, sub="cli"),
    "a key that nobody has": _token(ACCESS | {"kid": "2"}),
    "a logout token": _token(ID | {"typ": "logout+jwt"}, aud=CLIENT),
    "a token of DPoP": _token(ACCESS, cnf={"jkt": "a"}),
    "an access token without its type": _token(ID | {}, aud=CLIENT),
    "nobody signed": _token(ACCESS).rpartition(".")[0] + ".",
    "none": _token(ACCESS | {"alg": "none"}),
}
