"""Issuers and their keys as rows, for tests that need no command to make them."""

from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from operators import Issuer, IssuerKey, KeyState
from operators.issuers import key_store
from operators.store import insert_issuer
from proofs import PublicKey, algorithm_of
from storage import Transaction


def key_row(
    issuer_id: str, key_id: str, public_key: PublicKey | None = None, state: KeyState = KeyState.ACTIVE
) -> IssuerKey:
    """Return the row of a key in the file `<key id>.pem`; without a public key as releases before 0.3 left it."""
    der = public_key and public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return IssuerKey(
        issuer_id=issuer_id,
        key_id=key_id,
        custody="file",
        locator=f"{key_id}.pem",
        state=state,
        announced_at=0,
        activated_at=0 if state is KeyState.ACTIVE else None,
        algorithm=algorithm_of(public_key).value if public_key else None,
        public_key=der or None,
    )


def inserting(issuer: Issuer, *keys: IssuerKey) -> Callable[[Transaction], None]:
    """Return what inserts an issuer with its keys."""

    def insert(tx: Transaction) -> None:
        assert insert_issuer(tx, issuer, 0)
        for key in keys:
            assert key_store.insert_key(tx, key)

    return insert
