"""
The W3C's signed Alumni Credential in each of our cryptosuites, with the keys that signed it.

From the recommendations of 2025-05-15: Data Integrity EdDSA Cryptosuites v1.0 and Data Integrity ECDSA Cryptosuites
v1.0, appendix "Test Vectors" (w3c/vc-di-eddsa and w3c/vc-di-ecdsa, folder TestVectors). The ECDSA keys are those of
RFC 6979, appendix A.2.5 and A.2.6, and the signatures are deterministic.
"""

from typing import Any

import base58
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import JsonObject, PrivateKey

CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"]
# What the second context says; it is not fetched.
EXAMPLES_CONTEXT = {"@vocab": "https://www.w3.org/ns/credentials/examples#"}
ALUMNI_CREDENTIAL: JsonObject = {
    "@context": CONTEXTS,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
ED25519_KEY = Ed25519PrivateKey.from_private_bytes(
    base58.b58decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:]
)
P256_KEY = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
P384_KEY = ec.derive_private_key(
    0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5,
    ec.SECP384R1(),
)
_ED25519 = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
_P256 = "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP"
_P384 = "z82LkuBieyGShVBhvtE2zoiD6Kma4tJGFtkAhxR5pfkp5QPw4LutoYWhvQCnGjdVn14kujQ"


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """A signed Alumni Credential. `hashes` is what was signed, in hexadecimal."""

    cryptosuite: str
    verification_method: str
    private_key: PrivateKey
    hashes: str
    proof_value: str

    @property
    def document(self) -> JsonObject:
        proof: dict[str, Any] = {
            "type": "DataIntegrityProof",
            "cryptosuite": self.cryptosuite,
            "created": "2023-02-24T23:36:38Z",
            "verificationMethod": self.verification_method,
            "proofPurpose": "assertionMethod",
        }
        if "jcs" in self.cryptosuite:
            proof["@context"] = CONTEXTS
        return {**ALUMNI_CREDENTIAL, "proof": {**proof, "proofValue": self.proof_value}}


VECTORS = {
    "eddsa-jcs-2022": Vector(
        cryptosuite="eddsa-jcs-2022",
        verification_method=f"did:key:{_ED25519}#{_ED25519}",
        private_key=ED25519_KEY,
        hashes=(
            "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
            "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
        ),
        proof_value="z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX",
    ),
    "eddsa-rdfc-2022": Vector(
        cryptosuite="eddsa-rdfc-2022",
        verification_method=f"did:key:{_ED25519}#{_ED25519}",
        private_key=ED25519_KEY,
        hashes=(
            "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0"
            "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017"
        ),
        proof_value="z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme",
    ),
    "ecdsa-rdfc-2019 P-256": Vector(
        cryptosuite="ecdsa-rdfc-2019",
        verification_method=f"did:key:{_P256}#{_P256}",
        private_key=P256_KEY,
        hashes=(
            "3a8a522f689025727fb9d1f0fa99a618da023e8494ac74f51015d009d35abc2e"
            "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017"
        ),
        proof_value="zaHXrr7AQdydBk3ahpCDpWbxfLokDqmCToYm2dyWvpcFVyWooC2he63w1f7UNQoAMKdhaRtcnaE2KTo5o5vTCcfw",
    ),
    "ecdsa-rdfc-2019 P-384": Vector(
        cryptosuite="ecdsa-rdfc-2019",
        verification_method=f"did:key:{_P384}#{_P384}",
        private_key=P384_KEY,
        hashes=(
            "e32805a26492eac777aa7a138f6d8da3c74e0c7be7b296dcaccf97420c3b92eaad7be6449ca565e165031567f5c7cbc1"
            "8bf6e01df72c5b62f91b685231915ac4b8c58ea95f002c6b8f6bfafa1b251df476b56b8e01518e317dab099d3ecbff96"
        ),
        proof_value=(
            "z967Mvv5bxtmLNqTzPZ8KmJjFmFXaAKeQNzq7GWnQkMcLtaGSSmuozE5WtJ8PipMe178B1tE28K1vsJur9bGVJhz6jgSJsRHFSQe"
            "qgH8hhjcg8gZDFJC1b9FsR5ggNmDBqHv"
        ),
    ),
    "ecdsa-jcs-2019 P-256": Vector(
        cryptosuite="ecdsa-jcs-2019",
        verification_method=f"did:key:{_P256}#{_P256}",
        private_key=P256_KEY,
        hashes=(
            "fe5799489119c7fe3c528715e72bd39d2ec6b4ab345978df32e9a9312648ec25"
            "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
        ),
        proof_value="z5ptCet75SaEgzG4v4zJhbJtfNi74Wv7Fq15hhKouJQQjEPQvPZKaYxcMXAMLPQS2FXrkCWokNJkFVkwxNzZfD5oT",
    ),
    "ecdsa-jcs-2019 P-384": Vector(
        cryptosuite="ecdsa-jcs-2019",
        verification_method=f"did:key:{_P384}#{_P384}",
        private_key=P384_KEY,
        hashes=(
            "83e5057817abb0c6872eafeaba1a9e53893c58eeb7414fb6d8aa3fa8c7917f7ad4792890b257c598baa17f4fbe6d183c"
            "3e0be671cc1881035d463158c80921973dab3534d4f8dfacf4ff2725a4115eb718e49d66de0e90e7365cd6062abf2259"
        ),
        proof_value=(
            "zq3EuTeLiGurmB2JR5oL8oWEsT7u2tba4HT1oZbiMYWc5qzsoW2kLYcBcF4HM5vCpJyTkceULKrVXuJQkXeN5seL4uXrFNFRMm53"
            "GWy1Yrto8rTWxZi9DkNeWP7yUPs7ELAm"
        ),
    ),
}
