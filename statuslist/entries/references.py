"""
References of entries, and the key under which they are kept. Pure but for what reads and makes its file.

Who allocates may name an entry in its own words: the number of a customer, say. That may be personal data, and it
is short enough to be guessed, so that a hash of it alone would hide nothing. The database has its HMAC under a key
that is not in the database.

The loss of the file means that no entry is found by its reference any more; each still is by its index. If it is
lost for good, all references are forgotten, and a new key made (`referring.begin_anew`). Its
disclosure means that whoever has the database too can tell whether a guessed reference is in it.
"""

import contextlib
import hashlib
import hmac
import os
from pathlib import Path

from proofs import KeyFileInvalid, KeyFileUnsafe
from proofs.key_files import read_private_file
from statuslist.errors import ReferencesUnavailable

KEY_BYTES = 32  # bytes; as hexadecimal digits and a line ending in the file
_DIGITS = 2 * KEY_BYTES
_NO_FILE = (
    "there is no such file; put it back from a backup or another machine, or, if it is lost for good, run"
    " `touchstone db forget-references`"
)


class ReferenceKey:
    """
    The key of a database's references; read when it is needed first, and from then on kept.

    Args:
        path: its file; None: references are not taken here.

    Attributes:
        is_known: whether the database was seen to have the fingerprint of this key.
    """

    def __init__(self, path: Path | None) -> None:
        self.is_known = False
        self._path = path
        self._key: bytes | None = None

    @property
    def fingerprint(self) -> bytes:
        """What tells this key from another one, and nothing else. Raises as `digest_of`."""
        return self._hmac(b"fingerprint")

    def digest_of(self, issuer_id: str, reference: str) -> bytes:
        """
        Return what is kept of a reference: 32 bytes. Equal references of two issuers have different ones.

        Raises:
            ReferencesUnavailable: there is no such file, or it is not one such key of mode 0600.
        """
        issuer = issuer_id.encode()
        return self._hmac(b"reference" + len(issuer).to_bytes(4) + issuer + reference.encode())

    def check(self, fingerprint: bytes | None) -> None:
        """
        Take the fingerprint that the database has; None: it has none, nor any reference.

        Raises:
            ReferencesUnavailable: it is that of another key; or as `digest_of`.
        """
        if fingerprint is not None and not hmac.compare_digest(fingerprint, self.fingerprint):
            self._key = None  # The right file may take its place.
            raise _unavailable(
                self._path, "it is another key than that of the database; put the right one back"
            )
        self.is_known = fingerprint is not None

    @property
    def is_there(self) -> bool:
        """Tell whether there is a file."""
        return self._path is not None and self._path.exists()

    def make(self) -> bool:
        """
        Make the file where there is none; tell whether this did. It is there whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        assert self._path is not None
        if self.is_there:
            return False
        unfinished = self._path.with_name(f"{self._path.name}.{os.urandom(8).hex()}.unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            self._path.hardlink_to(unfinished)  # Of several processes the first one wins.
        except FileExistsError:
            return False
        finally:
            unfinished.unlink()
        return True

    def take_back(self) -> None:
        """Remove the file that `make` made, since another node was faster; nothing was kept under it."""
        assert self._path is not None
        self._key = None
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _hmac(self, message: bytes) -> bytes:
        if self._key is None:
            self._key = _read(self._path)
        return hmac.digest(self._key, message, hashlib.sha256)


def _read(path: Path | None) -> bytes:
    if path is None:
        raise _unavailable(path, "this process has none")
    try:
        text = read_private_file(path, max_bytes=_DIGITS + 2)
    except FileNotFoundError:
        raise _unavailable(path, _NO_FILE) from None
    except KeyFileUnsafe:
        raise _unavailable(path, "its mode lets others at it; it must be 0600") from None
    except (KeyFileInvalid, OSError):
        raise _unavailable(path, "it cannot be read") from None
    digits = text.strip()
    if len(digits) != _DIGITS or not all(digit in b"0123456789abcdef" for digit in digits):
        raise _unavailable(path, f"expected {_DIGITS} hexadecimal digits in it") from None
    return bytes.fromhex(digits.decode())


def _unavailable(path: Path | None, reason: str) -> ReferencesUnavailable:
    name = path.name if path is not None else "of references"
    return ReferencesUnavailable(
        f"references need the key {name}, a file of the server: {reason}. Name entries by their indexes meanwhile"
    )
