"""
COSE_Sign1 (RFC 9052, section 4.2) with Ed25519, P-256 and P-384. Pure.

The key fixes the algorithm, and the protected header must name it: no way leads from a header to a choice of one
(RFC 9053, section 2; as `jose.py`). A key id and certificates in headers are returned as they are; whether they are
to be believed is the caller's question.

Stricter than the standard, on purpose:
- `alg` in the protected header only (section 3.1 lets it stand unprotected, where nobody signed it);
- no label in both headers (section 3 says that applications should see to it);
- no `crit` (section 3.1), since we understand no extension; no content elsewhere (`nil`), and no external data;
- neither tags nor indefinite lengths within (`wire/cbor.py`).

By name (`from proofs.cose import ...`): a process that handles no CBOR does not load cbor2.
"""

from typing import Any

import msgspec

from proofs.algorithms import Algorithm, algorithm_of, is_signature
from proofs.errors import MalformedProof, ProofInvalid
from proofs.signing import KeyName, Signer, certificates_of
from wire.cbor import CborError, read_cbor, write_cbor

Headers = dict[int | str, Any]

ALG, CRIT, KID, X5CHAIN = 1, 2, 4, 33  # labels (RFC 9052, section 3.1; RFC 9360, section 2)
MAX_COSE_BYTES = 16 * 1024 * 1024  # 16 MiB, as a JWS
MAX_HEADERS_BYTES = 16_384  # of all but payload and signature; a chain of three certificates has some 2,000
_SIGN1_TAG = b"\xd2"  # 18, in its shortest form
_CONTEXT = "Signature1"  # section 4.4

# What a key's `alg` may be: of RFC 9053 first, which we write, then the fully specified one of RFC 9864.
_NUMBERS = {Algorithm.ED25519: (-8, -19), Algorithm.P256: (-7, -9), Algorithm.P384: (-35, -51)}


class Sign1(msgspec.Struct, frozen=True, kw_only=True):
    """
    A COSE_Sign1 as read; verified only where it comes from `verify_sign1`.

    Attributes:
        protected, unprotected: the headers, by label; no label is in both. Nobody signed the unprotected one.
        key_id: `kid`, from either; None where there is none.
        certificates: `x5chain` in DER, the leaf first, from either; () where there is none.
        payload: the bytes that were signed.
        signed: the Sig_structure (section 4.4) over protected header and payload.
        signature: raw bytes.
    """

    protected: Headers
    unprotected: Headers
    key_id: bytes | None
    certificates: tuple[bytes, ...]
    payload: bytes
    signed: bytes
    signature: bytes

    @property
    def key_algorithm(self) -> Algorithm:
        """The algorithm that a key must be of to have signed this, going by `alg`."""
        return next(algorithm for algorithm, numbers in _NUMBERS.items() if self.protected[ALG] in numbers)


def sign1(
    payload: bytes, signer: Signer, *, protected: Headers | None = None, key_name: KeyName = "kid"
) -> bytes:
    """
    Return `payload` as COSE_Sign1 with its tag, in deterministic CBOR.

    `alg` is added, and what names the key.

    Args:
        key_name: "kid" for the DID URL of the key as JsonWebKey, in the unprotected header, where the examples of
            the Token Status List have it. It does without a signature: what is signed is that key's, or is not.
            "certificates" for `x5chain` (RFC 9360, section 2) in the protected header, as ISO/IEC 18013-5 demands
            of lists (second edition, section 12.3.6.3); and no `kid`, as `jose.sign_compact`.

    Raises:
        ValueError: `protected` has an `alg` of its own, a signer without certificates shall be named by them, or
            the result is none that `read_sign1` takes: over `MAX_COSE_BYTES` or `MAX_HEADERS_BYTES`, a `kid` in
            both headers, `crit`, a tag.
        SignerAway: the signer cannot sign just now.
    """
    if ALG in (protected or {}):
        raise ValueError("the signer decides on alg")
    certified = key_name == "certificates"
    naming: Headers = {X5CHAIN: _x5chain(signer)} if certified else {}
    headers = {ALG: signer.algorithm.cose, **naming, **(protected or {})}
    header = write_cbor(headers)
    unprotected: Headers = {} if certified else {KID: signer.jws_key_id.encode()}
    signature = signer.sign(_to_be_signed(header, payload))
    message = _SIGN1_TAG + write_cbor([header, unprotected, payload, signature])
    try:
        _check_size(message, MAX_COSE_BYTES, payload, signature)
        _names_of(headers, unprotected)
    except MalformedProof as error:
        raise ValueError(f"nobody could read what was to be signed: {error}") from None
    return message


