"""
Requests as idempotency keys remember them: by a hash, from which what is guessed could be told. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from statuslist.entries.requests import FORM_OF, Allocate, NamedEntry
from statuslist.formats.forms import TOKEN_FORMS

N = TypeVar("N", bound=NamedEntry)


def without_references(request: Allocate, digests: Mapping[str, bytes]) -> Allocate:
    """
    Return a request with the digests of its references in their place.

    Of one without references it is what release 0.2 remembered, so that a retry may cross the upgrade.
    """
    plain = request.wanted_format if FORM_OF[request.wanted_format] not in TOKEN_FORMS else None
    return msgspec.structs.replace(
        request,
        media_type=plain,
        format=msgspec.UNSET if plain else request.format,
        references=tuple(digest.hex() for digest in digests.values()) or msgspec.UNSET,
    )


def without_names(named: Sequence[N], digests: Mapping[str, bytes]) -> tuple[N, ...]:
    """Return entries as a request names them, with the digests of references in their place."""
    return tuple(
        msgspec.structs.replace(one, reference=digests[one.reference].hex())
        if isinstance(one.reference, str)
        else one
        for one in named
    )
