"""
The drivers in the settings: `[[drivers]]` of the settings file, and a file of their own. Pure but for reading it.

Their file is TOML or JSON, by its ending; in it are the same tables, or the Universal Resolver's `application.yml`
as JSON (`uniresolver.drivers`, with its names and its `${VARIABLE:default}`).
"""

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from server.settings.settings import Settings, reason_of

if TYPE_CHECKING:
    from resolver.drivers.config import Driver

DRIVERS = "TOUCHSTONE_DRIVERS"
DRIVERS_FILE = "TOUCHSTONE_DRIVERS_FILE"
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)(?::([^{}]*))?\}")


def drivers_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple["Driver", ...]:
    """
    Return the drivers, those of the settings before those of their file.

    Raises:
        DriverFaults: what `driver_faults` tells.
    """
    from resolver.drivers.config import read_drivers  # Not at start: it loads every key type.
    from resolver.methods import METHODS

    given = [*settings.drivers, *_entries_of(settings.drivers_file, environ)]
    return read_drivers(given, frozenset(METHODS))


def share_of(drivers: Iterable["Driver"], workers: int) -> tuple["Driver", ...]:
    """Return the drivers for one of `workers` processes: the requests under way are those of the node."""
    return tuple(
        msgspec.structs.replace(driver, concurrent=math.ceil(driver.concurrent / workers))
        for driver in drivers
    )


def driver_faults(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return what is wrong with the drivers, one sentence a fault, each with the setting to change."""
    if not settings.drivers and not settings.drivers_file:
        return []
    from resolver.drivers.config import DriverFaults

    names = [DRIVERS] * bool(settings.drivers) + [DRIVERS_FILE] * bool(settings.drivers_file)
    try:
        drivers_of(settings, environ)
    except DriverFaults as error:
        return [f"{' or '.join(names)}: {fault}" for fault in error.faults]
    return []


def tables_of(tables: Iterable[Mapping[str, Any]], name: str = "drivers") -> Iterator[str]:
    """Yield the lines of `[[drivers]]`, or other tables, which stand at the end of a settings file."""
    for table in tables:
        yield f"[[{name}]]"
        yield from (f"{_key(member)} = {toml_of(value)}" for member, value in table.items())


def _entries_of(path: str, environ: Mapping[str, str]) -> list[Any]:
    from resolver.drivers.config import DriverFaults, entries_of

    if not path:
        return []
    try:
        text = Path(path).read_text()
        given = tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DriverFaults([f"{path}: {reason_of(error)}"]) from None
    return [_filled(entry, environ) for entry in entries_of(given)]


def _filled(entry: Any, environ: Mapping[str, str]) -> Any:
    """Return a driver with its URL's `${VARIABLE:default}` filled in, as the Universal Resolver does."""
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        return entry
    filled = _PLACEHOLDER.sub(lambda found: environ.get(found[1], found[2] or ""), entry["url"])
    return entry | {"url": filled}


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_of(name)


def toml_of(value: Any) -> str:
    """Return a value as TOML; strings and numbers are written there as in JSON."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {toml_of(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return msgspec.json.encode(value).decode()
