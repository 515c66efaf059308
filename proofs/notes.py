"""
Signed notes (https://c2sp.org/signed-note, v1.0.0): a text for machines, and under it who signed it. Pure.

    note      = text "\\n" 1*signature-line          ; `text` ends with a newline
    signature = "— " name " " base64(key ID || signature) "\\n"
    key       = name "+" hex(key ID) "+" base64(type || public key)

That is for Ed25519 (type 0x01) and P-256 (0x02: ECDSA over SHA-256, in DER; its key ID is taken of the key alone).
Nobody has assigned a type to P-384 with SHA-384, so ours is 0xff with a long name, as the specification advises.

Keys that sign notes here sign other things too. Nothing that is signed as one can be taken for another: a note is
UTF-8 without control characters, and has a newline. A JWS has no newline; a Data Integrity proof, COSE and X.509
sign bytes that are no such text.

By name (`from proofs.notes import ...`): few processes handle notes.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from proofs.algorithms import Algorithm, PublicKey, algorithm_of, in_der, is_signature
from proofs.errors import MalformedProof, ProofInvalid
from proofs.signing import Signer

MAX_NOTE_BYTES = (
    262_144  # 256 KiB; 16 signatures must be taken, and one can have 5 kB once it is post-quantum
)
MAX_SIGNATURES = 32
MAX_NOTE_KEY_CHARS = 1_024  # characters; a DID URL and a key
MAX_SIGNED_BYTES = 8_192  # of one signature
_ID_BYTES = 4
_PREFIX = "— "  # U+2014
_TYPES = {
    Algorithm.ED25519: b"\x01",
    Algorithm.P256: b"\x02",
    Algorithm.P384: b"\xffECDSA P-384 with SHA-384",
}


class NoteKey(msgspec.Struct, frozen=True):
    """A key that signs notes under a name; the name is of its owner's choice, and nobody vouches for it."""

    name: str
    public_key: PublicKey

    @property
    def key_id(self) -> bytes:
        """The four bytes that a signature names the key by; too few to be trusted instead of it."""
        encoded = _encoded(self.public_key)
        if algorithm_of(self.public_key) is not Algorithm.P256:
            encoded = self.name.encode() + b"\n" + _type_of(self.public_key) + encoded
        return hashlib.sha256(encoded).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as others are given it to verify with."""
        encoded = b64encode(_type_of(self.public_key) + _encoded(self.public_key)).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


class NoteSignature(msgspec.Struct, frozen=True):
    """A signature as read: not verified."""

    name: str
    key_id: bytes
    signature: bytes


class Note(msgspec.Struct, frozen=True):
    """A note as read: nothing about it is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


def sign_note(text: str, name: str, signer: Signer) -> bytes:
    """
    Return the note of `text`, signed under `name`.

    Raises:
        ValueError: a text or a name that no note can have.
        SignerAway: the signer cannot sign just now.
    """
    if not _is_text(text) or not text.endswith("\n") or not _is_name(name):
        raise ValueError(
            "expected a text of whole lines without control characters, and a name without spaces"
        )
    raw = signer.sign(text.encode())
    signature = in_der(raw) if signer.algorithm is Algorithm.P256 else raw
    named = NoteKey(name, signer.public_key).key_id + signature
    return f"{text}\n{_PREFIX}{name} {b64encode(named).decode()}\n".encode()


def read_note(body: bytes) -> Note:
    """
    Take a note apart.

    Raises:
        MalformedProof: it is none, or over `MAX_NOTE_BYTES` or `MAX_SIGNATURES`.
    """
    if len(body) > MAX_NOTE_BYTES:
        raise MalformedProof(f"a note may have {MAX_NOTE_BYTES} bytes; this one has more")
    try:
        whole = body.decode()
    except UnicodeDecodeError:
        raise MalformedProof("a note is UTF-8; this one is not") from None
    text, blank, rest = whole.rpartition("\n\n")
    if not blank or not rest.endswith("\n") or not _is_text(whole):
        raise MalformedProof(
            "expected a text, an empty line, and lines of signatures, without control characters"
        )
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedProof(f"a note may have {MAX_SIGNATURES} signatures; this one has {len(lines)}")
    return Note(text + "\n", tuple(map(_read_signature, lines)))


