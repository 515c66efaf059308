"""
The issuer data of an mdoc, from its base64url: what was disclosed, and what the issuer signed of it. Pure.

ISO/IEC 18013-5:2021, sections 8.3.2.1.2.2 (IssuerSigned), 9.1.2 (issuer data authentication) and 9.3.1 (what a
reader checks), with `status` of its second edition; base64url as OpenID4VCI 1.0, appendix A.2.4 has it.

    {"nameSpaces": {name space: [24(bytes of an IssuerSignedItem), ...]}, "issuerAuth": COSE_Sign1 of the MSO}

The device's own signature (section 9.1.3) lies outside: it is of a presentation, and of the reader who asked.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from credentials.secured import MDOC, Secured
from proofs import JsonObject, MalformedProof, ProofInvalid, parse_date_time_stamp
from proofs.certificates import read_certificate
from proofs.certificates.reading import MAX_X5C
from proofs.cose import X5CHAIN, Sign1, check_sign1, read_sign1
from wire.base64url import decode_base64url, encode_base64url
from wire.cbor import Tagged, count_items, read_cbor, write_cbor
from wire.json import MAX_VALUES

_DATE_TIME, _EMBEDDED, _FULL_DATE = 0, 24, 1004  # RFC 8949, sections 3.4.1 and 3.4.5.1; RFC 8943
_TAGS = (_DATE_TIME, _EMBEDDED, _FULL_DATE)
_EMBEDDED_HEAD = b"\xd8\x18"  # the tag in its shortest form: digests are over it, too (section 9.1.2.5)
_HASHES = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}

Read = Callable[[bytes], Any]  # one item of CBOR


def read_mdoc(body: bytes, *, max_bytes: int, max_values: int = MAX_VALUES) -> Secured:
    """
    Read an IssuerSigned without verifying its signature; what is disclosed must have the digests in it.

    Args:
        max_values: bound on the items of CBOR; those in byte strings with tag 24 count together.

    Raises:
        MalformedProof: not of that form, over a bound, or with a tag other than 0, 24 and 1004; certificates
            elsewhere than in the unprotected header; a digest or an element named twice.
        ProofInvalid: what is disclosed has no digest, or another one.
    """
    if len(body) > max_bytes:
        raise MalformedProof(f"the credential has {len(body)} bytes; the limit is {max_bytes}")
    read = partial(read_cbor, max_bytes=max_bytes, max_items=max_values, tags=_TAGS)
    try:
        spaces, sign1 = _parts(read(decode_base64url(body)), max_bytes)
        signed = _embedded(read(sign1.payload))
        _check_size([signed, *(item for items in spaces.values() for item in items)], max_values)
        mso = read(signed)
        document = _document(mso, spaces, read)
        not_before, expires = _time(mso, "validFrom"), _time(mso, "validUntil")
    except ValueError as error:
        raise MalformedProof(f"the issuer data of an mdoc cannot be read: {error}") from None
    return Secured(
        form=MDOC,
        document=document,
        issuer=None,
        key_id=None if sign1.key_id is None else sign1.key_id.decode("utf-8", "replace"),
        certificates=sign1.certificates,
        not_before=not_before,
        expires=expires,
        verify=lambda public_key, _: _verify(sign1, public_key, document["signed"]),
    )


def _parts(found: Any, max_bytes: int) -> tuple[dict[str, list[bytes]], Sign1]:
    """Return the items that are disclosed, by name space, each as its bytes in CBOR; and what was signed."""
    match found:
        case {"issuerAuth": list(sign1), **rest}:
            spaces = rest.pop("nameSpaces", {})
        case _:
            raise MalformedProof("expected an IssuerSigned: a map with issuerAuth, and perhaps nameSpaces")
    if rest or not isinstance(spaces, dict) or not all(map(_is_name_space, spaces.items())):
        raise MalformedProof("expected nameSpaces as a map of arrays, and nothing beside it and issuerAuth")
    read = read_sign1(write_cbor(sign1), max_bytes=max_bytes)
    if X5CHAIN not in read.unprotected or len(read.certificates) > MAX_X5C:
        raise MalformedProof(f"expected x5chain in the unprotected header, with 1 to {MAX_X5C} certificates")
    return {name: [_embedded(item) for item in items] for name, items in spaces.items()}, read


def _is_name_space(member: tuple[Any, Any]) -> bool:
    return isinstance(member[0], str) and isinstance(member[1], list)


def _embedded(item: Any) -> bytes:
    match item:
        case Tagged(number=24, value=bytes(data)):
            return data
    raise MalformedProof("expected bytes of CBOR, with tag 24")


def _check_size(embedded: Iterable[bytes], max_items: int) -> None:
    left = max_items
    for data in embedded:
        left -= count_items(data, max_items=left, tags=_TAGS)


def _document(mso: Any, spaces: dict[str, list[bytes]], read: Read) -> JsonObject:
    """Return what the issuer said, as JSON: bytes as base64url, and what has a tag without it."""
    match mso:
        case {
            "version": "1.0",
            "docType": str(doc_type),
            "digestAlgorithm": str(hash_name),
            "valueDigests": dict(digests),
        } if hash_name in _HASHES:
            pass
        case _:
            raise MalformedProof(
                f"expected a MobileSecurityObject 1.0 with docType, valueDigests, and a digestAlgorithm of"
                f" {', '.join(_HASHES)}"
            )
    said = {
        name: _elements([(item, read(item)) for item in items], digests.get(name), hash_name)
        for name, items in spaces.items()
    }
    document = {"docType": doc_type, "namespaces": said, "signed": _time(mso, "signed")}
    return document | ({"status": _as_json(mso["status"])} if "status" in mso else {})


def _elements(items: list[tuple[bytes, Any]], digests: Any, hash_name: str) -> JsonObject:
    """Return the elements of a name space; each has its digest (section 9.3.1, step 3), and stands there once."""
    said: JsonObject = {}
    signed = digests if isinstance(digests, dict) else {}
    for encoded, item in items:
        match item:
            case {"digestID": int(number), "random": bytes(), "elementIdentifier": str(name)}:
                pass
            case _:
                raise MalformedProof("expected an IssuerSignedItem: digestID, random, elementIdentifier")
        if "elementValue" not in item or isinstance(number, bool) or name in said:
            raise MalformedProof("expected an IssuerSignedItem with a value, each element once")
        if _HASHES[hash_name](_EMBEDDED_HEAD + write_cbor(encoded)).digest() != signed.get(number):
            raise ProofInvalid("what is disclosed has no digest in what the issuer signed, or another one")
        said[name] = _as_json(item["elementValue"])
    return said


def _time(mso: Any, name: str) -> int:
    """Return a tdate of `validityInfo` in microseconds since 1970 (section 9.1.2.4)."""
    match mso:
        case {"validityInfo": {**members}}:
            found = members.get(name)
        case _:
            raise MalformedProof("expected validityInfo")
    match found:
        case Tagged(number=0, value=str(text)):
            return parse_date_time_stamp(text)
    raise MalformedProof(f"expected {name} in validityInfo, a time with tag 0")


def _verify(sign1: Sign1, public_key: object, signed: int) -> None:
    """Check the signature, and that its certificate held when it was made (section 9.3.1, steps 2 and 5)."""
    check_sign1(sign1, public_key)
    certificate = read_certificate(sign1.certificates[0])
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins.timestamp() <= signed / 1_000_000 <= ends.timestamp():
        raise ProofInvalid("the certificate of the signer was not valid at the time of signing")


def _as_json(value: Any) -> Any:
    if isinstance(value, Tagged):
        return _as_json(value.value)
    if isinstance(value, bytes):
        return encode_base64url(value)
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(_as_json(key)): _as_json(item) for key, item in value.items()}
    return value
