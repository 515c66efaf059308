"""
How others check us: canonical forms, signatures, Data Integrity proofs and JOSE. Pure but for key files.

What only some processes need is imported by its own name, with what it loads: `proofs.cose`, `proofs.notes`,
`proofs.certificates`, `proofs.pkcs11`.
"""

from proofs.algorithms import Algorithm, PrivateKey, PublicKey, algorithm_of, is_signature, sign_with
from proofs.canonical import JsonObject, canonicalize, is_plain
from proofs.data_integrity import add_proof, verify_proof
from proofs.errors import (
    CertificateInvalid,
    KeyFileError,
    KeyFileInvalid,
    KeyFileMissing,
    KeyFileUnsafe,
    MalformedCertificate,
    MalformedProof,
    ProofError,
    ProofInvalid,
    SignerAway,
    TakesTooLong,
    TransformationFailed,
    UnsupportedCryptosuite,
)
from proofs.jose import (
    MAX_JWS_BYTES,
    Jws,
    media_type_of_header,
    read_compact,
    sign_compact,
    verify_compact,
)
from proofs.key_files import create_key_file, read_key_file
from proofs.proof import Proof, proof_of
from proofs.signing import KeyName, KeySigner, Signer
from proofs.suites import EDDSA_JCS_2022, EDDSA_RDFC_2022, SUITES, Canonicalize, Transformation
from proofs.timestamps import parse_date_time_stamp

__all__ = [
    "EDDSA_JCS_2022",
    "EDDSA_RDFC_2022",
    "MAX_JWS_BYTES",
    "SUITES",
    "Algorithm",
    "Canonicalize",
    "CertificateInvalid",
    "JsonObject",
    "Jws",
    "KeyFileError",
    "KeyFileInvalid",
    "KeyFileMissing",
    "KeyFileUnsafe",
    "KeyName",
    "KeySigner",
    "MalformedCertificate",
    "MalformedProof",
    "PrivateKey",
    "Proof",
    "ProofError",
    "ProofInvalid",
    "PublicKey",
    "Signer",
    "SignerAway",
    "TakesTooLong",
    "Transformation",
    "TransformationFailed",
    "UnsupportedCryptosuite",
    "add_proof",
    "algorithm_of",
    "canonicalize",
    "create_key_file",
    "is_plain",
    "is_signature",
    "media_type_of_header",
    "parse_date_time_stamp",
    "proof_of",
    "read_compact",
    "read_key_file",
    "sign_compact",
    "sign_with",
    "verify_compact",
    "verify_proof",
]
