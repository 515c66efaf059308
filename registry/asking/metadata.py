"""
What the registry says of itself: to those who look for it, and to those who ask for its terms. Pure.

- `/.well-known/trqp-metadata.json`: the draft on finding a TRQP endpoint
  (trustoverip/tswg-trust-registry-protocol, issue 177, section 7);
- `/.well-known/trqp-metadata`: the TRQP Security and Privacy Profile (TSPP-TRQP-0.1, schema of release 0.10.1),
  which lets the document have no other members than its own;
- `/trqp/metadata` and `/trqp/lookups/didMethods`: the Ayra profile.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from registry.asking.naming import authorities, known_as, text_in_english
from registry.asking.standing import authority_named
from registry.ayra import AssuranceLevel, DidMethod, Metadata
from registry.identifiers import as_registered
from registry.known import Known
from registry.model import Authority
from wire import ResourceNotFound

TRQP_VERSION = "2.0"
DISCOVERY_PROFILE = "https://trustoverip.org/trqp/profiles/discovery/v1"
MAX_AUTHORITIES = 1_000  # that a document names
MAX_RATE = 100_000  # requests a second; the schema of TSPP knows no more
DAY_SECONDS = 86_400  # the longest life of a token that the schema of TSPP knows


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """
    What there is to say of a service beside its facts.

    Attributes:
        base_url: its public URL, without a slash at the end.
        did: its own.
        did_methods: those that it resolves, such as "did:web".
        freshness_seconds: how long an answer may be relied on where an authority does not say.
        requests_per_second, burst: what one client may ask, and how much of it at once.
    """

    base_url: str
    did: str
    did_methods: tuple[str, ...]
    freshness_seconds: int
    requests_per_second: int
    burst: int


class NamedAuthority(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An authority that is answered for, and its rules."""

    authority_id: str
    governance_framework_url: str


class EndpointMetadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    `/.well-known/trqp-metadata.json`.

    Attributes:
        authority_id: the first of `authorities`: ours, if we are one, else the one with the lowest id.
        authorities: our own member: all that are answered for, up to 1,000.
    """

    trqp_version: str
    authority_id: str
    trqp_endpoint_url: str
    query_types: tuple[str, ...]
    governance_framework_url: str
    discovery_profile: str
    authorities: list[NamedAuthority]


def endpoint_metadata(known: Known, service: Service, at: int) -> EndpointMetadata:
    """
    Return where TRQP is answered, and for whom.

    Raises:
        ResourceNotFound: for nobody yet.
    """
    found = _named_authorities(known, service, at)
    if not found:
        raise ResourceNotFound("this registry does not answer for any authority")
    return EndpointMetadata(
        trqp_version=TRQP_VERSION,
        authority_id=found[0].authority_id,
        trqp_endpoint_url=f"{service.base_url}/trqp",
        query_types=("authorization", "recognition"),
        governance_framework_url=found[0].governance_framework_url,
        discovery_profile=DISCOVERY_PROFILE,
        authorities=found,
    )


def security_profile(service: Service) -> dict[str, Any]:
    """
    Return the terms of TSPP.

    Some members are required there that fit no public registry: queries need no token (`auth.required`), an API key
    only raises the limits and lives longer than a day; nothing is signed, and `jwks_uri` is our DID document.
    """
    rate = min(max(1, service.requests_per_second), MAX_RATE)
    return {
        "profile": "TSPP-TRQP-0.1",
        "assurance_level": "AL1",
        "auth": {
            "required": False,
            "methods": ["bearer"],
            "max_token_ttl_seconds": DAY_SECONDS,
            "required_scopes": ["trqp.authorization.query", "trqp.recognition.query"],
        },
        "rate_limits": {
            "per_client_rps": rate,
            "per_ip_rps": rate,
            "burst": min(max(0, service.burst), MAX_RATE),
        },
        "freshness": {
            "max_staleness_seconds": service.freshness_seconds,
            "default_expires_seconds": service.freshness_seconds,
        },
        "context_allowlist": ["time", "known_at"],
        "signing": {
            "supported": False,
            "required_for_al2": False,
            "algorithms": [],
            "jwks_uri": f"{service.base_url}/.well-known/did.json",
            "canonicalization": {
                "json_canonicalization": "RFC8785",
                "unicode_normalization": "none",
                "context_keys_included_in_hash": [],
            },
        },
        "recognition_policy": {
            "scoped_required": True,
            "expiry_required": False,
            "transitive_default": False,
            "max_chain_depth": 0,
        },
        "transparency": {"service_docs_uri": f"{service.base_url}/docs"},
    }


def metadata(known: Known, service: Service, authority_id: str | None, at: int) -> Metadata:
    """
    Return what the Ayra profile reads of a registry: of one authority, or of the registry as a whole.

    Raises:
        AuthorityNotFound: there is no such authority at that time.
    """
    if authority_id is not None:
        authority = authority_named(known, as_registered(authority_id), at).fact
        return _metadata_of(known, service, authority, authority_id)
    answered = _named_authorities(known, service, at)
    only = answered[0] if len(answered) == 1 else None
    return Metadata(
        id=service.did,
        name=f"Trust registry of {service.did}",
        description=f"Answers for {len(answered)} {'authority' if only else 'authorities'}",
        authority_id=UNSET if only is None else only.authority_id,
        governance_framework_id=UNSET if only is None else only.governance_framework_url,
        controllers=(service.did,),
        supported_did_methods=service.did_methods,
    )


def did_methods(known: Known, service: Service, authority_id: str | None, at: int) -> list[DidMethod]:
    """
    Return the DID methods that are resolved: the same for each authority.

    Raises:
        AuthorityNotFound: there is no such authority at that time.
    """
    if authority_id is not None:
        authority_named(known, as_registered(authority_id), at)
    about = UNSET if authority_id is None else authority_id
    return [DidMethod(identifier=each, authority_id=about) for each in service.did_methods]


def assurance_levels(known: Known, authority_id: str | None, at: int) -> list[AssuranceLevel]:
    """
    Return the levels of assurance: the facts have none.

    Raises:
        AuthorityNotFound: there is no such authority at that time.
    """
    if authority_id is not None:
        authority_named(known, as_registered(authority_id), at)
    return []


def _metadata_of(known: Known, service: Service, authority: Authority, asked: str) -> Metadata:
    entity = known.entity(authority.id)
    assert entity is not None, "an authority is an entity besides"
    name, described = text_in_english(entity.fact.names), text_in_english(entity.fact.description)
    return Metadata(
        id=service.did,
        name=name,
        description=described or f"The authority {name}",
        authority_id=asked,
        governance_framework_id=authority.governance_framework,
        controllers=(asked,),
        supported_did_methods=service.did_methods,
    )


def _named_authorities(known: Known, service: Service, at: int) -> list[NamedAuthority]:
    """Return the authorities that have a name in the world: ours first, then by id."""
    found: list[NamedAuthority] = []
    for authority in authorities(known, at):
        identifier = known_as(known, authority.id, at)
        if identifier is not None and len(found) < MAX_AUTHORITIES:
            url = authority.governance_framework
            found.append(NamedAuthority(authority_id=identifier, governance_framework_url=url))
    return sorted(found, key=lambda each: each.authority_id != service.did)
