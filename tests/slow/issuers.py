"""Issuers that a running server hosts, and their keys, as their own services have them."""

from pathlib import Path
from typing import Any

import httpx
from jwcrypto import jwk

from tests.process import Server


def add_issuer(server: Server, issuer_id: str, algorithm: str) -> Any:
    """Have the server host an issuer that signs with a key of that algorithm; return how operators see it."""
    answer = httpx.post(
        f"{server.operator_url}/operator/issuers",
        headers={"Authorization": f"Bearer {server.operator_key}"},
        json={"id": issuer_id, "algorithm": algorithm},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def key_of(server: Server, issuer: Any) -> dict[str, Any]:
    """Return the key with which the issuer signs: its DID URL, and the private key as JWK, out of its file."""
    active = next(key for key in issuer["keys"] if key["state"] == "active")
    pem = Path(server.directory, "var/keys", f"{active['key']}.pem").read_bytes()
    private = jwk.JWK.from_pem(pem).export_private(as_dict=True)
    return {"id": f"{issuer['did']}#{active['key']}", "jwk": {k: v for k, v in private.items() if k != "kid"}}
