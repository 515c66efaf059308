"""
An HTTP/1.1 answer, read from bytes under caps: bytes in, a `Fetched` or an error out. Pure.

httptools (llhttp) parses RFC 9112; what it lets pass and we do not is refused here: an answer in two framings,
a transfer coding that is not plain `chunked`, a content coding, another protocol, too much of anything.
"""

import httptools

from resolver.outbound.errors import FetchError, OriginMalformed, OriginTooLarge
from resolver.results import Fetched

MAX_PIECES = 4_096  # of a body; an origin that sends single bytes costs more to parse than to send
MAX_INTERIM = 8  # 1xx answers before the real one
FRAMING_FACTOR = 2  # all bytes of an answer against the body's cap: what chunked framing may add
_LINE_BYTES = 4  # ": " and CRLF, beside name and value


class AnswerReader:
    """
    Reads one answer.

    Args:
        max_head_bytes: status line and headers; interim answers and trailers count too.
        max_bytes: the body.

    `is_complete` tells that the answer has been read; `keeps_alive` then, that the connection may be used again.
    """

    def __init__(self, *, max_head_bytes: int, max_bytes: int) -> None:
        self.is_complete = False
        self.keeps_alive = False
        self.received = 0  # bytes
        self._max_head_bytes = max_head_bytes
        self._max_bytes = max_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._refusal: FetchError | None = None
        self._in_head = True
        self._head_bytes = 0
        self._interim = 0
        self._status = 0
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._body_bytes = 0

    def feed(self, data: bytes) -> None:
        """
        Read on.

        Raises:
            OriginMalformed, OriginTooLarge: see `errors.py`.
        """
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self.is_complete:
                self.keeps_alive = False  # What came after the answer does not concern it.
                return
            raise self._refusal or OriginMalformed("what the origin sent is not an HTTP/1.1 answer") from None
        if self._in_head and self.received > self._max_head_bytes:
            raise self._long_head()
        if self.received > self._max_head_bytes + FRAMING_FACTOR * self._max_bytes:
            raise OriginTooLarge("the origin sent more bytes than the document may have")

    def end(self) -> None:
        """
        Take the end of the connection, which is the end of a body without a length (RFC 9112, section 6.3).

        Raises:
            OriginMalformed: the answer is cut short.
        """
        if self._in_head or self._headers.keys() & {"content-length", "transfer-encoding"}:
            raise OriginMalformed("the origin closed the connection before its answer was complete")
        self.is_complete = True

    def answer(self) -> Fetched:
        """Return the answer, once it is complete; nothing is fed any more."""
        self._parser = None  # It refers back: both would wait for the garbage collector.
        return Fetched(status=self._status, headers=self._headers, body=b"".join(self._pieces))

    # What httptools calls. It stops at an error that is raised here.

    def on_message_begin(self) -> None:
        if self.is_complete:
            self._refuse(OriginMalformed("the origin sent an answer to no question"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + _LINE_BYTES
        if self._head_bytes > self._max_head_bytes:
            self._refuse(self._long_head())
        if not self._in_head:
            return  # Of the trailer section: nothing there may change the head.
        field, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self._headers.get(field)
        self._headers[field] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            self._refuse(OriginMalformed("what the origin sent is not an HTTP/1.1 answer"))
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._next_interim()
            return
        self._in_head = False
        fault = _fault(self._headers, self._max_bytes)
        if fault is not None:
            self._refuse(fault)

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._body_bytes += len(piece)
        if self._body_bytes > self._max_bytes:
            self._refuse(OriginTooLarge(f"the document has more than {self._max_bytes} bytes"))
        if len(self._pieces) > MAX_PIECES:
            self._refuse(OriginMalformed(f"the body came in more than {MAX_PIECES} pieces"))

    def on_message_complete(self) -> None:
        if not self._in_head:
            self.is_complete = True
            self.keeps_alive = bool(self._parser.should_keep_alive())

    def _next_interim(self) -> None:
        self._headers.clear()
        self._interim += 1
        if self._interim > MAX_INTERIM or self._status == 101:
            self._refuse(OriginMalformed(f"expected an answer, found {self._interim} interim ones"))

    def _refuse(self, error: FetchError) -> None:
        self._refusal = self._refusal or error
        raise self._refusal

    def _long_head(self) -> OriginMalformed:
        return OriginMalformed(f"the head of the answer is over {self._max_head_bytes} bytes")


def _fault(headers: dict[str, str], max_bytes: int) -> FetchError | None:
    """Return why an answer with these headers is not read."""
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        return OriginMalformed("the origin applied a content coding although none was asked for")
    transfer_coding = headers.get("transfer-encoding")
    if transfer_coding is not None and transfer_coding.strip().lower() != "chunked":
        return OriginMalformed("expected no transfer coding but chunked")
    if transfer_coding is not None and "content-length" in headers:
        return OriginMalformed("the answer has two framings, Content-Length and Transfer-Encoding")
    length = headers.get("content-length", "0").strip()
    if len(length) > 15 or int(length) > max_bytes:  # The parser has checked that it is a number.
        return OriginTooLarge(f"the document has {length[:15]} bytes; the limit is {max_bytes}")
    return None
