"""
People, services, grants and API keys over HTTP: who may, what is refused, and what becomes of a service.

No key is made here: its text would be another one in each run.
"""

from collections.abc import Iterator
from typing import Any

from tests.server.http_corpus.asking import Case, get, post
from tests.server.http_corpus.operators import PEOPLE, as_admin, at_operators, at_rest, doors, read
from tests.server.http_corpus.world import Step

PRINCIPALS = "/operator/principals"
ROUTES = (PRINCIPALS, f"{PRINCIPALS}/acme-issuer", f"{PRINCIPALS}/nobody/keys")
CHANGES = ("grants", "grants/end", "deactivate", "reactivate", "erase", "keys")
WRITES = (
    PRINCIPALS,
    *(f"{PRINCIPALS}/nobody/{change}" for change in CHANGES),
    "/operator/keys/AAAAAAAAAAAA/rotate",
    "/operator/keys/AAAAAAAAAAAA/revoke",
)


def cases() -> Iterator[Step]:
    yield at_rest
    yield at_operators(get("/operator/me"))  # Known callers are told the ids of their keys, which are random.
    for part in (lambda: doors(ROUTES, WRITES), _reads, _creations, _changes):
        yield from map(at_operators, part())


def _reads() -> Iterator[Case]:
    for who in ("admin", "acme-admin", "acme-reader"):
        for query in ("", "?limit=1", "?limit=1&after=acme-admin", "?limit=0", "?limit=x", "?after=A%20B"):
            yield read(PRINCIPALS + query, who)
        for name in ("acme-issuer", "reader", "nobody", "BAD", "a%00b"):
            yield read(f"{PRINCIPALS}/{name}", who)


def _creations() -> Iterator[Case]:
    acme, everything = {"scope": "issuer:acme", "role": "editor"}, {"scope": "everything", "role": "viewer"}
    wanted: tuple[dict[str, Any], ...] = (
        {"id": "made", "kind": "service", "name": "Made", "grants": [acme]},
        {"id": "made", "kind": "service"},
        {"id": "other", "kind": "robot"},
        {"id": "other", "kind": "service", "grants": [{"scope": "issuer:nobody", "role": "editor"}]},
        {"id": "other", "kind": "service", "grants": [{"scope": "nothing", "role": "editor"}]},
        {"id": "other", "kind": "service", "grants": [{"scope": "everything", "role": "approver"}]},
        {"id": "other", "kind": "service", "grants": [{"scope": "everything", "role": "admin"}]},
        {"id": "other", "kind": "service", "address": "a@b.example"},
        {"id": "ada", "kind": "person", "issuer": "https://idp.example"},
        {"id": "ada", "kind": "person", "issuer": "https://idp.example", "subject": "1", "name": "Ada"},
        {"id": "eve", "kind": "person", "issuer": "https://idp.example", "subject": "1"},
        {"id": "BAD ID", "kind": "service"},
        {"id": "other", "kind": "service", "name": "a\nb"},
        {"id": "all", "kind": "service", "grants": [everything]},
    )
    yield from (as_admin(PRINCIPALS, body) for body in wanted)
    for name in PEOPLE:
        for grant in (acme, everything):
            body = {"id": f"of-{name}", "kind": "service", "grants": [grant]}
            yield post(PRINCIPALS, body, authorization=f"Bearer <key of {name}>")


def _changes() -> Iterator[Case]:
    made = f"{PRINCIPALS}/made"
    editor = {"scope": "issuer:acme", "role": "editor"}
    for name in PEOPLE:
        yield post(
            f"{made}/grants",
            {"scope": "everything", "role": "viewer"},
            authorization=f"Bearer <key of {name}>",
        )
    yield as_admin(f"{made}/grants", editor)
    yield as_admin(f"{made}/grants/end", editor, **{"touchstone-reason": "caf%C3%A9"})
    yield as_admin(f"{made}/grants/end", editor)
    yield as_admin(f"{made}/grants/end", editor, **{"touchstone-reason": "%FF"})
    yield as_admin(f"{made}/erase", b"")
    for action in ("deactivate", "deactivate", "reactivate", "reactivate"):
        yield as_admin(f"{made}/{action}", b"")
    yield as_admin(f"{PRINCIPALS}/ada/deactivate", b"")
    yield as_admin(f"{PRINCIPALS}/ada/erase", b"")
    yield read(f"{PRINCIPALS}/ada")
    yield as_admin(f"{made}/keys", {"expiresAt": "soon"})
    yield as_admin(f"{made}/keys", {"expiresAt": "2030-01-01T00:00:00Z"})
    yield as_admin(f"{made}/keys", {"grants": [{"scope": "x", "role": "viewer"}]})
