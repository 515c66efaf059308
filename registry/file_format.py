"""
The registry file, version 2: its shape. Pure.

`registry.schema.json` is generated from it (`python -m registry.exports.schema`, see there). Files of version 1 are
read too (`imports/version_1.py`).
"""

from typing import Literal

import msgspec

from registry.items import AuthorityItem, DelegationItem, EntityItem, GrantItem, Shape, item_of
from registry.model import Fact, FactKind, kind_of


class RegistryFile(Shape, frozen=True, kw_only=True):
    """A whole registry: what it does not say any more ends when it is imported."""

    schema: str | None = msgspec.field(default=None, name="$schema")
    version: Literal[2]
    entities: list[EntityItem]
    authorities: list[AuthorityItem]
    authorizations: list[GrantItem] = []  # noqa: RUF012 (msgspec copies it)
    recognitions: list[GrantItem] = []  # noqa: RUF012 (msgspec copies it)
    delegations: list[DelegationItem] = []  # noqa: RUF012 (msgspec copies it)


MEMBERS: dict[FactKind, str] = {
    "entity": "entities",
    "authority": "authorities",
    "authorization": "authorizations",
    "recognition": "recognitions",
    "delegation": "delegations",
}


def file_of(facts: list[Fact]) -> RegistryFile:
    """Return facts as a file, every list in the order of its ids: one file for each registry."""
    lists: dict[str, list[object]] = {member: [] for member in MEMBERS.values()}
    for fact in sorted(facts, key=lambda each: each.id):
        lists[MEMBERS[kind_of(fact)]].append(item_of(fact))
    return RegistryFile(version=2, **lists)  # type: ignore[arg-type]
