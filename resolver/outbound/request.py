"""
Who is asked for what: a place, and the bytes of a GET or a POST (RFC 9112). Pure.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

# RFC 9112, section 3.2.1 (origin-form), and RFC 9110, section 5.5, both without obs-text.
_TARGET = re.compile(r"/[\x21-\x7e]*")
_HEADERS = re.compile(r"(?:[A-Za-z0-9-]+: [\x20-\x7e\t]*\r\n)*")


class Place(NamedTuple):
    """Who answers: a connection serves one place only. The TLS server name is `host`."""

    is_tls: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def request_of(place: Place, target: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """
    Return the bytes of a GET for `target`, a path and query in ASCII; of a POST where there is a body.

    Raises:
        ValueError: the target or a header would be another request on the wire.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not _TARGET.fullmatch(target) or not _HEADERS.fullmatch(lines) or lines.count("\n") != len(headers):
        raise ValueError("the target or a header of the request has a character that does not belong there")
    method, length = ("GET", "") if body is None else ("POST", f"Content-Length: {len(body)}\r\n")
    head = f"{method} {target} HTTP/1.1\r\nHost: {place.authority}\r\n{lines}{length}\r\n"
    return head.encode("ascii") + (body or b"")
