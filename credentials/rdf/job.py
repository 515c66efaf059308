"""
What the process for RDF is asked, and what it answers: messages with their length in front. Pure.
"""

from typing import Any

import msgspec

from proofs import JsonObject, TransformationFailed, UnsupportedCryptosuite

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 16_777_216  # 16 MiB; a document has 1 MiB, and may be thrice that in N-Quads


class Job(msgspec.Struct, frozen=True):
    """
    Attributes:
        options: of the proof, with the document's `@context`.
        document: without its proof.
        hash_name: "sha256" or "sha384".
    """

    options: JsonObject
    document: JsonObject
    hash_name: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """The canonical options and the canonical document."""

    options: bytes
    document: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why there are none; `is_unsupported`: they may be good, and we cannot tell."""

    detail: str
    pointer: str | None
    is_unsupported: bool

    @property
    def error(self) -> TransformationFailed | UnsupportedCryptosuite:
        kind = UnsupportedCryptosuite if self.is_unsupported else TransformationFailed
        return kind(self.detail, pointer=self.pointer)


Outcome = Done | Refused

_encoder = msgspec.json.Encoder()


def message(body: Any) -> bytes:
    """
    Return a Job, or an Outcome, as it goes over the wire.

    Raises:
        TransformationFailed: a string has a lone surrogate, which UTF-8 cannot write.
    """
    try:
        encoded = _encoder.encode(body)
    except UnicodeEncodeError:
        raise TransformationFailed("the document has no canonical N-Quads: a lone surrogate") from None
    return len(encoded).to_bytes(LENGTH_BYTES) + encoded


def length_of(head: bytes) -> int:
    """Return how many bytes follow; raises ValueError: too many."""
    length = int.from_bytes(head)
    if length > MAX_MESSAGE_BYTES:
        raise ValueError("a message over the limit")
    return length


read_job = msgspec.json.Decoder(Job).decode
read_outcome: Any = msgspec.json.Decoder(Outcome).decode
