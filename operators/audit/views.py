"""
The audit trail as others see it: the line of a row, a page of rows, the signed head. Pure.

A line is JSON. Without its digest it says exactly what the digest covers, so that whoever has the lines can compute
the chain (docs/audit.md has it in ten lines of Python).
"""

from base64 import b64decode, b64encode
from typing import Annotated, Any

import msgspec

from storage import SealedRow
from storage.audit import AuditRow
from wire import JsonError, decode, encode

MAX_LINE_BYTES = 16_777_216  # 16 MiB; the detail of a restore names each anchor of what was lost
Position = Annotated[int, msgspec.Meta(ge=1, le=2**62)]


class AuditLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One sealed row, of exports, pages and pushes.

    Attributes:
        digest: SHA-256 over the digest of the row before and all other members; base64, as in an anchor.
        at: microseconds since 1970.
        actor: the id of the principal, or of a part of the server that acts by itself.
    """

    position: Position
    digest: Annotated[str, msgspec.Meta(max_length=44)]
    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]

    def sealed(self) -> SealedRow:
        """Return the row with what its digest covers."""
        row = AuditRow(self.id, self.at, self.actor, self.action, self.subject, self.detail)
        return SealedRow(self.position, b64decode(self.digest), row)


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Rows in the order of their positions; a page may have none of those asked for, and go on.

    Attributes:
        head: the position of the newest row of all.
        next: the `after` of the next page; absent at the end.
    """

    rows: tuple[AuditLine, ...]
    head: int
    next: int | None = None


class AnchorView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    The head of the chain as it was signed.

    Attributes:
        note: the signed note (https://c2sp.org/signed-note), to be kept as it is.
        key: the key that verifies it, in the form of the same specification.
    """

    position: int
    digest: str
    signed_at: str
    note: str
    key: str


def line_of(entry: SealedRow) -> AuditLine:
    return AuditLine(
        position=entry.position,
        digest=b64encode(entry.digest).decode(),
        **msgspec.structs.asdict(entry.row),
    )


def encode_line(line: AuditLine) -> bytes:
    """Return the line of an export, with its newline."""
    return encode(line) + b"\n"


def read_line(text: bytes) -> AuditLine:
    """
    Read a line of an export.

    Raises:
        JsonError: it is none, or has a member that its digest would not cover.
    """
    line = decode(text, AuditLine, max_bytes=MAX_LINE_BYTES, max_values=None)
    try:
        digest = b64decode(line.digest, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise JsonError("expected 32 bytes in base64", "/digest")
    return line
