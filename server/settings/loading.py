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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from server.settings.checks import check
from server.settings.settings import PREFIX, Settings, SettingsError

# Where the settings are, and what our own test suite is told.
NOT_SETTINGS = tuple(PREFIX + name for name in ("CONFIG", "REFERENCE_DATA", "NO_SKIPS", "CRASHES"))
_LISTS = {"trusted_proxies", "dangerously_allowed_private_hosts"}  # separated by commas or spaces


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
        return f"{PREFIX}{unknown[1].upper()}: there is no such setting; docs/configuration.md lists them"
    text, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').partition('[')[0].upper()}: {text}" if path else message
