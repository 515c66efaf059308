"""
What a wallet holds, as the identifiers that may be registered of it. Pure.

A certificate speaks for whoever registered it, or one above it: what counts is a valid path to the registered one
(`x509.py`), never a name that whoever made it chose. The nearest comes first.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import read_certificate
from registry.asking.evaluation import EvaluationRequest, HeldIdentifier
from registry.asking.standing import Turns, entity_named, identifier_of, next_turn, turns_of_names
from registry.asking.x509 import Chain, read_chain, registered_ends
from registry.directory import Directory
from registry.identifiers import (
    IdentifierKind,
    as_registered,
    certificate_identifier,
    identifier_kind,
    key_identifier,
)
from registry.known import Revision
from registry.model import Entity, Identifier, covers
from wire import MalformedBody

_X509_HASH = "x509_hash:"
_DIGEST = "base64url of a SHA-256, 43 characters"
_KINDS: dict[str, tuple[tuple[IdentifierKind, ...], str]] = {
    "did": (("did",), "a DID"),
    "iss": (("https", "did"), "an https URL without query and fragment, or a DID"),
    "ni": (("ni",), f"ni:///sha-256; and {_DIGEST}"),
    "x509_hash": (("ni",), _DIGEST),
}
MAX_CANDIDATES = 100  # registered certificates that a chain is looked at for; key identifiers may be forged


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """
    What to look for.

    Attributes:
        identifiers: in canonical form, the nearest first; none where `fault` is why.
        all: those, and of what else is held: if somebody registered one as compromised, it counts.
        is_part: of a chain of certificates, and one above what is held may be registered.
        until: until when this holds, in microseconds since 1970, as far as it is known; None: no end known.
    """

    identifiers: tuple[HeldIdentifier, ...]
    all: tuple[str, ...]
    is_part: bool = False
    fault: str | None = None
    until: int | None = None


def held_by(known: Directory, request: EvaluationRequest, at: int) -> Held:
    """
    Return what a question names, at a time in microseconds since 1970.

    Raises:
        MalformedBody: it is not what its member is for; `pointer` names that.
    """
    if request.x5c is not None:
        return _chain(known, request.x5c, at)
    value = _value(request)
    return Held(identifiers=(HeldIdentifier(value=value),), all=(value,), is_part=value.startswith("ni:"))


def candidates_above(known: Directory, ders: Sequence[bytes], at: int) -> list[bytes]:
    """Return the registered certificates that a chain may lead to; [] where it is none."""
    try:
        chain = read_chain([base64.b64encode(der).decode() for der in ders])
    except MalformedCertificate:
        return []
    return list(dict.fromkeys(_registered(known, chain, at)))[:MAX_CANDIDATES]


def candidates_of(known: Directory, name: str, ders: Sequence[bytes], at: int) -> list[bytes]:
    """
    Return those of `candidates_above` that are registered for whoever has a name at that time.

    None where anybody knows the key, or a certificate of the chain, to be compromised; nor one that is known to be.
    Since when does not count: whoever has such a key can write any time.
    """
    found = candidates_above(known, ders, at)
    entity = _entity_called(known, name, at) if found else None
    if entity is None:
        return []
    chain = read_chain([base64.b64encode(der).decode() for der in ders])
    if any(_is_compromised(known, each, at) for each in (*chain.identifiers, chain.key)):
        return []
    names = [(der, certificate_identifier(der)) for der in found]
    return [
        der
        for der, its in names
        if identifier_of(entity.fact, its, at) is not None and not _is_compromised(known, its, at)
    ]


def compromises(known: Directory, value: str, at: int) -> Iterator[tuple[int, Revision[Entity]]]:
    """
    Yield since when an identifier is compromised, and who says so.

    What names a key or a certificate names the same one for ever: it counts though it is nobody's any more. A DID
    or an https URL is as good as the keys that it has at the time.
    """
    is_lasting = identifier_kind(value) in ("ni", "jwk-thumbprint")
    for entity in known.entities_named(value):
        is_there = covers(entity.fact.valid_from, entity.fact.valid_until, at)
        for each in entity.fact.identifiers:
            is_open = is_there and covers(each.valid_from, each.valid_until, at)
            if each.value == value and each.compromised_since is not None and (is_lasting or is_open):
                yield each.compromised_since, entity


def _is_compromised(known: Directory, value: str, at: int) -> bool:
    return any(True for _ in compromises(known, value, at))


def _entity_called(known: Directory, name: str, at: int) -> Revision[Entity] | None:
    """Return the entity that has a name, spelled in whichever way; None of a name that cannot be registered."""
    try:
        return entity_named(known, as_registered(name), at)
    except ValueError:
        return None


def _value(request: EvaluationRequest) -> str:
    if request.jwk is not None:
        try:
            return key_identifier(request.jwk)
        except ValueError as error:
            raise MalformedBody(f"`jwk`: {error}", pointer="/jwk") from None
    text = request.x509_hash
    given = {
        "did": request.did,
        "iss": request.iss,
        "ni": request.ni,
        "x509_hash": text and _X509_HASH + text.removeprefix(_X509_HASH),
    }
    return next(_of_kind(member, text) for member, text in given.items() if text is not None)


def _of_kind(member: str, text: str) -> str:
    kinds, expected = _KINDS[member]
    why = ""
    try:
        if identifier_kind(text) in kinds:
            return as_registered(text)
    except ValueError as error:
        why = f": {error}" if text.startswith("did:") else ""
    raise MalformedBody(f"`{member}`: expected {expected}{why}", pointer=f"/{member}")


def _chain(known: Directory, x5c: list[str], at: int) -> Held:
    try:
        chain = read_chain(x5c)
    except MalformedCertificate as error:
        raise MalformedBody(f"`x5c`: {error.detail}", pointer="/x5c") from None
    registered, fault = list(dict.fromkeys(_registered(known, chain, at)))[:MAX_CANDIDATES], None
    ends: tuple[HeldIdentifier, ...] = ()
    try:
        found = registered_ends(chain, registered, at)
        ends = tuple(HeldIdentifier(value=e.identifier, path=e.path, revocation=e.revocation) for e in found)
    except (CertificateInvalid, MalformedCertificate) as error:
        fault = error.detail
    if entity_named(known, chain.key, at) is not None:
        place = sum(
            len(end.path) == 1 for end in ends
        )  # After the certificate itself, before those above it.
        ends = (*ends[:place], HeldIdentifier(value=chain.key), *ends[place:])
    return Held(
        identifiers=ends,
        all=(*chain.identifiers, chain.key, *(end.value for end in ends)),
        is_part=not ends and _is_named_above(known, chain, at),
        fault=fault if registered else None,
        until=next_turn([*_turns(known, chain), *_turns_of((*chain.certificates, *registered))], at),
    )


def _registered(known: Directory, chain: Chain, at: int) -> Iterator[bytes]:
    """Yield the certificates that are registered at a time and may be on a path."""
    for der, identifier in zip(chain.certificates, chain.identifiers, strict=True):
        if entity_named(known, identifier, at) is not None:
            yield der
    for key_id in sorted(chain.key_ids):
        for found in known.entities_with_key_id(key_id):
            if covers(found.fact.valid_from, found.fact.valid_until, at):
                yield from _certificates(found.fact.identifiers, key_id, at)


def _is_named_above(known: Directory, chain: Chain, at: int) -> bool:
    """Tell whether there may be one above a chain of which the registry has nothing but the digest."""
    return any(
        each.ski in chain.key_ids
        and each.certificate is None
        and each.value not in chain.identifiers
        and covers(each.valid_from, each.valid_until, at)
        for key_id in chain.key_ids
        for found in known.entities_with_key_id(key_id)
        for each in found.fact.identifiers
    )


def _certificates(identifiers: tuple[Identifier, ...], key_id: str, at: int) -> Iterator[bytes]:
    for each in identifiers:
        if each.ski == key_id and each.certificate and covers(each.valid_from, each.valid_until, at):
            yield base64.b64decode(each.certificate)


def _turns(known: Directory, chain: Chain) -> Turns:
    """Return the times at which what a chain holds, or may lead to, begins or ceases to be somebody's."""
    turns: Turns = []
    for value in (*chain.identifiers, chain.key):
        turns += turns_of_names(known.entities_named(value), value)
    for key_id in chain.key_ids:
        for found in known.entities_with_key_id(key_id):
            for value in {each.value for each in found.fact.identifiers if each.ski == key_id}:
                turns += turns_of_names((found,), value)
    return turns


def _turns_of(ders: Iterable[bytes]) -> Turns:
    """Return when certificates begin and end."""
    turns: Turns = []
    for der in dict.fromkeys(ders):
        with suppress(MalformedCertificate):  # A registered one; it leads nowhere.
            found = read_certificate(der)
            times = (found.not_valid_before_utc, found.not_valid_after_utc)
            turns += [int(each.timestamp()) * 1_000_000 for each in times]
    return turns
