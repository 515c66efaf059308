"""
How others check us: canonical forms, signatures, Data Integrity proofs and JOSE. Pure but for key files.
"""

from proofs.canonical import JsonObject, canonicalize, is_plain
from proofs.data_integrity import (
    EDDSA_JCS_2022,
    EDDSA_RDFC_2022,
    Proof,
    add_jcs_proof,
    add_rdfc_proof,
    proof_of,
    verify_proof,
)
from proofs.errors import (
    KeyFileError,
    KeyFileInvalid,
    KeyFileMissing,
    KeyFileUnsafe,
    MalformedProof,
    ProofError,
    ProofInvalid,
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
from proofs.signing import Ed25519Signer, Signer, create_key_file, read_key_file
from proofs.timestamps import parse_date_time_stamp

__all__ = [
    "EDDSA_JCS_2022",
    "EDDSA_RDFC_2022",
    "MAX_JWS_BYTES",
    "Ed25519Signer",
    "JsonObject",
    "Jws",
    "KeyFileError",
    "KeyFileInvalid",
    "KeyFileMissing",
    "KeyFileUnsafe",
    "MalformedProof",
    "Proof",
    "ProofError",
    "ProofInvalid",
    "Signer",
    "TransformationFailed",
    "UnsupportedCryptosuite",
    "add_jcs_proof",
    "add_rdfc_proof",
    "canonicalize",
    "create_key_file",
    "is_plain",
    "media_type_of_header",
    "parse_date_time_stamp",
    "proof_of",
    "read_compact",
    "read_key_file",
    "sign_compact",
    "verify_compact",
    "verify_proof",
]
