"""
The proof of a status list credential, verified by somebody who has the standards and none of our code.

A list is so plain a document that its RDF can be written down, one line for each statement, and sorted: RDF Dataset
Canonicalization has nothing left to do. Implements Data Integrity EdDSA and ECDSA Cryptosuites v1.0, sections 3.2
and 3.3 of both, for these documents only.
"""

import hashlib
import json
from typing import Any

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_VC = "https://www.w3.org/2018/credentials#"
_LIST = "https://www.w3.org/ns/credentials/status#"
_SECURITY = "https://w3id.org/security#"
_XSD = "http://www.w3.org/2001/XMLSchema#"


def verify(key: PublicKey, signature: bytes, signed: bytes) -> None:
    """
    Verify a signature of Ed25519, or of P-256 as r and s in 64 bytes.

    Raises:
        InvalidSignature: it is not one of `key` over these bytes.
    """
    if isinstance(key, Ed25519PublicKey):
        key.verify(signature, signed)
        return
    if len(signature) != 64:
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def verify_proof(document: dict[str, Any], key: PublicKey) -> None:
    """
    Verify the proof of a list.

    Raises:
        InvalidSignature: it does not verify.
        AssertionError: it is not for that, or of another suite.
    """
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in document["proof"].items() if name != "proofValue"}
    family = "eddsa" if isinstance(key, Ed25519PublicKey) else "ecdsa"
    year = {"eddsa": "2022", "ecdsa": "2019"}[family]
    assert (options["type"], options["proofPurpose"]) == ("DataIntegrityProof", "assertionMethod")
    if options["cryptosuite"] == f"{family}-jcs-{year}":
        parts = [_jcs(options), _jcs(unsecured)]
    else:
        assert options["cryptosuite"] == f"{family}-rdfc-{year}"
        assert "@context" not in options
        parts = [_rdf(_options_statements(options)), _rdf(_list_statements(unsecured))]
    value = document["proof"]["proofValue"]
    assert value[0] == "z"
    verify(key, base58.b58decode(value[1:]), b"".join(hashlib.sha256(part).digest() for part in parts))


def _jcs(value: Any) -> bytes:
    """RFC 8785, of text in ASCII and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _rdf(statements: set[str]) -> bytes:
    return "".join(sorted(f"{statement} .\n" for statement in statements)).encode()


def _list_statements(document: dict[str, Any]) -> set[str]:
    assert document["@context"] == ["https://www.w3.org/ns/credentials/v2"]
    subject = document["credentialSubject"]
    one, other = f"<{document['id']}>", f"<{subject['id']}>"
    assert set(document["type"]) == {"VerifiableCredential", "BitstringStatusListCredential"}
    assert subject["type"] == "BitstringStatusList"
    return {
        f"{one} {_TYPE} <{_VC}VerifiableCredential>",
        f"{one} {_TYPE} <{_LIST}BitstringStatusListCredential>",
        f"{one} <{_VC}issuer> <{document['issuer']}>",
        f'{one} <{_VC}validFrom> "{document["validFrom"]}"^^<{_XSD}dateTime>',
        f'{one} <{_VC}validUntil> "{document["validUntil"]}"^^<{_XSD}dateTime>',
        f"{one} <{_VC}credentialSubject> {other}",
        f"{other} {_TYPE} <{_LIST}BitstringStatusList>",
        f'{other} <{_LIST}statusPurpose> "{subject["statusPurpose"]}"',
        f'{other} <{_LIST}encodedList> "{subject["encodedList"]}"^^<{_SECURITY}multibase>',
        f'{other} <{_LIST}ttl> "{subject["ttl"]}"^^<{_XSD}integer>',
    }


def _options_statements(options: dict[str, Any]) -> set[str]:
    proof = "_:c14n0"
    return {
        f"{proof} {_TYPE} <{_SECURITY}DataIntegrityProof>",
        f'{proof} <{_SECURITY}cryptosuite> "{options["cryptosuite"]}"^^<{_SECURITY}cryptosuiteString>',
        f"{proof} <{_SECURITY}proofPurpose> <{_SECURITY}assertionMethod>",
        f"{proof} <{_SECURITY}verificationMethod> <{options['verificationMethod']}>",
    }
