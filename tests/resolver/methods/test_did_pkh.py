"""did:pkh: the test vectors of the draft, and addresses that are not those of their network."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.did import parse_did
from resolver.errors import FeatureNotSupported, InvalidDid, ResolutionError
from resolver.keys.multikey import jwk_to_key
from resolver.methods import PKH
from resolver.results import JsonObject, Options

SIGNATURES = ["authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation"]
RECOVERY = "EcdsaSecp256k1RecoveryMethod2020"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
DOGECOIN = "bip122:1a91e3dace36e2be3bf030a65679fe82"
SOLANA = "solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ"
TEZOS = "tezos:NetXdQprcVkpaWU"
# w3c-ccg/did-pkh @ daa237d, test-vectors: accounts, and the type of their first method.
VECTORS = [
    (f"{BITCOIN}:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6", RECOVERY),
    (f"{DOGECOIN}:DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", RECOVERY),
    ("eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a", RECOVERY),
    ("eip155:137:0x4e90e8a8191c1c23a24a598c3ab4fb47ce926ff5", RECOVERY),
    ("eip155:42220:0xa0ae58da58dfa46fa55c3b86545e7065f90ff011", RECOVERY),
    (f"{SOLANA}:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev", "Ed25519VerificationKey2018"),
    (
        f"{TEZOS}:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8",
        "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
    ),
    (f"{TEZOS}:tz2BFTyPeYRzxd5aiBchbXN3WCZhx7BqbMBq", RECOVERY),
    (
        f"{TEZOS}:tz3agP9LGe2cXmKQyYn6T68BHKjjktDbbSWX",
        "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
    ),
]


def _resolve(account: str, **options: Any) -> JsonObject:
    document = PKH.plan(parse_did(f"did:pkh:{account}"), Options(**options)).document
    assert document is not None
    return document


@pytest.mark.parametrize(("account", "kind"), VECTORS)
def test_an_account_has_one_method_that_its_context_defines(account: str, kind: str) -> None:
    document = _resolve(account)

    did = f"did:pkh:{account}"
    (method,) = document["verificationMethod"]
    assert (method["id"], method["controller"]) == (f"{did}#blockchainAccountId", did)
    assert (method["type"], method["blockchainAccountId"]) == (kind, account)
    core, terms = document["@context"]
    assert core == "https://www.w3.org/ns/did/v1"
    assert terms.keys() == method.keys() - {"id", "type", "controller"} | {kind}
    assert all(document[name] == [method["id"]] for name in SIGNATURES)
    assert len(document) == 7


def test_a_solana_address_is_its_key() -> None:
    """The vector's publicKeyJwk."""
    (method,) = _resolve(VECTORS[5][0])["verificationMethod"]

    assert method["publicKeyJwk"]["x"] == "qDkywhH-S6nNxQhA6SHKsoFW7A2gX-X0b3TtwVBMHm8"
    jwk_to_key(method["publicKeyJwk"])


def test_the_case_of_an_evm_address_is_kept() -> None:
    account = "eip155:1:0xB9C5714089478a327F09197987f16f9E5d936E8a"

    assert _resolve(account)["verificationMethod"][0]["blockchainAccountId"] == account


@pytest.mark.parametrize(
    "account",
    [
        "eth:0xb9c5714089478a327f09197987f16f9e5d936e8a",  # the form before CAIP-10
        "0xb9c5714089478a327f09197987f16f9e5d936e8a",
        "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8",
        "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8aa",
        "eip155:1:b9c5714089478a327f09197987f16f9e5d936e8aaa",
        "eip155:1:0Xb9c5714089478a327f09197987f16f9e5d936e8a",
        "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8g",
        "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a:1",
        "EIP155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a",
        "eip155::0xb9c5714089478a327f09197987f16f9e5d936e8a",
        "eip155:1:%30xb9c5714089478a327f09197987f16f9e5d936e8a",
        f"{BITCOIN}:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p7",  # checksum
        f"{BITCOIN}:DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",  # an address of another network
        f"{BITCOIN}:0",
        f"{SOLANA}:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9E",
        f"{SOLANA}:11111111111111111111111111111111",  # small order
        f"{TEZOS}:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM7",
        "a" * 200,
    ],
)
def test_what_is_no_account_of_its_network_is_refused(account: str) -> None:
    with pytest.raises(InvalidDid):
        _resolve(account)


@pytest.mark.parametrize(
    "address",
    [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",  # checksum
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5",
        "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # both cases
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t",
        "bc1",
    ],
)
def test_a_mistyped_segwit_address_is_called_so(address: str) -> None:
    with pytest.raises(InvalidDid, match=r"no segregated witness address \(bc1\.\.\.\)"):
        _resolve(f"{BITCOIN}:{address}")


@pytest.mark.parametrize(
    "account",
    [
        "cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0",
        "bip122:12a765e31ffd4059bada1e25190f6e98:LZKLrmFQDsi4qdXfiDLhLmCvHcnZa2uvvY",
        "eip155:0x1:0xb9c5714089478a327f09197987f16f9e5d936e8a",
    ],
)
def test_another_network_is_not_supported(account: str) -> None:
    with pytest.raises(FeatureNotSupported):
        _resolve(account)


@pytest.mark.parametrize(
    "account",
    [
        f"{BITCOIN}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # BIP 173: the hash of a key
        f"{BITCOIN}:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",  # BIP 350: Taproot
        f"{BITCOIN}:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",  # a script
        f"{TEZOS}:KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn",  # a contract
    ],
)
def test_a_sound_account_without_a_type_of_method_is_not_supported_and_not_invalid(account: str) -> None:
    with pytest.raises(FeatureNotSupported, match="the address is sound"):
        _resolve(account)


def test_options_that_cannot_be_honoured_are_refused() -> None:
    for options in ({"version_id": "1"}, {"public_key_format": "jwk"}, {"key_agreement": "ecdh"}):
        with pytest.raises(FeatureNotSupported):
            _resolve(VECTORS[0][0], **options)


@given(st.sampled_from([account for account, _ in VECTORS]), st.data())
def test_no_account_with_one_character_changed_is_the_same_account(account: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(account) - 1))
    changed = account[:position] + data.draw(st.sampled_from("0aA1zZ9-:.")) + account[position + 1 :]
    try:
        document = _resolve(changed)
    except ResolutionError:
        return

    assert document["verificationMethod"][0]["blockchainAccountId"] == changed
