"""
An outsider that reads all forms of all sets of running nodes, by HTTP, all the time.

    with watching(nodes) as watch:
        ...  # Kill them, revoke, start them again.

It ends with a last look, and fails where a promise was seen broken (`tests.statuslist.watch`). Nodes that are down
are asked again.
"""

import base64
import contextlib
import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import base58
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.process import Server
from tests.statuslist.outsider_proof import PublicKey
from tests.statuslist.watch import Got, Watch

PAUSE_SECONDS = 0.05  # between two looks at a node; versions are a second apart, urgent ones less


@contextlib.contextmanager
def watching(nodes: Sequence[Server], clock: Callable[[], float] = time.time) -> Iterator[Watch]:
    """
    Watch until the end of the block.

    Args:
        clock: the nodes' own.

    Raises:
        AssertionError: a promise was broken, or nothing was there to be read.
    """
    watcher = _Watcher(nodes, clock)
    try:
        yield watcher.watch
    finally:
        watcher.finish()
    watch = watcher.watch
    print(f"\nwatched: {watch.read} forms of {sum(map(len, watch.versions.values()))} versions")
    assert watch.failures == []
    assert watch.read


class _Watcher:
    """A thread for each node."""

    def __init__(self, nodes: Sequence[Server], clock: Callable[[], float]) -> None:
        self._nodes, self._clock = nodes, clock
        self._keys, self._lock, self._stop = _Keys(), threading.Lock(), threading.Event()
        self.watch = Watch(self._keys, clock)
        self._threads = [threading.Thread(target=self._work, args=(node,), daemon=True) for node in nodes]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Stop, and look once more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for node in self._nodes:
            self._look(node)

    def _work(self, node: Server) -> None:
        while not self._stop.is_set():
            self._look(node)
            time.sleep(PAUSE_SECONDS)

    def _look(self, node: Server) -> None:
        """Look over a new connection, which may reach another worker; a node that is down is passed over."""
        connection, asked_at = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5), self._clock()
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException, _NotNow):
            told = json.loads(_get(connection, "/status-lists/changes", only=200).body)
            urls = [form["url"] for found in told["sets"] for form in found["forms"]]
            answers = {url: _get(connection, urllib.parse.urlsplit(url).path) for url in urls}
            with self._lock:
                self._keys.connection = connection
                self.watch.see(f"node {self._nodes.index(node)}", told, answers, asked_at)


class _NotNow(Exception):
    """A node is starting, or draining."""


def _get(connection: http.client.HTTPConnection, path: str, only: int | None = None) -> Got:
    connection.request("GET", path)
    answer = connection.getresponse()
    got = Got(answer.status, answer.headers.get("ETag", ""), answer.read())
    if only is not None and got.status != only:
        raise _NotNow(path)
    return got


class _Keys:
    """The keys that DID documents list under `assertionMethod`, each read where its DID leads, when first named."""

    def __init__(self) -> None:
        self.connection: http.client.HTTPConnection
        self._known: dict[str, PublicKey] = {}

    def __call__(self, url: str) -> PublicKey:
        if url not in self._known:
            place = "/".join(url.partition("#")[0].split(":")[3:])
            path = f"/{place or '.well-known'}/did.json"
            document = json.loads(_get(self.connection, path, only=200).body)
            listed = {method["id"]: method for method in document["verificationMethod"]}
            self._known |= {name: _key_of(listed[name]) for name in document["assertionMethod"]}
        return self._known[url]


def _key_of(method: Any) -> PublicKey:
    """Multikey (Controlled Identifiers v1.0, section 2.2.2), or a JWK (RFC 7517) of one of the two kinds."""
    if jwk := method.get("publicKeyJwk"):
        x, y = (base64.urlsafe_b64decode(jwk.get(name, "") + "==") for name in "xy")
        if jwk["crv"] == "Ed25519":
            return Ed25519PublicKey.from_public_bytes(x)
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    multikey = base58.b58decode(method["publicKeyMultibase"][1:])
    if multikey.startswith(b"\xed\x01"):
        return Ed25519PublicKey.from_public_bytes(multikey[2:])
    assert multikey.startswith(b"\x80\x24")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), multikey[2:])
