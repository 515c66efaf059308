"""
API keys: `tsk_<public id>_<secret>`. Pure.

The secret has 256 random bits, so one SHA-256 at rest is enough: a slow hash protects what people choose, and
would cost every write. The public id finds the row; the secret's digest is compared in constant time.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

import msgspec

PUBLIC_ID_BYTES = 9  # bytes; 12 characters
SECRET_BYTES = 32  # bytes; 43 characters

_PUBLIC_ID = re.compile(r"[A-Za-z0-9-]{12}", re.ASCII)
_API_KEY = re.compile(r"tsk_([A-Za-z0-9-]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


class ApiKey(msgspec.Struct, frozen=True):
    """A key as its holder has it; it never shows itself."""

    public_id: str
    secret: str

    @property
    def text(self) -> str:
        return f"tsk_{self.public_id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is stored: SHA-256 of the whole key, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"ApiKey({self.public_id!r}, ...)"


def new_api_key(random_bytes: Callable[[int], bytes]) -> ApiKey:
    """Make a key from a source fit for secrets, such as `secrets.token_bytes`."""
    public_id = base64.urlsafe_b64encode(random_bytes(PUBLIC_ID_BYTES)).decode().replace("_", "-")
    secret = base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    return ApiKey(public_id, secret)


def parse_api_key(text: str) -> ApiKey | None:
    """Read a key; None where it is not of the form."""
    found = _API_KEY.fullmatch(text)
    return ApiKey(found[1], found[2]) if found else None


def is_public_id(text: str) -> bool:
    return _PUBLIC_ID.fullmatch(text) is not None


def is_same_digest(stored: str, presented: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(stored.encode(), presented.encode())
