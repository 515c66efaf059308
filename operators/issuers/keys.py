"""
A key of an issuer: what we know of it, and what follows from its state. Pure.

    announced -> active -> retired          compromised since T, from any of the three, and for ever

*Announced*: it stands in the issuer's DID document, so that verifiers learn it, and signs nothing yet; a *spare* is
an announced key that nobody has planned to activate. *Active*: it signs; of an issuer's keys one at most.
*Retired*: it signs no more, and stays in the document as long as anything that it signed is valid.
*Compromised*: it left the document at once.

A key id is the fragment of the key's verification method, and names one key for ever: it is made of the key itself.
Only keys that releases before 0.3 made have a number instead.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

import msgspec

ASSERTION = "assertionMethod"  # what all keys are for: Controlled Identifiers v1.0, section 2.3.2
FINGERPRINT_CHARS = 12  # of hexadecimal, 48 bits: an issuer has tens of keys


class KeyState(StrEnum):
    ANNOUNCED = "announced"
    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


class IssuerKey(msgspec.Struct, frozen=True, kw_only=True):
    """
    A row of `issuer_keys`; times in microseconds since 1970, None where it did not happen.

    Attributes:
        key_id: the fragment of its verification method.
        algorithm: a name of `proofs.Algorithm`, and `public_key` its SubjectPublicKeyInfo in DER (RFC 5280, section
            4.1.2.7); both None for a key of a release before 0.3 whose file nobody could read yet.
        purpose: the verification relationship that it is for.
        custody: what holds the private key, and `locator` where in it: "file" and a name in the key directory, or
            "pkcs11" and a URI (RFC 7512).
        certificates: its chain, PEM, leaf first and without the anchor; None: it has none.
        activates_at: when it shall become active at the earliest; None: nobody has planned it.
        compromised_since: what it signed from then on is not to be believed; `compromised_at`: when we were told.
        signed_until: the end of whatever it signed, up to an hour later; None: it signed nothing.
    """

    issuer_id: str
    key_id: str
    custody: str
    locator: str
    state: KeyState
    announced_at: int
    algorithm: str | None = None
    public_key: bytes | None = None
    purpose: str = ASSERTION
    certificates: str | None = None
    activates_at: int | None = None
    activated_at: int | None = None
    retired_at: int | None = None
    compromised_since: int | None = None
    compromised_at: int | None = None
    signed_until: int | None = None

    @property
    def is_spare(self) -> bool:
        return self.state is KeyState.ANNOUNCED and self.activates_at is None

    def is_published(self, now: int) -> bool:
        """Tell whether it belongs into the issuer's DID document at `now`, microseconds since 1970."""
        if self.state is KeyState.RETIRED:
            return self.signed_until is not None and self.signed_until > now
        return self.state in (KeyState.ANNOUNCED, KeyState.ACTIVE)


def key_id_of(public_key: bytes) -> str:
    """Return the id of a new key: of SHA-256 of its SubjectPublicKeyInfo, so that no other key gets it."""
    return f"key-{hashlib.sha256(public_key).hexdigest()[:FINGERPRINT_CHARS]}"


def active_key(keys: Iterable[IssuerKey]) -> IssuerKey | None:
    """Return the one key that signs, of the keys of one issuer."""
    return next((key for key in keys if key.state is KeyState.ACTIVE), None)


def announced_keys(keys: Iterable[IssuerKey]) -> list[IssuerKey]:
    """Return the keys of an issuer that may follow the active one, the longest known first."""
    waiting = [key for key in keys if key.state is KeyState.ANNOUNCED]
    return sorted(waiting, key=lambda key: (key.announced_at, key.key_id))


def as_first(key: IssuerKey) -> IssuerKey:
    """Return the first key of an issuer, which is active from when it was announced."""
    return msgspec.structs.replace(key, state=KeyState.ACTIVE, activated_at=key.announced_at)
