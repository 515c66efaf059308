"""Compact JWS, honest and forged, that the tests of `proofs` share."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk, jws

from proofs import Signer, sign_compact
from tests.proofs.documents import PRIVATE_KEY, SIGNER

P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
PAYLOAD = b'{"id":"https://lists.example/status-lists/7/revocation.jwt"}'


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def our_token(signer: Signer = SIGNER) -> bytes:
    return sign_compact(PAYLOAD, header={"typ": "vc+jwt", "cty": "vc"}, signer=signer)


def signed_by_us(header: bytes, payload: bytes = PAYLOAD) -> bytes:
    """Sign any header, as an issuer who means harm can."""
    signing_input = b64(header) + b"." + b64(payload)
    return signing_input + b"." + b64(PRIVATE_KEY.sign(signing_input))


def signed_by_jwcrypto(private_key: Any, algorithm: str) -> bytes:
    token = jws.JWS(PAYLOAD)
    token.allowed_algs = [algorithm]
    token.add_signature(jwk.JWK.from_pyca(private_key), None, json.dumps({"alg": algorithm}), None)
    return str(token.serialize(compact=True)).encode()
