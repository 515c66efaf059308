"""
The request that is sent again and again, and one answer to it, taken down whole.
"""

import http.client

import msgspec

ACCEPT = "application/json"


class Captured(msgspec.Struct, frozen=True):
    """An answer as it was sent, but for Date, which every server adds itself."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def capture(port: int, path: str, accept: str = ACCEPT, *, coding: str = "identity") -> Captured:
    """
    Ask once, for a content coding; the connection is closed after.

    Raises:
        OSError: nobody answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": accept, "Accept-Encoding": coding})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    headers = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() != "date"]
    return Captured(answer.status, headers, body)
