"""
A key of an issuer: what we know of it, and what follows from its state. Pure.

    announced -> active -> retired          compromised since T, from any of the three, and for ever

*Announced*: it stands in the issuer's DID document, so that verifiers learn it, and signs nothing yet; a *spare* is
an announced key that nobody has planned to activate. *Active*: it signs; of an issuer's keys one at most.
*Retired*: it signs no more, and stays in the document as long as anything that it signed is valid.
*Compromised*: it left the document at once.

A key id is the fragment of the key's verification method, and names one key for ever: it is made of the key itself.
Only keys that releases before 0.3 made have a number instead.

A key's *kind* is what holds it, and its algorithm. A spare key stands in for the active one only where it is of the
same kind: nobody moves an issuer out of its token, or to another algorithm, without saying so.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

import msgspec

ASSERTION = "assertionMethod"  # what all keys are for: Controlled Identifiers v1.0, section 2.3.2
FINGERPRINT_CHARS = 12  # of hexadecimal, 48 bits: an issuer has tens of keys
MAX_PUBLISHED = 50  # keys of an issuer in its document at once: 30 KB; resolvers stop at 256 KiB
FIRST_KIND = "file", "Ed25519"  # of the first key of an issuer, where nobody asks for another
ALGORITHM_BEFORE_0_3 = "Ed25519"  # of a key of which only the name is known yet


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
        made_as_spare: whether the server made it to stand in for another, and not because somebody asked for it.
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
    made_as_spare: bool = False

    @property
    def is_spare(self) -> bool:
        return self.state is KeyState.ANNOUNCED and self.activates_at is None

    @property
    def kind(self) -> tuple[str, str]:
        """What holds it, and its algorithm."""
        return self.custody, self.algorithm or ALGORITHM_BEFORE_0_3

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


def signed_last(keys: Iterable[IssuerKey]) -> IssuerKey | None:
    """Return the active key of an issuer, or else the one that was active last; None: none ever was."""
    signed = [key for key in keys if key.activated_at is not None]
    return max(signed, key=lambda key: (key.state is KeyState.ACTIVE, key.activated_at), default=None)


def successors(keys: Iterable[IssuerKey], like: IssuerKey | None) -> list[IssuerKey]:
    """Return the announced keys of an issuer: those of the kind of `like` first, and the longest known of each."""
    return sorted(announced_keys(keys), key=lambda key: like is not None and key.kind != like.kind)


def spare_keys(keys: Iterable[IssuerKey]) -> list[IssuerKey]:
    """Return the spare keys of an issuer that are of the kind of its active key; where none is active, all."""
    keys = list(keys)
    active = active_key(keys)
    return [key for key in keys if key.is_spare and (active is None or key.kind == active.kind)]


def left_behind(keys: Iterable[IssuerKey]) -> list[IssuerKey]:
    """
    Return the spare keys of the kind from which an issuer was moved, once it has a spare one of the new kind.

    Only those that the server made. What an operator announced is a plan, such as to move the issuer, or back.
    """
    keys = list(keys)
    active = active_key(keys)
    if active is None or not spare_keys(keys):
        return []
    return [key for key in keys if key.is_spare and key.made_as_spare and key.kind != active.kind]


def as_first(key: IssuerKey) -> IssuerKey:
    """Return the first key of an issuer, which is active from when it was announced."""
    return msgspec.structs.replace(key, state=KeyState.ACTIVE, activated_at=key.announced_at)


def as_spare(key: IssuerKey) -> IssuerKey:
    """Return a key that is made to stand in for another."""
    return msgspec.structs.replace(key, made_as_spare=True)
