"""
What a source says, from the bytes that were fetched. Pure.
"""

import hashlib
from collections.abc import Callable
from functools import partial

import msgspec

from registry.imports.anchors import placed_anchors
from registry.imports.lote.meaning import ListMeaning, meaning_of
from registry.imports.lote.reading import Seen, read_list
from registry.imports.lote.signature import read_list_anchors, verify_list
from registry.imports.terms import Since, Terms
from registry.sources.model import AnchorSource, ListSource, Source


class ReadSource(msgspec.Struct, frozen=True):
    """
    A source that may be relied on.

    Attributes:
        begun: when began what it gives no time for; microseconds since 1970.
        until: until when what it says holds.
        sha256: hex digest of what it says.
        seen: None where it has no number.
        meaning: what it says; raises RegistryFileError.
    """

    begun: int
    until: int
    sha256: str
    seen: Seen | None
    meaning: Callable[[Since], ListMeaning]


def read_source(
    source: Source, data: bytes, *, now: int, last: Seen | None, holds_until: int | None = None
) -> ReadSource:
    """
    Read what was fetched.

    Args:
        holds_until: until when what it said before holds, in microseconds since 1970.

    Raises:
        ListRefused: as `verify_list` and `read_list`.
        MalformedCertificate: the anchors are none.
        RegistryFileError: as `read_list`.
    """
    if isinstance(source, ListSource):
        return _read_list(source, data, now, last)
    until = _renewed(holds_until or 0, now, source.vouched_seconds * 1_000_000)
    return ReadSource(now, until, hashlib.sha256(data).hexdigest(), None, partial(_anchors, source, data))


def _renewed(holds_until: int, now: int, span: int) -> int:
    """
    Return until when what has no end of its own holds: as before, while half of the span is left.

    Each renewal is a revision of the authority, at which whoever edits that would have to look again.
    """
    return holds_until if now + span // 2 <= holds_until <= now + span else now + span


def _read_list(source: ListSource, data: bytes, now: int, last: Seen | None) -> ReadSource:
    signed = verify_list(data, read_list_anchors(source.anchors.encode()), now=now)
    current = read_list(signed, now=now, last=last)
    meaning = partial(meaning_of, current, source.terms())
    return ReadSource(current.issued_at, current.next_update, current.seen.sha256, current.seen, meaning)


def _anchors(source: AnchorSource, data: bytes, since: Since) -> ListMeaning:
    terms = Terms(source.authority_id, source.rights)
    return ListMeaning(tuple(placed_anchors(data, terms, since)), ())
