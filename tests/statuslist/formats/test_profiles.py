"""Each profile against each kind of key."""

import pytest

from proofs import Algorithm, KeySigner
from statuslist.errors import ProfileNotMet
from statuslist.formats.profiles import PROFILES, ProfileName, check_key
from tests.proofs.documents import KEYS

CHAIN = (b"leaf",)
ED25519, P256, P384 = Algorithm.ED25519, Algorithm.P256, Algorithm.P384


@pytest.mark.parametrize(
    ("profile", "algorithm", "certificates", "refused"),
    [
        ("default", ED25519, (), None),
        ("default", P256, (), None),
        ("default", P256, CHAIN, None),
        ("default", P384, (), None),
        ("haip", P256, CHAIN, None),
        ("haip", P256, (), "touchstone issuer csr"),
        ("haip", P384, CHAIN, "issuer key add --algorithm P-256"),
        ("haip", ED25519, CHAIN, "issuer key add --algorithm P-256"),
        ("haip", ED25519, (), "issuer key add --algorithm P-256"),
    ],
)
def test_a_profile_takes_its_keys_and_says_what_to_do_about_others(
    profile: ProfileName, algorithm: Algorithm, certificates: tuple[bytes, ...], refused: str | None
) -> None:
    signer = KeySigner(KEYS[algorithm], "did:web:a.example#k", certificates=certificates)

    if refused is None:
        check_key(PROFILES[profile], signer.algorithm, has_certificates=bool(signer.certificates))
    else:
        with pytest.raises(ProfileNotMet, match=refused):
            check_key(PROFILES[profile], signer.algorithm, has_certificates=bool(signer.certificates))


@pytest.mark.parametrize(("profile", "key_name"), [("default", "kid"), ("haip", "certificates")])
def test_a_profile_names_the_key(profile: ProfileName, key_name: str) -> None:
    assert PROFILES[profile].key_name == key_name
    assert PROFILES[profile].name == profile


def test_every_profile_is_tried_here() -> None:
    assert PROFILES.keys() == {"default", "haip"}
