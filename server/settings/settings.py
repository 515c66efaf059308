"""
Settings: everything that an operator can set, in one frozen Struct. Pure.

    SettingsError       every fault found, one per line, each with the variable to change
"""

import ipaddress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from storage import sqlite_path

PREFIX = "TOUCHSTONE_"
NO_MIRROR = "off"
DRAIN_SECONDS = 5.0  # seconds; a load balancer that asks every other second looks elsewhere by then
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
OPERATOR_KEY_FILE = "operator.key"  # in the key directory; `touchstone init` makes it
REFERENCE_KEY_FILE = "references.key"  # in the key directory
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - who listens everywhere does so there too


class SettingsError(Exception):
    """The settings cannot be used; `faults` are sentences that each name the variable to change."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an operator can set. docs/configuration.md lists each with its unit and default."""

    public_url: str = "http://localhost:8000"
    bind: str = "127.0.0.1:8000"
    operator_bind: str = "127.0.0.1:8001"
    operator_url: str = ""
    operator_key_file: str = ""
    operator_ca_file: str = ""
    database_url: str = "sqlite:///var/touchstone.db"
    database_direct_url: str = ""
    database_password_file: str = ""
    key_dir: str = "var/keys"
    pkcs11_module: str = ""
    pkcs11_token: str = ""
    pkcs11_pin_file: str = ""
    mirror_dir: str = ""
    contexts_dir: str = ""
    publish_url: str = ""
    publish_options_file: str = ""
    workers: int = 0
    cryptosuite: Literal["eddsa-rdfc-2022", "eddsa-jcs-2022"] = "eddsa-rdfc-2022"
    did_document_ttl_seconds: int = 300
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
    registry_freshness_seconds: int = 300
    observe_interval_seconds: int = 3_600
    observe_max_dids: int = 10_000
    audit_push_url: str = ""
    audit_push_token_file: str = ""
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
    approvals_for: tuple[str, ...] = ()
    approvals_alone: bool = False
    approval_expires_seconds: int = 604_800
    dangerously_trusted_ca_file: str = ""
    dangerously_allowed_private_hosts: tuple[str, ...] = ()
    default_representation: Literal["result", "document", "legacy"] = "result"
    hot_max_bytes: int = 67_108_864
    hot_protocol: bool = False
    rate_hot_per_second: float = 500.0
    rate_cpu_per_second: float = 100.0
    rate_outbound_per_second: float = 5.0
    rate_no_cache_per_second: float = 0.2
    trusted_rate_hot_per_second: float | None = None
    trusted_rate_cpu_per_second: float | None = None
    trusted_rate_outbound_per_second: float | None = None
    trusted_rate_no_cache_per_second: float | None = None
    trusted_clients: tuple[str, ...] = ()
    sign_in_issuer: str = ""
    sign_in_jwks_url: str = ""
    sign_in_audience: str = ""
    sign_in_client_id: str = ""
    sign_in_name_claim: str = "name"
    sign_in_address_claim: str = "email"
    sign_in_grants: tuple[dict[str, Any], ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    max_connections_per_client: int = 64
    max_did_log_bytes: int = 1_048_576
    head_timeout_seconds: float = 10.0
    body_timeout_seconds: float = 30.0
    drain_delay_seconds: float | None = None
    shutdown_timeout_seconds: float = 20.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def operator_api_url(self) -> str:
        """Where commands find the operator API: `operator_url`, else the listener of a server on this machine."""
        if self.operator_url:
            return self.operator_url
        host, port = split_bind(self.operator_bind)
        loopback = _LOOPBACK_OF.get(host, host)
        return f"http://[{loopback}]:{port}" if ":" in loopback else f"http://{loopback}:{port}"

    @property
    def operator_key_path(self) -> Path:
        """The file of the API key that commands present."""
        return Path(self.operator_key_file or f"{self.key_dir}/{OPERATOR_KEY_FILE}")

    @property
    def reference_key_path(self) -> Path:
        """The file of the key under which references of status entries are kept."""
        return Path(self.key_dir) / REFERENCE_KEY_FILE

    @property
    def state_dir(self) -> Path:
        """Where files of this machine go that are not keys: beside the SQLite file, else beside the keys."""
        path = sqlite_path(self.database_url)
        return path.parent if path is not None else Path(self.key_dir).parent

    @property
    def registry_index(self) -> Path:
        """The file in which this node looks up the registry; made of the database, whenever it is not there."""
        return self.state_dir / "registry-index.sqlite"

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
        return 0.0 if is_loopback(self.bind) else DRAIN_SECONDS

    @property
    def did_host(self) -> str:
        """Host and port in our DID: those of the public URL, but a loopback address is `localhost` by its name."""
        return _did_host_of(self.public_url)

    @property
    def audit_origin(self) -> str:
        """What names our audit log in the notes that are signed over its head."""
        return f"{self.did_host}/audit"

    @property
    def did(self) -> str:
        """Our own DID: did:web of the public URL (a port's colon is percent-encoded)."""
        return "did:web:" + self.did_host.replace(":", "%3A")


@lru_cache(maxsize=8)
def _did_host_of(public_url: str) -> str:
    """Of each issuer it is asked whether its DID is under our host, and there may be 10,000."""
    url = urlsplit(public_url)
    host = "localhost" if url.hostname in LOOPBACK_HOSTS else str(url.hostname)
    return host if url.port is None else f"{host}:{url.port}"


def reason_of(error: Exception) -> str:
    """Return why a file cannot be read, in words: without the number that the system has for it."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return getattr(error, "strerror", None) or str(error)


def split_bind(bind: str) -> tuple[str, int]:
    """
    Return host and port of `host:port` (an IPv6 host in brackets, which are taken off).

    Raises:
        ValueError: there is no port, or not one of 0..65535.
    """
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"expected host:port, such as 127.0.0.1:8000, found {bind!r}")
    return host.strip("[]"), int(port)


def is_loopback(bind: str) -> bool:
    """Tell whether `host:port` is on this machine alone."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
