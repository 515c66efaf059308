"""
A driver as a process of its own: a small HTTP server that answers as drivers do, well and badly.

    with DriverProcess() as process:
        driver = Driver(name="example", pattern="did:example:.+", url=process.url)
        process.stop()
        process.start()     # on the same port

What it answers depends on the method-specific identifier (`ANSWERS`, `act`); `GET /seen` tells what it was asked.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
MODERN = "application/did-resolution"
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

CONTEXT = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"]

SEEN: list[str] = []


def document(did: str, **members: Any) -> dict[str, Any]:
    method = {"id": f"{did}#1", "type": "JsonWebKey", "controller": did, "publicKeyJwk": KEY}
    return {"@context": CONTEXT, "id": did, "verificationMethod": [method], **members}


def result(found: Any, metadata: Any = None, about: Any = None) -> dict[str, Any]:
    return {"didResolutionMetadata": metadata or {}, "didDocument": found, "didDocumentMetadata": about or {}}


def failure(error: Any) -> dict[str, Any]:
    return result(None, {"error": error})


def answer_of(did: str, query: str) -> tuple[int, str, Any]:
    """Return status, Content-Type and JSON for a DID."""
    name = did.split(":")[-1]
    ns = "https://www.w3.org/ns/did#"
    told = {"network": "test", "duration": 7, "contentType": "application/did+ld+json", "verified": True}
    told["warnings"] = ["theirs"]
    answers: dict[str, tuple[int, str, Any]] = {
        "bare": (200, "application/did+ld+json", document(did)),
        "legacy": (200, LEGACY, result(document(did), told, {"created": "2026-01-01T00:00:00Z"})),
        "unmarked": (200, "text/plain", result(document(did))),
        "doubtful": (200, MODERN, result({**document(did), "@context": CONTEXT[0]})),
        "wrong-id": (200, MODERN, result(document(did + "x"))),
        "private": (200, MODERN, result(document(did, jwks={**KEY, "d": "AA"}))),
        "private-metadata": (200, MODERN, result(document(did), told, {"key": {"privateKeyJwk": KEY}})),
        "private-told": (200, MODERN, result(document(did), {**told, "jwk": {**KEY, "d": "AA"}})),
        "missing": (404, "text/html", None),
        "missing-told": (404, MODERN, failure({"type": ns + "NOT_FOUND", "title": "x", "detail": "secret"})),
        "missing-200": (200, LEGACY, failure("notFound")),
        "invalid": (400, LEGACY, failure("invalidDid")),
        "broken-told": (500, LEGACY, failure("internalError")),
        "strange-error": (500, LEGACY, failure("brandNew")),
        "no-media-type": (406, "text/plain", None),
        "not-mine": (501, "text/plain", None),
        "broken": (500, "text/plain", None),
        "away": (503, "text/html", None),
        "away-told": (503, MODERN, failure({"type": ns + "INTERNAL_ERROR", "title": "x"})),
        "moved": (302, "text/plain", None),
        "gone": (410, MODERN, result(None, None, {"deactivated": True, "updated": "2026-01-01T00:00:00Z"})),
        "gone-bare": (410, "text/plain", None),
        "gone-200": (200, LEGACY, result(document(did), None, {"deactivated": True})),
        "gone-text": (200, LEGACY, result(document(did), None, {"deactivated": "true"})),
        "nothing": (200, MODERN, result(None)),
        "long-metadata": (200, MODERN, result(document(did), None, {"x": "y" * 20_000})),
        "list": (200, "application/json", [document(did)]),
        "options": (200, MODERN, result(document(did), {"asked": query}, {"versionId": query})),
    }
    return answers.get(name, (200, MODERN, result(document(did), {"contentType": "application/did"})))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # An answer is sent in two pieces; the second waited 40 ms.

    def do_GET(self) -> None:
        if self.path == "/seen":
            self._send(200, "application/json", json.dumps(SEEN).encode())
            return
        SEEN.append(self.path)
        url = urlsplit(self.path)
        did = unquote(url.path.removeprefix("/1.0/identifiers/"))
        name = did.split(":")[-1]
        if name.startswith("slow"):
            time.sleep(2)
        if name == "garbage":
            self._send(200, MODERN, b"<html>")
        elif name == "twice":
            self._send(200, MODERN, b'{"id":"a","id":"%s"}' % did.encode())
        elif name == "huge":
            self._send(200, MODERN, b" " * 5_000_000)
        elif name == "no-http":
            self.wfile.write(b"hello\r\n\r\n")
            self.close_connection = True
        else:
            status, media_type, body = answer_of(did, url.query)
            self._send(status, media_type, b"" if body is None else json.dumps(body).encode())

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        if status == 503:
            self.send_header("retry-after", "7")
        if status == 302:
            self.send_header("location", "/1.0/identifiers/did:example:good")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class DriverProcess:
    """The process; started and stopped at will, on one port."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, str(Path(__file__)), str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def seen(self) -> list[str]:
        """Return the targets of all requests since the start."""
        with urllib.request.urlopen(f"{self.url}/seen", timeout=5) as response:
            seen: list[str] = json.load(response)
            return seen

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main(port: int) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
