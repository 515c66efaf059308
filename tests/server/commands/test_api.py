"""How a command asks the operator API: what it sends, whom it trusts with the key, and how it ends."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from click.testing import Result

import server.commands.remote.api as api
from tests.process import free_port
from tests.server.commands.operating import run_command

KEY = "tsk_abcdefghijkl_" + "s" * 43
ALARM = (
    b'{"alarm":1,"kind":"disk","subject":"a","reason":"b","since":"2026-11-30T00:00:00Z",'
    b'"lastSeen":"2026-11-30T00:00:00Z","runbook":"c","acknowledgedAt":"2026-11-30T00:00:00Z",'
    b'"acknowledgedBy":"ada"}'
)
Play = Callable[[socket.socket], None]


class Stranger:
    """Whoever listens at the URL; plays a part for each connection, and keeps what it was sent."""

    def __init__(self, *parts: Play, trust: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self._parts = parts
        self._trust = trust
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http{'s' if trust else ''}://localhost:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for number in range(100):
            try:
                connection, _ = self._listener.accept()
                if self._trust is not None:
                    connection = self._trust.wrap_socket(connection, server_side=True)
                with connection:
                    self.heard.append(_request_from(connection))
                    self._parts[min(number, len(self._parts) - 1)](connection)
            except (ConnectionError, ssl.SSLError):
                continue
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


def _request_from(connection: socket.socket) -> bytes:
    """Return a request: its head, and its body where the head tells of one."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65_536)):
            return received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answers(status: str, media_type: str, body: bytes, *headers: str) -> Play:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        *headers,
        "",
        "",
    ]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


def _hangs_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def listening(*parts: Play, trust: ssl.SSLContext | None = None) -> Iterator[Stranger]:
    stranger = Stranger(*parts, trust=trust)
    try:
        yield stranger
    finally:
        stranger.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "operator.key"
    path.touch(0o600)
    path.write_text(KEY + "\n")
    return path


def _acknowledge(url: str, key_file: Path, *options: str, **environ: str) -> Result:
    given = {"TOUCHSTONE_OPERATOR_URL": url, "TOUCHSTONE_OPERATOR_KEY_FILE": str(key_file)}
    return run_command("alarm", "acknowledge", "1", *options, **given | environ)


def _headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_write_says_who_why_and_that_it_is_done_once(key_file: Path) -> None:
    with listening(answers("200 OK", "application/json", ALARM)) as server:
        done = _acknowledge(server.url, key_file, "--reason", "für Ö")

    headers = _headers_of(server.heard[0])
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["touchstone-reason"] == "f%C3%BCr%20%C3%96"
    assert len(headers["idempotency-key"]) == 32


def test_a_write_is_sent_again_under_its_key_where_the_connection_broke(key_file: Path) -> None:
    with listening(_hangs_up, answers("200 OK", "application/json", ALARM)) as server:
        done = _acknowledge(server.url, key_file)

    first, second = (_headers_of(request)["idempotency-key"] for request in server.heard)
    assert done.exit_code == 0, done.stderr
    assert first == second


def test_a_connection_that_breaks_twice_is_given_up(key_file: Path) -> None:
    with listening(_hangs_up) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 6
    assert len(server.heard) == 2


def test_where_nothing_listens_the_url_and_the_remedy_are_told(key_file: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = _acknowledge(url, key_file)

    assert done.exit_code == 6
    assert url in done.stderr
    assert "touchstone serve" in done.stderr
    assert "TOUCHSTONE_OPERATOR_URL" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://operator.example:8001",
        "http://192.0.2.7:8001",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://0.0.0.0:8001",
        "http://[2001:db8::1]:8001",
    ],
)
def test_a_key_is_never_sent_in_the_clear_to_another_machine(url: str, key_file: Path) -> None:
    done = _acknowledge(url, key_file)

    assert done.exit_code == 1
    assert "https" in done.stderr
    assert "read the API key" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost@operator.example",
        "http://127.0.0.1:8001/path",
        "http://127.0.0.1:8001?x",
        "ftp://127.0.0.1",
        "127.0.0.1:8001",
        "http://127.0.0.1\\@operator.example",
        "HTTPS://operator.example",
    ],
)
def test_what_is_no_url_of_a_host_is_a_wrong_setting(url: str, key_file: Path) -> None:
    done = _acknowledge(url, key_file)

    assert done.exit_code == 1
    assert "TOUCHSTONE_OPERATOR_URL: expected https://host[:port]" in done.stderr
    assert ("@" in url) is (url not in done.stderr)


