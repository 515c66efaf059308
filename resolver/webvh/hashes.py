"""
The hashes of a log: SCID, entry hash, hash of a key to come. Pure.

did:webvh v1.0, sections SCID Generation and Verification, Entry Hash Generation and Verification, Pre-Rotation Key
Hash Generation and Verification; v1.0 permits SHA-256 only.
"""

import hashlib

from proofs import canonicalize
from resolver.encoding import decode_base58btc, encode_base58btc
from resolver.results import JsonObject
from resolver.webvh.errors import invalid_log
from wire import JsonError, read

PLACEHOLDER = "{SCID}"
_SHA2_256 = b"\x12\x20"  # multihash: the algorithm's code, and 32 bytes of digest


class HashedEntry:
    """
    An entry without its proof, to be hashed under more than one versionId: its own, and its predecessor's.

    What comes before the versionId in the canonical JSON is nearly all of it, and is hashed once. The members of
    an entry are always these four, and in this order (RFC 8785, section 3.2.3).

    Args:
        version_time: has no character that JSON escapes.

    Raises:
        ProofError: the parameters or the state have no canonical form.
    """

    def __init__(self, parameters: JsonObject, state: JsonObject, version_time: str) -> None:
        self._head = canonicalize({"parameters": parameters, "state": state})[:-1] + b',"versionId":"'
        self._tail = f'","versionTime":"{version_time}"}}'
        self._hash = hashlib.sha256(self._head)

    def under(self, version_id: str) -> bytes:
        """Return the canonical JSON."""
        return self._head + (version_id + self._tail).encode()

    def digest(self, version_id: str) -> bytes:
        """Return the SHA-256 of the canonical JSON."""
        hashed = self._hash.copy()
        hashed.update((version_id + self._tail).encode())
        return hashed.digest()


def hash_of(data: bytes) -> str:
    """Return base58btc(multihash(`data`)), 46 characters."""
    return encode_base58btc(_SHA2_256 + hashlib.sha256(data).digest())


def is_multihash_of(text: str, digest: bytes) -> bool:
    """Tell whether `text`, of the form of a SCID, is that of `digest`; decoding is faster than encoding."""
    return decode_base58btc(text) == _SHA2_256 + digest


def scid_of_first(canonical: bytes, scid: str) -> str:
    """
    Return the SCID that the first entry should have, given its canonical JSON under the versionId `{SCID}`.

    The SCID is replaced as text (Verify SCID, step 6) and then canonicalized anew: it may be part of a member's
    name, and change the order.

    Raises:
        InvalidLog: the replacement makes two members of one name.
    """
    try:
        value = read(
            canonical.replace(scid.encode(), PLACEHOLDER.encode()), max_bytes=len(canonical), max_values=None
        )
    except JsonError:
        raise invalid_log(
            "scid-verification-failed", "the first entry has no form with {SCID} in it"
        ) from None
    return hash_of(canonicalize(value))
