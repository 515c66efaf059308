"""The same bounds for what a driver answers, each step of it for itself, and for the body of a batch."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from resolver.binding.batch import MAX_BATCH_BODY_BYTES, read_batch
from resolver.did import parse_did
from resolver.drivers.answer import check_document, parse_answer, told_of
from resolver.drivers.config import Driver
from resolver.errors import ResolutionError
from resolver.results import Fetched
from tests.fuzz.answers import DID
from tests.fuzz.costs import ACCEPTED_MS, REFUSED_MS, milliseconds
from tests.fuzz.test_worst_case import DOCUMENTS
from wire import Refusal

pytestmark = pytest.mark.slow

# No driver may be for did:web; here it only reads what the documents of these cases are.
DRIVER = Driver(name="x", pattern="did:web:.+", url="http://driver.internal")


def _result(document: bytes) -> bytes:
    metadata = json.dumps({"a": ["x"] * 500}).encode()
    return b'{"didDocument":%s,"didDocumentMetadata":%s,"didResolutionMetadata":%s}' % (
        document,
        metadata,
        metadata,
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_step_of_reading_an_answer_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    fetched = Fetched(status=200, headers={}, body=_result(DOCUMENTS[name]))
    parsed = parse_answer(DRIVER, fetched)
    told = told_of(DRIVER, parsed)
    steps: dict[str, Callable[[], object]] = {
        "parse": lambda: parse_answer(DRIVER, fetched),
        "tell": lambda: told_of(DRIVER, parsed),
        "check": lambda: check_document(DRIVER, parse_did(DID), told),
    }
    spent = {step: milliseconds(run) for step, run in steps.items()}
    print(f"{name:>36}: " + ", ".join(f"{step} {value:.2f} ms" for step, value in spent.items()))

    assert max(spent.values()) <= ACCEPTED_MS * slowness


def _read(body: bytes) -> Callable[[], object]:
    def run() -> object:
        with suppress(Refusal):
            return read_batch(body, "application/json")
        return None

    return run


def _answer(body: bytes) -> Callable[[], object]:
    def run() -> object:
        with suppress(ResolutionError):
            return parse_answer(DRIVER, Fetched(status=200, headers={}, body=body))
        return None

    return run


def _list(item: bytes, size: int = MAX_BATCH_BODY_BYTES) -> bytes:
    return b'{"dids":[' + b",".join([item] * ((size - 16) // (len(item) + 1))) + b"]}"


REFUSED: dict[str, Callable[[], object]] = {
    "a body too large": _read(b" " * (MAX_BATCH_BODY_BYTES + 1)),
    "objects": _read(_list(b"{}")),
    "numbers": _read(_list(b"1")),
    "names": _read(b'{"dids":["a"],"options":{' + b",".join(b'"%x":1' % n for n in range(18_000)) + b"}}"),
    "empty strings": _read(_list(b'""')),
    "depth": _read(b"[" * 100_000),
    "an answer too large": _answer(b" " * 400_000),
    "an answer of numbers": _answer(_list(b"1", 300_000)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_over_a_cap_is_refused_in_a_moment(name: str, slowness: float) -> None:
    """The dearest takes just under a millisecond, hence the allowance."""
    spent = milliseconds(REFUSED[name])
    print(f"{spent:8.3f} ms  {name}")

    assert spent <= 2 * REFUSED_MS * slowness


def test_a_batch_as_large_as_it_may_be_is_read_within_ten_milliseconds(slowness: float) -> None:
    body = json.dumps({"dids": ["did:jwk:" + "a" * 1_900] * 100, "options": {"noCache": True}}).encode()

    assert len(body) <= MAX_BATCH_BODY_BYTES
    assert read_batch(body, "application/json").dids
    assert milliseconds(lambda: read_batch(body, "application/json")) <= ACCEPTED_MS * slowness
