"""
Which content coding a client takes, and an answer in it. Pure.

RFC 9110, section 12.5.3 (Accept-Encoding). We offer two: `gzip`, where bytes were compressed once, and `identity`.
"""

import re
from functools import lru_cache

import msgspec

from wire.answer import Answer

GZIP = "gzip"
ACCEPT_ENCODING = "accept-encoding"

MAX_CHARS = 256  # characters; who sends more gets no coding

_CODING = re.compile(
    r"\s*+([!#$%&'*+.^_`|~0-9A-Za-z-]++)\s*+(?:;\s*+[qQ]\s*+=\s*+(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?\s*+"
)


def wants_gzip(accept_encoding: str) -> bool:
    """
    Tell whether gzip is what an Accept-Encoding header wants, at least as much as no coding.

    A client that says nothing gets no coding; nor does one whose header cannot be read, since that is always taken.
    """
    return len(accept_encoding) <= MAX_CHARS and _prefers_gzip(accept_encoding)


@lru_cache(maxsize=1_024)
def _prefers_gzip(accept_encoding: str) -> bool:
    weights: dict[str, float] = {}
    for part in accept_encoding.split(","):
        found = _CODING.fullmatch(part)
        if found is None:
            if part.strip():
                return False
            continue
        weights[found[1].lower()] = float(found[2] or 1)
    gzip = weights.get(GZIP, weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def coded(answer: Answer, accept_encoding: str | None) -> Answer:
    """
    Return an answer in the coding that the client wants, of those that it has.

    The tag of compressed bytes is another one: they are another representation (RFC 9110, section 8.8.3.3).
    """
    if answer.gzip is None:
        return answer
    plain = msgspec.structs.replace(answer, gzip=None, vary=(*answer.vary, ACCEPT_ENCODING))
    if accept_encoding is None or not wants_gzip(accept_encoding):
        return plain
    return msgspec.structs.replace(
        plain,
        body=answer.gzip,
        etag=None if answer.etag is None else f'{answer.etag[:-1]}-{GZIP}"',
        headers=(*answer.headers, ("content-encoding", GZIP)),
    )
