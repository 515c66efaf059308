"""
Where private keys are: made, opened to sign, and looked at again.

`file`: `<key dir>/<key id>.pem`, on every machine that signs. `pkcs11`: in a token, which signs itself.
"""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from operators import Issuer, IssuerKey
from operators.issuers.custody import MadeKey
from operators.issuers.keys import key_id_of
from proofs import Algorithm, KeyFileInvalid, KeySigner, PublicKey, Signer, algorithm_of
from proofs.key_files import new_key, read_key_file, write_key_file
from server.identity.documents import method_ids
from server.settings import Settings
from wire import Conflict


class Custody:
    """Every way in which this server holds keys; all of it blocks."""

    def __init__(self, settings: Settings) -> None:
        self._key_dir = Path(settings.key_dir)

    def make(self, custody: str, algorithm: str) -> MadeKey:
        """
        Make a key, durable when this returns.

        Raises:
            Conflict: this server has no such custody.
            OSError: the key directory cannot be written.
        """
        if custody != "file":
            raise Conflict(f"no key can be made here in the custody {custody!r}: this server has only files")
        private_key = new_key(Algorithm(algorithm))
        public_key = spki_of(private_key.public_key())
        locator = f"{key_id_of(public_key)}.pem"
        write_key_file(self._key_dir / locator, private_key)
        return MadeKey(locator=locator, algorithm=algorithm, public_key=public_key)

    def open(self, issuer: Issuer, key: IssuerKey) -> Signer:
        """
        Return what signs with a key.

        Raises:
            KeyFileError: its file is missing, unsafe, no key, or another one than its row says.
            OSError: it cannot be read.
        """
        path = self._key_dir / key.locator
        private_key = read_key_file(path)
        method, jwk = method_ids(issuer.did, key.key_id)
        signer = KeySigner(private_key, method, jws_key_id=jwk)
        if key.public_key not in (None, spki_of(signer.public_key)):
            raise KeyFileInvalid(
                f"{path}: another key ({algorithm_of(private_key)}) than the {key.algorithm} key that {key.key_id}"
                f" of {issuer.id} is; put the right file back"
            )
        return signer

    def mark_of(self, key: IssuerKey) -> object:
        """Return what changes with the file of a key, its mode among it; None: it cannot be looked at."""
        try:
            status = (self._key_dir / key.locator).stat()
        except OSError:
            return None
        return (status.st_ino, status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns)


def spki_of(public_key: PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo in DER, as rows have it."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
