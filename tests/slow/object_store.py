"""An object store on loopback that speaks like S3 (moto, `tools/stores.sh`), and a front that a test can shut."""

import http.client
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.process import DIE_WITH_US, ROOT, free_port

MOTO = ROOT / "var/stores/bin/moto_server"
BUCKET = "lists"
START_SECONDS = 30.0
HOP_BY_HOP = {"connection", "transfer-encoding", "server", "date", "content-length"}
OPEN_TO_ALL = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
    ],
}


class Front(ThreadingHTTPServer):
    """
    Passes what a server asks on to the store.

    Attributes:
        is_down: hang up without an answer.
        open_for: how many more writes pass; the next one waits until it is set anew. None: all.
        waiting: set while a write waits.
        writes: the paths of those that the store took.
        refused: the paths of those that it refused for their condition (412).
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.store_port = port
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.is_down = False
        self.open_for: int | None = None
        self.waiting = threading.Event()
        self.writes: list[str] = []
        self.refused: list[str] = []
        self._lock = threading.Lock()

    def may_write(self) -> bool:
        with self._lock:
            if self.open_for is None:
                return True
            self.open_for -= 1
            return self.open_for >= 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients are killed while they wait."""


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.may_write():
            self.server.waiting.set()
            while self.server.open_for is not None:
                time.sleep(0.01)
            self.server.waiting.clear()
        status = self._pass_on(body)
        {200: self.server.writes, 412: self.server.refused}.get(status, []).append(self.path)

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_HEAD(self) -> None:
        self._pass_on(None)

    def _pass_on(self, body: bytes | None) -> int:
        if self.server.is_down:
            self.close_connection = True
            return 0
        store = http.client.HTTPConnection("127.0.0.1", self.server.store_port, timeout=30)
        store.request(self.command, self.path, body, dict(self.headers))
        answer = store.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(content)
        store.close()
        return answer.status

    def log_message(self, format: str, *args: object) -> None:
        pass


class Store:
    """A bucket that everybody may read and write."""

    def __init__(self, port: int, front: Front) -> None:
        self.url = f"http://127.0.0.1:{port}/{BUCKET}"
        self.front = front

    def options(self, path: Path) -> Path:
        """Write the file that the server reads of how to reach it."""
        path.write_text(
            f'endpoint = "{self.front.url}"\nallow_http = true\n'
            'access_key_id = "test"\nsecret_access_key = "test"\nregion = "us-east-1"\n'
        )
        return path

    def get(self, path: str) -> tuple[bytes, Message]:
        """Read an object as a plain reader does: without credentials, past the front."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
            return answer.read(), answer.headers

    def put(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Write an object past the front, as somebody else does."""
        put(f"{self.url}{path}", body, headers)


def put(url: str, body: bytes, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers=headers)
    with urllib.request.urlopen(request, timeout=10):
        pass


@contextmanager
def object_store() -> Iterator[Store]:
    """Run a store with an empty bucket."""
    if not MOTO.exists():
        pytest.skip("no moto in var/stores: run make stores")
    port = free_port()
    moto = subprocess.Popen(
        [*DIE_WITH_US, MOTO, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    front = Front(port)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    try:
        store = Store(port, front)
        _make_bucket(store.url)
        yield store
    finally:
        front.shutdown()
        front.server_close()
        moto.terminate()
        moto.wait()


def _make_bucket(url: str) -> None:
    began = time.monotonic()
    while True:
        try:
            put(url, b"", {})
            break
        except urllib.error.URLError:
            assert time.monotonic() - began < START_SECONDS, "moto did not start"
            time.sleep(0.05)
    policy = json.dumps(OPEN_TO_ALL).encode()
    put(f"{url}?policy", policy, {"Content-Type": "application/json"})
