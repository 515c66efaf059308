"""
JWS Compact Serialization (RFC 7515, section 7.1) with Ed25519, P-256 and P-384. Pure.

The key fixes the algorithm and the header must name it (RFC 8725, sections 3.1 and 3.2): no way leads from a
header to a choice of algorithm, so `none`, and HMAC with a public key, cannot happen. Keys in headers (`jwk`,
`jku`, `x5c`, `x5u`) are never looked at.

With Ed25519 we sign as "EdDSA" (RFC 8037). RFC 9864 deprecates the name in favour of "Ed25519"; the verifiers in
the field know the old one only. Both are verified.
"""

import base64
from itertools import chain

import msgspec

from proofs.algorithms import Algorithm, algorithm_of, is_signature
from proofs.canonical import JsonObject
from proofs.errors import MalformedProof, ProofInvalid
from proofs.signing import KeyName, Signer, certificates_of
from wire import JsonError, read
from wire.base64url import SecondSpelling, decode_base64url
from wire.body import media_type_of
from wire.json import BYTE_ORDER_MARKS, byte_order_mark

# What a key's `alg` may be called.
_NAMES = {
    Algorithm.ED25519: ("EdDSA", "Ed25519"),
    Algorithm.P256: ("ES256",),
    Algorithm.P384: ("ES384",),
}
ALGORITHMS = frozenset(chain.from_iterable(_NAMES.values()))
MAX_JWS_BYTES = 16 * 1024 * 1024  # 16 MiB: a status list of 2^26 incompressible entries fits, twice encoded
# 24 KiB decoded: the longest chain of certificates that we send (12 KiB, `certificates/chains.py`) takes 16 KiB in
# base64, a DID URL of 4 KiB beside it, and room for other members.
MAX_HEADER_BYTES = 24_576


class Jws(msgspec.Struct, frozen=True, kw_only=True):
    """
    A token as read; verified only where it comes from `verify_compact`.

    Attributes:
        header: the protected header, each member as received.
        payload: the bytes that were signed.
        signing_input: the two encoded parts with the dot between them.
        signature: raw bytes.
    """

    header: JsonObject
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """The header's `alg`, one of `ALGORITHMS`."""
        return str(self.header["alg"])


def sign_compact(payload: bytes, *, header: JsonObject, signer: Signer, key_name: KeyName = "kid") -> bytes:
    """
    Sign `payload`. `alg` is added, and what names the key, where `header` does not.

    With a key in memory the bytes are the same for the same input. The serialization is written here because a
    `Signer` need not hold its private key, which a library would ask for, and would sign at random with.

    Args:
        key_name: "kid" for the DID URL of the key as JsonWebKey; "certificates" for `x5c` (RFC 7515, section 4.1.6)
            and no `kid`: a reader is told one way to the key, and cannot take another one than was meant.

    Raises:
        ValueError: `header` has an `alg` of its own, or a signer without certificates shall be named by them.
        SignerAway: the signer cannot sign just now.
    """
    if "alg" in header:
        raise ValueError("the signer decides on alg")
    protected = {"alg": signer.algorithm.jose, **_naming(signer, key_name), **header}
    signing_input = _encode(msgspec.json.encode(protected)) + b"." + _encode(payload)
    return signing_input + b"." + _encode(signer.sign(signing_input))


def read_compact(
    token: bytes,
    *,
    max_bytes: int,
    algorithms: frozenset[str] = ALGORITHMS,
    understood: frozenset[str] = frozenset(),
    max_header_bytes: int = MAX_HEADER_BYTES,
) -> Jws:
    """
    Read a token without verifying it: to learn `kid`, and no more.

    Args:
        algorithms: what `alg` may say; more than `ALGORITHMS` for whoever verifies those by himself.
        understood: extensions of JWS that the caller looks at, so that `crit` may have them.
        max_header_bytes: decoded; more than usual for whoever reads the certificates in it.

    Raises:
        MalformedProof: over `max_bytes`, a byte order mark, not three parts, not base64url in its one spelling
            (RFC 7515, section 2: no padding), a header that is not one JSON object without duplicates, `b64` in it,
            `crit` with anything but names in `understood` that the header has, each once (section 4.1.11), or an
            `alg` not in `algorithms`.
    """
    if len(token) > max_bytes:
        raise MalformedProof(f"the token has {len(token)} bytes; the limit is {max_bytes}")
    if token.startswith(BYTE_ORDER_MARKS):
        mark = byte_order_mark(token)
        raise MalformedProof(
            f"the token begins with a {mark}; it is ASCII without one (RFC 7515, section 7.1)"
        )
    parts = token.split(b".", 3)
    if len(parts) != 3:
        raise MalformedProof("expected a JWS in compact form: three parts with dots between them")
    return Jws(
        header=_read_header(_decode(parts[0], "header"), algorithms, understood, max_header_bytes),
        payload=_decode(parts[1], "payload"),
        signing_input=parts[0] + b"." + parts[1],
        signature=_decode(parts[2], "signature"),
    )


