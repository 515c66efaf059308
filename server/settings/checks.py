"""
What is wrong with settings, one sentence a fault, each with the variable to change. Pure but for reading files.
"""

import ipaddress
import math
import re
import ssl
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from credentials.rdf.contexts import UnusableContexts, known_contexts
from server.settings.drivers import driver_faults
from server.settings.outbound import CA_FILE, PRIVATE_HOSTS
from server.settings.publishing import publish_faults
from server.settings.settings import LOOPBACK_HOSTS, PREFIX, Settings, is_loopback, reason_of, split_bind
from server.settings.sign_in import sign_in_faults
from storage import sqlite_path
from storage.postgres_dsn import dsn_faults

# RFC 3986, section 3.2, without userinfo: A-labels or an IP literal, and a port.
_AUTHORITY = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)
_HOST_NAME = (
    "a host name with a dot, letters beyond a-z as xn--...; no address, and nothing under .internal, .local"
    " or the like"
)
CACHED_METHODS = ("web", "webvh")
MAX_TOKEN_LABEL_BYTES = 32  # of CK_TOKEN_INFO (PKCS #11 v3.1, section 3.2)
MAX_APPROVAL_SECONDS = 2_592_000  # 30 days; what was true when something was asked may not be so any more
MAX_STALE_SECONDS = 86_400  # a day; past that a document says nothing about today's keys
_NOT_ABOVE_ZERO = (
    "cache_method_ttl_seconds",
    "cache_revalidate_seconds",
    "cache_stale_seconds",
    "hot_protocol",
)


def check(settings: Settings) -> list[str]:
    """Return what is wrong with `settings` as a whole, one sentence a fault."""
    return [
        *_url_faults(settings),
        *_bind_faults(settings.bind, "BIND"),
        *_bind_faults(settings.operator_bind, "OPERATOR_BIND"),
        *_operator_url_faults(settings.operator_url),
        *_database_faults(settings),
        *_token_faults(settings),
        *_range_faults(settings),
        *_network_faults(settings.trusted_proxies, "TRUSTED_PROXIES"),
        *_network_faults(settings.trusted_clients, "TRUSTED_CLIENTS"),
        *_approval_faults(settings),
        *driver_faults(settings),
        *_push_faults(settings),
        *publish_faults(settings),
        *_contexts_faults(settings.contexts_dir),
        *_closed_network_faults(settings),
        *sign_in_faults(settings),
    ]


def _url_faults(settings: Settings) -> list[str]:
    shape = f"{PREFIX}PUBLIC_URL: expected https://host[:port] and nothing after it"
    found = (
        "" if "@" in settings.public_url else f", found {settings.public_url!r}"
    )  # Before it is a password.
    try:
        url = urlsplit(settings.public_url)
        _ = url.port
    except ValueError:
        return [shape + found]
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.fragment:
        return [shape + found]
    if not _AUTHORITY.fullmatch(url.netloc) or settings.public_url != f"{url.scheme}://{url.netloc}":
        return [f"{shape}, in lower case, without user names, letters beyond a-z as xn--...{found}"]
    if url.scheme == "https" and url.port == 443:
        return [f"{shape}; leave out :443, which https means already"]
    if url.scheme == "https":
        return [] if url.hostname in LOOPBACK_HOSTS else _did_faults(settings)
    if url.hostname in LOOPBACK_HOSTS and (is_loopback(settings.bind) or _bind_faults(settings.bind, "BIND")):
        return []  # Of a BIND that is none, only that is said.
    return [
        f"{PREFIX}PUBLIC_URL: {settings.public_url} is not https. Plain http is for loopback only: "
        f"host and {PREFIX}BIND ({settings.bind}) must both be loopback, or set an https URL"
    ]


def _operator_url_faults(text: str) -> list[str]:
    """Return what is wrong with where commands find the operator API; whether a key may be sent is for them."""
    try:
        url = urlsplit(text)
        is_good = url.scheme in ("http", "https") and url.port != 0 and bool(url.hostname)
    except ValueError:
        is_good = False
    if not text or (is_good and _AUTHORITY.fullmatch(url.netloc) and text == f"{url.scheme}://{url.netloc}"):
        return []
    found = "" if "@" in text else f", found {text!r}"  # Before it is a password.
    return [f"{PREFIX}OPERATOR_URL: expected https://host[:port] in lower case, and nothing after it{found}"]


