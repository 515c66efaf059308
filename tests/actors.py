"""Principals as tests need them: with a role for everything, or for one issuer."""

from collections.abc import Callable

from operators import EVERYTHING, Grant, Kind, Principal, Role, issuer_scope
from operators.access.api_key_changes import ApiKeys
from operators.access.grant_changes import GrantChanges
from operators.access.principal_changes import PrincipalChanges
from operators.access.views import AskedGrant, CreateKey, CreatePrincipal
from operators.actors.principals import Principals
from operators.approvals.approvals import Approvals
from storage import Database
from wire import format_utc


def acting(name: str, *roles: Role, issuer_id: str | None = None, kind: Kind = Kind.SERVICE) -> Principal:
    """Return a principal with these roles, for one issuer or for everything."""
    scope = EVERYTHING if issuer_id is None else issuer_scope(issuer_id)
    return Principal(id=name, kind=kind, grants=frozenset(Grant(scope, role) for role in roles))


ROOT = acting("root", Role.ADMINISTRATOR)
ADA = acting("ada", Role.EDITOR)


class Access:
    """What changes principals and keys, over a database."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        timer: Callable[[], float] | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        self.clock = clock
        self.principals = Principals(database, clock=clock, timer=timer or clock)
        self.approvals = approvals or Approvals(database, clock=clock)
        self.changes = PrincipalChanges(database, self.principals, self.approvals, clock=clock)
        self.grants = GrantChanges(database, self.principals, self.approvals, clock=clock)
        self.keys = ApiKeys(database, self.principals, self.approvals, clock=clock)
        self.approvals.doers |= self.changes.doers() | self.grants.doers() | self.keys.doers()

    async def add(self, name: str, *roles: Role, issuer_id: str | None = None) -> None:
        """Add a service with these roles, for one issuer or for everything."""
        scope = "everything" if issuer_id is None else f"issuer:{issuer_id}"
        grants = tuple(AskedGrant(scope, role) for role in roles)
        await self.changes.create(ROOT, CreatePrincipal(id=name, kind=Kind.SERVICE, grants=grants))

    async def key(self, name: str, *, seconds: float | None = None) -> str:
        """Return the text of a new API key of a principal, which ends so many seconds from now."""
        ends = None if seconds is None else format_utc(int((self.clock() + seconds) * 1_000_000))
        return (await self.keys.create(ROOT, name, CreateKey(expires_at=ends))).api_key
