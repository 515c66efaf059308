"""
What clients of the Universal Resolver ask of a resolver about itself. Pure.

`/1.0/methods`, `/1.0/properties`, `/1.0/testIdentifiers` and `/1.0/traits` of
decentralized-identity/universal-resolver: the same shapes. Properties and traits are by pattern; what there tells
where a driver is (`resolveUri`) is kept back here.
"""

from collections.abc import Iterable

from resolver.did import parse_did
from resolver.drivers.config import Driver
from resolver.results import JsonObject

# As its clients ask: the last slash is theirs.
UNIVERSAL_PATHS = frozenset(
    f"/1.0/{name}/".encode() for name in ("methods", "properties", "testIdentifiers", "traits")
)

# DIDs that anybody can resolve without a network; of did:web we can vouch for our own only.
_TEST_IDENTIFIERS: dict[str, tuple[str, ...]] = {
    "key": (
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",  # Ed25519; did:key v0.9
        "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",  # P-256; did:key v0.9
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",  # secp256k1; did:key v0.9
        "did:key:z82Lkytz3HqpWiBmt2853ZgNgNG8qVoUJnyoMvGw6ZEBktGcwUVdKpUNJHct1wvp9pXjr7Y",  # P-384; did:key v0.9
    ),
    "jwk": (
        # X25519; did:jwk, section Examples
        "did:jwk:eyJrdHkiOiJPS1AiLCJjcnYiOiJYMjU1MTkiLCJ1c2UiOiJlbmMiLCJ4IjoiM3A3YmZYdDl3YlRUVzJIQzdPUTFOei1EUThoY"
        "mVHZE5yZngtRkctSUswOCJ9",
    ),
    "peer": ("did:peer:0z6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V",),
    "pkh": ("did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a",),
}

# The traits of DID methods by their names in the Universal Resolver (DIF, DID Traits).
_FIXED = {
    "updatable": False,
    "deactivatable": False,
    "enumerable": False,
    "historyAvailable": False,
    "humanReadable": False,
}
_HOSTED = _FIXED | {"updatable": True, "deactivatable": True, "humanReadable": True}
_TRAITS = {"web": _HOSTED, "webvh": _HOSTED | {"historyAvailable": True}}


def methods_of(native: Iterable[str], drivers: Iterable[Driver]) -> list[str]:
    """Return the names of all methods that are resolved."""
    return sorted({*native, *(method for driver in drivers for method in driver.methods)})


def properties_of(native: Iterable[str], drivers: Iterable[Driver]) -> dict[str, JsonObject]:
    """Return what is to be known of each method of ours and of each driver, by pattern."""
    ours: dict[str, JsonObject] = {_pattern_of(method): {"native": True} for method in sorted(native)}
    return ours | {driver.pattern: _properties_of(driver) for driver in drivers}


def identifiers_to_test(
    native: Iterable[str], drivers: Iterable[Driver], own: Iterable[str] = ()
) -> dict[str, list[str]]:
    """Return DIDs that resolve here, by method; `own` are those that this server publishes."""
    known = set(native)
    listed = [
        *(did for method, dids in _TEST_IDENTIFIERS.items() if method in known for did in dids),
        *own,
        *(did for driver in drivers for did in driver.test_identifiers),
    ]
    found: dict[str, list[str]] = {}
    for did in listed:
        found.setdefault(parse_did(did).method, []).append(did)
    return found


def traits_of(native: Iterable[str], drivers: Iterable[Driver]) -> dict[str, JsonObject]:
    """Return the traits of each method of ours, and those that the operator names for a driver, by pattern."""
    ours: dict[str, JsonObject] = {
        _pattern_of(method): dict(_TRAITS.get(method, _FIXED)) for method in sorted(native)
    }
    return ours | {driver.pattern: driver.traits for driver in drivers}


def _pattern_of(method: str) -> str:
    return f"^(did:{method}:.+)$"


def _properties_of(driver: Driver) -> JsonObject:
    return {
        "name": driver.name,
        "native": False,
        "verified": False,
        "supportsOptions": driver.supports_options,
        "ttlSeconds": driver.ttl_seconds,
    }
