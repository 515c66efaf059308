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
