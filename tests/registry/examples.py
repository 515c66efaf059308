"""A small registry that tests share: one issuer in every phase, and two authorities."""

import json
from collections.abc import Iterable
from typing import Any

from registry import Fact, FactChange, Grant, Known, TrqpRequest, read_registry_file
from registry.known import Nothing, Overlaid
from registry.model import kind_of
from wire import parse_utc

NOW = parse_utc("2026-11-24T12:00:00Z")

EDU = "did:web:education.example"
LICENSING = "did:web:licensing.example"
UNI = "did:web:uni.example"


def a_grant(**changes: Any) -> dict[str, Any]:
    """Return a grant of the registry file: UNI may issue Degree from 2024 until 2028."""
    grant: dict[str, Any] = {
        "authority_id": EDU,
        "entity_id": UNI,
        "action": "issue",
        "resource": "Degree",
        "valid_from": "2024-01-01T00:00:00Z",
        "valid_until": "2028-01-01T00:00:00Z",
    }
    return {name: value for name, value in (grant | changes).items() if value is not None}


def a_registry(**changes: Any) -> dict[str, Any]:
    """Return the JSON values of a registry file without faults."""
    registry: dict[str, Any] = {
        "version": 1,
        "authorities": [
            an_authority(EDU, ("issue", "Degree"), ("issue", "Licence"), ("verify", "Degree")),
            an_authority(LICENSING, ("issue", "Degree"), ("issue", "Licence")),
        ],
        "entities": [{"id": UNI, "names": {"en": "University"}}],
        "authorizations": [a_grant()],
        "recognitions": [a_grant(authority_id=LICENSING, entity_id=EDU)],
    }
    return registry | changes


def an_authority(identifier: str, *defines: tuple[str, str]) -> dict[str, Any]:
    return {
        "id": identifier,
        "names": {"en": "Authority"},
        "governance_framework": "https://education.example/governance",
        "defines": [{"action": action, "resource": resource} for action, resource in defines],
    }


def as_file(registry: dict[str, Any]) -> bytes:
    return json.dumps(registry, indent=2, ensure_ascii=False).encode()


def facts_from(**changes: Any) -> tuple[Fact, ...]:
    return read_registry_file(as_file(a_registry(**changes)))


def grants_from(**changes: Any) -> list[Grant]:
    return [fact for fact in facts_from(**changes) if isinstance(fact, Grant)]


def known_of(facts: Iterable[Fact], recorded_at: int = NOW) -> Known:
    """Return what a registry with just these facts knows."""
    changes = (FactChange(kind_of(fact), fact.id, fact, "add", 0) for fact in facts)
    return Overlaid(Nothing(), changes, recorded_at)


def known_from(**changes: Any) -> Known:
    return known_of(facts_from(**changes))


def a_question(**changes: Any) -> TrqpRequest:
    """Return the question whether UNI may issue Degree, says EDU."""
    question = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
    return TrqpRequest(**(question | changes))