def test_without_a_url_the_listener_of_this_machine_is_asked(key_file: Path) -> None:
    with listening(answers("200 OK", "application/json", ALARM)) as server:
        done = _acknowledge("", key_file, TOUCHSTONE_OPERATOR_BIND=f"0.0.0.0:{server.port}")

    assert done.exit_code == 0, done.stderr


def test_a_listener_on_another_address_is_not_asked_in_the_clear(key_file: Path) -> None:
    done = _acknowledge("", key_file, TOUCHSTONE_OPERATOR_BIND="192.0.2.7:8001")

    assert done.exit_code == 1
    assert "http://192.0.2.7:8001 is neither https nor this machine" in done.stderr


def test_a_key_does_not_follow_a_redirect(key_file: Path) -> None:
    with (
        listening(answers("200 OK", "application/json", ALARM)) as other,
        listening(answers("307 Temporary Redirect", "text/html", b"", f"Location: {other.url}/x")) as server,
    ):
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 6
    assert "307, a redirect" in done.stderr
    assert other.heard == []


def test_a_proxy_of_the_environment_never_sees_what_goes_to_this_machine(key_file: Path) -> None:
    with listening(answers("200 OK", "application/json", ALARM)) as proxy, listening(_hangs_up) as server:
        done = _acknowledge(server.url, key_file, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url, NO_PROXY="")

    assert done.exit_code == 6
    assert proxy.heard == []


@pytest.mark.parametrize(
    ("status", "media_type", "body"),
    [
        ("200 OK", "text/html", b"<h1>Welcome</h1>"),
        ("404 Not Found", "text/html", b"<h1>No</h1>"),
        ("401 Unauthorized", "text/html", b"<h1>Who?</h1>"),
        ("200 OK", "application/json", b"{"),
        ("200 OK", "application/json", b"[" * 100_000),
        ("200 OK", "application/json", b'{"alarm": "no number"}'),
        ("500 Internal Server Error", "application/problem+json", b"no problem"),
        ("204 No Content", "application/json", b""),
    ],
)
def test_what_the_operator_api_never_answers_is_not_believed(
    status: str, media_type: str, body: bytes, key_file: Path
) -> None:
    with listening(answers(status, media_type, body)) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 6
    assert f"{server.url} answered" in done.stderr
    assert "TOUCHSTONE_OPERATOR_URL" in done.stderr
    assert done.stdout == ""


def test_an_answer_without_end_is_not_kept(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_ANSWER_BYTES", 1_000_000)
    sent: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
        )
        for _ in range(1_024):
            connection.sendall(b" " * 1_048_576)
            sent.append(1)

    with listening(pour) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 6
    assert "over 1000000 bytes" in done.stderr
    assert sum(sent) < 100


