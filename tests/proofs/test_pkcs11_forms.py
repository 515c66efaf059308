"""How keys in a token are written: URIs, curves, points."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs import Algorithm, PublicKey
from proofs.pkcs11.forms import EC_PARAMS, TokenUri, parse_token_uri, public_key_of

URI = "pkcs11:token=touchstone;object=key-3f9a00c1d2e4;type=private"
KEYS: dict[Algorithm, PublicKey] = {
    Algorithm.ED25519: Ed25519PrivateKey.generate().public_key(),
    Algorithm.P256: generate_private_key(SECP256R1()).public_key(),
    Algorithm.P384: generate_private_key(SECP384R1()).public_key(),
}


def point(algorithm: Algorithm) -> bytes:
    form = PublicFormat.Raw if algorithm is Algorithm.ED25519 else PublicFormat.UncompressedPoint
    encoding = Encoding.Raw if algorithm is Algorithm.ED25519 else Encoding.X962
    return KEYS[algorithm].public_bytes(encoding, form)


def in_octet_string(content: bytes) -> bytes:
    return bytes([4, len(content)]) + content


def test_a_uri_names_token_and_key() -> None:
    assert str(TokenUri("touchstone", "key-3f9a00c1d2e4")) == URI
    assert parse_token_uri(URI) == TokenUri("touchstone", "key-3f9a00c1d2e4")


@pytest.mark.parametrize("label", ["with space", "a;type=cert", "50%", "a?pin-value=1", "Schlüssel", "a/b"])
def test_any_label_can_be_written_and_read(label: str) -> None:
    uri = TokenUri(label, label)

    assert parse_token_uri(str(uri)) == uri
    assert str(uri).isascii()
    assert str(uri).count(";") == 2
    assert "?" not in str(uri)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkcs11:",
        "pkcs11:object=key-1;type=private",
        "pkcs11:token=;object=key-1;type=private",
        "pkcs11:token=t;object=key-1;type=public",
        "pkcs11:object=key-1;token=t;type=private",
        "pkcs11:token=t;object=key-1;type=private;id=%01",
        "pkcs11:token=t;object=key 1;type=private",
        "pkcs11:token=t;object=key%2d1;type=private",
        "pkcs11:token=t;object=%FF;type=private",
        "PKCS11:token=t;object=key-1;type=private",
        URI + "\n",
        URI + "?module-path=evil.so",
    ],
)
def test_any_other_uri_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected pkcs11:token=LABEL;object=LABEL;type=private"):
        parse_token_uri(text)


def test_a_pin_in_a_uri_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="expected pkcs11:") as refused:
        parse_token_uri(URI + "?pin-value=94-lions")

    assert "lions" not in str(refused.value)


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("spelled", [bytes, in_octet_string])
def test_a_point_is_read_bare_and_as_an_octet_string(algorithm: Algorithm, spelled: type[bytes]) -> None:
    assert public_key_of(EC_PARAMS[algorithm], spelled(point(algorithm))) == KEYS[algorithm]


def test_an_edwards_curve_is_known_by_its_identifier_too() -> None:
    identifier = bytes.fromhex("06032b6570")

    assert public_key_of(identifier, point(Algorithm.ED25519)) == KEYS[Algorithm.ED25519]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_point_of_another_length_is_refused(algorithm: Algorithm) -> None:
    right = point(algorithm)

    for wrong in (b"", right[1:], right[:-1], b"\4" + right, in_octet_string(right) + b"\0"):
        with pytest.raises(ValueError, match="expected a point of"):
            public_key_of(EC_PARAMS[algorithm], wrong)


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384])
def test_bytes_that_are_no_point_of_the_curve_are_refused(algorithm: Algorithm) -> None:
    off_curve = point(algorithm)[:-1] + bytes([point(algorithm)[-1] ^ 1])

    with pytest.raises(ValueError, match="no point of"):
        public_key_of(EC_PARAMS[algorithm], off_curve)


@pytest.mark.parametrize("ec_params", [b"", bytes.fromhex("06052b8104000a")])  # none; secp256k1
def test_another_curve_is_refused(ec_params: bytes) -> None:
    with pytest.raises(ValueError, match="another curve"):
        public_key_of(ec_params, point(Algorithm.P256))
