"""A public key of each type that the resolver takes, by the name of its codec."""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from resolver.keys.jwk import PublicKey

RSA_2048 = rsa.generate_private_key(65_537, 2_048).public_key()
KEYS: dict[str, PublicKey] = {
    "ed25519-pub": ed25519.Ed25519PrivateKey.generate().public_key(),
    "x25519-pub": x25519.X25519PrivateKey.generate().public_key(),
    "p256-pub": ec.generate_private_key(ec.SECP256R1()).public_key(),
    "p384-pub": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "p521-pub": ec.generate_private_key(ec.SECP521R1()).public_key(),
    "secp256k1-pub": ec.generate_private_key(ec.SECP256K1()).public_key(),
    "rsa-pub": RSA_2048,
}


def tlv(tag: int, content: bytes) -> bytes:
    """Return a value of at most 64 KiB in DER."""
    size = len(content)
    length = (
        bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2)
    )
    return bytes([tag]) + length + content


def _integer(number: int) -> bytes:
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1))


# A Diffie-Hellman key of RFC 3279, section 2.3.3, of Mersenne primes: loading it takes OpenSSL seconds.
DEAR_DER = tlv(
    0x30,
    tlv(
        0x30,
        bytes.fromhex("06072a8648ce3e0201")
        + tlv(0x30, _integer((1 << 4_253) - 1) + _integer(2) + _integer((1 << 3_217) - 1)),
    )
    + tlv(3, b"\0" + _integer(5)),
)
