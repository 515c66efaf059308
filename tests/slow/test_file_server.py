"""The mirror behind nginx, configured as docs/publishing.md has it: readers get permanent URLs, and right types."""

import gzip
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path

import pytest

from statuslist.formats.forms import FORM_NAMES, MEDIA_TYPES, TOKEN_FORMS, FormName
from tests.blocks import blocks_of
from tests.machine import wait_until
from tests.process import DIE_WITH_US, ROOT, Server, free_port

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/publishing.md"
SET, LIST = "badges", "badges-revocation"
FRAME = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    {server}
}}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    deployment = Server(tmp_path)
    deployment.initialise("--sample")
    deployment.start()
    deployment.operator("", {"id": SET, "purposes": ["revocation"]})
    place = tmp_path / "var/published/status-lists"
    wait_until(lambda: (place / SET / "token.cwt").exists() and (place / LIST).exists(), "the mirror")
    yield deployment
    deployment.kill()


@contextmanager
def documented(server: Server, directory: Path) -> Iterator[str]:
    """Run nginx as the page says, but for TLS and its place; yield its origin."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx: run make stores, or sudo apt-get install nginx")
    port = free_port()
    (block,) = [block.text for block in blocks_of(PAGE.read_text()) if block.text.startswith("server {")]
    lines = [line for line in block.splitlines() if "ssl_certificate" not in line]
    text = "\n".join(lines)
    here = {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "/srv/touchstone/published": str(server.directory / "var/published"),
        "http://127.0.0.1:8000": f"http://127.0.0.1:{server.port}",
    }
    for there, place in here.items():
        assert there in text
        text = text.replace(there, place)
    config = directory / "nginx.conf"
    config.write_text(FRAME.format(directory=directory, server=text))
    nginx = subprocess.Popen([*DIE_WITH_US, program, "-p", directory, "-c", config])
    origin = f"http://127.0.0.1:{port}"
    try:
        _wait_for(origin, nginx)
        yield origin
    finally:
        nginx.terminate()
        nginx.wait()


def _wait_for(origin: str, nginx: "subprocess.Popen[bytes]") -> None:
    while nginx.poll() is None:
        with suppress(urllib.error.URLError):
            urllib.request.urlopen(origin, timeout=5).close()
            return
        time.sleep(0.02)
    raise AssertionError("nginx did not start")


def get(url: str, **headers: str) -> tuple[int, bytes, Message]:
    request = urllib.request.Request(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def path_of(form: FormName) -> str:
    return f"/status-lists/{SET if form in TOKEN_FORMS else LIST}/{form}"


def test_the_documented_nginx_serves_what_the_server_serves(server: Server, tmp_path: Path) -> None:
    directory = tmp_path / "nginx"
    directory.mkdir()
    with documented(server, directory) as origin:
        for form in FORM_NAMES:
            status, body, headers = get(origin + path_of(form))
            kept = get(origin + path_of(form), If_None_Match=headers["ETag"])
            squeezed = get(origin + path_of(form), Accept_Encoding="gzip")

            assert (status, body) == (200, server.get(path_of(form)))
            assert headers["Content-Type"] == MEDIA_TYPES[form]
            assert headers["Access-Control-Allow-Origin"] == "*"
            assert headers["Cache-Control"] == "public, max-age=300"
            assert kept[:2] == (304, b"")
            assert squeezed[2]["Content-Encoding"] == "gzip"
            assert squeezed[2]["Vary"] == "Accept-Encoding"
            assert gzip.decompress(squeezed[1]) == body
        beside = [f"{path_of(form)}.version" for form in FORM_NAMES]
        outside = ["/issuer-keys/default.log", "/status-lists/../issuer-keys/default.log"]
        negotiated = get(f"{origin}/status-lists/{LIST}", Accept="application/vc+jwt")

        assert (tmp_path / "var/published/issuer-keys/default.log").exists()
        assert {get(origin + path)[0] for path in (*beside, *outside)} == {404}
        assert negotiated[:2] == (200, server.get(path_of("credential.jwt")))
        server.kill()
        assert {get(origin + path_of(form))[0] for form in FORM_NAMES} == {200}
