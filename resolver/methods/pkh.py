"""
did:pkh, an account of a blockchain as a DID. Pure.

did:pkh (CG draft of 2023-02), CAIP-2 and CAIP-10. The document has the account, not a key: a verifier recovers the
key from the signature, or is given it. Nothing says that the account exists.

The text and its test vectors differ; we hold to the vectors, which implementations follow: `blockchainAccountId` is
the CAIP-10 account, and the capability relationships are there. To the text: one method, `#blockchainAccountId`.
An address is checked, and never changed: the case of an EVM address is its checksum, and part of the DID.
Accounts without a type here, such as scripts and contracts, are checked too: a sound one is no invalid DID.
"""

import re
from hashlib import sha256

import msgspec

from resolver.did import Did
from resolver.documents.members import DID_V1, SIGNATURE_RELATIONSHIPS
from resolver.encoding import EncodingError, decode_base58btc, encode_base64url
from resolver.errors import FeatureNotSupported, InvalidDid
from resolver.keys.curve25519 import NotAPoint, check_ed25519
from resolver.methods.method import ComputedMethod, refuse_public_key_format, refuse_versions
from resolver.methods.segwit import is_segwit_address
from resolver.results import JsonObject, Options, Resolved

# CAIP-2 (chain_id) and CAIP-10 (account_id); "%" is left out, no network below has it in an address:
#
#   account_id = namespace ":" reference ":" account_address
#   namespace  = [-a-z0-9]{3,8}   reference = [-_a-zA-Z0-9]{1,32}   account_address = [-.%a-zA-Z0-9]{1,128}
_ACCOUNT = re.compile(r"([-a-z0-9]{3,8}):([-_a-zA-Z0-9]{1,32}):([-.a-zA-Z0-9]{1,128})")
_EVM = re.compile(r"0x[0-9a-fA-F]{40}")
_EVM_CHAIN = re.compile(r"[1-9][0-9]{0,31}")

_SECURITY = "https://w3id.org/security#"
_RECOVERY = "EcdsaSecp256k1RecoveryMethod2020"
_TYPES = {
    _RECOVERY: f"https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#{_RECOVERY}",
    **{
        name: _SECURITY + name
        for name in (
            "Ed25519VerificationKey2018",
            "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
            "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
        )
    },
}
_JWK_TERM = {"@id": f"{_SECURITY}publicKeyJwk", "@type": "@json"}


class _Hash(msgspec.Struct, frozen=True):
    """Base58Check: what an address begins with once decoded, before a hash of 20 bytes; its type, if it has one."""

    version: bytes
    type: str | None


_BITCOIN = "000000000019d6689c085ae165831e93"
_BIP122 = {  # by the reference: the first 32 digits of the genesis block's hash
    _BITCOIN: (_Hash(b"\x00", _RECOVERY), _Hash(b"\x05", None)),  # P2PKH, P2SH
    # Dogecoin, the same two.
    "1a91e3dace36e2be3bf030a65679fe82": (_Hash(b"\x1e", _RECOVERY), _Hash(b"\x16", None)),
}
_TEZOS = (
    _Hash(b"\x06\xa1\x9f", "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021"),  # tz1
    _Hash(b"\x06\xa1\xa1", _RECOVERY),  # tz2
    _Hash(b"\x06\xa1\xa4", "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021"),  # tz3
    _Hash(b"\x06\xa1\xa6", None),  # tz4, BLS12-381
    _Hash(b"\x02\x5a\x79", None),  # KT1, a contract
    _Hash(b"\x06\x7c\x75", None),  # sr1, a smart rollup
)


class PkhMethod(ComputedMethod):
    """did:pkh; every document is computed from its DID."""

    name = "pkh"

    def plan(self, did: Did, options: Options) -> Resolved:
        """
        Return the document of a did:pkh (section Read).

        Raises:
            InvalidDid: not a CAIP-10 account, or not an address of its network.
            FeatureNotSupported: a version, publicKeyFormat or keyAgreement, or a network that is not ours; a sound
                address of another form than that of one key.
        """
        found = _ACCOUNT.fullmatch(did.method_specific_id)
        if found is None:
            raise InvalidDid("did:pkh: expected namespace:reference:address of CAIP-10")
        material = _material(found[1], found[2], found[3])
        refuse_versions(options)
        refuse_public_key_format(options, did.method)
        return Resolved(did=did.text, document=_document(did, material))


def _document(did: Did, material: JsonObject) -> JsonObject:
    own_id = f"{did.text}#blockchainAccountId"
    terms: JsonObject = {
        "blockchainAccountId": f"{_SECURITY}blockchainAccountId",
        material["type"]: _TYPES[material["type"]],
    }
    if "publicKeyJwk" in material:
        terms["publicKeyJwk"] = _JWK_TERM
    method: JsonObject = {
        "id": own_id,
        "type": material["type"],
        "controller": did.text,
        "blockchainAccountId": did.method_specific_id,
    }
    return {
        "@context": [DID_V1, terms],
        "id": did.text,
        "verificationMethod": [method | material],
        **{name: [own_id] for name in SIGNATURE_RELATIONSHIPS},
    }


def _material(namespace: str, reference: str, address: str) -> JsonObject:
    """Return the method's `type`, and its key where the address is one."""
    if namespace == "eip155" and _EVM_CHAIN.fullmatch(reference):
        if not _EVM.fullmatch(address):
            raise InvalidDid("did:pkh: an address of eip155 is 0x and 40 hexadecimal digits")
        return {"type": _RECOVERY}
    if namespace == "solana":
        return _solana(address)
    if namespace == "tezos":
        return _hashed(address, _TEZOS)
    if namespace == "bip122" and reference == _BITCOIN and address.lower().startswith("bc1"):
        if not is_segwit_address(address, "bc"):
            raise InvalidDid("did:pkh: no segregated witness address (bc1...): its checksum or form is wrong")
        raise _unsupported("a segregated witness (bc1...)")
    if namespace == "bip122" and reference in _BIP122:
        return _hashed(address, _BIP122[reference])
    raise FeatureNotSupported(
        "did:pkh: the networks are eip155, solana, tezos, and Bitcoin and Dogecoin of bip122"
    )


def _solana(address: str) -> JsonObject:
    """
    Return the key that the address is; program addresses are no points, hence have no key.

    They have no checksum either: what is no point is refused, since half of all mistyped addresses are none.
    """
    key = _decoded(address)
    try:
        if len(key) != 32:
            raise NotAPoint("not 32 bytes")
        check_ed25519(key)
    except NotAPoint as error:
        raise InvalidDid(f"did:pkh: the address is no Ed25519 key: {error}") from None
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key)}
    return {"type": "Ed25519VerificationKey2018", "publicKeyJwk": jwk}


def _hashed(address: str, hashes: tuple[_Hash, ...]) -> JsonObject:
    data = _decoded(address)
    payload, checksum = data[:-4], data[-4:]
    for known in hashes:
        if payload.startswith(known.version) and len(payload) == len(known.version) + 20:
            if sha256(sha256(payload).digest()).digest()[:4] != checksum:
                raise InvalidDid("did:pkh: the checksum of the address does not match")
            if known.type is None:
                raise _unsupported("a script, a contract, or a key of another type")
            return {"type": known.type}
    raise InvalidDid("did:pkh: not an address of its network")


def _unsupported(what: str) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"did:pkh: the address is sound, but that of {what}: no type of method is defined for it"
    )


def _decoded(address: str) -> bytes:
    try:
        return decode_base58btc(address)
    except EncodingError as error:
        raise InvalidDid(f"did:pkh: the address: {error}") from None


PKH = PkhMethod()