def media_type_of_header(header: JsonObject, name: str) -> str | None:
    """
    Return `typ` or `cty` of a header as a media type in lower case, without parameters; None where it has none.

    Without a slash it is meant with `application/` before it, and types compare without case (RFC 7515, sections
    4.1.9 and 4.1.10). No type that we read has parameters: those that are there say nothing (RFC 2046, section 1).

    Raises:
        MalformedProof: it is no string.
    """
    value = header.get(name)
    if name not in header:
        return None
    if not isinstance(value, str):
        raise MalformedProof(f"expected the header {name} as a string")
    return media_type_of(value if "/" in value else f"application/{value}")


def verify_compact(token: bytes, public_key: object, *, max_bytes: int = MAX_JWS_BYTES) -> Jws:
    """
    Read a token and verify it with a key of the `cryptography` package.

    Raises:
        MalformedProof: as `read_compact`.
        ProofInvalid: a key of another kind than Ed25519, P-256 and P-384, an `alg` that is not the key's, or
            a signature that does not verify.
    """
    jws = read_compact(token, max_bytes=max_bytes)
    check_signature(jws, public_key)
    return jws


def check_signature(jws: Jws, public_key: object) -> None:
    """
    Verify a token that was read.

    Raises:
        ProofInvalid: as `verify_compact`.
    """
    allowed = names_of(public_key)
    if jws.algorithm not in allowed:
        raise ProofInvalid(f"the key needs alg {' or '.join(allowed)}, the header says {jws.algorithm}")
    if not is_signature(public_key, jws.signature, jws.signing_input):
        raise ProofInvalid("the signature is not this key's over this token")


def names_of(public_key: object) -> tuple[str, ...]:
    """
    Return what `alg` may say over this key, what we write ourselves first.

    Raises:
        ProofInvalid: a key of another kind than Ed25519, P-256 and P-384.
    """
    return _NAMES[algorithm_of(public_key)]


def algorithm_named(name: str) -> Algorithm:
    """Return the algorithm that a key must be of to sign under this `alg`, one of `ALGORITHMS`."""
    return next(algorithm for algorithm, names in _NAMES.items() if name in names)


def _naming(signer: Signer, key_name: KeyName) -> JsonObject:
    """Return the member of the header that names the key."""
    if key_name == "kid":
        return {"kid": signer.jws_key_id}
    # Base64 with padding, unlike all else in a JWS (RFC 7515, section 4.1.6).
    return {"x5c": [base64.b64encode(der).decode() for der in certificates_of(signer)]}


def _read_header(
    data: bytes, algorithms: frozenset[str], understood: frozenset[str], max_bytes: int
) -> JsonObject:
    try:
        header = read(data, max_bytes=max_bytes)
    except JsonError as error:
        raise MalformedProof(f"the header is not the JSON we accept: {error}") from None
    if not isinstance(header, dict):
        raise MalformedProof("the header is not a JSON object")
    _check_extensions(header, understood)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise MalformedProof(f"expected alg {', '.join(sorted(algorithms))}")
    return header


def _check_extensions(header: JsonObject, understood: frozenset[str]) -> None:
    for name in ("crit", "b64"):
        if name in header and (name == "b64" or not understood):
            raise MalformedProof(f"the header has {name!r}; no extension of JWS is understood here")
    if "crit" not in header:
        return
    critical = header["crit"]
    if not isinstance(critical, list) or not critical:
        raise MalformedProof("expected the header crit as a list of names")
    for name in critical:
        if not isinstance(name, str) or name not in understood or name not in header:
            raise MalformedProof("the header's crit names what is not there, or is not understood here")
    if len(set(critical)) < len(critical):
        raise MalformedProof("the header's crit names something twice")


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(text: bytes, part: str) -> bytes:
    try:
        return decode_base64url(text)
    except SecondSpelling:
        raise MalformedProof(f"the {part} is not base64url in its one spelling") from None
    except ValueError:
        raise MalformedProof(f"the {part} is not base64url without padding") from None
