"""
Where a PostgreSQL server is, and how its connections are made safe. Pure, but for the password file.

A URL is libpq's (`postgresql://user@host[:port][,host...]/name?...`) without a password: that stands in a file
that is read at each connection, so a new password counts without a restart.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

# Seconds and milliseconds after which a server that fell silent is given up; a firewall may drop what is idle.
_PATIENCE = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "touchstone",
    "target_session_attrs": "read-write",
}


class Dsn(msgspec.Struct, frozen=True):
    """
    A PostgreSQL URL that was checked with `dsn_faults`.

    Attributes:
        password_file: its first line is the password; None: the server asks for none, or `~/.pgpass` has it.
    """

    url: str
    password_file: Path | None = None

    def conninfo(self) -> str:
        """
        Return libpq's connection string; it may hold a secret.

        Raises:
            psycopg.OperationalError: the password file cannot be read, or is empty, as it is for a moment while
                it is written anew; so it is met as a server that cannot be reached is.
        """
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        given = conninfo_to_dict(self.url)
        values: dict[str, str | int | None] = {**_PATIENCE, **_tls(given), **given}
        if self.password_file is not None:
            values["password"] = _read_password(self.password_file)
        return make_conninfo("", **values)


def dsn_faults(url: str) -> list[str]:
    """Return what is wrong with a URL, in words that follow the name of its setting; the URL is not repeated."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        return ["expected postgresql://user@host[:port]/name"]
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        return ["expected postgresql://user@host[:port]/name"]
    if ":" in parts.netloc.rpartition("@")[0] or "password" in query:
        return [
            "must hold no password; put it into a file and name that in TOUCHSTONE_DATABASE_PASSWORD_FILE"
        ]
    return []


def _read_password(path: Path) -> str:
    from psycopg import OperationalError

    try:
        password, *_ = path.read_text().splitlines()
    except (OSError, ValueError):
        raise OperationalError(f"the password file {path} cannot be read, or is empty") from None
    return password


def _tls(given: Mapping[str, str | int | None]) -> dict[str, str]:
    """Return TLS with a checked certificate for a server beyond this machine; a URL may say otherwise itself."""
    named = [str(given[name]) for name in ("host", "hostaddr") if given.get(name)]
    if all(_is_local(host) for hosts in named for host in hosts.split(",")):
        return {}
    return {"sslmode": "verify-full", "sslrootcert": "system"}


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith(("/", "@"))