def read_sign1(data: bytes, *, max_bytes: int) -> Sign1:
    """
    Read a COSE_Sign1, tagged or not, without verifying it: to learn which key it names, and no more.

    Raises:
        MalformedProof: over `max_bytes`, headers over `MAX_HEADERS_BYTES`, not CBOR that `read_cbor` takes, not of
            the shape of a COSE_Sign1, a label of another type than integer or text, or in both headers, `crit`, an
            `alg` in the protected header that is none of ours, or `kid` or `x5chain` of another type.
    """
    outer = _read(data.removeprefix(_SIGN1_TAG), max_bytes)
    match outer:
        case [bytes(header), dict(unprotected), bytes(payload), bytes(signature)]:
            pass
        case _:
            raise MalformedProof(
                "expected a COSE_Sign1: protected and unprotected header, payload, signature"
            )
    _check_size(data, max_bytes, payload, signature)
    protected = _read(header, MAX_HEADERS_BYTES) if header else {}
    if not isinstance(protected, dict):
        raise MalformedProof("the protected header is not a map")
    key_id, certificates = _names_of(protected, unprotected)
    return Sign1(
        protected=protected,
        unprotected=unprotected,
        key_id=key_id,
        certificates=certificates,
        payload=payload,
        signed=_to_be_signed(header, payload),
        signature=signature,
    )


def verify_sign1(data: bytes, public_key: object, *, max_bytes: int = MAX_COSE_BYTES) -> Sign1:
    """
    Read a COSE_Sign1 and verify it with a key of the `cryptography` package.

    Raises:
        MalformedProof: as `read_sign1`.
        ProofInvalid: a key of another kind than Ed25519, P-256 and P-384, an `alg` that is not the key's, or
            a signature that does not verify.
    """
    found = read_sign1(data, max_bytes=max_bytes)
    check_sign1(found, public_key)
    return found


def check_sign1(found: Sign1, public_key: object) -> None:
    """
    Verify a COSE_Sign1 that was read.

    Raises:
        ProofInvalid: as `verify_sign1`.
    """
    allowed, named = _NUMBERS[algorithm_of(public_key)], found.protected[ALG]
    if named not in allowed:
        raise ProofInvalid(f"the key needs alg {' or '.join(map(str, allowed))}, the header says {named}")
    if not is_signature(public_key, found.signature, found.signed):
        raise ProofInvalid("the signature is not this key's over this COSE_Sign1")


def _x5chain(signer: Signer) -> bytes | list[bytes]:
    """Return the certificates of a signer: one by itself, several in an array (RFC 9360, section 2)."""
    chain = list(certificates_of(signer))
    return chain if len(chain) > 1 else chain[0]


def _read(data: bytes, max_bytes: int) -> Any:
    try:
        return read_cbor(data, max_bytes=max_bytes)
    except CborError as error:
        raise MalformedProof(f"the COSE_Sign1 cannot be read: {error}") from None


def _check_size(data: bytes, max_bytes: int, payload: bytes, signature: bytes) -> None:
    if len(data) > max_bytes:
        raise MalformedProof(f"the COSE_Sign1 has {len(data)} bytes; the limit is {max_bytes}")
    if len(data) - len(payload) - len(signature) > MAX_HEADERS_BYTES:
        raise MalformedProof(f"the headers have over {MAX_HEADERS_BYTES} bytes")


def _names_of(protected: Headers, unprotected: Headers) -> tuple[bytes | None, tuple[bytes, ...]]:
    """Return what names the key, `kid` and certificates, of headers that are such as we read."""
    _check_headers(protected, unprotected)
    both = unprotected | protected
    return _key_id(both), _certificates(both)


def _check_headers(protected: Headers, unprotected: Headers) -> None:
    if not all(type(label) in (int, str) for label in (*protected, *unprotected)):
        raise MalformedProof("a label is neither integer nor text (RFC 9052, section 1.5)")
    if protected.keys() & unprotected.keys():
        raise MalformedProof("a label stands in both headers")
    if CRIT in protected or CRIT in unprotected:
        raise MalformedProof("the header has crit; no extension of COSE is understood here")
    algorithm = protected.get(ALG)
    numbers = [number for ours in _NUMBERS.values() for number in ours]
    if type(algorithm) is not int or algorithm not in numbers:
        raise MalformedProof(f"expected alg in the protected header, one of {', '.join(map(str, numbers))}")


def _key_id(headers: Headers) -> bytes | None:
    found = headers.get(KID)
    if KID in headers and not isinstance(found, bytes):
        raise MalformedProof("expected kid as bytes")
    return found


def _certificates(headers: Headers) -> tuple[bytes, ...]:
    """Read `x5chain`: one certificate by itself, or two and more in an array (RFC 9360, section 2)."""
    if X5CHAIN not in headers:
        return ()
    match headers[X5CHAIN]:
        case bytes(leaf):
            return (leaf,)
        case [bytes(), bytes(), *others] as chain if all(isinstance(item, bytes) for item in others):
            return tuple(chain)
    raise MalformedProof("expected x5chain as one certificate, or as an array of two and more")


def _to_be_signed(header: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure (section 4.4), without external data."""
    return write_cbor([_CONTEXT, header, b"", payload])
