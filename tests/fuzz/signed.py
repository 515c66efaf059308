"""CBOR and COSE_Sign1 from strangers: strict, alike for cbor2, and signed where it verifies."""

import cbor2

from proofs import Algorithm, MalformedProof, ProofInvalid
from proofs.cose import sign1, verify_sign1
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
