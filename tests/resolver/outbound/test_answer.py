"""An HTTP/1.1 answer from bytes: what is read, what is refused, and that no bytes do anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.outbound.answer import MAX_INTERIM, MAX_PIECES, AnswerReader
from resolver.outbound.errors import FetchError, OriginMalformed, OriginTooLarge
from resolver.results import Fetched

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def reader(max_bytes: int = 1_000, max_head_bytes: int = 1_000) -> AnswerReader:
    return AnswerReader(max_head_bytes=max_head_bytes, max_bytes=max_bytes)


def read(*pieces: bytes, ends: bool = False, **caps: int) -> Fetched | None:
    """Return the answer in `pieces`; None: it is not complete."""
    found = reader(**caps)
    for piece in pieces:
        found.feed(piece)
    if ends:
        found.end()
    return found.answer() if found.is_complete else None


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 2\r\n\r\n{}",
        CHUNKED + b"1\r\n{\r\n1;ext=1\r\n}\r\n0\r\nX-Late: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        + OK
        + b"content-length: 2\r\n\r\n{}",
    ],
    ids=["length", "chunks and a trailer", "interim answers first"],
)
def test_an_answer_is_read_however_its_bytes_are_cut(answer: bytes) -> None:
    whole = read(answer)
    single = read(*(answer[place : place + 1] for place in range(len(answer))))

    assert whole == single
    assert whole is not None
    assert (whole.status, whole.body) == (200, b"{}")
    assert whole.headers.keys() <= {"content-length", "transfer-encoding"}


def test_repeated_headers_are_joined_and_names_are_in_lower_case() -> None:
    found = read(OK + b"Cache-Control: a\r\nX: 1\r\ncache-control: b\r\nContent-Length: 0\r\n\r\n")

    assert found is not None
    assert found.headers == {"cache-control": "a, b", "x": "1", "content-length": "0"}


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_ends_with_its_head(status: bytes) -> None:
    found = read(b"HTTP/1.1 " + status + b'\r\nETag: "1"\r\nContent-Length: 10\r\n\r\n')

    assert found is not None
    assert (found.status, found.body) == (int(status[:3]), b"")


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    assert read(b"HTTP/1.0 200 OK\r\n\r\n{}") is None

    found = read(b"HTTP/1.0 200 OK\r\n\r\n{}", ends=True)

    assert found is not None
    assert found.body == b"{}"


@pytest.mark.parametrize(
    ("pieces", "keeps"),
    [
        ([OK + b"Content-Length: 2\r\n\r\n{}"], True),
        ([OK + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"], False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"], False),
        ([OK + b"Content-Length: 2\r\n\r\n{}" + OK + b"Content-Length: 4\r\n\r\nEVIL"], False),
        ([OK + b"Content-Length: 2\r\n\r\n{}HTTP/1."], False),
    ],
    ids=["kept", "close", "HTTP/1.0", "two answers", "half an answer more"],
)
def test_a_connection_is_kept_only_after_one_answer_and_nothing_more(
    pieces: list[bytes], keeps: bool
) -> None:
    found = reader()
    for piece in pieces:
        found.feed(piece)

    assert (found.is_complete, found.keeps_alive) == (True, keeps)
    assert found.answer().body == b"{}"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "not an HTTP"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "not an HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP"),
        (OK + b"a b: c\r\n\r\n", "not an HTTP"),
        (OK + b"x: a\x00b\r\n\r\n", "not an HTTP"),
        (OK + b"Content-Length: -1\r\n\r\n", "not an HTTP"),
        (OK + b"Content-Length: 1, 2\r\n\r\n", "not an HTTP"),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "not an HTTP"),
        (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "framings|not an HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "framings|not an HTTP"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
        (OK + b"Transfer-Encoding: identity\r\n\r\n", "transfer coding"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n", "content coding"),
        (OK + b"Content-Encoding: identity, br\r\nContent-Length: 2\r\n\r\n", "content coding"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "interim|not an HTTP"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * (MAX_INTERIM + 1), "interim"),
        (CHUNKED + b"zz\r\n", "not an HTTP"),
        (CHUNKED + b"-1\r\n", "not an HTTP"),
        (CHUNKED + b"fffffffffffffffff\r\n", "not an HTTP"),
        (CHUNKED + b"1\r\nab\r\n", "not an HTTP"),
        (OK + b"unended: " + b"a" * 2_000, "head"),
        (OK + b"x: " + b"a" * 2_000 + b"\r\nContent-Length: 0\r\n\r\n", "head"),
        (OK + b"x: a\r\n" * 400 + b"Content-Length: 0\r\n\r\n", "head"),
    ],
    ids=lambda value: value[:60] if isinstance(value, bytes) else None,
)  # fmt: skip
def test_an_answer_of_another_form_is_refused(answer: bytes, complaint: str) -> None:
    with pytest.raises(OriginMalformed, match=complaint):
        read(answer)


def test_a_body_in_more_pieces_than_a_document_has_is_refused() -> None:
    with pytest.raises(OriginMalformed, match="pieces"):
        read(CHUNKED + b"1\r\nx\r\n" * (MAX_PIECES + 1), max_bytes=100_000)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 1001\r\n\r\n",
        OK + b"Content-Length: 99999999999999999\r\n\r\n",
        CHUNKED + b"3e9\r\n" + b"x" * 1_001,
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1_001,
        CHUNKED + b"1" + b";" + b"e" * 4_000,
        CHUNKED + b"0\r\n" + b"X-Late: 1\r\n" * 400,
    ],
    ids=["length", "huge length", "chunk", "no length", "chunk extension", "trailer"],
)
def test_more_than_the_cap_is_refused(answer: bytes) -> None:
    with pytest.raises((OriginTooLarge, OriginMalformed)):
        read(answer)


@pytest.mark.parametrize("answer", [b"", OK, OK + b"Content-Length: 3\r\n\r\n{}", CHUNKED + b"2\r\n{}\r\n"])
def test_an_answer_cut_short_is_malformed(answer: bytes) -> None:
    with pytest.raises(OriginMalformed, match="before"):
        read(answer, ends=True)


FRAGMENTS = st.sampled_from(
    [OK, CHUNKED, b"\r\n", b"\n", b"\r\n\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
     b"1\r\nx\r\n", b"0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"x: y\r\n", b":", b"HTTP/1.1 ", b"999 "]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.binary(max_size=20), max_size=30), st.booleans())
def test_no_bytes_give_anything_but_an_answer_within_the_caps_or_a_refusal(
    pieces: list[bytes], ends: bool
) -> None:
    try:
        found = read(*pieces, ends=ends, max_bytes=50, max_head_bytes=200)
    except FetchError:
        return

    assert found is None or (len(found.body) <= 50 and 200 <= found.status <= 999)
