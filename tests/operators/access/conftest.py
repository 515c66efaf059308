"""Two issuers, an administrator of each, and services and people of one, of both and of everything."""

from typing import Any

import pytest

from operators import Issuer, Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal
from storage import Engine
from tests.actors import ROOT, Access, acting
from tests.clock import Clock
from tests.databases import Place
from tests.issuers import inserting

ACME = acting("acme-admin", Role.ADMINISTRATOR, issuer_id="acme", kind=Kind.PERSON)
BETA = acting("beta-admin", Role.ADMINISTRATOR, issuer_id="beta", kind=Kind.PERSON)
ADA = CreatePrincipal(
    id="ada",
    kind=Kind.PERSON,
    name="Ada Lovelace",
    address="ada@people.example",
    issuer="https://idp.example",
    subject="248289761001",
    grants=(AskedGrant("issuer:acme", Role.VIEWER),),
)


def asked(scope: str, role: Role) -> AskedGrant:
    return AskedGrant(scope, role)


class Counting:
    """A database that counts what is written to it."""

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self.reads = self.writes = 0

    async def read(self, fn: Any) -> Any:
        self.reads += 1
        return await self._inner.read(fn)

    async def write(self, fn: Any) -> Any:
        self.writes += 1
        return await self._inner.write(fn)


def all_that_is_kept(place: Place) -> str:
    """Return every value in every table, as text."""
    tables = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    names = [name for (name,) in place.query(tables[place.dialect])]
    assert {"audit", "idempotency", "people", "api_keys"} <= set(names)
    values = [value for name in names for row in place.query(f"SELECT * FROM {name}") for value in row]
    return "\n".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values
    )


@pytest.fixture
async def access(database: Engine, clock: Clock) -> Access:
    access = Access(database, clock)
    for name in ("acme", "beta"):
        await database.write(inserting(Issuer(id=name, did=f"did:web:{name}.example")))
    for name, roles in {
        "of-acme": (asked("issuer:acme", Role.EDITOR),),
        "of-beta": (asked("issuer:beta", Role.EDITOR),),
        "of-both": (asked("issuer:acme", Role.EDITOR), asked("issuer:beta", Role.EDITOR)),
        "of-all": (asked("everything", Role.VIEWER),),
        "of-none": (),
    }.items():
        await access.changes.create(ROOT, CreatePrincipal(id=name, kind=Kind.SERVICE, grants=roles))
    return access
