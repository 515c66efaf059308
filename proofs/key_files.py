"""
The files in which private keys rest. Pure but for what writes and reads them.

A key file is an Ed25519 (RFC 8410), P-256 or P-384 private key (RFC 5915) as PKCS#8 PEM (RFC 5958), not encrypted,
mode 0600. Its loss means that new lists need a new verification method; its disclosure, that anyone can un-revoke
in our name.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs.algorithms import Algorithm, PrivateKey, algorithm_of
from proofs.errors import KeyFileInvalid, KeyFileMissing, KeyFileUnsafe, ProofInvalid
from proofs.pem import read_pem

MAX_KEY_FILE_BYTES = 4_096  # bytes; ours have 119 (Ed25519), 241 (P-256) and 306 (P-384)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_key_file(path: Path, algorithm: Algorithm = Algorithm.ED25519) -> PrivateKey:
    """Make a new key and write it to `path`; as `new_key` and `write_key_file`."""
    private_key = new_key(algorithm)
    write_key_file(path, private_key)
    return private_key


def new_key(algorithm: Algorithm) -> PrivateKey:
    """Make a key."""
    if algorithm is Algorithm.ED25519:
        return Ed25519PrivateKey.generate()
    return generate_private_key(SECP256R1() if algorithm is Algorithm.P256 else SECP384R1())


def write_key_file(path: Path, private_key: PrivateKey) -> None:
    """
    Write a key to a new file; it is durable (file and directory synced) when this returns.

    A crash in between may leave an incomplete file, which `read_key_file` refuses.

    Raises:
        FileExistsError: there is something at `path`; it is not touched.
    """
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(path.parent)


def read_key_file(path: Path) -> PrivateKey:
    """
    Read the key at `path`.

    Raises:
        KeyFileMissing: there is no such file.
        KeyFileUnsafe: its group or others may read, write or execute it.
        KeyFileInvalid: not a regular file, too long, or not one Ed25519, P-256 or P-384 key, and no other block of
            PEM, as unencrypted PKCS#8 PEM.
        OSError: it cannot be read, for want of permission for example.
    """
    try:
        pem = read_private_file(path, max_bytes=MAX_KEY_FILE_BYTES)
    except FileNotFoundError:
        raise KeyFileMissing(f"{path}: no such key file; put it back from its backup") from None
    return _load_private_key(path, pem)


def read_private_file(path: Path, *, max_bytes: int) -> bytes:
    """
    Return what a file of mode 0600 holds; of one that is longer, one byte more than `max_bytes`.

    Raises:
        FileNotFoundError: there is no such file.
        KeyFileUnsafe, KeyFileInvalid: others may use it, or it is no regular file.
        OSError: as `read_key_file`.
    """
    # A pipe or a device must not hold us here until somebody writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _check_private_file(path, os.fstat(file.fileno()))
        return file.read(max_bytes + 1)


def _check_private_file(path: Path, status: os.stat_result) -> None:
    """Refuse what is not a private regular file; the open file is checked, so that nobody can swap it."""
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileInvalid(f"{path}: expected a regular file")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileUnsafe(f"{path}: mode {mode:04o} lets others at the key; run: chmod 600 {path}")


def _load_private_key(path: Path, pem: bytes) -> PrivateKey:
    if len(pem) > MAX_KEY_FILE_BYTES:
        raise KeyFileInvalid(f"{path}: over {MAX_KEY_FILE_BYTES} bytes, this is no key that signs here")
    try:
        ((label, _),) = read_pem(pem)  # Of several the parser would take the first.
        if label != "PRIVATE KEY":  # PKCS#8 (RFC 7468, section 10)
            raise ValueError(label)
        private_key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The parser's own message may quote the file.
        raise KeyFileInvalid(f"{path}: not one private key as unencrypted PKCS#8 PEM") from None
    try:
        algorithm_of(private_key)
    except ProofInvalid as error:
        raise KeyFileInvalid(f"{path}: {error}") from None
    assert isinstance(private_key, Ed25519PrivateKey | EllipticCurvePrivateKey)
    return private_key


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
