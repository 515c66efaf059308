"""
The parameters of a log: which an entry may set, and what is active after it. Pure.

did:webvh v1.0, sections did:webvh DID Method Parameters and Witness Lists. A parameter that v1.0 does not define,
or a value that does not conform, makes the entry invalid; the deprecated `null` is read as the default.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from resolver.results import JsonObject
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.keys import ed25519_of
from resolver.webvh.limits import LogLimits

METHOD = "did:webvh:1.0"
DEFAULT_TTL = 3_600  # seconds
_MAX_TTL = 2**31
_MAX_TEXT_CHARS = 2_048  # of a key, a hash, a URL
_DID_KEY = "did:key:"


class Witness(msgspec.Struct, frozen=True):
    """A witness list: multikeys (Ed25519, distinct), and how many of them must approve."""

    threshold: int
    multikeys: tuple[str, ...]


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What is active after an entry; `witness` is None where it is `{}`."""

    scid: str
    update_keys: tuple[str, ...] = ()
    next_key_hashes: tuple[str, ...] = ()
    witness: Witness | None = None
    watchers: tuple[str, ...] = ()
    portable: bool = False
    deactivated: bool = False
    ttl: int = DEFAULT_TTL


def first_parameters(given: JsonObject, limits: LogLimits) -> Parameters:
    """
    Return what is active after the first entry.

    Raises:
        InvalidLog: `method`, `scid` or `updateKeys` is missing, or a parameter is invalid.
    """
    for name in ("method", "scid", "updateKeys"):
        if name not in given:
            raise _invalid(f"the first entry must set {name}")
    if not isinstance(given["scid"], str):
        raise _invalid("scid: expected a string")
    return _applied(Parameters(scid=given["scid"]), given, limits)


def next_parameters(active: Parameters, given: JsonObject, limits: LogLimits) -> Parameters:
    """
    Return what is active after a later entry.

    While pre-rotation is active, leaving `updateKeys` or `nextKeyHashes` out would bypass it: both are required.

    Raises:
        InvalidLog: such an omission, `scid`, `portable` set to true, or a parameter that is invalid.
    """
    if "scid" in given:
        raise _invalid("scid: only the first entry may have it")
    if active.next_key_hashes and not {"updateKeys", "nextKeyHashes"} <= given.keys():
        raise _invalid("pre-rotation is active: updateKeys and nextKeyHashes must be in the entry")
    if given.get("portable") is True and not active.portable:
        raise _invalid("portable: only the first entry may set it to true")
    return _applied(active, given, limits) if given else active


def _applied(active: Parameters, given: JsonObject, limits: LogLimits) -> Parameters:
    changes = {}
    for name, value in given.items():
        if name == "method":
            if value != METHOD:
                raise invalid_log("unknown-protocol", f"method: expected {METHOD}")
        elif name != "scid":
            field, default, read = _reader(name)
            changes[field] = default if value is None else read(name, value, limits)
    return msgspec.structs.replace(active, **changes)


def _reader(name: str) -> tuple[str, Any, Callable[[str, Any, LogLimits], Any]]:
    try:
        return _READERS[name]
    except KeyError:
        raise _invalid(f"the parameter {name[:64]!r} is none of did:webvh 1.0") from None


def _texts(name: str, value: Any, limits: LogLimits) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > limits.max_keys:
        raise _invalid(f"{name}: expected a list of at most {limits.max_keys} strings")
    if not all(isinstance(item, str) and 0 < len(item) <= _MAX_TEXT_CHARS for item in value):
        raise _invalid(f"{name}: expected strings of 1 to {_MAX_TEXT_CHARS} characters")
    return tuple(value)


def _boolean(name: str, value: Any, limits: LogLimits) -> bool:  # noqa: ARG001 - a reader like the others
    if not isinstance(value, bool):
        raise _invalid(f"{name}: expected true or false")
    return value


def _ttl(name: str, value: Any, limits: LogLimits) -> int:  # noqa: ARG001
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_TTL:
        raise _invalid(f"{name}: expected a whole number of seconds from 0 to 2^31")
    return value


def _witness(name: str, value: Any, limits: LogLimits) -> Witness | None:
    """
    Read a witness list; `{}` means none.

    Distinct did:key DIDs of Ed25519 keys that we accept, and a threshold that they can meet: a list that a
    witness fills twice would let one approve for two, and a threshold of 0 would ask nobody.
    """
    if value == {}:
        return None
    if not isinstance(value, dict) or value.keys() != {"threshold", "witnesses"}:
        raise _invalid(f"{name}: expected {{}}, or an object of threshold and witnesses")
    threshold, witnesses = value["threshold"], value["witnesses"]
    if not isinstance(witnesses, list) or not 1 <= len(witnesses) <= limits.max_witnesses:
        raise _invalid(f"{name}: expected 1 to {limits.max_witnesses} witnesses")
    multikeys = tuple(_multikey_of(name, item) for item in witnesses)
    if len(set(multikeys)) != len(multikeys):
        raise _invalid(f"{name}: a witness is listed twice")
    if not isinstance(threshold, int) or isinstance(threshold, bool) or not 1 <= threshold <= len(multikeys):
        raise _invalid(f"{name}: expected a threshold from 1 to the number of witnesses")
    return Witness(threshold, multikeys)


def _multikey_of(name: str, item: Any) -> str:
    if not isinstance(item, dict) or item.keys() != {"id"} or not isinstance(item["id"], str):
        raise _invalid(f"{name}: expected each witness as an object with an id")
    if not item["id"].startswith(_DID_KEY):
        raise _invalid(f"{name}: expected the id of a witness to be a did:key DID")
    multikey: str = item["id"].removeprefix(_DID_KEY)
    if ed25519_of(multikey) is None:
        raise _invalid(f"{name}: expected the key of a witness to be an Ed25519 key that we accept")
    return multikey


def _invalid(detail: str) -> InvalidLog:
    return invalid_log("invalid-parameter", detail)


_READERS: dict[str, tuple[str, Any, Callable[[str, Any, LogLimits], Any]]] = {
    "updateKeys": ("update_keys", (), _texts),
    "nextKeyHashes": ("next_key_hashes", (), _texts),
    "witness": ("witness", None, _witness),
    "watchers": ("watchers", (), _texts),
    "portable": ("portable", False, _boolean),
    "deactivated": ("deactivated", False, _boolean),
    "ttl": ("ttl", DEFAULT_TTL, _ttl),
}
