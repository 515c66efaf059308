"""
Settings: one frozen Struct, read from the environment and, below it, an optional TOML file.

Precedence: environment variable over file over default. The file is named by `TOUCHSTONE_CONFIG`; its keys are
the field names below. A variable is `TOUCHSTONE_` and the field name in upper case. Secrets are never values
here: a field whose name ends in `_file` is a path.

    SettingsError       every fault found, one per line, each with the variable to change
"""

import ipaddress
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from server.driver_settings import driver_faults
from server.outbound import closed_network_faults
from storage import sqlite_path
from storage.postgres_dsn import dsn_faults

PREFIX = "TOUCHSTONE_"
# Where the settings are, and what our own test suite is told.
NOT_SETTINGS = tuple(PREFIX + name for name in ("CONFIG", "REFERENCE_DATA", "NO_SKIPS", "CRASHES"))
# RFC 3986, section 3.2, without userinfo: A-labels or an IP literal, and a port.
_AUTHORITY = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)
_LISTS = {"trusted_proxies", "dangerously_allowed_private_hosts"}  # separated by commas or spaces
NO_MIRROR = "off"
CACHED_METHODS = ("web", "webvh")
MAX_STALE_SECONDS = 86_400  # a day; past that a document says nothing about today's keys
_NOT_ABOVE_ZERO = (
    "cache_method_ttl_seconds",
    "cache_revalidate_seconds",
    "cache_stale_seconds",
    "hot_protocol",
)
DRAIN_SECONDS = 5.0  # seconds; a load balancer that asks every other second looks elsewhere by then
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """The settings cannot be used; `faults` are sentences that each name the variable to change."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an operator can set. README.md lists each with its unit and default."""

    public_url: str = "http://localhost:8000"
    bind: str = "127.0.0.1:8000"
    operator_bind: str = "127.0.0.1:8001"
    database_url: str = "sqlite:///var/touchstone.db"
    database_direct_url: str = ""
    database_password_file: str = ""
    key_dir: str = "var/keys"
    mirror_dir: str = ""
    workers: int = 0
    cryptosuite: Literal["eddsa-rdfc-2022", "eddsa-jcs-2022"] = "eddsa-rdfc-2022"
    list_validity_seconds: int = 86_400
    list_ttl_seconds: int = 300
    max_entries_per_issuer: int = 2_147_483_648
    cache_max_bytes: int = 67_108_864
    cache_min_ttl_seconds: int = 30
    cache_max_ttl_seconds: int = 600
    cache_negative_ttl_seconds: int = 15
    cache_method_ttl_seconds: dict[str, int] = {}
    cache_revalidate_seconds: int = 30
    cache_stale_seconds: int = 3_600
    observe_interval_seconds: int = 3_600
    drivers: tuple[dict[str, Any], ...] = ()
    drivers_file: str = ""
    outbound_rate_per_host: float = 20.0
    outbound_burst_per_host: int = 50
    outbound_rate_per_site: float = 40.0
    outbound_burst_per_site: int = 80
    outbound_rate: float = 200.0
    outbound_burst: int = 400
    outbound_connections_per_host: int = 8
    outbound_connections: int = 64
    dangerously_trusted_ca_file: str = ""
    dangerously_allowed_private_hosts: tuple[str, ...] = ()
    default_representation: Literal["result", "document", "legacy"] = "result"
    hot_max_bytes: int = 67_108_864
    hot_protocol: bool = False
    rate_hot_per_second: float = 500.0
    rate_cpu_per_second: float = 100.0
    rate_outbound_per_second: float = 5.0
    rate_no_cache_per_second: float = 0.2
    trusted_proxies: tuple[str, ...] = ()
    max_connections_per_client: int = 64
    max_did_log_bytes: int = 1_048_576
    head_timeout_seconds: float = 10.0
    body_timeout_seconds: float = 30.0
    drain_delay_seconds: float | None = None
    shutdown_timeout_seconds: float = 20.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def state_dir(self) -> Path:
        """Where files of this machine go that are not keys: beside the SQLite file, else beside the keys."""
        path = sqlite_path(self.database_url)
        return path.parent if path is not None else Path(self.key_dir).parent

    @property
    def mirror_path(self) -> Path | None:
        """Where published lists are written as files; None: nowhere (`mirror_dir` is "off")."""
        if self.mirror_dir == NO_MIRROR:
            return None
        return Path(self.mirror_dir) if self.mirror_dir else self.state_dir / "published"

    @property
    def drain_delay(self) -> float:
        """Return the seconds of `drain_delay_seconds`; without it 5 beyond loopback, where a balancer may be."""
        if self.drain_delay_seconds is not None:
            return self.drain_delay_seconds
        return 0.0 if _is_loopback(self.bind) else DRAIN_SECONDS

    @property
    def did_host(self) -> str:
        """Host and port in our DID: those of the public URL, but a loopback address is `localhost` by its name."""
        url = urlsplit(self.public_url)
        host = "localhost" if url.hostname in LOOPBACK_HOSTS else str(url.hostname)
        return host if url.port is None else f"{host}:{url.port}"

    @property
    def did(self) -> str:
        """Our own DID: did:web of the public URL (a port's colon is percent-encoded)."""
        return "did:web:" + self.did_host.replace(":", "%3A")


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """
    Read the settings.

    Raises:
        SettingsError: an unknown or malformed setting, an unreadable file, or a dangerous combination.
    """
    values = {**_from_file(environ.get(f"{PREFIX}CONFIG")), **_from_environment(environ)}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError([_named(str(error))]) from None
    if faults := check(settings):
        raise SettingsError(faults)
    return settings


