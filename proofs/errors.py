"""
What can be wrong with a signature, a proof or a signing key, split by who must act. Pure.

    ProofError                    the party that signed what we read must act; a caller may read the message
    +-- MalformedProof       422  not of the shape that the specification gives it
    +-- UnsupportedCryptosuite 422  well formed, but nothing that we can verify without guessing
    |   +-- TakesTooLong     422  begun and given up: it took more time, or memory, than one document may
    +-- TransformationFailed 422  the document has no canonical form (PROOF_TRANSFORMATION_ERROR)
    +-- ProofInvalid         422  the signature is not that key's over that document
    +-- MalformedCertificate 422  no X.509 that we read: its form, its size, its key
    +-- CertificateInvalid   422  it may not sign, or no valid path leads from it to a trust anchor

    KeyFileError                  the operator must act; the message names a path and never leaves the host
    +-- KeyFileMissing
    +-- KeyFileUnsafe             others can read it
    +-- KeyFileInvalid            not a private key in PKCS#8 PEM, or of an algorithm that does not sign here

    SignerAway                    the operator must act; what holds the key cannot sign just now
"""

from wire import Refusal

NS = "https://w3id.org/security#"  # Verifiable Credential Data Integrity 1.0, section 4.7 (Processing Errors)


class ProofError(
    Refusal, type=NS + "PROOF_VERIFICATION_ERROR", title="Proof verification failed", status=422
):
    """A proof or signature that we cannot accept."""


class MalformedProof(ProofError, title="Malformed proof"):
    """The proof or token is not of the shape that its specification demands."""


class UnsupportedCryptosuite(ProofError, title="Unsupported cryptosuite"):
    """The proof may be good, but we have no way to verify it that does not drop or guess a part of it."""


class TakesTooLong(UnsupportedCryptosuite, title="Unsupported cryptosuite"):
    """The canonical form of the document was begun, and given up."""


class TransformationFailed(
    ProofError, type=NS + "PROOF_TRANSFORMATION_ERROR", title="Proof transformation failed"
):
    """The document has no canonical form: a number outside its domain, a lone surrogate, no JSON value."""


class ProofInvalid(ProofError, title="Invalid proof"):
    """The signature does not verify, the key is not of the kind that it needs, or the proof has expired."""


class MalformedCertificate(ProofError, title="Malformed certificate"):
    """Not a certificate, or one that is over a limit of ours or has a key of a kind that we do not take."""


class CertificateInvalid(ProofError, title="Invalid certificate"):
    """The certificate may not do what it is used for, or no valid path leads from it to a trust anchor."""


class KeyFileError(Exception):
    """A key file that we do not use; the message says what to do about it."""


class KeyFileMissing(KeyFileError):
    """There is no such file."""


class KeyFileUnsafe(KeyFileError):
    """The file can be read or written by others than its owner."""


class KeyFileInvalid(KeyFileError):
    """The file does not hold a private key of an algorithm that signs here."""


class SignerAway(Exception):
    """Whatever holds the key cannot sign just now; the message is for operators and says what to look at."""
