"""
A throw-away PKCS#11 token for tests: SoftHSM, which keeps a token as files.

So it can be pulled out (its directory is moved away), and made to hang (another process holds the lock of a file).
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pkcs11

MISSING = "SoftHSM is missing. Run: sh tools/softhsm.sh as root, or: sudo apt-get install softhsm2"
LABEL = "touchstone"
PIN = "94 Löwen"
OFFICER_PIN = "the-security-officer"

_DIRECTORIES = ("/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/local/lib/softhsm")
_HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
_DELETE = """
import pkcs11, sys
module, token, pin, label = sys.argv[1:]
with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
    halves = list(session.get_objects({pkcs11.Attribute.LABEL: label}))
    assert len(halves) == 2
    for half in halves:
        half.destroy()
"""
# CKA_OS_TOKENFLAGS as SoftHSM keeps it in a file: type, kind (2: a number), value; 8 bytes each.
_FLAGS = (0x8000_534B).to_bytes(8) + (2).to_bytes(8)


class SoftHsmMissing(Exception):
    """There is no SoftHSM on this machine."""


def find_module() -> Path:
    """
    Return the shared library.

    Raises:
        SoftHsmMissing: there is none, or no softhsm2-util; the message says how to get them.
    """
    places = [*map(Path, _DIRECTORIES), *Path("/usr/lib").glob("*/softhsm")]
    modules = [place / "libsofthsm2.so" for place in places if (place / "libsofthsm2.so").exists()]
    if not modules or shutil.which("softhsm2-util") is None:
        raise SoftHsmMissing(MISSING)
    return modules[0]


class SoftHsm:
    """
    One initialised token, and a PIN file beside it.

    Attributes:
        environment: what a process needs to find the token.

    Raises:
        SoftHsmMissing: as `find_module`.
    """

    def __init__(self, directory: Path) -> None:
        self.module = find_module()
        self.label = LABEL
        self.pin_file = directory / "pin"
        self._tokens = directory / "tokens"
        self._tokens.mkdir(parents=True)
        self.write_pin(PIN)
        configuration = directory / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\n")
        self.environment = {"SOFTHSM2_CONF": str(configuration)}
        self.run("--init-token", "--free", "--label", LABEL, "--so-pin", OFFICER_PIN, "--pin", PIN)

    def write_pin(self, pin: str) -> None:
        self.pin_file.write_text(f"{pin}\n")
        self.pin_file.chmod(0o600)

    def set_pin(self, pin: str) -> None:
        """Give the token another PIN, as its security officer."""
        library = pkcs11.lib(str(self.module))
        session = library.get_token(token_label=LABEL).open(rw=True, so_pin=OFFICER_PIN)
        session.init_pin(pin)
        session.close()
        library.finalize()

    def run(self, *arguments: str) -> str:
        """Run softhsm2-util; return what it prints."""
        command = ("softhsm2-util", *arguments)
        return subprocess.run(
            command, env=os.environ | self.environment, check=True, capture_output=True, text=True
        ).stdout

    def close(self) -> None:
        """Have this process forget the token, so that the next test's is found."""
        with contextlib.suppress(pkcs11.PKCS11Error):
            pkcs11.lib(str(self.module)).finalize()

    @contextlib.contextmanager
    def session(self) -> Iterator[pkcs11.Session]:
        """Look into the token ourselves, with its PIN. Whoever else in this process uses it loses his session."""
        library = pkcs11.lib(str(self.module))
        library.reinitialize()
        try:
            yield library.get_token(token_label=LABEL).open(rw=True, user_pin=PIN)
        finally:
            library.finalize()

    def delete(self, label: str) -> None:
        """Delete both halves of a key, from another process."""
        command = (sys.executable, "-c", _DELETE, str(self.module), LABEL, PIN, label)
        subprocess.run(command, env=os.environ | self.environment, check=True)

    @contextlib.contextmanager
    def pulled_out(self) -> Iterator[None]:
        """Take the token out of its slot, and put it back."""
        directory = self._directory
        away = directory.rename(self._tokens.parent / "away")
        try:
            yield
        finally:
            away.rename(directory)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Have no call of the token return that looks at what changed: another process holds the lock for that."""
        command = (sys.executable, "-c", _HOLD, str(self._directory / "generation"))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            yield

    def set_flags(self, flags: int) -> None:
        """Set flags of the token that SoftHSM knows and never sets itself."""
        path = self._directory / "token.object"
        before, name, rest = path.read_bytes().partition(_FLAGS)
        assert name, "the file has the form that we know"
        path.write_bytes(before + name + (int.from_bytes(rest[:8]) | flags).to_bytes(8) + rest[8:])

    @property
    def _directory(self) -> Path:
        (directory,) = self._tokens.iterdir()
        return directory