def _did_faults(settings: Settings) -> list[str]:
    """Return why nobody could resolve our DID: an address, a name of one label, a port that did:web cannot have."""
    from resolver import (  # Not at start: it loads the cryptography of every key type.
        InvalidDid,
        read_spelling,
    )

    try:
        read_spelling(settings.did)
    except InvalidDid:
        return [
            f"{PREFIX}PUBLIC_URL: nobody could resolve {settings.did}, the DID of {settings.public_url}; expected"
            f" port 443 or one of 1024 to 65535, and {_HOST_NAME}"
        ]
    return []


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
        fault = (
            f"{PREFIX}DATABASE_DIRECT_URL and _PASSWORD_FILE are for PostgreSQL, not for {PREFIX}DATABASE_URL"
        )
        return [f"{fault}=sqlite:..."] if any(given) else []
    other = "" if settings.database_url.startswith("postgres") else ", or sqlite:///path"
    faults = [f"{PREFIX}DATABASE_URL: {fault}{other}" for fault in dsn_faults(settings.database_url)]
    if settings.database_direct_url:
        faults += [
            f"{PREFIX}DATABASE_DIRECT_URL: {fault}" for fault in dsn_faults(settings.database_direct_url)
        ]
    return faults


def _token_faults(settings: Settings) -> list[str]:
    """Return what is wrong with where the token is; that it is there is not asked: reads go on without it."""
    given = (settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin_file)
    if not any(given):
        return []
    faults = []
    if not all(given):
        names = f"{PREFIX}PKCS11_MODULE, {PREFIX}PKCS11_TOKEN and {PREFIX}PKCS11_PIN_FILE"
        faults.append(f"{names}: set all three, or none")
    if settings.pkcs11_module and not Path(settings.pkcs11_module).is_absolute():
        # Without a slash the loader would look for it in places of its own.
        faults.append(f"{PREFIX}PKCS11_MODULE: expected an absolute path, found {settings.pkcs11_module!r}")
    if len(settings.pkcs11_token.encode()) > MAX_TOKEN_LABEL_BYTES:
        faults.append(f"{PREFIX}PKCS11_TOKEN: expected a label of at most {MAX_TOKEN_LABEL_BYTES} bytes")
    return faults


def _approval_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.approvals_for:
        from operators.approvals.rules import BY_SETTING  # Not at start: it loads all that operators do.

        faults = [
            f"{PREFIX}APPROVALS_FOR: expected {' or '.join(BY_SETTING)}, found {action!r}"
            for action in settings.approvals_for
            if action not in BY_SETTING
        ]
    if not 60 <= settings.approval_expires_seconds <= MAX_APPROVAL_SECONDS:
        faults.append(f"{PREFIX}APPROVAL_EXPIRES_SECONDS: expected 60 up to {MAX_APPROVAL_SECONDS} (30 days)")
    return faults


def _range_faults(settings: Settings) -> list[str]:
    return [
        *_faults_of_one_another(settings),
        *_not_above_zero(settings),
        *_trusted_rate_faults(settings),
        *_staleness_faults(settings),
        *_not_finite(settings),
    ]


def _faults_of_one_another(settings: Settings) -> list[str]:
    """Return which settings are out of a range that others, or their meaning, give."""
    faults = []
    if not 60 <= settings.list_ttl_seconds <= settings.list_validity_seconds // 2:
        faults.append(f"{PREFIX}LIST_TTL_SECONDS: expected 60 up to half of {PREFIX}LIST_VALIDITY_SECONDS")
    if not 5 <= settings.did_document_ttl_seconds <= 86_400:
        faults.append(f"{PREFIX}DID_DOCUMENT_TTL_SECONDS: expected 5 up to 86400")
    if not 1 <= settings.registry_freshness_seconds <= 86_400:
        faults.append(f"{PREFIX}REGISTRY_FRESHNESS_SECONDS: expected 1 up to 86400")
    if not settings.cache_min_ttl_seconds <= settings.cache_max_ttl_seconds:
        faults.append(f"{PREFIX}CACHE_MIN_TTL_SECONDS: is over {PREFIX}CACHE_MAX_TTL_SECONDS")
    if not 0 <= settings.workers <= 256:
        faults.append(f"{PREFIX}WORKERS: expected 0 (one per core) up to 256")
    if settings.observe_interval_seconds != 0 and settings.observe_interval_seconds < 60:
        faults.append(f"{PREFIX}OBSERVE_INTERVAL_SECONDS: expected 0 (never) or at least 60")
    if not 1 <= settings.observe_max_dids <= 100_000:
        faults.append(f"{PREFIX}OBSERVE_MAX_DIDS: expected 1 up to 100000")
    return faults


