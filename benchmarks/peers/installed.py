"""
Where the peers are, and how they are served.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.http import Captured
from benchmarks.machine import free_port
from benchmarks.processes import ROOT, Running, clean_environment, running

PEERS = ROOT / "var" / "peers"
NODE = shutil.which("node")
PYTHON = PEERS / "venv" / "bin" / "python"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")

NO_NODE = "run make bench-peers with node and npm installed"
NO_PYTHON = "run make bench-peers; didkit could not be installed"
NO_NGINX = "sudo apt-get install nginx"


def has_node_peers() -> bool:
    """Tell whether all of them are there: not those alone that an earlier release had."""
    first_and_last = ("fastify", "@sd-jwt/jwt-status-list")
    return NODE is not None and all((PEERS / "node_modules" / name).exists() for name in first_and_last)


@contextmanager
def fastify(cache: str, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Serve fastify with did-resolver, its cache "on" or "off"."""
    assert NODE is not None
    port = free_port()
    folder.mkdir(exist_ok=True)
    command = (NODE, str(PEERS / "server.mjs"), cache, str(port))
    given = clean_environment() | {"NODE_ENV": "production"} | dict(environment or {})
    with running(command, port=port, path="/", folder=folder, environment=given) as server:
        yield server


_KEEPS_OPEN = "open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;"
_NGINX_CONF = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    {further}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port} backlog=2048; root {folder}/root; default_type {media_type}; }}
}}
"""


@contextmanager
def nginx(captured: Captured, path: str, folder: Path, *, keeps_open: bool = False) -> Iterator[Running]:
    """
    Serve the body of an answer as a static file, by one process with the settings of Debian's package.

    But for the log of every request, which none of us writes here. With `keeps_open` nginx does not open the file
    anew for each request.
    """
    assert NGINX is not None
    port = free_port()
    file = folder / "root" / path.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(captured.body)
    media_type = dict(captured.headers)["content-type"]
    conf = folder / "nginx.conf"
    further = _KEEPS_OPEN if keeps_open else ""
    conf.write_text(
        _NGINX_CONF.format(folder=folder.resolve(), port=port, media_type=media_type, further=further)
    )
    command = (NGINX, "-c", str(conf.resolve()), "-p", str(folder.resolve()))
    with running(command, port=port, path=path, folder=folder, environment=clean_environment()) as server:
        yield server
