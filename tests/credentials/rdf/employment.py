"""
The W3C's Employment Authorization Document in both suites over RDF, with more blank nodes than their other vectors.

From w3c/vc-di-eddsa and w3c/vc-di-ecdsa, TestVectors, the folders `employ`; the keys are those of
`tests/proofs/w3c_vectors.py`. `citizenship/` is what an operator would have for its second context: Copyright ©
2020-2024 World Wide Web Consortium, W3C Software and Document License.
"""

from pathlib import Path

from proofs import JsonObject
from tests.proofs.w3c_vectors import VECTORS

CITIZENSHIP = Path(__file__).with_name("citizenship")
_IMAGE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVQIW2N"
EMPLOYMENT: JsonObject = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/citizenship/v4rc1"],
    "type": ["VerifiableCredential", "EmploymentAuthorizationDocumentCredential"],
    "issuer": {
        "id": "did:key:zDnaegE6RR3atJtHKwTRTWHsJ3kNHqFwv7n9YjTgmU7TyfU76",
        "image": f"{_IMAGE}gUPr/HwADaAIhG61j/AAAAABJRU5ErkJggg==",
    },
    "credentialSubject": {
        "type": ["Person", "EmployablePerson"],
        "givenName": "JOHN",
        "additionalName": "JACOB",
        "familyName": "SMITH",
        "image": f"{_IMAGE}g+M/wHwAEAQH/7yMK/gAAAABJRU5ErkJggg==",
        "gender": "Male",
        "residentSince": "2015-01-01",
        "birthCountry": "Bahamas",
        "birthDate": "1999-07-17",
        "employmentAuthorizationDocument": {
            "type": "EmploymentAuthorizationDocument",
            "identifier": "83627465",
            "lprCategory": "C09",
            "lprNumber": "999-999-999",
        },
    },
    "name": "Employment Authorization Document",
    "description": "Example Country Employment Authorization Document.",
    "validFrom": "2019-12-03T00:00:00Z",
    "validUntil": "2029-12-03T00:00:00Z",
}
# The name of a vector with the same key and suite, and the proof of this credential.
PROOF_VALUES = {
    "eddsa-rdfc-2022": "z64e3a7hAtYQ3pqCdBsPLRpNqJd5YTzbMP7WrotbqY7HtANPq3ZSYoycsz3tHxzqJM5GVR5bUk7TpjoxgdUDXMQaR",
    "ecdsa-rdfc-2019 P-256": (
        "z4SWLpMWVhqUAgZweKfVftaZqWX2F8ZKMZV1Rszr6G73SsMHCjNUykW75hNwfFrVYacCFqraR6pnPqGcD6NyQ7SUu"
    ),
    "ecdsa-rdfc-2019 P-384": (
        "zrgAixbog7Uo9J9uyGfBi5FPDY459PZbuf52u6bEW424McKL55iVHUn1QjbRLFP25oapNtLRd7iGZHuSqZf3DE1VuEgACDDmwP1Z77"
        "YC9QCxD37h8Mgh1QEpefuL5CKpk1oH"
    ),
}


def employment(name: str) -> JsonObject:
    """Return the credential with one of its proofs."""
    vector = VECTORS[name]
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": vector.cryptosuite,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": vector.verification_method,
        "proofPurpose": "assertionMethod",
        "proofValue": PROOF_VALUES[name],
    }
    return {**EMPLOYMENT, "proof": proof}
