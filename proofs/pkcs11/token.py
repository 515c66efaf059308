"""
A token, what can be made in it, and the signer of a key in it. Client.

PKCS #11 Specification v3.1 (OASIS Standard, 2023-07-23), section 6.3 (elliptic curves).

What a token signed is verified before anybody gets it: a faulty token, or one whose key was swapped, fails here and
not at whoever reads a list.
"""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, TokenFlag
from pkcs11.exceptions import PKCS11Error

from proofs.algorithms import Algorithm, PublicKey, algorithm_of, is_signature
from proofs.pkcs11.forms import EC_PARAMS, TokenUri, parse_token_uri, public_key_of
from proofs.pkcs11.session import PATIENCE_SECONDS, TokenSession
from proofs.signing import controller_of

NEW_KEY = "touchstone: not yet named"  # the label of a key pair until its id is known

_EDWARDS = (KeyType.EC_EDWARDS, Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
_WEIERSTRASS = (KeyType.EC, Mechanism.EC_KEY_PAIR_GEN)


class TokenKey(NamedTuple):
    """A key that was made in a token: its URI (`TokenUri`), and its public half."""

    locator: str
    public_key: PublicKey


class Token:
    """
    A token, opened when it is first needed; any thread may use it, and any process forked since.

    All of it blocks, `patience_seconds` at most: call it in a thread, never on an event loop.

    Args:
        module: the shared library of its maker, such as /usr/lib/softhsm/libsofthsm2.so.
        label: the token's own label.
        pin_file: holds the user's PIN, and after it nothing but a newline; mode 0600.
        patience_seconds: how long a caller waits for an answer.
    """

    def __init__(
        self, module: Path, label: str, pin_file: Path, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._session = TokenSession(module, label, pin_file, patience_seconds=patience_seconds)

    def check(self) -> None:
        """
        Return if the token answers and takes our PIN.

        Raises:
            SignerAway: it does not; the message says what to do.
        """
        self._session.ask(lambda session: session.token.slot.get_token())

    def create_key(self, algorithm: Algorithm, key_id_of: Callable[[bytes], str]) -> TokenKey:
        """
        Make a key pair that signs, in the token and for good; its private half can never leave it.

        A process that is killed meanwhile may leave a pair of the label `NEW_KEY`, which nobody uses.

        Args:
            key_id_of: makes CKA_LABEL and CKA_ID of the public key's SubjectPublicKeyInfo in DER.

        Raises:
            SignerAway: as `check`; or the token cannot make such a key, or made one that could leave it.
        """
        return self._session.ask(lambda session: self._create_key(session, algorithm, key_id_of))

    def signer(
        self,
        locator: str,
        verification_method: str,
        jws_key_id: str | None = None,
        certificates: tuple[bytes, ...] = (),
    ) -> "TokenSigner":
        """
        Return the signer of a key in this token.

        The caller compares its `public_key` with the one that is known: a token may have been swapped.

        Raises:
            ValueError: the locator is no `TokenUri`, or the verification method no DID URL with a fragment.
            SignerAway: as `check`; or the key is in another token, is not there, or is on a curve of no use here.
        """
        uri = parse_token_uri(locator)
        if uri.token != self._session.label:
            raise self._session.away(f"the key {uri.object} is not in it, but in the token {uri.token!r}")
        public_key = self._session.ask(lambda session: self._public_key(session, uri.object))
        return TokenSigner(self._session, uri, public_key, verification_method, jws_key_id, certificates)

    def close(self) -> None:
        """End session and login; the next use opens the token again."""
        self._session.close()

    def __repr__(self) -> str:
        return f"Token({self._session.label!r}, module={str(self._session.module)!r})"

    def _public_key(self, session: pkcs11.Session, label: str) -> PublicKey:
        """Return the public half of a key, having seen that the private one is there."""
        _only(session, ObjectClass.PRIVATE_KEY, label, Attribute.SIGN)
        return self._described(_only(session, ObjectClass.PUBLIC_KEY, label, Attribute.VERIFY))

    def _described(self, found: pkcs11.Object) -> PublicKey:
        try:
            return public_key_of(found[Attribute.EC_PARAMS], found[Attribute.EC_POINT])
        except (ValueError, pkcs11.AttributeTypeInvalid) as error:
            raise self._session.away(str(error) or "expected a key on an elliptic curve") from None

    def _create_key(
        self, session: pkcs11.Session, algorithm: Algorithm, key_id_of: Callable[[bytes], str]
    ) -> TokenKey:
        with session.token.open(rw=True) as writing:
            halves = _generate(writing, algorithm)
            try:
                public_key = self._described(halves[0])
                self._require_kept_in(halves[1])
                key_id = key_id_of(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
                _name(halves, key_id)
            except BaseException:
                _destroy(halves)
                raise
        return TokenKey(str(TokenUri(self._session.label, key_id)), public_key)

    def _require_kept_in(self, private_key: pkcs11.Object) -> None:
        """Refuse a key that could leave: the template forbids it, but a careless module may not heed all of it."""
        if not private_key[Attribute.SENSITIVE] or private_key[Attribute.EXTRACTABLE]:
            raise self._session.away("it makes keys that could leave it (CKA_SENSITIVE, CKA_EXTRACTABLE)")


class TokenSigner:
    """The `Signer` of a key in a token; it holds no secret."""

    def __init__(
        self,
        session: TokenSession,
        uri: TokenUri,
        public_key: PublicKey,
        verification_method: str,
        jws_key_id: str | None,
        certificates: tuple[bytes, ...],
    ) -> None:
        self._session = session
        self._label = uri.object
        self._key: pkcs11.SignMixin | None = None  # as the latest session has it; of the thread of all calls
        self.algorithm = algorithm_of(public_key)
        self.verification_method = verification_method
        self.jws_key_id = jws_key_id or verification_method
        self.controller = controller_of(verification_method)
        self.public_key = public_key
        self.certificates = certificates

    def sign(self, data: bytes) -> bytes:
        """
        Return the signature of `data`; with ECDSA another one each time, since the token draws a random number.

        The token gets a digest, but with Ed25519 all of the data: some take no more than a few KiB.

        Raises:
            SignerAway: the token cannot sign just now, or what it gave is no signature by this key.
        """
        signature = self._session.ask(lambda session: self._sign(session, data))
        if not is_signature(self.public_key, signature, data):
            self._session.close()  # A handle may stand for another object by now; the next signature looks anew.
            raise self._session.away(
                f"what it signed with {self._label} does not verify; it is faulty, or the key was swapped"
            )
        return signature

    def _sign(self, session: pkcs11.Session, data: bytes) -> bytes:
        key = self._key_of(session)
        if self.algorithm is Algorithm.ED25519:
            return key.sign(data, mechanism=Mechanism.EDDSA)
        digest = hashlib.new(self.algorithm.hash_name, data).digest()
        return key.sign(digest, mechanism=Mechanism.ECDSA)

    def _key_of(self, session: pkcs11.Session) -> pkcs11.SignMixin:
        """Return the private key, which is looked up once in a session: that takes longer than to sign."""
        if self._key is None or self._key.session is not session:
            found = _only(session, ObjectClass.PRIVATE_KEY, self._label, Attribute.SIGN)
            self._key = cast(pkcs11.SignMixin, found)
        return self._key

    def __repr__(self) -> str:
        return f"TokenSigner({self.verification_method!r})"


def _generate(session: pkcs11.Session, algorithm: Algorithm) -> tuple[pkcs11.PublicKey, pkcs11.PrivateKey]:
    key_type, mechanism = _EDWARDS if algorithm is Algorithm.ED25519 else _WEIERSTRASS
    curve = session.create_domain_parameters(
        key_type, {Attribute.EC_PARAMS: EC_PARAMS[algorithm]}, local=True
    )
    return curve.generate_keypair(
        store=True,
        label=NEW_KEY,
        mechanism=mechanism,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


def _name(halves: tuple[pkcs11.Object, ...], key_id: str) -> None:
    for half in halves:
        half[Attribute.ID] = key_id.encode()
        half[Attribute.LABEL] = key_id


def _destroy(halves: tuple[pkcs11.Object, ...]) -> None:
    for half in halves:
        with contextlib.suppress(PKCS11Error):
            half.destroy()


def _only(session: pkcs11.Session, kind: ObjectClass, label: str, may: Attribute) -> pkcs11.Object:
    """Return the one object of this class and label that may do this."""
    if session.token.flags & TokenFlag.RNG:
        session.generate_random(
            8
        )  # Fails if the session is lost; a search would fail once more when it is collected.
    found = list(session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label, may: True}))
    if len(found) != 1:
        raise pkcs11.MultipleObjectsReturned if found else pkcs11.NoSuchKey
    return found[0]
