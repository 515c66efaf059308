"""
Fuzz targets for encodings and keys, with the published packages as oracles: base58, multiformats, jwcrypto,
Python's own json and base64.
"""

import base64
import json
import math
from typing import Any

import base58
from jwcrypto.jwk import JWK
from multiformats import varint

from resolver.encoding import (
    MAX_BASE58_CHARS,
    MAX_BASE64URL_CHARS,
    EncodingError,
    decode_base58btc,
    decode_base64url,
    encode_base58btc,
    encode_base64url,
    encode_varint,
    read_varint,
)
from resolver.errors import KeyRefused
from resolver.keys.jwk import PRIVATE_MEMBERS, jwk_of, jwk_to_key
from resolver.keys.multikey import decode_multikey, multibase_of, refuse_secret_multibase
from resolver.keys.types import SECRET_PREFIXES
from tests.fuzz.identifiers import text_of
from wire import JsonError, encode, read

MAX_JSON_BYTES = 262_144
MAX_DEPTH = 32


def base58btc(data: bytes) -> None:
    """What the base58 package decodes without repairs is decoded alike, and nothing else is."""
    text = text_of(data)
    alphabet = base58.BITCOIN_ALPHABET.decode()
    is_one = len(text) <= MAX_BASE58_CHARS and not set(text) - set(alphabet)
    try:
        decoded = decode_base58btc(text)
    except EncodingError:
        assert not is_one
        return
    assert is_one
    assert decoded == base58.b58decode(text)
    assert encode_base58btc(decoded) == text


def base64url(data: bytes) -> None:
    """What RFC 4648 derives without padding, with zero pad bits, is decoded; nothing else is."""
    text = text_of(data)
    try:
        expected = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        is_one = base64.urlsafe_b64encode(expected).decode().rstrip("=") == text
    except ValueError:
        expected, is_one = b"", False
    try:
        decoded = decode_base64url(text)
    except EncodingError:
        assert not is_one or len(text) > MAX_BASE64URL_CHARS
        return
    assert is_one and decoded == expected
    assert encode_base64url(decoded) == text


def unsigned_varint(data: bytes) -> None:
    """A varint is read as multiformats reads it: in its shortest form, in nine bytes at most."""
    try:
        number, _, rest = varint.decode_raw(data)
        expected: tuple[int, bytes] | None = (number, bytes(rest))
    except ValueError:
        expected = None
    try:
        found = read_varint(data)
    except EncodingError:
        assert expected is None, "a varint was refused"
        return
    assert found == expected
    assert encode_varint(found[0]) + found[1] == data


def multikey(data: bytes) -> None:
    """A key that is taken has this one spelling, and the code that multiformats reads in it."""
    text = text_of(data)
    _secrets_are_seen(text)
    try:
        found = decode_multikey(text)
    except KeyRefused as error:
        assert text not in str(error) or len(text) < 8, "the message repeats the key"
        return
    decoded = bytes(decode_base64url(text[1:])) if text.startswith("u") else base58.b58decode(text[1:])
    code, _, raw = varint.decode_raw(decoded)  # Not multicodec: its table lacks the post-quantum codes.
    assert (code, bytes(raw)) == (found.key_type.code, found.raw)
    if text.startswith("z"):
        assert multibase_of(found.key_type, found.raw) == text, "a second spelling of a key"
    if found.key_type.has_jwk:
        assert jwk_to_key(jwk_of(found.public_key)) == found.public_key


def _secrets_are_seen(text: str) -> None:
    """In a document, a text is refused exactly where its first bytes are those of a secret key."""
    alphabet = base58.BITCOIN_ALPHABET.decode()
    if (
        not text.startswith("z")
        or len(text) < 10
        or set(text) - set(alphabet)
        or len(text) > MAX_BASE58_CHARS
    ):
        return
    decoded = base58.b58decode(text[1:])
    is_secret = decoded[:2] in SECRET_PREFIXES
    try:
        refuse_secret_multibase(text)
    except KeyRefused:
        is_beside_one = decoded[2:4] in (b"\0\0", b"\xff\xff")  # within the error of the logarithm
        assert is_secret or is_beside_one, "a public key was taken for a secret one"
        return
    assert not is_secret, "a secret key was not seen"


def jwk(data: bytes) -> None:
    """A JWK that is taken is one that jwcrypto reads as the same key, and has nothing private in it."""
    try:
        members = read(data, max_bytes=MAX_JSON_BYTES)
        if not isinstance(members, dict):
            return
        key = jwk_to_key(members)
    except (JsonError, KeyRefused):
        return
    required = jwk_of(key)
    private = PRIVATE_MEMBERS & members.keys()
    assert all(members[name] is None for name in private), "a private key was taken"
    assert {name: members[name] for name in required} == required, "a second spelling of a member"
    assert JWK(**required).thumbprint() == JWK(**{k: members[k] for k in required}).thumbprint()


def strict_json(data: bytes) -> None:
    """What we read as JSON, Python reads alike, and it has no duplicates, NaN, lone surrogates or great depth."""
    try:
        value = read(data, max_bytes=MAX_JSON_BYTES)
    except JsonError as error:
        assert len(str(error)) < 400
        return
    expected = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
    assert len(data) <= MAX_JSON_BYTES and _same(value, expected, 0), "another value"
    assert _same(read(encode(value), max_bytes=10 * MAX_JSON_BYTES), value, 0), (
        "it does not survive a round trip"
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a member occurs twice"
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def _same(ours: Any, theirs: Any, depth: int) -> bool:
    """Equal in value and in type, and of text that can be sent."""
    assert depth <= MAX_DEPTH, "deeper than the cap"
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(_same(ours[k], theirs[k], depth + 1) for k in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs, [depth + 1] * len(ours)))
    if isinstance(ours, str):
        ours.encode()
    return bool(ours == theirs) and not (isinstance(ours, float) and not math.isfinite(ours))
