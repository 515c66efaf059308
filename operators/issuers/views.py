"""
What operators ask about issuers and their keys, and what they are shown: the Structs of routes and commands. Pure.
"""

from typing import Any, Literal

import msgspec

from operators.issuers.keys import IssuerKey, KeyState
from operators.model import Issuer
from wire import format_utc

Custody = Literal["file", "pkcs11"]
AlgorithmName = Literal["Ed25519", "P-256", "P-384"]
JsonObject = dict[str, Any]


class CreateIssuer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """
    A new issuer. Without `did` we host its document and make its first key and a spare one; `algorithm` (Ed25519
    unless it is stated) and `custody` (file) are theirs. One with a `did` has no keys yet, hence neither.
    """

    id: str
    did: str | None = None
    owner: str = ""
    algorithm: AlgorithmName | None = None
    custody: Custody | None = None


class AddKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A new key for an issuer; without `algorithm` or `custody` as the key that signs, or signed last."""

    algorithm: AlgorithmName | None = None
    custody: Custody | None = None


class CompromiseKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`since`, such as 2026-11-30T00:00:00Z: what the key signed from then on is not to be believed; or: now."""

    since: str | None = None


class IssuerKeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    A key as operators see it.

    Attributes:
        key: its id; no other key of the issuer ever has it.
        activates_at: from when it signs, where somebody planned that.
        leaves_document_at: of a retired key, when the last that it signed has ended.
        certificates: its chain, PEM.
        verification_methods: as they stand in the issuer's DID document, or shall: the same key twice, as Multikey
            and as JsonWebKey.
    """

    issuer_id: str
    key: str
    state: KeyState
    custody: str
    purpose: str
    announced_at: str
    algorithm: str | None = None
    activates_at: str | None = None
    activated_at: str | None = None
    retired_at: str | None = None
    leaves_document_at: str | None = None
    compromised_since: str | None = None
    certificates: str | None = None
    verification_methods: tuple[JsonObject, ...] = ()


class IssuerView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An issuer; `hosted`: we serve its DID document. Its keys are in the order in which they were announced."""

    id: str
    did: str
    hosted: bool
    owner: str
    keys: tuple[IssuerKeyView, ...]


class IssuerPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some issuers in the order of their ids; `next`, where there may be more: the `after` of the next page."""

    issuers: tuple[IssuerView, ...]
    next: str | None = None


def key_view(key: IssuerKey, methods: tuple[JsonObject, ...]) -> IssuerKeyView:
    """Return a key as operators see it."""
    leaves_at = key.signed_until or key.retired_at if key.state is KeyState.RETIRED else None
    return IssuerKeyView(
        issuer_id=key.issuer_id,
        key=key.key_id,
        state=key.state,
        custody=key.custody,
        purpose=key.purpose,
        algorithm=key.algorithm,
        announced_at=format_utc(key.announced_at),
        activates_at=_time(key.activates_at if key.state is KeyState.ANNOUNCED else None),
        activated_at=_time(key.activated_at),
        retired_at=_time(key.retired_at),
        leaves_document_at=_time(leaves_at),
        compromised_since=_time(key.compromised_since),
        certificates=key.certificates,
        verification_methods=methods,
    )


def issuer_view(issuer: Issuer, hosted: bool, keys: tuple[IssuerKeyView, ...]) -> IssuerView:
    return IssuerView(id=issuer.id, did=issuer.did, hosted=hosted, owner=issuer.owner, keys=keys)


def _time(at: int | None) -> str | None:
    return None if at is None else format_utc(at)
