"""A client of raw sockets, for tests that send what no HTTP library would: one connection, whole answers."""

import socket

from tests.server.running import Response

_NO_BODY = (204, 304)


class Connection:
    """One keep-alive connection to a port of this machine; opened anew where the server closed it."""

    def __init__(self, port: int, seconds: float = 5.0) -> None:
        self._port = port
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._received = b""

    def ask(self, request: bytes, *, is_head: bool = False) -> Response:
        """
        Send one request, and return its whole answer.

        Raises:
            AssertionError: no answer in time, or one that is cut short.
        """
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=self._seconds)
            self._received = b""
        self._socket.sendall(request)
        head = self._until(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split(" ")[1])
        length = 0 if is_head or status in _NO_BODY else int(headers["content-length"])
        body = self._take(length)
        if headers.get("connection", "").lower() == "close":
            self.close()
        else:
            assert not self._received, f"more than one answer: {self._received[:100]!r}"
        return Response(status, headers, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._more()
        end = self._received.index(mark) + len(mark)
        return self._take(end)

    def _take(self, length: int) -> bytes:
        while len(self._received) < length:
            self._more()
        taken, self._received = self._received[:length], self._received[length:]
        return taken

    def _more(self) -> None:
        assert self._socket is not None
        part = self._socket.recv(262_144)
        assert part, f"the server closed in the middle of an answer: {self._received[:200]!r}"
        self._received += part
