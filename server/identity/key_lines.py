"""
What an issuer's key log says: a line for each change of its keys, signed with the key that is active then. Pure.

A line is a JWS in compact form (RFC 7515, section 7.1), `typ` as below. Its payload is JSON with every key that the
issuer ever had, without secrets: the last line that counts says everything, and which lines are missing before it
does not matter to what it says.

Whoever can write the log is not believed, only the keys are. A line counts if

1. it is about this issuer, its DID and this service, and later than the line that counted before it;
2. it is signed with the key that is active in it, and that key is one of the issuer's: known from the database or
   from the line that counted last, or its private half is held here;
3. by what is known then, that key had not been retired or compromised;
4. it gives no key id to another key, and has no row that cannot be.

So who holds no key of the issuer can leave lines out from the end, and no more than that.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from operators import Issuer, IssuerKey, KeyState
from operators.issuers.joining import OtherKey, joined
from operators.issuers.keys import active_key, key_id_of
from proofs import ProofError, Signer, algorithm_of, read_compact, sign_compact, verify_compact
from server.identity.custody import FILE, PKCS11
from server.identity.documents import public_key_of

TYPE = "touchstone-issuer-keys"
MAX_LINE_BYTES = 1_048_576  # bytes; 1,500 keys
MAX_TIME = 2**62  # microseconds since 1970; so that a row can have it, and the time of a line still grow
_LOCATOR_OF_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}")  # No way out of the key directory.
_ID_OF_KEY = re.compile(r"key-[0-9a-f]{12}")
_NUMBERED_ID = re.compile(r"[a-z0-9-]{1,63}-[0-9]{1,9}")  # As releases before 0.3 gave them.
_SIGNS_NO_MORE = (KeyState.RETIRED, KeyState.COMPROMISED)


class NotCounted(Exception):
    """A line that is not believed; the message says why."""


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """
    The payload of a line.

    Attributes:
        service: our public URL.
        did: of the issuer.
        written_at: microseconds since 1970; grows from line to line.
        keys: as `public_halves` returns them.
    """

    service: str
    did: str
    written_at: int
    keys: tuple[IssuerKey, ...]


def public_halves(keys: Iterable[IssuerKey]) -> tuple[IssuerKey, ...]:
    """
    Return the keys of an issuer as a line has them.

    Until when a key has signed matters once it is retired, and would write a line every hour before that. A
    certificate chain matters only as long as the key may sign.
    """
    return tuple(
        msgspec.structs.replace(key, certificates=None)
        if key.state in _SIGNS_NO_MORE
        else msgspec.structs.replace(key, signed_until=None)
        for key in keys
    )


def line_of(line: KeyLine, signer: Signer) -> bytes:
    """
    Return a line without its end.

    Raises:
        SignerAway: the signer cannot sign just now.
    """
    return sign_compact(msgspec.json.encode(line), header={"typ": TYPE}, signer=signer)


def _is_sound(key: IssuerKey) -> bool:
    """Tell whether a row can be so (see the migration), with its key in a token or the key directory."""
    times = [value for value in msgspec.structs.astuple(key) if isinstance(value, int)]
    return (
        (key.algorithm is None) == (key.public_key is None)
        and (key.state is KeyState.COMPROMISED) == (key.compromised_since is not None)
        and all(0 <= at < MAX_TIME for at in times)
        and (key.custody == PKCS11 or (key.custody == FILE and bool(_LOCATOR_OF_FILE.fullmatch(key.locator))))
        and (key.public_key is None or _algorithm_of(key.public_key) == key.algorithm)
        and _is_named_so(key)
    )


def _is_named_so(key: IssuerKey) -> bool:
    """Tell whether a key can have its id: one of this release is made of the key."""
    if _ID_OF_KEY.fullmatch(key.key_id):
        return key.public_key is not None and key.key_id == key_id_of(key.public_key)
    return bool(_NUMBERED_ID.fullmatch(key.key_id))


@lru_cache(maxsize=4096)  # keys; each of an issuer's lines has all of its keys
def _algorithm_of(public_key: bytes) -> str | None:
    """Return the name of the algorithm of a public key; None where it is none of ours, or in another coding."""
    try:
        loaded = load_der_public_key(public_key)
        algorithm = algorithm_of(loaded)
    except (ValueError, UnsupportedAlgorithm, ProofError):
        return None
    is_der = loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public_key
    return algorithm.value if is_der else None


class Replay:
    """
    The keys of an issuer, line by line.

    Args:
        service: our public URL.
        known: the keys that the database knows.
        is_held: tells whether the private half of a key is held here.

    Attributes:
        keys: by id, after the last line that counted; more than one may be active.
        last: the last line that counted.
    """

    def __init__(
        self,
        service: str,
        issuer: Issuer,
        known: Iterable[IssuerKey],
        is_held: Callable[[IssuerKey], bool],
    ) -> None:
        self._service = service
        self._issuer = issuer
        self._known = tuple(known)
        self._is_held = is_held
        self.keys = joined(self._known, ())
        self.last: KeyLine | None = None

    def take(self, line: bytes) -> None:
        """
        Take one line up.

        Raises:
            NotCounted: it does not count, and says something that was not known before.
        """
        try:
            jws = read_compact(line, max_bytes=MAX_LINE_BYTES)
            found = msgspec.json.decode(jws.payload, type=KeyLine)
            self._require_ours(jws.header.get("typ"), found)  # 1
            signer = self._signer(found)  # 2
            verify_compact(line, public_key_of(signer), max_bytes=MAX_LINE_BYTES)
            keys = joined(self._known, found.keys)  # 4
        except (ProofError, OtherKey) as error:
            raise NotCounted(str(error)) from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise NotCounted("what is signed is no such line") from None
        before = self.keys.get(signer.key_id)
        if before is not None and before.state in _SIGNS_NO_MORE:  # 3
            self._require_nothing_new(before, found)
        else:
            self.keys, self.last = keys, found

    def _require_ours(self, typ: object, found: KeyLine) -> None:
        if typ != TYPE:
            raise NotCounted("it is signed for something else than this")
        if (found.service, found.did) != (self._service, self._issuer.did):
            raise NotCounted(f"it is about {found.did[:160]!r} at {found.service[:160]!r}")
        if not all(key.issuer_id == self._issuer.id and _is_sound(key) for key in found.keys):
            raise NotCounted("it is about another issuer, or has a key as no row can be")
        if not 0 <= found.written_at < MAX_TIME:
            raise NotCounted("it was written at no time")
        if self.last is not None and found.written_at <= self.last.written_at:
            raise NotCounted("it is not later than a line before it")

    def _signer(self, found: KeyLine) -> IssuerKey:
        signer = active_key(found.keys)
        if signer is None or signer.public_key is None:
            raise NotCounted("no key is active in it, so none of ours has signed it")
        before = self.keys.get(signer.key_id)
        if before is None or before.public_key is None:
            if not self._is_held(signer):
                name = repr(signer.key_id[:80])
                raise NotCounted(f"it is signed with {name}, which nobody knows to be the issuer's")
        elif before.public_key != signer.public_key:
            raise NotCounted(f"{signer.key_id} is another key")
        return signer

    def _require_nothing_new(self, signer: IssuerKey, found: KeyLine) -> None:
        """What a key signed while it was active the database, being later, knows."""
        if any(key.key_id not in self.keys for key in found.keys):
            raise NotCounted(f"it is signed with {signer.key_id}, which is {signer.state} by then")
