"""
The members of a foreign JSON object, read strictly; every error names the member. Pure.
"""

import re

from credentials.errors import MalformedValue
from proofs import JsonObject, parse_date_time_stamp

MAX_URL_CHARS = 8_192  # characters; the house's cap on a DID, which a URL may contain
MAX_INTEGER = 2**53 - 1  # the last that all readers of JSON have exactly (RFC 7493, section 2.2)
MAX_NAMES = 32  # values of a member that may be a set; a cap of ours

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f]+")


class Members:
    """
    A JSON object and where it stands in its document.

    Every reader raises `error` (MALFORMED_VALUE_ERROR) where the member is missing or not of the shape that
    the name of the reader says. Nothing is coerced: no number for a string, no true for 1, no 1.0 for 1.
    """

    def __init__(self, value: object, error: type[MalformedValue], pointer: str = "") -> None:
        if not isinstance(value, dict):
            raise error("expected an object", pointer=pointer)
        self.members: JsonObject = value
        self._error = error
        self._pointer = pointer

    def fault(self, name: str, expected: str) -> MalformedValue:
        """Return the error that says what was expected of member `name`."""
        return self._error(f"{name}: expected {expected}", pointer=f"{self._pointer}/{name}")

    def string(self, name: str) -> str:
        value = self.members.get(name)
        if not isinstance(value, str) or not value:
            raise self.fault(name, "a string")
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        """Read one string, or an array of one or more."""
        value = self.members.get(name)
        values = value if isinstance(value, list) else [value]
        if not 0 < len(values) <= MAX_NAMES or not all(isinstance(item, str) and item for item in values):
            raise self.fault(name, f"one to {MAX_NAMES} strings")
        return tuple(values)

    def url(self, name: str) -> str:
        value = self.string(name)
        if len(value) > MAX_URL_CHARS or _URL.fullmatch(value) is None:
            raise self.fault(name, "an absolute URL")
        return value

    def urls(self, name: str) -> tuple[str, ...]:
        """Read one URL, or an array of one or more."""
        values = self.strings(name)
        if not all(len(value) <= MAX_URL_CHARS and _URL.fullmatch(value) for value in values):
            raise self.fault(name, "absolute URLs")
        return values

    def optional_url(self, name: str) -> str | None:
        return self.url(name) if name in self.members else None

    def optional_integer(self, name: str, *, least: int) -> int | None:
        value = self.members.get(name)
        if name not in self.members:
            return None
        if type(value) is not int or not least <= value <= MAX_INTEGER:
            raise self.fault(name, f"an integer of at least {least} and less than 2^53")
        return value

    def optional_time(self, name: str) -> int | None:
        """Read a dateTimeStamp as microseconds since 1970."""
        if name not in self.members:
            return None
        text = self.string(name)
        try:
            return parse_date_time_stamp(text)
        except ValueError as error:
            raise self._error(f"{name}: {error}", pointer=f"{self._pointer}/{name}") from None

    def require_types(self, *types: str) -> None:
        """Refuse a `type` that does not include all of `types`."""
        found = self.strings("type")
        for name in types:
            if name not in found:
                raise self.fault("type", name)
