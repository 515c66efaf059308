"""
Whatever signs for us: one protocol, and the key in memory. Pure.
"""

from typing import Literal, Protocol

from proofs.algorithms import Algorithm, PrivateKey, PublicKey, algorithm_of, sign_with

# How a header names the key: by its DID URL (`kid`), or by its certificates (`x5c` of JOSE, `x5chain` of COSE).
KeyName = Literal["kid", "certificates"]


class Signer(Protocol):
    """Whatever signs under one verification method: a key in memory, or one that a token never gives away."""

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the key; it decides on `alg` and on the cryptosuite."""

    @property
    def verification_method(self) -> str:
        """The absolute DID URL of the key as a Multikey, with its fragment."""

    @property
    def jws_key_id(self) -> str:
        """The DID URL of the same key as a JsonWebKey, for the `kid` of a JWS (VC-JOSE-COSE, section 3.3.1)."""

    @property
    def controller(self) -> str:
        """The DID whose document lists the verification method."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies."""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates of the key in DER, its own first, without the anchor; () where it has none."""

    def sign(self, data: bytes) -> bytes:
        """
        Return the signature of `data` in the raw coding of `algorithms.py`.

        A key in memory gives the same signature for the same data; a token may draw a random number.

        Raises:
            SignerAway: what holds the key cannot sign just now.
        """


class KeySigner:
    """A private key in memory. Its representation shows the verification method and never the key."""

    def __init__(
        self,
        private_key: PrivateKey,
        verification_method: str,
        jws_key_id: str | None = None,
        certificates: tuple[bytes, ...] = (),
    ) -> None:
        self._private_key = private_key
        self.algorithm = algorithm_of(private_key)
        self.verification_method = verification_method
        self.jws_key_id = jws_key_id or verification_method  # The method itself, where it is a JsonWebKey.
        self.controller = controller_of(verification_method)
        self.public_key: PublicKey = private_key.public_key()
        self.certificates = certificates

    def sign(self, data: bytes) -> bytes:
        return sign_with(self._private_key, data)

    def __repr__(self) -> str:
        return f"KeySigner({self.verification_method!r})"


def certificates_of(signer: Signer) -> tuple[bytes, ...]:
    """
    Return the certificates that name a signer's key, in DER.

    Raises:
        ValueError: it has none.
    """
    if not signer.certificates:
        raise ValueError(f"{signer.verification_method[:160]} has no certificates that could name it")
    return signer.certificates


def controller_of(verification_method: str) -> str:
    """
    Return the DID of a verification method.

    Raises:
        ValueError: it is no DID URL with a fragment.
    """
    controller, _, fragment = verification_method.partition("#")
    if not controller.startswith("did:") or not fragment:
        raise ValueError(f"expected a DID URL with a fragment, found {verification_method[:160]!r}")
    return controller