def verify_note(body: bytes, keys: Iterable[NoteKey]) -> str:
    """
    Return the text of a note that one of `keys` signed; signatures of other keys are passed over.

    Raises:
        MalformedProof: as `read_note`.
        ProofInvalid: none of `keys` signed it, or what names one of them is no signature of that key.
    """
    known = {(key.name, key.key_id): key for key in keys}
    note = read_note(body)
    claimed = [(known.get((one.name, one.key_id)), one.signature) for one in note.signatures]
    found = [(key, signature) for key, signature in claimed if key is not None]
    if not found:
        raise ProofInvalid("none of the expected keys signed this note")
    for key, signature in found:
        if not _is_signed(note.text.encode(), key.public_key, signature):
            raise ProofInvalid(f"what is said to be a signature of {key.name} is none")
    return note.text


def read_note_key(text: str) -> NoteKey:
    """
    Read a key as others are given it; space around it does not count.

    Raises:
        MalformedProof: it is none, its ID is another key's, or it is of a type that signs no notes here.
    """
    parts = text.strip().split("+", 2) if len(text) <= MAX_NOTE_KEY_CHARS else []
    if len(parts) != 3 or not _is_name(parts[0]) or not _is_text(parts[0]):
        raise MalformedProof("expected a key of the form <name>+<key id>+<base64>")
    key = NoteKey(parts[0], _read_public_key(_read_base64(parts[2])))
    if key.text != text.strip():
        raise MalformedProof(
            "the key is not the one that its id names, or is written in another way than ours"
        )
    return key


def _read_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not line.startswith(_PREFIX) or not space or not _is_name(name):
        raise MalformedProof("expected lines of the form — <key name> <base64>, below the last empty line")
    signed = _read_base64(encoded)
    if not _ID_BYTES < len(signed) <= MAX_SIGNED_BYTES:
        raise MalformedProof(f"a signature has {_ID_BYTES + 1} to {MAX_SIGNED_BYTES} bytes, with its key ID")
    return NoteSignature(name, signed[:_ID_BYTES], signed[_ID_BYTES:])


def _read_base64(text: str) -> bytes:
    """Read base64 with its padding, in the one way to write it (RFC 4648, section 3.5)."""
    try:
        found = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if b64encode(found).decode() != text:
        raise MalformedProof("expected base64 with its padding")
    return found


def _read_public_key(typed: bytes) -> PublicKey:
    algorithm = next((name for name, prefix in _TYPES.items() if typed.startswith(prefix)), None)
    try:
        if algorithm is None:
            raise MalformedProof("expected a key of Ed25519, P-256, or P-384 as we write it")
        encoded = typed.removeprefix(_TYPES[algorithm])
        if algorithm is Algorithm.ED25519:
            return Ed25519PublicKey.from_public_bytes(encoded)
        if len(encoded) > 128:  # bytes; P-384 has 120. What another key costs to load nobody knows.
            raise MalformedProof("the key is longer than one on its curve")
        key = load_der_public_key(encoded)
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedProof("the key cannot be read") from None
    if not isinstance(key, EllipticCurvePublicKey) or algorithm_of(key) is not algorithm:
        raise MalformedProof("the key is of another kind than its type says")
    return key


def _is_signed(text: bytes, public_key: PublicKey, signature: bytes) -> bool:
    if algorithm_of(public_key) is not Algorithm.P256:
        return is_signature(public_key, signature, text)
    try:
        numbers = decode_dss_signature(signature)
        raw = b"".join(number.to_bytes(32) for number in numbers)
    except (ValueError, OverflowError):
        return False
    return is_signature(public_key, raw, text)


def _type_of(public_key: PublicKey) -> bytes:
    return _TYPES[algorithm_of(public_key)]


def _encoded(public_key: PublicKey) -> bytes:
    if isinstance(public_key, Ed25519PublicKey):
        return public_key.public_bytes_raw()
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(char.isspace() for char in text)


def _is_text(text: str) -> bool:
    return all(char >= " " or char == "\n" for char in text)
