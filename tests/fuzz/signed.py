"""CBOR, COSE_Sign1, signed notes and certificates from strangers: strict, and signed where they count."""

import warnings
from itertools import pairwise

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from proofs import Algorithm, MalformedProof, ProofError, ProofInvalid
from proofs.certificates import Good, Revocation, Revoked, read_anchors, read_chain, validate_path
from proofs.cose import sign1, verify_sign1
from proofs.notes import NoteKey, read_note_key, sign_note, verify_note
from tests.proofs.authorities import NOW, Authority, der, entry, key
from tests.proofs.documents import KEYS, SIGNERS
from wire.cbor import CborError, read_cbor, write_cbor

MAX_CBOR_BYTES = 65_536
PAYLOAD = write_cbor({2: "https://a.example/1", 6: 1, 4: 2, 65_533: {"bits": 1, "lst": bytes(9)}})
TOKENS = [sign1(PAYLOAD, signer, protected={16: "application/statuslist+cwt"}) for signer in SIGNERS.values()]


def strict_cbor(data: bytes) -> None:
    """What we read as CBOR, cbor2 reads alike, and it survives a round trip; the rest is refused in words."""
    try:
        value = read_cbor(data, max_bytes=MAX_CBOR_BYTES)
    except CborError as error:
        assert 0 < len(str(error)) < 400
        return
    assert len(data) <= MAX_CBOR_BYTES
    assert repr(value) == repr(cbor2.loads(data)), "another value"
    written = write_cbor(value)
    assert write_cbor(read_cbor(written, max_bytes=10 * MAX_CBOR_BYTES)) == written, "no round trip"


def cose_sign1(data: bytes) -> None:
    """Whatever verifies has the payload and the protected header that were signed."""
    for algorithm in Algorithm:
        try:
            found = verify_sign1(data, KEYS[algorithm].public_key(), max_bytes=MAX_CBOR_BYTES)
        except (MalformedProof, ProofInvalid):
            continue
        assert found.payload == PAYLOAD
        assert found.protected == {1: algorithm.cose, 16: "application/statuslist+cwt"}


_TEXT = "log.example/audit\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
_NOTE_KEYS = [NoteKey("log.example/audit", signer.public_key) for signer in SIGNERS.values()]
NOTES = [sign_note(_TEXT, "log.example/audit", signer) for signer in SIGNERS.values()]
NOTE_KEYS = [key.text.encode() for key in _NOTE_KEYS]


def signed_note(data: bytes) -> None:
    """Whatever verifies has the text that was signed; the rest is refused in words."""
    try:
        assert verify_note(data, _NOTE_KEYS) == _TEXT
    except ProofError as error:
        assert 0 < len(str(error)) < 400


def note_key(data: bytes) -> None:
    """A key has one spelling."""
    text = data.decode("latin-1")
    try:
        key = read_note_key(text)
    except ProofError as error:
        assert 0 < len(str(error)) < 400
        return
    assert key.text == text.strip()


_ROOT = Authority("Root")
_MID = Authority("Mid", _ROOT)
_LEAF = _MID.leaf()
_ANCHORS = read_anchors([_ROOT.der])
CERTIFICATES = [der(_LEAF), _MID.der, _ROOT.der]
CRLS = [_MID.crl(), _MID.crl(entry(_LEAF))]
_SIGNED = [x509.load_der_x509_crl(crl).tbs_certlist_bytes for crl in CRLS]
CHAINS = [
    b"".join(one.public_bytes(Encoding.PEM) for one in (_LEAF, _MID.certificate)),
    _LEAF.public_bytes(Encoding.PEM),
]


def _revocation(chain: list[bytes], crls: list[bytes]) -> Revocation:
    with warnings.catch_warnings():  # Of serial numbers that are not positive; the verifier refuses them.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return validate_path(chain, _ANCHORS, at=NOW, crls=crls, purposes=None).revocation


def certificate_path(data: bytes) -> None:
    """Only the certificate that the authority signed has a valid path; the rest is refused in words."""
    try:
        _revocation([data, _MID.der], [])
    except ProofError as error:
        assert 0 < len(str(error)) < 600
        return
    certificate = x509.load_der_x509_certificate(data)
    assert certificate.tbs_certificate_bytes == _LEAF.tbs_certificate_bytes


def certificate_crl(data: bytes) -> None:
    """Only a CRL that the issuer signed shows that a certificate is good, or that it is revoked."""
    status = _revocation([der(_LEAF), _MID.der], [data, _ROOT.crl()])
    if isinstance(status, Good | Revoked):
        load = x509.load_pem_x509_crl if data.lstrip().startswith(b"-") else x509.load_der_x509_crl
        assert load(data).tbs_certlist_bytes == _SIGNED[isinstance(status, Revoked)]


def certificate_file(data: bytes) -> None:
    """A file of certificates gives the key's own, each signed by the next, or is refused in words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            chain = read_chain(data, key("Signer").public_key(), now=NOW)
    except ProofError as error:
        assert 0 < len(str(error)) < 600
        return
    certificates = [x509.load_der_x509_certificate(one) for one in chain]
    assert certificates[0].public_key() == key("Signer").public_key()
    for certificate, issuer in pairwise(certificates):
        certificate.verify_directly_issued_by(issuer)