def _not_above_zero(settings: Settings) -> list[str]:
    return [
        f"{PREFIX}{field.upper()}: expected a number above 0, found {getattr(settings, field)}"
        for field in Settings.__struct_fields__
        if field.startswith(("rate_", "cache_", "hot_", "max_", "head_", "body_", "outbound_", "list_"))
        and field not in _NOT_ABOVE_ZERO
        and getattr(settings, field) <= 0
    ]


def _trusted_rate_faults(settings: Settings) -> list[str]:
    """Return which rates of trusted callers are below those of strangers: to be trusted would be a punishment."""
    return [
        f"{PREFIX}{field.upper()}: is below {PREFIX}{field.upper().removeprefix('TRUSTED_')}"
        for field in Settings.__struct_fields__
        if field.startswith("trusted_rate_")
        and (rate := getattr(settings, field)) is not None
        and rate < getattr(settings, field.removeprefix("trusted_"))
    ]


def _staleness_faults(settings: Settings) -> list[str]:
    faults = []
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
    return faults


def _not_finite(settings: Settings) -> list[str]:
    return [
        f"{PREFIX}{field.upper()}: expected a finite number from 0, found {value}"
        for field, value in msgspec.structs.asdict(settings).items()
        if isinstance(value, float) and not (math.isfinite(value) and value >= 0)
    ]


def _network_faults(networks: Iterable[str], name: str) -> list[str]:
    faults = []
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            faults.append(
                f"{PREFIX}{name}: expected IP addresses, or networks by their first address such as"
                f" 10.0.0.0/8, found {network!r}"
            )
    return faults


def _push_faults(settings: Settings) -> list[str]:
    name, url = f"{PREFIX}AUDIT_PUSH_URL", settings.audit_push_url
    if not url:
        needless = f"{PREFIX}AUDIT_PUSH_TOKEN_FILE: is for {name}, which is not set"
        return [needless] if settings.audit_push_token_file else []
    from resolver.outbound.configured import ConfiguredFetch

    try:
        ConfiguredFetch([url])
    except ValueError:
        return [f"{name}: expected https://host[:port][/path] in lower case, without user, query or fragment"]
    host = urlsplit(url).hostname or ""
    if url.startswith("http:") and not is_loopback(f"{host}:0"):
        return [f"{name}: plain http is for a collector on this machine only; {host} needs https"]
    return []


def _contexts_faults(directory: str) -> list[str]:
    if not directory:
        return []
    if find_spec("pyoxigraph") is None:
        return [f"{PREFIX}CONTEXTS_DIR: what reads RDF is missing; install touchstone-vc[ldp]"]
    try:
        known_contexts(Path(directory))
    except UnusableContexts as error:
        return [f"{PREFIX}CONTEXTS_DIR: {error}"]
    return []


def _closed_network_faults(settings: Settings) -> list[str]:
    ca_file = settings.dangerously_trusted_ca_file
    private_hosts = settings.dangerously_allowed_private_hosts
    faults = [fault for host in private_hosts if (fault := _host_fault(host))]
    if ca_file:
        from resolver.outbound.trust import trust_of

        try:
            trust_of(ca_file)
        except ssl.SSLError:
            faults.append(f"{CA_FILE}={ca_file}: expected PEM certificates, and can read none in it")
        except OSError as error:
            faults.append(f"{CA_FILE}={ca_file}: {reason_of(error)}")
    return faults


def _host_fault(host: str) -> str | None:
    from resolver import InvalidDid, read_spelling

    try:
        read_spelling(f"did:web:{host}")
    except InvalidDid:
        return f"{PRIVATE_HOSTS}: {host!r} is no exact host name; expected {_HOST_NAME}"
    if host != host.lower() or ":" in host or "%" in host:
        return f"{PRIVATE_HOSTS}: {host!r} is no exact host name: lower case, without port or path"
    return None
