"""When a credential says that it was issued, in whichever model: trust in its issuer is asked of that time."""

import json
from typing import Any

import pytest

from credentials.claims import claims_of
from credentials.reading import read_credential
from proofs import KeySigner, sign_compact
from tests.proofs.authorities import key

SIGNER = KeySigner(key("issuer"), "did:web:issuer.example#key-1")
SECOND = 1_000_000  # microseconds
NEW = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential", "Degree"],
    "issuer": "did:web:issuer.example",
    "credentialSubject": {"name": "Ada"},
}
FORMER: dict[str, Any] = {
    "@context": ["https://www.w3.org/2018/credentials/v1"],
    "type": ["VerifiableCredential", "Degree"],
    "credentialSubject": {"name": "Ada"},
}


def issued_at(claims: dict[str, Any]) -> int | None:
    token = sign_compact(json.dumps(claims).encode(), header={}, signer=SIGNER)
    return claims_of(read_credential(token)).issued_at


@pytest.mark.parametrize(
    ("claims", "second"),
    [
        (NEW, None),
        (NEW | {"validFrom": "1970-01-01T00:00:05Z"}, 5),
        (NEW | {"validFrom": "1970-01-01T00:00:05Z", "nbf": 9}, 5),
        (NEW | {"validFrom": "1970-01-01T00:00:05Z", "iat": 7}, 7),
        (NEW | {"nbf": 9}, 9),
        ({"iss": "did:web:issuer.example", "nbf": 9, "vc": FORMER}, 9),
        (
            {
                "iss": "did:web:issuer.example",
                "nbf": 9,
                "vc": FORMER | {"issuanceDate": "1970-01-01T00:00:09.5Z"},
            },
            9.5,
        ),
        ({"iss": "did:web:issuer.example", "vc": FORMER}, None),
    ],
)
def test_a_w3c_credential_was_issued_when_it_begins_unless_it_says_so(
    claims: dict[str, Any], second: float | None
) -> None:
    assert issued_at(claims) == (None if second is None else second * SECOND)
