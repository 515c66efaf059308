"""
Published lists, read as somebody does who has the standards and none of our code.

Decoding and signatures by the standard library, cbor2, base58 and `cryptography` alone; bits one at a time.
"""

import base64
import gzip
import json
import zlib
from typing import Any, NamedTuple

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.statuslist.outsider_proof import PublicKey, verify, verify_proof


class Said(NamedTuple):
    """
    What one form says.

    Attributes:
        url: `id` or `sub`.
        begins, ends: seconds since 1970.
        revoked, suspended: indexes; None: the form does not speak of it.
        entries: how many there are.
    """

    url: str
    begins: int
    ends: int
    revoked: set[int] | None
    suspended: set[int] | None
    entries: int


def signer_of(form: str, body: bytes) -> str:
    """Return the DID URL of the key that a form says it was signed with; nothing is verified."""
    if form == "credential.json":
        return str(json.loads(body)["proof"]["verificationMethod"])
    if form.endswith(".jwt"):
        return str(json.loads(_from_base64url(body.decode().split(".")[0]))["kid"])
    protected, unprotected, *_ = cbor2.loads(body).value
    return bytes({**unprotected, **cbor2.loads(protected)}[4]).decode()


def read_form(form: str, body: bytes, key: PublicKey) -> Said:
    """Verify and read one form; any fault is an exception."""
    if form == "credential.json":
        document = json.loads(body)
        verify_proof(document, key)
        return _of_credential(document)
    if form == "credential.jwt":
        return _of_credential(_verified_jwt(body, key, "vc+jwt"))
    if form == "token.jwt":
        claims = _verified_jwt(body, key, "statuslist+jwt")
        compressed = _from_base64url(claims["status_list"]["lst"])
        return _of_token(claims["sub"], claims["iat"], claims["exp"], claims["status_list"], compressed)
    claims = _verified_cwt(body, key)
    return _of_token(claims[2], claims[6], claims[4], claims[65533], claims[65533]["lst"])


def _verified_jwt(body: bytes, key: PublicKey, typ: str) -> Any:
    head, payload, signature = body.decode().split(".")
    verify(key, _from_base64url(signature), f"{head}.{payload}".encode())
    header = json.loads(_from_base64url(head))
    alg = "EdDSA" if isinstance(key, Ed25519PublicKey) else "ES256"
    assert (header["typ"], header["alg"]) == (typ, alg)
    return json.loads(_from_base64url(payload))


def _verified_cwt(body: bytes, key: PublicKey) -> Any:
    message = cbor2.loads(body)
    assert message.tag == 18
    protected, _, payload, signature = message.value
    verify(key, signature, cbor2.dumps(["Signature1", protected, b"", payload]))
    assert cbor2.loads(protected)[16] == "application/statuslist+cwt"
    return cbor2.loads(payload)


def _of_credential(document: Any) -> Said:
    subject = document["credentialSubject"]
    encoded = subject["encodedList"]
    assert encoded[0] == "u"
    bits = gzip.decompress(_from_base64url(encoded[1:]))
    found = {
        8 * place + offset
        for place, byte in enumerate(bits)
        for offset in range(8 if byte else 0)
        if byte >> (7 - offset) & 1
    }
    is_revocation = subject["statusPurpose"] == "revocation"
    return Said(
        url=document["id"],
        begins=_seconds(document["validFrom"]),
        ends=_seconds(document["validUntil"]),
        revoked=found if is_revocation else None,
        suspended=None if is_revocation else found,
        entries=8 * len(bits),
    )


def _of_token(url: str, begins: int, ends: int, status_list: Any, compressed: bytes) -> Said:
    bits, lst = status_list["bits"], zlib.decompress(compressed)
    values: dict[int, set[int]] = {}
    for place, byte in enumerate(lst):
        for slot in range(8 // bits if byte else 0):
            values.setdefault(byte >> slot * bits & (1 << bits) - 1, set()).add(place * 8 // bits + slot)
    assert values.keys() <= {0, 1, 2}
    return Said(
        url=url,
        begins=begins,
        ends=ends,
        revoked=values.get(1, set()),
        suspended=values.get(2, set()) if bits == 2 else None,
        entries=len(lst) * 8 // bits,
    )


def _seconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def _from_base64url(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
