"""
Drivers as an operator names them: which DIDs one takes, and where and how it is asked. Pure.

The members are those of the Universal Resolver's `application.yml` (decentralized-identity/universal-resolver), and
of our own; a file of either shape is read, with the names of either.

    DriverFaults        every fault found, one sentence each, with the driver's name
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from resolver.did import Did, is_did
from resolver.documents.document import MAX_DOCUMENT_BYTES
from resolver.drivers.patterns import MATCH_SECONDS, is_slow, methods_in
from resolver.errors import InvalidDid
from wire.words import type_fault

MAX_DRIVERS = 256
# A result has two structures of metadata beside the document.
MAX_ANSWER_BYTES = MAX_DOCUMENT_BYTES + 65_536
DEFAULT_ACCEPT = (
    "application/did-resolution, "
    'application/ld+json;profile="https://w3id.org/did-resolution";q=0.9, '
    "application/did;q=0.8, application/did+ld+json;q=0.7, application/did+json;q=0.7, "
    "application/json;q=0.5, application/ld+json;q=0.5"
)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(?=[/?]|\Z)")
# RFC 3986, section 3.3 and 3.4, and the two places that a DID is put in.
_TARGET = re.compile(r"(?:[A-Za-z0-9._~!&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}|\$[12])*")
_NUMBERS = ("timeout_seconds", "ttl_seconds", "max_bytes", "concurrent", "failures_to_open", "open_seconds")
_UNSAFE_RAW = re.compile(r"[/\\?#\x00-\x20\x7f-\U0010ffff]")

# The names in the Universal Resolver's file, and ours for them. Those mapped to "" are read and not used: we
# dereference what a driver resolves ourselves, and properties are our own.
_UNIVERSAL_NAMES = {
    "id": "name",
    "acceptHeaderValue": "accept",
    "supportsOptions": "supports_options",
    "testIdentifiers": "test_identifiers",
    "timeoutSeconds": "timeout_seconds",
    "ttlSeconds": "ttl_seconds",
    "maxBytes": "max_bytes",
    "propertiesEndpoint": "",
    "supportsDereference": "",
    "acceptHeaderValueDereference": "",
}


class DriverFaults(ValueError):
    """The drivers cannot be used; `faults` are sentences."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Driver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """
    A driver: a resolver of other methods, asked over HTTP.

    Attributes:
        name: told in `didResolutionMetadata.driver`; what is cached of it is purged by it.
        pattern: of a whole DID; begins with `did:<method>:` or `did:(<method>|<method>):`, so that it is known
            which methods it is for. Of several drivers the first whose pattern matches is asked.
        url: `$1` stands for what the groups of the pattern matched (without groups: the DID) as it is spelled,
            `$2` for the same percent-encoded; with neither, `/1.0/identifiers/` and the DID percent-encoded
            are appended.
        accept: the Accept header that it is sent.
        timeout_seconds: from the wait for a free slot to the last byte.
        ttl_seconds: how long an answer is kept; the driver's Cache-Control can only shorten that.
        max_bytes: cap on the body of its answer.
        concurrent: requests to it under way.
        failures_to_open, open_seconds: after so many failures in a row it is not asked for so long.
        supports_options: whether the version options are passed on, in the query.
        test_identifiers: DIDs that it should resolve; each must match the pattern.
        traits: passed on at `/1.0/traits`.
    """

    name: str
    pattern: str
    url: str
    accept: str = DEFAULT_ACCEPT
    timeout_seconds: float = 10.0
    ttl_seconds: float = 300.0
    max_bytes: int = MAX_ANSWER_BYTES
    concurrent: int = 16
    failures_to_open: int = 5
    open_seconds: float = 15.0
    supports_options: bool = False
    test_identifiers: tuple[str, ...] = ()
    traits: dict[str, Any] = {}

    @cached_property
    def methods(self) -> frozenset[str]:
        """The methods that the pattern names; empty where it does not begin as it must."""
        return methods_in(self.pattern)

    @cached_property
    def origin(self) -> str:
        """`http(s)://host[:port]`; empty where the URL is none that we ask."""
        found = _ORIGIN.match(self.url)
        return "" if found is None else found[0]

    def takes(self, did: Did) -> bool:
        """Tell whether the DID is one of the driver's."""
        return self._regex.fullmatch(did.text) is not None

    def url_of(self, did: Did, options: Iterable[tuple[str, str]] = ()) -> str:
        """
        Return the URL to ask for a DID that the driver takes; `options` go into the query.

        Raises:
            InvalidDid: it would name another place than the one that the operator meant.
        """
        found = self._regex.fullmatch(did.text)
        groups = [] if found is None else [group for group in found.groups() if group is not None]
        matched = "".join(groups) if self._regex.groups else did.text
        encoded = quote(matched, safe="")
        if "$1" in self.url or "$2" in self.url:
            url = self.url.replace("$2", encoded).replace("$1", matched)
        else:
            url = f"{self.url.rstrip('/')}/1.0/identifiers/{encoded}"
        _refuse_traversal(url, matched if "$1" in self.url else "")
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options)
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)


