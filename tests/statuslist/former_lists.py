"""
Lists as they were published before Bitstring Status List v1.0: Status List 2021, and VC 1.1 in JWTs.
"""

import gzip
from base64 import urlsafe_b64encode
from typing import Any

import msgspec

from proofs import KeySigner, sign_compact
from statuslist.formats.bitstring import with_statuses
from tests.statuslist.stranger import REVOKED, Stranger
from wire import format_utc

V1 = "https://www.w3.org/2018/credentials/v1"
V2 = "https://www.w3.org/ns/credentials/v2"


def former_list(by: Stranger, *, is_padded: bool = False, **changes: Any) -> dict[str, Any]:
    """Return an unsecured StatusList2021Credential in VCDM 1.1, valid for an hour; a change to None removes one."""
    bits = with_statuses(131_072, [(REVOKED, 1)])
    encoded = urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode()
    document = {
        "@context": [V1, "https://w3id.org/vc/status-list/2021/v1"],
        "id": by.list_url,
        "type": ["VerifiableCredential", "StatusList2021Credential"],
        "issuer": by.did,
        "issuanceDate": format_utc(by.now - 60_000_000),
        "expirationDate": format_utc(by.now + 3_600_000_000),
        "credentialSubject": {
            "id": f"{by.list_url}#list",
            "type": "StatusList2021",
            "statusPurpose": "revocation",
            "encodedList": encoded if is_padded else encoded.rstrip("="),
        },
    }
    return {name: value for name, value in (document | changes).items() if value is not None}


def vc11_jwt(document: dict[str, Any], signer: KeySigner, *, issuer: str | None = None) -> bytes:
    """Return a credential of VCDM 1.1 in the claim `vc` of a JWT, with its issuer and id in claims as well."""
    payload = {"iss": issuer or document["issuer"], "jti": document["id"], "vc": document}
    return sign_compact(msgspec.json.encode(payload), header={"typ": "JWT"}, signer=signer)
