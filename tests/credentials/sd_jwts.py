"""An issuer and a holder of SD-JWT VCs, written after RFC 9901, with nothing of ours but signing."""

import base64
import hashlib
import json
import secrets
from typing import Any

from proofs import KeySigner, sign_compact

Claims = dict[str, Any]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def digest(disclosure: str, name: str = "sha256") -> str:
    return encoded(hashlib.new(name, disclosure.encode()).digest())


def disclosure(*content: Any) -> str:
    return encoded(json.dumps([secrets.token_urlsafe(16), *content]).encode())


def sd_jwt(
    claims: Claims,
    signer: KeySigner,
    *,
    hidden: Claims | None = None,
    header: Claims | None = None,
    disclosures: list[str] | None = None,
    key_name: Any = "kid",
) -> str:
    """Return an SD-JWT of `claims`, with `hidden` ones as digests, all of them disclosed, and without binding."""
    made = [disclosure(name, value) for name, value in (hidden or {}).items()]
    payload = dict(claims)
    if made:
        payload["_sd"] = sorted(digest(each) for each in made)
    token = sign_compact(
        json.dumps(payload).encode(),
        header={"typ": "dc+sd-jwt"} | (header or {}),
        signer=signer,
        key_name=key_name,
    ).decode()
    return "~".join([token, *made, *(disclosures or []), ""])


def bound(presented: str, holder: KeySigner, **claims: Any) -> str:
    """Return what a holder shows: the SD-JWT, and his token behind it."""
    payload = {"sd_hash": digest(presented)} | claims
    token = sign_compact(json.dumps(payload).encode(), header={"typ": "kb+jwt"}, signer=holder)
    return presented + token.decode()
