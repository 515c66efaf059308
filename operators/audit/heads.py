"""
The head of the audit chain as text that is signed, and rows verified against heads that were signed before. Pure.

    example.com/audit                               the origin: which log this is
    812                                             the position of the last row
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the digest of that row, base64

The lines of a checkpoint (https://c2sp.org/tlog-checkpoint), though the digest is that of a chain and not the root
of a Merkle tree: docs/divergences.md.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from itertools import pairwise

import msgspec

from proofs.errors import MalformedProof
from proofs.notes import NoteKey, verify_note
from storage import SealedRow
from storage.chain import Chain

# The origin has no control character and no space; a position has no leading zero; base64 of 32 bytes.
_TEXT = re.compile(r"([^\s\x00-\x1f]{1,512})\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n")


Keys = Callable[[], Iterable[NoteKey]]  # all that sign, or ever signed, for this log


class Head(msgspec.Struct, frozen=True):
    """The chain of `origin` had `position` rows, and this was the last digest."""

    origin: str
    position: int
    digest: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.position}\n{b64encode(self.digest).decode()}\n"


class AnchorContradicted(Exception):
    """The rows agree with one another, and not with a head that was signed."""


def read_head(text: str) -> Head:
    """
    Read the text of a note.

    Raises:
        MalformedProof: it is not that of a head of an audit chain.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise MalformedProof("expected three lines: an origin, a position, and a digest in base64")
    return Head(found[1], int(found[2]), b64decode(found[3]))


def signed_head(note: bytes, keys: Iterable[NoteKey]) -> Head:
    """
    Return the head that one of `keys` signed.

    Raises:
        MalformedProof: it is no note, or not of a head.
        ProofInvalid: none of `keys` signed it.
    """
    return read_head(verify_note(note, keys))


class Verification:
    """
    Rows, taken one by one, verified against one another and against heads that were signed.

    Rows may begin with the first one, or with that after a head: then the head vouches for what came before.

    Raises:
        AnchorContradicted: two heads differ, and are of one position.
    """

    def __init__(self, heads: Iterable[Head] = ()) -> None:
        self._heads = sorted(set(heads), key=lambda head: head.position)
        for one, other in pairwise(self._heads):
            if one.position == other.position:
                raise AnchorContradicted(f"two different heads were signed at position {one.position}")
        self._chain: Chain | None = None
        self._agreed = 0  # The position of the last head that the rows agree with.
        self.first = 0  # The position of the first row that was taken; 0: none yet.

    @property
    def chain(self) -> Chain:
        """Where the rows that were taken end."""
        return self._chain or Chain()

    def take(self, entry: SealedRow) -> None:
        """
        Go on to the next row.

        Raises:
            ChainBroken: it does not follow on the row before.
            AnchorContradicted: it does, and a head that was signed says that another row was here.
        """
        if self._chain is None:
            before = (head for head in self._heads if head.position == entry.position - 1)
            start = next(before, None)
            self._chain = Chain(start.position, start.digest) if start is not None else Chain()
        self._chain.take(entry)
        self.first = self.first or entry.position
        self._compare(self._chain)

    def end(self) -> None:
        """
        Say that there is no further row.

        Raises:
            AnchorContradicted: a head that was signed says that there is.
        """
        for head in self._heads:
            if head.position > self.chain.position:
                raise AnchorContradicted(
                    f"the last row is at position {self.chain.position}, and a head of {head.origin} was signed at"
                    f" position {head.position}: the end was cut off"
                )

    def _compare(self, chain: Chain) -> None:
        while self._heads and self._heads[0].position <= chain.position:
            head = self._heads.pop(0)
            if head.position == chain.position and head.digest != chain.digest:
                raise AnchorContradicted(
                    f"the row at position {head.position} is not the one whose digest was signed for {head.origin}:"
                    f" what stands after position {self._agreed} and up to {head.position} was rewritten"
                )
            self._agreed = head.position
