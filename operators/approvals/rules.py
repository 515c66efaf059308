"""
What needs another person, and who counts as another one. Pure.

Two accounts are of one person where they are the same principal, or have the same address in any case of letters.
An account of the identity provider is of one principal for ever, which the table of people sees to.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from operators.approvals.change import Change
from operators.grants import EVERYTHING, Kind, Permission, Role, Scope, ScopeKind

# Whoever could do one of these alone could do all else alone, through a person of his own making: it can be given
# grants anywhere later. So they need an approval while two can approve anything.
OF_PERSONS = frozenset({"principal.create", "principal.reactivate", "key.create"})
# Those who can approve there: made more, or fewer.
OF_APPROVERS = frozenset({"principal.deactivate", "grant.add", "grant.end"})
ALWAYS = OF_PERSONS | OF_APPROVERS
APPLY = "registry.apply"  # a change set of the trust registry; as ALWAYS, where two can approve it
REMOVE_SOURCE = "registry.source.remove"  # changes the registry too: what the source granted ends; as APPLY
GUARDED_ACTIONS = ALWAYS | {APPLY, REMOVE_SOURCE}
BY_SETTING = ("issuer-key.activate", APPLY)
# What becomes of a request, and the action by which the audit trail knows it.
PENDING, EXPIRED = "pending", "expired"
APPROVED, REJECTED, WITHDRAWN = "approved", "rejected", "withdrawn"
ALONE, BREAK_GLASS = "alone", "break-glass"
DECISIONS = {
    APPROVED: "approval.approve",
    REJECTED: "approval.reject",
    WITHDRAWN: "approval.withdraw",
    ALONE: "approval.alone",
    BREAK_GLASS: "approval.break-glass",
}
STATES = (PENDING, EXPIRED, *DECISIONS)
ENOUGH = 2  # persons who can approve, so that one is left when the other asks
EXPIRES_SECONDS = 604_800  # a week
GUARDED = (Role.APPROVER, Role.BREAK_GLASS)  # given by one person, and approved by another
MAX_REASON_CHARS = 500  # characters
PERSONAL = ("name", "address", "issuer", "subject")  # members of a request that makes a person


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the settings say.

    Attributes:
        needed_for: actions of BY_SETTING.
        alone: whether a person goes ahead alone while nobody else can approve.
        expires_seconds: how long a request waits.
    """

    needed_for: frozenset[str] = frozenset()
    alone: bool = False
    expires_seconds: int = EXPIRES_SECONDS


class Approver(msgspec.Struct, frozen=True):
    """A person with the role approver in a scope."""

    id: str
    scope: Scope
    address: str | None = None

    @property
    def subject(self) -> str:
        """What tells one human being from another, as far as we know."""
        return f"mailto:{same(self.address)}" if self.address and self.address.strip() else self.id


def same(address: str) -> str:
    """
    Return what is the same for two spellings of one address.

    Whatever the database takes for the same, by its own rules for letters, must be the same here: there a capital I
    with a dot may be an i, and here it would be one with a dot of its own.
    """
    return address.strip().casefold().replace("\u0307", "")


def is_needed(change: Change, approvers: Iterable[Approver], policy: Policy) -> bool:
    """Tell whether a change needs another person."""
    known = list(approvers)
    anywhere = {one.scope for one in known}
    action = APPLY if change.action == REMOVE_SOURCE else change.action
    if action == APPLY:  # No matter of issuers; and whose authorities it changes, it does not say.
        anywhere = {scope for scope in anywhere if scope.kind is not ScopeKind.ISSUER}
    # Who approves everything approves in each scope; who breaks the glass could let a person of his own past.
    is_far = change.action in OF_PERSONS or change.request.get("role") == Role.BREAK_GLASS
    scopes = anywhere if is_far or change.scope == EVERYTHING else {change.scope}
    return action in policy.needed_for or (
        change.action in GUARDED_ACTIONS and any(_is_guarded(one, known) for one in scopes)
    )


def _is_guarded(scope: Scope, approvers: list[Approver]) -> bool:
    # Accounts and not addresses: whoever takes the address of another must not switch approvals off.
    return len({one.id for one in approvers if one.scope.covers(scope)}) >= ENOUGH


def is_of_nobody(action: str, person: str | None) -> bool:
    """
    Tell whether nobody can approve a request, since it is not known which `person` asks.

    Whoever holds the key of such a service, as `bootstrap`, could approve as himself what he asks as the service.
    """
    return action in GUARDED_ACTIONS and person is None


def is_trusted_more(kind: Kind, roles: Iterable[Role]) -> bool:
    """Tell whether a principal can get past approvals, or become one who decides: people, and break-glass."""
    return kind is Kind.PERSON or Role.BREAK_GLASS in set(roles)


def others(approvers: Iterable[Approver], scope: Scope, parties: Iterable[Approver]) -> set[str]:
    """Return who can approve in `scope`, and is none of the `parties`, under no other account either."""
    known = {same for one in parties for same in (one.id, one.subject)}
    return {one.id for one in approvers if one.scope.covers(scope) and not {one.id, one.subject} & known}


def seeing(*, is_of_people: bool) -> tuple[Permission, ...]:
    """Return the permissions of which one is needed to see a request; one about people names people."""
    general = () if is_of_people else (Permission.READ,)
    return (*general, Permission.SEE_PRINCIPALS, Permission.BREAK_GLASS)


def without_names(action: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without what is said of a person and can be erased."""
    if action != "principal.create":
        return request
    return {name: value for name, value in request.items() if name not in PERSONAL}
