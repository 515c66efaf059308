"""
Fuzz target for the bytes that an origin sends: however they are cut they are one answer, and h11 reads it alike.

A case is a line of bytes, the lengths of the pieces in which the rest arrives, and that rest.
"""

from collections.abc import Iterator

import h11

from resolver.outbound.answer import AnswerReader
from resolver.outbound.errors import FetchError
from resolver.results import Fetched

MAX_HEAD_BYTES, MAX_BODY_BYTES, MAX_PIECES = 4_096, 20_000, 500


def origin_answer(data: bytes) -> None:
    """The answer, or the refusal, does not depend on the pieces; what h11 takes as well is the same to it."""
    sizes, _, sent = data.partition(b"\n")
    whole, in_pieces = _read([sent]), _read(list(_pieces(sent, sizes)))
    assert (whole is None) == (in_pieces is None), "the pieces decide whether it is an answer"
    if whole is None or in_pieces is None:
        return
    assert whole == in_pieces, "the pieces decide what the answer is"
    assert 200 <= whole.status <= 999 and len(whole.body) <= MAX_BODY_BYTES
    assert all(name == name.lower() and "\n" not in value for name, value in whole.headers.items())
    other = _read_by_h11(sent)
    assert other is None or other == (whole.status, whole.body), "h11 reads another answer"


def _pieces(sent: bytes, sizes: bytes) -> Iterator[bytes]:
    at = 0
    for size in sizes[:MAX_PIECES]:
        yield sent[at : at + size + 1]
        at += size + 1
    yield sent[at:]


def _read(pieces: list[bytes]) -> Fetched | None:
    """Read as a connection does: until the answer is complete, or the origin closes."""
    reader = AnswerReader(max_head_bytes=MAX_HEAD_BYTES, max_bytes=MAX_BODY_BYTES)
    try:
        for piece in pieces:
            if piece:
                reader.feed(piece)
            if reader.is_complete:
                return reader.answer()
        reader.end()
    except FetchError:
        return None
    return reader.answer()


def _read_by_h11(sent: bytes) -> tuple[int, bytes] | None:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_BYTES)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        connection.receive_data(sent)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return None
    except h11.RemoteProtocolError:
        return None