@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_an_answer_that_drips_is_given_up(
    begin: bytes, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit for each read would never be reached."""
    monkeypatch.setattr(api, "EXCHANGE_SECONDS", 0.5)
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(begin)
        while not over.wait(0.05):
            connection.sendall(b"x")

    with listening(drip) as server:
        done = _acknowledge(server.url, key_file)
        over.set()

    assert done.exit_code == 6
    assert "within 0.5 seconds" in done.stderr
    assert len(server.heard) == 1


def test_what_a_stranger_says_cannot_command_the_terminal(key_file: Path) -> None:
    problem = b'{"title":"t","detail":"\\u001b]0;owned\\u0007\\nline\\u202e"}'
    with listening(answers("409 Conflict", "application/problem+json", problem)) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 5
    assert done.stderr == "touchstone: \ufffd]0;owned\ufffd\nline\ufffd\n"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400", 1),
        ("401", 4),
        ("403", 4),
        ("404", 3),
        ("409", 5),
        ("422", 1),
        ("429", 1),
        ("500", 1),
        ("503", 6),
    ],
)
def test_each_refusal_has_its_exit_code(status: str, code: int, key_file: Path) -> None:
    problem = b'{"title":"Never","detail":"it is so","errors":[{"pointer":"/alarm","detail":"it is so"}]}'
    with listening(answers(f"{status} X", "application/problem+json", problem)) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == code
    assert done.stderr.startswith("touchstone: /alarm: it is so\n")
    assert (str(key_file) in done.stderr) is (status in ("401", "403"))
    assert KEY not in done.stderr


def test_a_change_that_waits_for_an_approval_says_for_which(key_file: Path) -> None:
    awaited = b'{"approval":17,"scope":"issuer:acme","expiresAt":"2026-12-07T00:00:00Z","state":"pending"}'
    with listening(answers("202 Accepted", "application/json", awaited)) as server:
        done = _acknowledge(server.url, key_file)

    assert (done.exit_code, done.stdout) == (0, "")
    assert "approval 17" in done.stderr
    assert "issuer:acme" in done.stderr
    assert "nothing has changed yet" in done.stderr
    assert "acknowledged" not in done.stderr


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\nb", "a\x1b[2J", "a\u202eb", "a\udcff"])
def test_a_reason_is_of_1_to_500_characters_on_one_line(reason: str, key_file: Path) -> None:
    done = _acknowledge("http://127.0.0.1:1", key_file, "--reason", reason)

    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (KEY, 0o644, "chmod 600"),
        (KEY, 0o640, "chmod 600"),
        (f"{KEY}\n{KEY}\n", 0o600, "expected one API key"),
        (f"{KEY}\n\n", 0o600, "expected one API key"),
        ("", 0o600, "expected one API key"),
        ("\n", 0o600, "expected one API key"),
        ("secret\r\nX-Other: header", 0o600, "expected one API key"),
        (KEY + " " * 1_000, 0o600, "expected one API key"),
    ],
)
def test_a_file_that_is_no_key_of_ones_own_is_not_sent(
    content: str, mode: int, said: str, key_file: Path
) -> None:
    key_file.write_text(content)
    key_file.chmod(mode)
    with listening(answers("200 OK", "application/json", ALARM)) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 1
    assert said in done.stderr
    assert str(key_file) in done.stderr
    assert server.heard == []
    assert not content.strip() or content.strip() not in done.stderr


def test_a_missing_key_file_is_told_with_what_makes_one(key_file: Path) -> None:
    key_file.unlink()
    done = _acknowledge("http://127.0.0.1:1", key_file)

    assert done.exit_code == 1
    assert f"{key_file}: there is no API key" in done.stderr
    assert "touchstone init" in done.stderr


def test_a_file_with_line_endings_of_windows_is_a_key(key_file: Path) -> None:
    key_file.write_bytes(KEY.encode() + b"\r\n")
    with listening(answers("200 OK", "application/json", ALARM)) as server:
        done = _acknowledge(server.url, key_file)

    assert done.exit_code == 0
    assert _headers_of(server.heard[0])["authorization"] == f"Bearer {KEY}"


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_key(key_file: Path, tmp_path: Path) -> None:
    authority, served = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(served)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with listening(answers("200 OK", "application/json", ALARM), trust=served) as server:
        refused = _acknowledge(server.url, key_file)
        heard = list(server.heard)
        trusted = _acknowledge(server.url, key_file, TOUCHSTONE_OPERATOR_CA_FILE=str(tmp_path / "ca.pem"))

    assert refused.exit_code == 6
    assert "certificate" in refused.stderr.lower()
    assert heard == []
    assert trusted.exit_code == 0, trusted.stderr


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_told(
    content: str | None, key_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    done = _acknowledge("https://localhost:1", key_file, TOUCHSTONE_OPERATOR_CA_FILE=str(file))

    assert done.exit_code == 1
    assert str(file) in done.stderr