def read_drivers(given: Any, native: frozenset[str]) -> tuple[Driver, ...]:
    """
    Read the drivers in a settings file, or in a file of their own.

    Args:
        given: a list of tables; or an object with one as `drivers`, or as `uniresolver.drivers`.
        native: the methods that we resolve ourselves, and no driver may.

    Raises:
        DriverFaults: a member of the wrong type, a pattern or URL that cannot be used, two of one name.
    """
    entries = entries_of(given)
    drivers, faults = [], []
    for number, entry in enumerate(entries):
        renamed = _renamed(entry, number)
        if found := _member_faults(renamed):
            faults += [f"driver {number + 1}: {fault}" for fault in found]
        else:
            drivers.append(msgspec.convert(renamed, Driver, strict=False))
    drivers = _with_names(drivers)
    for driver in drivers:
        faults += [f"driver {driver.name!r}: {fault}" for fault in faults_of(driver, native)]
    for name, count in Counter(driver.name for driver in drivers).items():
        if count > 1:
            faults.append(f"driver {name!r}: {count} drivers have this name")
    for pattern, count in Counter(driver.pattern for driver in drivers).items():
        if count > 1:
            faults.append(f"pattern {pattern!r}: {count} drivers have it, and only the first would be asked")
    if faults:
        raise DriverFaults(faults)
    return tuple(drivers)


def entries_of(given: Any) -> list[Any]:
    """
    Return the tables of the drivers in a file: a list of them, or an object that has it.

    Raises:
        DriverFaults: neither, or over `MAX_DRIVERS`.
    """
    if isinstance(given, Mapping):
        inner = given.get("uniresolver", given)
        given = inner.get("drivers") if isinstance(inner, Mapping) else None
    if not isinstance(given, list | tuple) or len(given) > MAX_DRIVERS:
        raise DriverFaults([f"expected a list of up to {MAX_DRIVERS} drivers"])
    return list(given)


def faults_of(driver: Driver, native: frozenset[str]) -> list[str]:
    """Return what is wrong with one driver, one sentence a fault."""
    faults = [
        f"{field}: expected a number above 0"
        for field in (
            "timeout_seconds",
            "ttl_seconds",
            "max_bytes",
            "concurrent",
            "failures_to_open",
            "open_seconds",
        )
        if not 0 < getattr(driver, field) < 2**31
    ]
    if not _NAME.fullmatch(driver.name):
        faults.append("name: expected up to 64 characters of a-z 0-9 . _ -")
    if not re.fullmatch(r"[\x20-\x7e]{1,1024}", driver.accept):
        faults.append("accept: expected an Accept header")
    return [*faults, *_url_faults(driver), *_pattern_faults(driver, native)]


def _url_faults(driver: Driver) -> list[str]:
    target = driver.url.removeprefix(driver.origin)
    if not driver.origin or not _TARGET.fullmatch(target):
        return ["url: expected http(s)://host[:port]/..., in lower case up to the path, without a user name"]
    if any(unquote(segment) in (".", "..") for segment in target.partition("?")[0].split("/")):
        return ["url: the path has a dot segment"]
    return []


def _pattern_faults(driver: Driver, native: frozenset[str]) -> list[str]:
    if not driver.methods:
        return ["pattern: expected one that begins with did:<method>:, or did:(<method>|<method>):"]
    if taken := driver.methods & native:
        return [
            f"pattern: did:{min(taken)} is resolved by this server itself, and a driver cannot replace it"
        ]
    try:
        re.compile(driver.pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        return [f"pattern: not a regular expression: {error}"]
    if is_slow(driver.pattern, driver.test_identifiers[:1]):
        return [
            f"pattern: there are DIDs whose match takes over {MATCH_SECONDS * 1_000:.0f} ms; nest no repetitions"
        ]
    return [
        f"test_identifiers: {did!r} is no DID, or does not match the pattern"
        for did in driver.test_identifiers
        if re.fullmatch(driver.pattern, did, re.ASCII) is None or not is_did(did)
    ]


def _refuse_traversal(url: str, raw: str) -> None:
    """
    Refuse what would change the path of the driver's URL, decoded once.

    Args:
        raw: what stands in it as it was spelled.

    Raises:
        InvalidDid: a dot segment, or an escape of a delimiter in what is not encoded.
    """
    segments = unquote(url.partition("?")[0], "latin-1").split("/")
    if {".", ".."} & set(segments) or _UNSAFE_RAW.search(unquote(raw, "latin-1")):
        raise InvalidDid("the method-specific identifier is none that the method's driver can be asked for")


def _renamed(entry: Any, number: int) -> dict[str, Any]:
    """Return the entry with our names; a missing name is made of the method in `_with_names`."""
    if not isinstance(entry, Mapping):
        raise DriverFaults([f"driver {number + 1}: expected a table with name, pattern and url"])
    renamed = {_UNIVERSAL_NAMES.get(str(name), str(name)): value for name, value in entry.items()}
    renamed.pop("", None)
    return {"name": "", **renamed}


def _member_faults(entry: Mapping[str, Any]) -> list[str]:
    """Return which members are missing, unknown, or of a wrong type."""
    fields = {field.name: field for field in msgspec.structs.fields(Driver)}
    faults = [f"{name}: is missing" for name, field in fields.items() if field.required and name not in entry]
    for name, value in entry.items():
        if name not in fields:
            faults.append(f"{name}: a driver has no such member")
        elif fault := type_fault(value, fields[name].type):
            faults.append(f"{name}: {fault}")
    return faults


def _with_names(drivers: list[Driver]) -> list[Driver]:
    """Name those that have none after their method, and number them from the second on."""
    taken = {driver.name for driver in drivers}
    named = []
    for driver in drivers:
        name = driver.name or min(driver.methods, default="driver")
        count = 1
        while not driver.name and name in taken:
            count += 1
            name = f"{min(driver.methods, default='driver')}-{count}"
        taken.add(name)
        named.append(driver if driver.name else msgspec.structs.replace(driver, name=name))
    return named
