"""
The hashes of a log: SCID, entry hash, hash of a key to come. Pure.

did:webvh v1.0, sections SCID Generation and Verification, Entry Hash Generation and Verification, Pre-Rotation Key
Hash Generation and Verification; v1.0 permits SHA-256 only.
"""

import hashlib

from proofs import canonicalize
from resolver.encoding import encode_base58btc
from resolver.webvh.errors import invalid_log
from wire import JsonError, read

PLACEHOLDER = b"{SCID}"
_SHA2_256 = b"\x12\x20"  # multihash: the algorithm's code, and 32 bytes of digest


def hash_of(data: bytes) -> str:
    """Return base58btc(multihash(`data`)), 46 characters."""
    return encode_base58btc(_SHA2_256 + hashlib.sha256(data).digest())


def entry_bytes(parameters: bytes, state: bytes, version_id: str, version_time: bytes) -> bytes:
    """
    Return the canonical JSON of an entry without its proof, from the canonical JSON of its members.

    `state` is what makes an entry long; it is canonicalized once, though an entry is hashed under two versionIds
    and signed under one of them.
    """
    return b'{"parameters":%b,"state":%b,"versionId":"%b","versionTime":%b}' % (
        parameters,
        state,
        version_id.encode(),
        version_time,
    )


def scid_of_first(canonical: bytes, scid: str) -> str:
    """
    Return the SCID that the first entry should have, given its canonical JSON under the versionId `{SCID}`.

    The SCID is replaced as text (Verify SCID, step 6) and then canonicalized anew: it may be part of a member's
    name, and change the order.

    Raises:
        InvalidLog: the replacement makes two members of one name.
    """
    try:
        value = read(canonical.replace(scid.encode(), PLACEHOLDER), max_bytes=len(canonical))
    except JsonError:
        raise invalid_log(
            "scid-verification-failed", "the first entry has no form with {SCID} in it"
        ) from None
    return hash_of(canonicalize(value))
