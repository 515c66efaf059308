"""
What the claims of a token grant, and what they call a person: by the rules of the settings. Pure.

A claim is a text or a list of texts. Its name may lead into objects by dots, as Keycloak's `realm_access.roles`; a
claim of that very name, dots and all, comes first.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from operators.grants import Grant, Role, parse_scope
from operators.model import MAX_TEXT_CHARS
from proofs import JsonObject
from wire import BadRequest

_MEMBERS = ("claim", "value", "role", "scope")


class ClaimRule(msgspec.Struct, frozen=True):
    """Whoever has `value` in `claim` is granted this."""

    claim: str
    value: str
    grant: Grant


class RuleFaults(ValueError):
    """Rules that cannot be used; `faults` are sentences."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_rules(entries: Iterable[Mapping[str, Any]]) -> tuple[ClaimRule, ...]:
    """
    Read the rules: tables with `claim`, `value`, `role` and `scope`.

    Raises:
        RuleFaults: what is wrong, of all of them.
    """
    given = list(entries)
    faults = [
        f"entry {number}: {fault}" for number, entry in enumerate(given, 1) if (fault := _fault_of(entry))
    ]
    if faults:
        raise RuleFaults(faults)
    return tuple(
        ClaimRule(entry["claim"], entry["value"], Grant(parse_scope(entry["scope"]), Role(entry["role"])))
        for entry in given
    )


def grants_of(claims: JsonObject, rules: Iterable[ClaimRule]) -> frozenset[Grant]:
    """Return what `claims` grant."""
    return frozenset(rule.grant for rule in rules if rule.value in texts_of(claims, rule.claim))


def texts_of(claims: JsonObject, name: str) -> list[str]:
    """Return the texts of a claim; none where it is not there, or is something else."""
    value = _value_of(claims, name)
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def shown_of(claims: JsonObject, name: str) -> str | None:
    """Return a claim that people read, such as a name; None where it is not there, or no text to be shown."""
    texts = texts_of(claims, name)
    is_shown = len(texts) == 1 and 0 < len(texts[0]) <= MAX_TEXT_CHARS and texts[0].isprintable()
    return texts[0] if is_shown and texts[0].strip() else None


def address_of(claims: JsonObject, name: str) -> str | None:
    """
    Return the address of a person, as `shown_of`; none where the provider says that it did not verify it.

    Two accounts of one address are one person here (OpenID Connect Core 1.0, section 5.1, `email_verified`).
    """
    is_unverified = name == "email" and claims.get("email_verified") in (False, "false")
    return None if is_unverified else shown_of(claims, name)


def _value_of(claims: JsonObject, name: str) -> Any:
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _fault_of(entry: Mapping[str, Any]) -> str:
    if set(entry) != set(_MEMBERS) or not all(isinstance(text, str) and text for text in entry.values()):
        return f"expected {', '.join(_MEMBERS)}, each a text, and nothing else"
    if entry["role"] not in set(Role):
        return f"expected role as one of {', '.join(Role)}, found {entry['role']!r}"
    try:
        parse_scope(entry["scope"])
    except BadRequest as error:
        return f"scope: {error.detail}, found {entry['scope']!r}"
    return ""
