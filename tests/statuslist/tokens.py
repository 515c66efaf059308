"""
Token lists of others, written by hand: any claim, and any way to name the key or not to.
"""

from typing import Any

import cbor2
import msgspec

from proofs import Signer
from statuslist.formats.token_bits import compressed, packed
from tests.statuslist.stranger import REVOKED
from wire.base64url import encode_base64url

LABELS = {"iss": 1, "sub": 2, "exp": 4, "nbf": 5, "iat": 6, "status_list": 65_533, "ttl": 65_534}
LST = compressed(packed(1_024, [(REVOKED, 1)], 2))


def claims_of(url: str, now: int, **changes: Any) -> dict[str, Any]:
    """Return the claims of a list with `REVOKED` set, valid for an hour; a change to None removes one."""
    seconds = now // 1_000_000
    claims = {"sub": url, "iat": seconds - 60, "exp": seconds + 3_600, "status_list": {"bits": 2, "lst": LST}}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def jwt(claims: dict[str, Any], signer: Signer, **header: Any) -> bytes:
    """Return claims as JWT whose header has what is given, and no word of the key beside."""
    status_list = claims.get("status_list")
    if isinstance(status_list, dict) and isinstance(status_list.get("lst"), bytes):
        claims = claims | {"status_list": status_list | {"lst": encode_base64url(status_list["lst"])}}
    protected = {"alg": signer.algorithm.jose, "typ": "statuslist+jwt"} | header
    parts = [
        msgspec.json.encode({k: v for k, v in protected.items() if v is not None}),
        msgspec.json.encode(claims),
    ]
    signing_input = ".".join(map(encode_base64url, parts)).encode()
    return signing_input + b"." + encode_base64url(signer.sign(signing_input)).encode()


def cwt(claims: dict[str, Any], signer: Signer, **unprotected: Any) -> bytes:
    """Return claims as CWT in a COSE_Sign1; `kid` and `x5chain` go into the header that nobody signed."""
    labelled = {LABELS[name]: value for name, value in claims.items()}
    protected = cbor2.dumps({1: signer.algorithm.cose, 16: "application/statuslist+cwt"})
    payload = cbor2.dumps(labelled)
    signature = signer.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    names = {"kid": 4, "x5chain": 33}
    headers = {names[name]: value for name, value in unprotected.items()}
    return b"\xd2" + cbor2.dumps([protected, headers, payload, signature])