def check(settings: Settings) -> list[str]:
    """Return what is wrong with `settings` as a whole, one sentence a fault."""
    return [
        *_url_faults(settings),
        *_bind_faults(settings.bind, "BIND"),
        *_bind_faults(settings.operator_bind, "OPERATOR_BIND"),
        *_database_faults(settings),
        *_range_faults(settings),
        *_proxy_faults(settings),
        *driver_faults(settings),
        *closed_network_faults(
            settings.dangerously_trusted_ca_file, settings.dangerously_allowed_private_hosts
        ),
    ]


def split_bind(bind: str) -> tuple[str, int]:
    """
    Return host and port of `host:port` (an IPv6 host in brackets, which are taken off).

    Raises:
        ValueError: there is no port, or not one of 0..65535.
    """
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"expected host:port, found {bind!r}")
    return host.strip("[]"), int(port)


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"TOUCHSTONE_CONFIG={path}: {error}"]) from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    if "drivers" in values:
        values["drivers"] = _json_of(values["drivers"], "DRIVERS")
    if "cache_method_ttl_seconds" in values:
        pairs = values["cache_method_ttl_seconds"].replace(",", " ").split()
        values["cache_method_ttl_seconds"] = dict(pair.partition("=")[::2] for pair in pairs)
    for name in _LISTS & values.keys():
        values[name] = tuple(values[name].replace(",", " ").split())
    return values


