"""
Selective disclosure: what a token's payload says with the claims that were disclosed in their places. Pure.

Selective Disclosure for JSON Web Tokens (RFC 9901), section 7.1, step 3. A disclosure that stands nowhere, or in
two places, refuses the whole: it would be shown to a verifier without the issuer having said it there.
"""

import hashlib
from typing import Any

from proofs import JsonObject, MalformedProof
from wire import JsonError, read
from wire.base64url import decode_base64url, encode_base64url

# The names of "Named Information Hash Algorithm" that nobody has broken, with what is said by default first.
HASHES = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
MAX_DISCLOSURES = 1_000
MAX_DISCLOSURE_BYTES = 1_048_576  # 1 MiB: a portrait fits
MAX_DEPTH = 32  # levels, disclosed ones among them, as of all JSON that we read
_PLACE, _ITEM = "_sd", "..."


class _Disclosed:
    """The disclosures of a token by their digests; each is used once."""

    def __init__(self, disclosures: list[bytes], hash_name: str, max_values: int) -> None:
        digest_of = HASHES[hash_name]
        decoded = [_decoded(text) for text in disclosures]
        if len(decoded) + b"".join(decoded).count(b",") > max_values:
            raise MalformedProof(f"the disclosures have more than {max_values} values in all")
        self._left = {
            encode_base64url(digest_of(text).digest()): _read(plain)
            for text, plain in zip(disclosures, decoded, strict=True)
        }
        self._seen: set[str] = set()
        if len(self._left) < len(disclosures):
            raise MalformedProof("a disclosure is there twice")

    def take(self, digest: object, size: int) -> list[Any] | None:
        """Return the disclosure of a digest, None where it was not disclosed: withheld, or a decoy."""
        if not isinstance(digest, str):
            raise MalformedProof("expected a digest as a string")
        if digest in self._seen:
            raise MalformedProof("a digest is there twice (RFC 9901, section 7.1, step 4)")
        self._seen.add(digest)
        found = self._left.pop(digest, None)
        if found is not None and len(found) != size:
            raise MalformedProof("a disclosure is not of the kind of its place")
        return found

    def require_all_used(self) -> None:
        if self._left:
            raise MalformedProof("a disclosure has no place in the token (RFC 9901, section 7.1, step 5)")


def disclosed(payload: JsonObject, disclosures: list[bytes], *, max_values: int) -> JsonObject:
    """
    Return the payload as the issuer said it, as far as it was disclosed.

    Args:
        disclosures: in base64url, as they stand in the token.
        max_values: JSON values of all disclosures together.

    Raises:
        MalformedProof: an algorithm that is not one of `HASHES`; a disclosure that is malformed, used never or
            twice, or names a claim that is there already; digests where none may be; more than `MAX_DISCLOSURES`.
    """
    hash_name = hash_name_of(payload)
    if len(disclosures) > MAX_DISCLOSURES:
        raise MalformedProof(f"{len(disclosures)} disclosures; the limit is {MAX_DISCLOSURES}")
    known = _Disclosed(disclosures, hash_name, max_values)
    said = _object({name: value for name, value in payload.items() if name != "_sd_alg"}, known, 0)
    known.require_all_used()
    return said


def hash_name_of(payload: JsonObject) -> str:
    """Return `_sd_alg`, or what counts without it (section 4.1.1)."""
    name = payload.get("_sd_alg", "sha-256")
    if not isinstance(name, str) or name not in HASHES:
        raise MalformedProof(f"expected _sd_alg as one of {', '.join(HASHES)}")
    return name


def _decoded(text: bytes) -> bytes:
    try:
        return decode_base64url(text)
    except ValueError:
        raise MalformedProof("a disclosure is not base64url without padding, in its one spelling") from None


def _read(plain: bytes) -> list[Any]:
    """Read a disclosure: a salt, for a member its name, and a value (sections 4.2.1 and 4.2.2)."""
    try:
        found = read(plain, max_bytes=MAX_DISCLOSURE_BYTES)
    except JsonError as error:
        raise MalformedProof(f"a disclosure is not the JSON we accept: {error}") from None
    if isinstance(found, list) and len(found) in (2, 3) and type(found[0]) is type(found[-2]) is str:
        return found
    raise MalformedProof("expected a disclosure as an array of a salt, perhaps a name, and a value")


def _value(value: Any, known: _Disclosed, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise MalformedProof(f"the claims lie more than {MAX_DEPTH} levels deep")
    if type(value) is str:
        return value
    if isinstance(value, dict):
        return _object(value, known, depth)
    if isinstance(value, list):
        return _array(value, known, depth)
    return value


def _object(members: JsonObject, known: _Disclosed, depth: int) -> JsonObject:
    said = {name: _value(value, known, depth + 1) for name, value in members.items() if name != _PLACE}
    if _ITEM in members:
        raise MalformedProof('expected the member "..." only in an item of an array, alone')
    digests = members.get(_PLACE, [])
    if not isinstance(digests, list):
        raise MalformedProof("expected _sd as an array of digests")
    for digest in digests:
        if (found := known.take(digest, 3)) is None:
            continue
        _, name, value = found
        if name in said or name in (_PLACE, _ITEM):
            raise MalformedProof("a disclosure names a claim that is there already, or that is none")
        said[name] = _value(value, known, depth + 1)
    return said


def _array(items: list[Any], known: _Disclosed, depth: int) -> list[Any]:
    said = []
    for item in items:
        if isinstance(item, dict) and item.keys() == {_ITEM}:
            if (found := known.take(item[_ITEM], 2)) is not None:
                said.append(_value(found[1], known, depth + 1))
        else:
            said.append(_value(item, known, depth + 1))
    return said
