"""Requests about DIDs that a driver resolves: a process beside the server, well behaved and not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from tests.driver_process import DriverProcess
from tests.server.http_corpus.asking import Case, get, post
from tests.server.http_corpus.identifiers import BASE, LEGACY
from tests.server.http_corpus.operators import at_operators, read

NAMES = """
    good bare legacy unmarked doubtful wrong-id private private-metadata private-told missing
    missing-told missing-200 invalid broken-told strange-error no-media-type not-mine broken away
    away-told moved gone gone-bare gone-200 gone-text nothing long-metadata list options garbage
    twice
"""


@contextmanager
def settings() -> Iterator[Mapping[str, Any]]:
    """Open a driver's process, and yield the settings that name it."""
    with DriverProcess() as process:
        driver = {
            "name": "example",
            "pattern": "did:example:.+",
            "url": process.url,
            "supports_options": True,
            "test_identifiers": ["did:example:good"],
            "traits": {"updatable": True},
            "failures_to_open": 1_000,
        }
        yield {"drivers": (driver,)}


def cases() -> Iterator[Case]:
    for path in ("/1.0/methods", "/1.0/properties", "/1.0/testIdentifiers", "/1.0/traits"):
        yield get(path)
    for name in NAMES.split():
        did = f"did:example:{name}"
        for accept in ("", "application/did", LEGACY):
            yield get(f"{BASE}/{did}", accept=accept)
        yield get(f"{BASE}/{quote(did, safe='')}?versionId=1")
        yield get(f"{BASE}/{quote(f'{did}#1', safe='')}")
    yield get(f"{BASE}/did:example:good?explain=true")
    yield get(f"{BASE}/did:example:good?noCache=true")
    yield get(f"{BASE}/did:example:good?publicKeyFormat=JsonWebKey2020")
    yield get(f"{BASE}/did:example:")
    yield get(f"{BASE}/did:other:good")
    yield post(BASE, {"dids": [f"did:example:{name}" for name in NAMES.split()]})
    yield at_operators(read("/operator/explain?did=did:example:good"))
    yield at_operators(read("/operator/explain?did=did:example:broken"))
