"""
Where private keys are: made, opened to sign, and looked at again.

`file`: `<key dir>/<key id>.pem`, on every machine that signs. `pkcs11`: in a token, which signs itself.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificates

from operators import Issuer, IssuerKey
from operators.issuers.custody import MadeKey
from operators.issuers.keys import key_id_of
from proofs import Algorithm, KeyFileInvalid, KeySigner, PublicKey, Signer, SignerAway
from proofs.key_files import new_key, read_key_file, write_key_file
from server.identity.documents import method_ids
from server.settings import Settings
from wire import Conflict, Refusal

if TYPE_CHECKING:
    from proofs.pkcs11 import Token

CUSTODIES = FILE, PKCS11 = "file", "pkcs11"


class TokenAway(Refusal, type="/problems/token-away", title="The token cannot make a key now", status=503):
    """The PKCS #11 token of this server does not answer, or makes no such key; the operator's log says more."""


class KeyNotWritten(
    Refusal, type="/problems/key-not-written", title="The key cannot be written now", status=503
):
    """The key directory of this server cannot be written, so no key was made; the detail says why."""


class Custody:
    """Every way in which this server holds keys. All of it blocks: call it in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key_dir = Path(settings.key_dir)

    def make(self, custody: str, algorithm: str) -> MadeKey:
        """
        Make a key, durable when this returns.

        Raises:
            Conflict: this server has no token.
            TokenAway: its token cannot make the key.
            KeyNotWritten: the key directory cannot be written.
        """
        if custody == PKCS11:
            return self._make_in_token(Algorithm(algorithm))
        private_key = new_key(Algorithm(algorithm))
        public_key = spki_of(private_key.public_key())
        locator = f"{key_id_of(public_key)}.pem"
        try:
            write_key_file(self._key_dir / locator, private_key)
        except OSError as error:
            raise KeyNotWritten(f"{self._key_dir / locator} cannot be written: {error.strerror}") from None
        return MadeKey(locator=locator, algorithm=algorithm, public_key=public_key)

    def open(self, issuer: Issuer, key: IssuerKey) -> Signer:
        """
        Return what signs with a key.

        Raises:
            KeyFileError: its file is missing, unsafe or no key; or it is another key than its row says.
            SignerAway: its token does not answer, or has no such key.
            OSError: its file cannot be read.
        """
        signer = self._open_in_token(issuer, key) if key.custody == PKCS11 else self._open_file(issuer, key)
        if key.public_key not in (None, spki_of(signer.public_key)):
            raise KeyFileInvalid(
                f"{key.locator} is another key ({signer.algorithm}) than the {key.algorithm} key that"
                f" {key.key_id} of {issuer.id} is; put the right one back"
            )
        return signer

    def mark_of(self, key: IssuerKey) -> object:
        """Return what changes with a key: its file and mode, its certificates; None: it must be opened anew."""
        if key.custody == PKCS11:
            return None  # The token may be there, and the key deleted.
        try:
            status = (self._key_dir / key.locator).stat()
        except OSError:
            return None
        return (
            key.certificates,
            status.st_ino,
            status.st_mode,
            status.st_uid,
            status.st_size,
            status.st_mtime_ns,
        )

    def _make_in_token(self, algorithm: Algorithm) -> MadeKey:
        try:
            made = self._token.create_key(algorithm, key_id_of)
        except SignerAway as error:
            raise TokenAway(str(error)) from None
        return MadeKey(locator=made.locator, algorithm=algorithm.value, public_key=spki_of(made.public_key))

    def _open_in_token(self, issuer: Issuer, key: IssuerKey) -> Signer:
        try:
            token = self._token
        except Conflict as error:
            raise SignerAway(str(error)) from None
        method, jwk = method_ids(issuer.did, key.key_id)
        return token.signer(key.locator, method, jwk, certificates_of(key))

    def _open_file(self, issuer: Issuer, key: IssuerKey) -> Signer:
        private_key = read_key_file(self._key_dir / key.locator)
        method, jwk = method_ids(issuer.did, key.key_id)
        return KeySigner(private_key, method, jwk, certificates_of(key))

    @cached_property
    def _token(self) -> "Token":
        settings = self._settings
        if not settings.pkcs11_module:
            raise Conflict("this server has no token: set TOUCHSTONE_PKCS11_MODULE, _TOKEN and _PIN_FILE")
        try:
            from proofs.pkcs11 import Token
        except ImportError:
            raise Conflict("keys in a token need the extra: pip install 'touchstone-vc[pkcs11]'") from None
        return Token(Path(settings.pkcs11_module), settings.pkcs11_token, Path(settings.pkcs11_pin_file))


def spki_of(public_key: PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo in DER, as rows have it."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificates_of(key: IssuerKey) -> tuple[bytes, ...]:
    """Return the certificates of a key in DER, its own first; () where it has none."""
    if key.certificates is None:
        return ()
    found = load_pem_x509_certificates(key.certificates.encode())
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)