def _json_of(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{PREFIX}{name}: expected JSON, a list of tables: {error}"]) from None


def _named(message: str) -> str:
    """Return a msgspec message with the variable's name in the place of the path."""
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL):
        return f"{PREFIX}{unknown[1].upper()}: there is no such setting; README.md lists them"
    text, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').partition('[')[0].upper()}: {text}" if path else message


def _url_faults(settings: Settings) -> list[str]:
    shape = f"{PREFIX}PUBLIC_URL: expected https://host[:port] and nothing after it"
    try:
        url = urlsplit(settings.public_url)
        _ = url.port
    except ValueError as error:
        return [f"{shape}: {error}"]
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.fragment:
        return [f"{shape}, found {settings.public_url!r}"]
    if not _AUTHORITY.fullmatch(url.netloc) or settings.public_url != f"{url.scheme}://{url.netloc}":
        return [f"{shape}, in lower case and without user names, found {settings.public_url!r}"]
    if url.scheme == "https" and url.port == 443:
        return [f"{shape}; leave out :443, which https means already"]
    if url.scheme == "https":
        return [] if url.hostname in LOOPBACK_HOSTS else _did_faults(settings)
    if url.hostname in LOOPBACK_HOSTS and _is_loopback(settings.bind):
        return []
    return [
        f"{PREFIX}PUBLIC_URL: {settings.public_url} is not https. Plain http is for loopback only: "
        f"host and {PREFIX}BIND ({settings.bind}) must both be loopback, or set an https URL"
    ]


def _did_faults(settings: Settings) -> list[str]:
    """Return why nobody could resolve our DID: an address, a name of one label, a port that did:web cannot have."""
    from resolver import (  # Not at start: it loads the cryptography of every key type.
        InvalidDid,
        read_spelling,
    )

    try:
        read_spelling(settings.did)
    except InvalidDid as error:
        return [f"{PREFIX}PUBLIC_URL: {settings.public_url} makes the DID {settings.did}, but {error.detail}"]
    return []


def _is_loopback(bind: str) -> bool:
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind_faults(bind: str, name: str) -> list[str]:
    try:
        split_bind(bind)
    except ValueError as error:
        return [f"{PREFIX}{name}: {error}"]
    return []


def _database_faults(settings: Settings) -> list[str]:
    """Return what is wrong with where the database is; no URL is repeated, for it may hold a secret."""
    if sqlite_path(settings.database_url) is not None:
        given = (settings.database_direct_url, settings.database_password_file)
        return (
            [f"{PREFIX}DATABASE_DIRECT_URL and _PASSWORD_FILE are for PostgreSQL only"] if any(given) else []
        )
    faults = [
        f"{PREFIX}DATABASE_URL: {fault}, or sqlite:///path" for fault in dsn_faults(settings.database_url)
    ]
    if settings.database_direct_url:
        faults += [
            f"{PREFIX}DATABASE_DIRECT_URL: {fault}" for fault in dsn_faults(settings.database_direct_url)
        ]
    return faults


def _range_faults(settings: Settings) -> list[str]:
    faults = []
    if not 60 <= settings.list_ttl_seconds <= settings.list_validity_seconds // 2:
        faults.append(f"{PREFIX}LIST_TTL_SECONDS: expected 60 up to half of {PREFIX}LIST_VALIDITY_SECONDS")
    if not settings.cache_min_ttl_seconds <= settings.cache_max_ttl_seconds:
        faults.append(f"{PREFIX}CACHE_MIN_TTL_SECONDS: is over {PREFIX}CACHE_MAX_TTL_SECONDS")
    if not 0 <= settings.workers <= 256:
        faults.append(f"{PREFIX}WORKERS: expected 0 (one per core) up to 256")
    if settings.observe_interval_seconds != 0 and settings.observe_interval_seconds < 60:
        faults.append(f"{PREFIX}OBSERVE_INTERVAL_SECONDS: expected 0 (never) or at least 60")
    faults += [
        f"{PREFIX}{field.upper()}: expected a number above 0, found {getattr(settings, field)}"
        for field in Settings.__struct_fields__
        if field.startswith(("rate_", "cache_", "hot_", "max_", "head_", "body_", "outbound_", "list_"))
        and field not in _NOT_ABOVE_ZERO
        and getattr(settings, field) <= 0
    ]
    if not 0 <= settings.cache_stale_seconds <= MAX_STALE_SECONDS:
        faults.append(f"{PREFIX}CACHE_STALE_SECONDS: expected 0 (never) to {MAX_STALE_SECONDS} (a day)")
    if not 0 <= settings.cache_revalidate_seconds <= MAX_STALE_SECONDS:
        faults.append(f"{PREFIX}CACHE_REVALIDATE_SECONDS: expected 0 (none) to {MAX_STALE_SECONDS} (a day)")
    faults += [
        f"{PREFIX}CACHE_METHOD_TTL_SECONDS: expected web or webvh, and 1 to {MAX_STALE_SECONDS} seconds (a day),"
        f" found {method}={seconds}; a driver has a time to live of its own"
        for method, seconds in settings.cache_method_ttl_seconds.items()
        if method not in CACHED_METHODS or not 1 <= seconds <= MAX_STALE_SECONDS
    ]
    faults += [
        f"{PREFIX}{field.upper()}: expected a finite number from 0, found {value}"
        for field, value in msgspec.structs.asdict(settings).items()
        if isinstance(value, float) and not (math.isfinite(value) and value >= 0)
    ]
    return faults


def _proxy_faults(settings: Settings) -> list[str]:
    faults = []
    for network in settings.trusted_proxies:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            faults.append(f"{PREFIX}TRUSTED_PROXIES: {error}")
    return faults
