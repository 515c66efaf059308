"""
The settings, read from the environment and, below it, an optional TOML file.

Precedence: environment variable over file over default. The file is named by `TOUCHSTONE_CONFIG`; its keys are
the field names of `Settings`. A variable is `TOUCHSTONE_` and the field name in upper case. Secrets are never
values here: a field whose name ends in `_file` is a path.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from server.settings.checks import check
from server.settings.settings import PREFIX, Settings, SettingsError, reason_of
from wire.words import type_fault

# Where the settings are, and what our own test suite is told.
NOT_SETTINGS = tuple(PREFIX + name for name in ("CONFIG", "REFERENCE_DATA", "NO_SKIPS", "CRASHES"))
# Separated by commas or spaces.
_LISTS = {"approvals_for", "trusted_clients", "trusted_proxies", "dangerously_allowed_private_hosts"}
TABLES = frozenset({"drivers", "sign_in_grants"})  # JSON in a variable.
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}
_WORDS = {
    "cache_method_ttl_seconds": "a number of seconds for each DID method: web=300,webvh=900 as a variable,"
    " {web = 300, webvh = 900} in a file"
}
_NAME = re.compile(rf"{PREFIX}[A-Z0-9_]+")
_UNKNOWN = "there is no such setting; docs/configuration.md lists them"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """
    Read the settings.

    Raises:
        SettingsError: unknown or malformed settings, and dangerous combinations, all at once; or a file that
            cannot be read, of which nothing is known.
    """
    in_file, unknown = _from_file(environ.get(f"{PREFIX}CONFIG"))
    in_environment, unread = _from_environment(environ)
    values = in_file | in_environment
    wrong = {name: fault for name, value in values.items() if (fault := _fault_of(name, value))}
    settings = msgspec.convert(
        {name: value for name, value in values.items() if name not in wrong}, Settings, strict=False
    )
    if faults := [*unknown, *unread, *wrong.values(), *_without(wrong, check(settings))]:
        raise SettingsError(faults)
    return settings


def _without(wrong: Iterable[str], faults: list[str]) -> list[str]:
    """Leave out the faults that name a setting which is `wrong`: they were found in its default."""
    names = {PREFIX + name.upper() for name in wrong}
    return [fault for fault in faults if names.isdisjoint(_NAME.findall(fault))]


def _from_file(path: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of the file, and what is wrong with the other names in it."""
    if path is None:
        return {}, []
    try:
        values = tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{PREFIX}CONFIG={path}: {reason_of(error)}"]) from None
    faults = [f"{PREFIX}CONFIG={path}: {fault}" for name in values if (fault := _name_fault(name))]
    return {name: value for name, value in values.items() if name in _TYPES}, faults


def _name_fault(name: str) -> str | None:
    """Return what is wrong with a name in the file; a variable's name is the likeliest mistake."""
    plain = name.lower().removeprefix(PREFIX.lower())
    if name in _TYPES:
        return None
    return f"{name}: in a file its name is {plain}" if plain in _TYPES else f"{name}: {_UNKNOWN}"


def _from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return what the variables say, and what is wrong with those that cannot be read."""
    values: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    faults = []
    for name in TABLES & values.keys():
        try:
            values[name] = json.loads(values[name])
        except (ValueError, RecursionError) as error:
            faults.append(f"{PREFIX}{name.upper()}: expected JSON, a list of tables: {error}")
            del values[name]
    if "cache_method_ttl_seconds" in values:
        pairs = values["cache_method_ttl_seconds"].replace(",", " ").split()
        values["cache_method_ttl_seconds"] = dict(pair.partition("=")[::2] for pair in pairs)
    for name in _LISTS & values.keys():
        values[name] = tuple(values[name].replace(",", " ").split())
    return values, faults


def _fault_of(name: str, value: Any) -> str | None:
    if name not in _TYPES:
        return f"{PREFIX}{name.upper()}: {_UNKNOWN}"
    fault = type_fault(value, _TYPES[name], _WORDS.get(name, ""))
    return fault and f"{PREFIX}{name.upper()}: {fault}"
