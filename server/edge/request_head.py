"""
What the server looks at in the head of a request: a few headers, found in one pass, and the request id. Pure but
for the randomness of new ids.
"""

import re
import secrets
from collections.abc import Iterable, Iterator

from wire import asks_for_no_cache

# A UUID, or a trace id in hex. Request ids go into the log: what could be a DID, a key or a name is no id.
_REQUEST_ID = re.compile(rb"[0-9a-fA-F]{16,64}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ID_CHARS = 16  # hexadecimal digits of a new id: 64 random bits, no secret
_IDS_AT_ONCE = 512  # ids made with one call for randomness, which costs as much as the answer's header block
_OTHERS = frozenset(
    (
        b"accept-encoding",
        b"authorization",
        b"if-none-match",
        b"cache-control",
        b"x-forwarded-for",
        b"x-request-id",
        b"content-length",
        b"transfer-encoding",
    )
)


class RequestHead:
    """
    The headers that decide how a request is answered, names in lower case; lines that come apart are one list.

    Most requests have none of them but Accept, so the others are made only where they occur.
    """

    accept = b""
    accept_encoding = b""
    authorization: bytes | None = None
    if_none_match: bytes | None = None
    request_id = b""
    has_body = False
    no_cache = False
    forwarded_for: tuple[bytes, ...] = ()

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b"accept":
                self.accept = self.accept + b"," + value if self.accept else value
            elif name in _OTHERS:
                self._take(name, value)

    def _take(self, name: bytes, value: bytes) -> None:
        if name == b"if-none-match":
            self.if_none_match = value if self.if_none_match is None else self.if_none_match + b"," + value
        elif name == b"accept-encoding":
            self.accept_encoding = self.accept_encoding + b"," + value if self.accept_encoding else value
        elif name == b"cache-control":
            self.no_cache = self.no_cache or asks_for_no_cache(value.decode("latin-1"))
        elif name == b"x-forwarded-for":
            self.forwarded_for = (*self.forwarded_for, value)
        elif name == b"x-request-id":
            self.request_id = value
        elif name == b"authorization":  # Two make one that means nothing.
            self.authorization = value if self.authorization is None else self.authorization + b"," + value
        else:
            self.has_body = True


def request_id_of(given: bytes) -> bytes:
    """Return the client's request id where it is a plain one, else a new one."""
    if given and _REQUEST_ID.fullmatch(given):
        return given
    return next(_NEW_IDS)


def _new_ids() -> Iterator[bytes]:
    while True:
        digits = secrets.token_hex(_ID_CHARS // 2 * _IDS_AT_ONCE).encode()
        for at in range(0, len(digits), _ID_CHARS):
            yield digits[at : at + _ID_CHARS]


_NEW_IDS = _new_ids()
