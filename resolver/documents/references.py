"""
URI references: parts, resolution against a base, and what a path means once fully decoded. Pure.

RFC 3986, section 5. Nothing is repaired: what the grammar forbids has been refused before it comes here.
"""

import re
from urllib.parse import unquote

import msgspec

# RFC 3986, appendix B: any text has these parts.
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)

_MAX_DECODINGS = 4  # rounds; nobody encodes a path five times and means well


class Reference(msgspec.Struct, frozen=True):
    """A URI reference in its parts, each still percent-encoded; None where a part is absent."""

    scheme: str | None
    authority: str | None
    path: str
    query: str | None
    fragment: str | None

    def __str__(self) -> str:
        """Return the reference as text (section 5.3)."""
        scheme = "" if self.scheme is None else f"{self.scheme}:"
        authority = "" if self.authority is None else f"//{self.authority}"
        query = "" if self.query is None else f"?{self.query}"
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{scheme}{authority}{self.path}{query}{fragment}"


def parse_reference(text: str) -> Reference:
    """Return the parts of `text`; it is not checked against the grammar."""
    found = _PARTS.fullmatch(text)
    assert found is not None, "the pattern matches any text"
    return Reference(found[1], found[2], found[3], found[4], found[5])


def resolved_reference(base: Reference, relative: Reference) -> Reference:
    """Return what `relative` names, seen from `base` (section 5.2.2, the strict form)."""
    if relative.scheme is not None:
        return msgspec.structs.replace(relative, path=without_dot_segments(relative.path))
    if relative.authority is not None:
        path, query, authority = relative.path, relative.query, relative.authority
        return Reference(base.scheme, authority, without_dot_segments(path), query, relative.fragment)
    if not relative.path:
        query = base.query if relative.query is None else relative.query
        return msgspec.structs.replace(base, query=query, fragment=relative.fragment)
    path = relative.path if relative.path.startswith("/") else _merged(base, relative.path)
    return Reference(
        base.scheme, base.authority, without_dot_segments(path), relative.query, relative.fragment
    )


def without_dot_segments(path: str) -> str:
    """Return `path` without "." and ".." segments (section 5.2.4); ".." above the root is dropped."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            # The first item stands for what is before the first slash: it is not a segment to go up from.
            del kept[max(1, len(kept) - 1) :]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def fully_decoded(path: str) -> str | None:
    """
    Return `path` percent-decoded until nothing is left to decode, or None after `_MAX_DECODINGS` rounds.

    For judging a path as the least careful server may read it, never for sending it.
    """
    if "%" not in path:
        return path
    for _ in range(_MAX_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            return path
        path = decoded
    return None


def _merged(base: Reference, path: str) -> str:
    """Section 5.2.3."""
    if base.authority is not None and not base.path:
        return f"/{path}"
    return base.path.rpartition("/")[0] + ("/" if "/" in base.path else "") + path
