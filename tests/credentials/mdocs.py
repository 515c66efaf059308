"""
An issuer of mdocs, written after ISO/IEC 18013-5 with cbor2 and `cryptography`, and nothing of ours.

What is wrong with one is said by functions: they change the items, what is signed, or the whole, before it is
encoded.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.process import ROOT

VECTOR = json.loads((ROOT / "data/vectors/mdoc.json").read_text())
MDL, SPACE = "org.iso.18013.5.1.mDL", "org.iso.18013.5.1"
X5CHAIN = 33
Change = Callable[[Any], None]


def embedded(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(24, cbor2.dumps(value))


def tdate(microseconds: int) -> cbor2.CBORTag:
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    return cbor2.CBORTag(0, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def mdoc(
    private_key: ec.EllipticCurvePrivateKey,
    certificates: Sequence[bytes],
    *,
    begins: int,
    ends: int,
    signed: int | None = None,
    doc_type: str = MDL,
    elements: dict[str, Any] | None = None,
    status: Any = None,
    algorithm: str = "SHA-256",
    protected: dict[Any, Any] | None = None,
    unprotected: dict[Any, Any] | None = None,
    change_items: Change = lambda _: None,
    change_mso: Change = lambda _: None,
    change_all: Change = lambda _: None,
) -> str:
    """
    Return an IssuerSigned as base64url.

    Args:
        begins, ends, signed: microseconds since 1970.
        change_items: of what is disclosed, after its digests were taken.
        change_mso: of the MobileSecurityObject, before it is signed.
        change_all: of what is sent.
    """
    said = (
        {"family_name": "Doe", "birth_date": cbor2.CBORTag(1004, "1990-01-01")}
        if elements is None
        else elements
    )
    items = [
        {"digestID": number, "random": bytes(32), "elementIdentifier": name, "elementValue": value}
        for number, (name, value) in enumerate(said.items())
    ]
    digests = {
        item["digestID"]: hashlib.new(algorithm.replace("-", ""), cbor2.dumps(embedded(item))).digest()
        for item in items
    }
    change_items(items)
    mso = {
        "version": "1.0",
        "digestAlgorithm": algorithm,
        "valueDigests": {SPACE: digests},
        "deviceKeyInfo": {"deviceKey": {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}},
        "docType": doc_type,
        "validityInfo": {
            "signed": tdate(begins if signed is None else signed),
            "validFrom": tdate(begins),
            "validUntil": tdate(ends),
        },
    } | ({} if status is None else {"status": status})
    change_mso(mso)
    chain = certificates[0] if len(certificates) == 1 else list(certificates)
    auth = sign1(
        cbor2.dumps(embedded(mso)),
        private_key,
        protected or {},
        {X5CHAIN: chain} if unprotected is None else unprotected,
    )
    made = {"nameSpaces": {SPACE: [embedded(item) for item in items]}, "issuerAuth": auth}
    change_all(made)
    return base64.urlsafe_b64encode(cbor2.dumps(made)).decode().rstrip("=")


def example() -> str:
    """Return the response of annex D of the standard as issuer data, with one of its elements."""
    item, auth = (bytes.fromhex(VECTOR[name]) for name in ("item", "issuerAuth"))
    spaces = b"\xa1" + cbor2.dumps(SPACE) + b"\x81" + item
    whole = b"\xa2" + cbor2.dumps("nameSpaces") + spaces + cbor2.dumps("issuerAuth") + auth
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def sign1(
    payload: bytes,
    private_key: ec.EllipticCurvePrivateKey,
    protected: dict[Any, Any],
    unprotected: dict[Any, Any],
) -> list[Any]:
    """Return a COSE_Sign1 without its tag, by a key on P-256 (RFC 9052, section 4.4)."""
    header = cbor2.dumps({1: -7} | protected)
    signed = cbor2.dumps(["Signature1", header, b"", payload])
    r, s = decode_dss_signature(
        private_key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    )
    return [header, unprotected, payload, r.to_bytes(32) + s.to_bytes(32)]
