"""
The keys that sign for us, and the files they rest in. Pure but for `create_key_file` and `read_key_file`.

A key file is an Ed25519 private key as PKCS#8 PEM (RFC 8410, RFC 5958), not encrypted, mode 0600. Its loss
means that new lists need a new verification method; its disclosure, that anyone can un-revoke in our name.
"""

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proofs.errors import KeyFileInvalid, KeyFileMissing, KeyFileUnsafe

MAX_KEY_FILE_BYTES = 4_096  # bytes; ours has 119
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Signer(Protocol):
    """Whatever signs with Ed25519 under one verification method: a key in memory, later an HSM."""

    @property
    def verification_method(self) -> str:
        """The absolute DID URL of the key, with its fragment."""

    @property
    def jws_key_id(self) -> str:
        """The DID URL of the same key as a JsonWebKey, for the `kid` of a JWS (VC-JOSE-COSE, section 3.3.1)."""

    @property
    def controller(self) -> str:
        """The DID whose document lists the verification method."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that verifies."""

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data` (RFC 8032): 64 bytes, the same for the same data."""


class Ed25519Signer:
    """A private key in memory. Its representation shows the verification method and never the key."""

    def __init__(
        self, private_key: Ed25519PrivateKey, verification_method: str, jws_key_id: str | None = None
    ) -> None:
        controller, _, fragment = verification_method.partition("#")
        if not controller.startswith("did:") or not fragment:
            raise ValueError(f"expected a DID URL with a fragment, found {verification_method[:160]!r}")
        self._private_key = private_key
        self.verification_method = verification_method
        self.jws_key_id = jws_key_id or verification_method  # The method itself, where it is a JsonWebKey.
        self.controller = controller
        self.public_key = private_key.public_key()

    def sign(self, data: bytes) -> bytes:
        return self._private_key.sign(data)

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.verification_method!r})"


def create_key_file(path: Path) -> Ed25519PrivateKey:
    """
    Make a new key and write it to `path`; it is durable (file and directory synced) when this returns.

    A crash in between may leave an incomplete file, which `read_key_file` refuses.

    Raises:
        FileExistsError: there is something at `path`; it is not touched.
    """
    private_key = Ed25519PrivateKey.generate()
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(path.parent)
    return private_key


def read_key_file(path: Path) -> Ed25519PrivateKey:
    """
    Read the key at `path`.

    Raises:
        KeyFileMissing: there is no such file.
        KeyFileUnsafe: its group or others may read, write or execute it.
        KeyFileInvalid: not a regular file, too long, or not an Ed25519 key as unencrypted PEM.
        OSError: it cannot be read, for want of permission for example.
    """
    try:
        # A pipe or a device must not hold us here until somebody writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileMissing(f"{path}: no such key file; put it back from its backup") from None
    with os.fdopen(descriptor, "rb") as file:
        _check_key_file(path, os.fstat(file.fileno()))
        pem = file.read(MAX_KEY_FILE_BYTES + 1)
    return _load_private_key(path, pem)


def _check_key_file(path: Path, status: os.stat_result) -> None:
    """Refuse what is not a private regular file; the open file is checked, so that nobody can swap it."""
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileInvalid(f"{path}: expected a regular file")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileUnsafe(f"{path}: mode {mode:04o} lets others at the key; run: chmod 600 {path}")


def _load_private_key(path: Path, pem: bytes) -> Ed25519PrivateKey:
    if len(pem) > MAX_KEY_FILE_BYTES:
        raise KeyFileInvalid(f"{path}: over {MAX_KEY_FILE_BYTES} bytes, this is no Ed25519 key")
    try:
        private_key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The parser's own message may quote the file.
        raise KeyFileInvalid(f"{path}: not a private key as unencrypted PKCS#8 PEM") from None
    if not isinstance(private_key, Ed25519PrivateKey):
        raise KeyFileInvalid(f"{path}: expected an Ed25519 key, found {type(private_key).__name__}")
    return private_key


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
