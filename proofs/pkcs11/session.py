"""
A session with a PKCS #11 token: opened when it is needed, and again when it was lost. Client.

PKCS #11 Specification v3.1 (OASIS Standard, 2023-07-23), through python-pkcs11: the extra `pkcs11` (decision 0027).

Calls. python-pkcs11 initialises a module for one thread (C_Initialize without arguments, section 5.4), so that one
thread of the process makes all calls, in turn. A caller waits for it, and no longer than its patience; while a call
hangs that somebody has given up, nobody else waits at all. So a module that hangs costs that thread and its own
signatures, and hardly delays those of others.

Trouble. A token is pulled out, restarted, restored, and every module says so in other words. So whatever fails in
the session that we have is tried once more from the beginning: C_Finalize, C_Initialize, token, login. Only then
is the signer away; the next call tries anew, and succeeds when the token is back.

PINs. Some three wrong ones lock a token for good. One that was refused is not tried again until its file changes;
and since every process has a first try, a token that has one try left is not tried at all. Processes that look and
try at the same moment may still use up the last ones between them (decision 0027).
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pkcs11
from pkcs11 import TokenFlag, _pkcs11
from pkcs11.exceptions import PKCS11Error

from proofs.errors import KeyFileError, KeyFileInvalid, SignerAway
from proofs.key_files import read_private_file
from proofs.pkcs11.one_thread import OneThread

PATIENCE_SECONDS = (
    10.0  # seconds; time for a device behind a network to fail over, short beside a list's validity
)
MAX_PIN_BYTES = 256  # bytes; tokens take some 4 to 64

T = TypeVar("T")

_CALLS = OneThread("pkcs11")  # all calls of this process, to whatever module
_LAST_TRY = TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED
_REFUSED = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)

# What to do, by the error of python-pkcs11; all others are named and no more.
_ADVICE = {
    "NoSuchToken": "no slot of the module has a token of this label; put it in",
    "TokenNotPresent": "it is not in its slot; put it in",
    "DeviceRemoved": "it was taken out of its slot; put it in",
    "NoSuchKey": "it has no such key that may sign; restore it from the token's backup, or replace the key",
    "MultipleObjectsReturned": "it has several keys of this label; delete those that are not the issuer's",
    "MultipleTokensReturned": "several slots have a token of this label; give each its own",
    "PinLocked": "its PIN is locked; its security officer must unlock it",
    "PinExpired": "its PIN has expired; set a new one and write it into the PIN file",
    "UserPinNotInitialized": "it has no PIN yet; initialise it, and write the PIN into the PIN file",
    "TokenWriteProtected": "it is write-protected, so that no key can be made in it",
}


class TokenSession:
    """The one session of a process with a token; a process that was forked since opens its own."""

    def __init__(self, module: Path, label: str, pin_file: Path, *, patience_seconds: float) -> None:
        self.label = label
        self.module = module
        self._pin_file = pin_file
        self._patience_seconds = patience_seconds
        # The thread of all calls owns these.
        self._library: _pkcs11.lib | None = None
        self._session: pkcs11.Session | None = None
        self._process = 0  # whose session it is
        self._refused_pin: tuple[int, ...] | None = None

    def ask(self, work: Callable[[pkcs11.Session], T]) -> T:
        """
        Return what `work` returns of a session that is logged in; it runs in the thread of all calls.

        It may run twice: an error of PKCS #11 in a session that was there before is not yet believed.

        Raises:
            SignerAway: the token cannot be reached or opened, does not answer in time, or says no.
        """
        try:
            return _CALLS.call(lambda: self._attempt(work), seconds=self._patience_seconds)
        except TimeoutError:
            waited = f"no answer within {self._patience_seconds:g} s"
            raise self.away(f"{waited}; see whether {self.module} hangs") from None

    def close(self) -> None:
        """End session and login; the next use opens the token again."""
        with contextlib.suppress(TimeoutError):
            _CALLS.call(self._drop, seconds=self._patience_seconds)

    def away(self, reason: str) -> SignerAway:
        return SignerAway(f"the token {self.label!r}: {reason}")

    # In the thread of all calls.

    def _attempt(self, work: Callable[[pkcs11.Session], T]) -> T:
        if self._session is not None and self._process == os.getpid():
            with contextlib.suppress(PKCS11Error):
                return work(self._session)
        self._drop()
        try:
            return work(self._open())
        except PKCS11Error as error:
            raise self.away(_reason_of(error)) from None

    def _drop(self) -> None:
        """Forget session and login; many a module looks at its slots only when it is initialised."""
        self._session = None
        if self._library is not None:
            with contextlib.suppress(PKCS11Error):
                self._library.finalize()

    def _open(self) -> pkcs11.Session:
        """Find the token and log in, to read only: not every token lets its keys be changed all the time."""
        version, pin = self._read_pin()
        self._library = pkcs11.lib(str(self.module))
        token = self._library.get_token(token_label=self.label)
        if token.flags & _LAST_TRY:
            raise self.away("one more wrong PIN locks it, or did; log in once with its maker's own tool")
        try:
            self._session = token.open(user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            self._session = token.open()  # A login is the whole process's; another object of it was first.
        except _REFUSED:
            self._refused_pin = version
            self._drop()  # python-pkcs11 has left a session open.
            raise self._pin_refused() from None
        self._process = os.getpid()
        return self._session

    def _read_pin(self) -> tuple[tuple[int, ...], str]:
        """Return which version of the file it is, and the PIN."""
        try:
            status = self._pin_file.stat()
            version = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if version == self._refused_pin:
                raise self._pin_refused()
            return version, _pin_in(self._pin_file)
        except FileNotFoundError:
            raise self.away(f"{self._pin_file}: no such PIN file; put it back") from None
        except KeyFileError as error:
            raise self.away(str(error)) from None
        except OSError as error:
            raise self.away(f"{self._pin_file}: {error.strerror}") from None

    def _pin_refused(self) -> SignerAway:
        return self.away(
            f"it refused the PIN in {self._pin_file}, which is tried again when that file changes"
        )


def _pin_in(path: Path) -> str:
    text = read_private_file(path, max_bytes=MAX_PIN_BYTES)
    try:
        pin = text.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        pin = ""
    if not pin or len(text) > MAX_PIN_BYTES:
        raise KeyFileInvalid(f"{path}: expected a PIN and a newline, UTF-8, at most {MAX_PIN_BYTES} bytes")
    return pin


def _reason_of(error: PKCS11Error) -> str:
    """Return what to do, or what went wrong; python-pkcs11 puts no secret into its messages."""
    name = type(error).__name__
    return _ADVICE.get(name) or f"{name} {error}".strip() + "; see what its maker's log and tools say"
