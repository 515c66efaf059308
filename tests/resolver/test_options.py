"""Resolution options as clients write them."""

import pytest

from resolver.errors import FeatureNotSupported, InvalidOptions
from resolver.options import options_of, parameters_of
from resolver.results import DEFAULT_OPTIONS, Options


def test_no_options_are_the_default() -> None:
    assert options_of({}) is DEFAULT_OPTIONS


@pytest.mark.parametrize("yes", [True, "true"])
def test_every_option_is_read_from_json_or_from_a_query(yes: object) -> None:
    given = {
        "expandRelativeUrls": yes,
        "noCache": yes,
        "enableEncryptionKeyDerivation": "false",
        "versionId": "1",
        "publicKeyFormat": "JsonWebKey2020",
        "enableExperimentalPublicKeyTypes": yes,
        "keyAgreement": "ecdh",
        "verificationRelationship": "keyAgreement",
    }

    options = options_of(given)

    assert options == Options(
        expand_relative_urls=True,
        no_cache=True,
        enable_encryption_key_derivation=False,
        version_id="1",
        public_key_format="JsonWebKey2020",
        enable_experimental_public_key_types=True,
        key_agreement="ecdh",
        verification_relationship="keyAgreement",
    )
    assert options_of(parameters_of(options)) == options


@pytest.mark.parametrize(
    "given",
    [
        {"unknown": "1"},
        {"accept": "x"},
        {"NoCache": "true"},
        {"": ""},
        {"keyagreement": "ecdh"},
    ],
)
def test_an_option_that_is_not_supported_is_refused_as_such(given: dict[str, object]) -> None:
    with pytest.raises(FeatureNotSupported):
        options_of(given)


def test_an_unsupported_option_goes_before_an_invalid_one() -> None:
    with pytest.raises(FeatureNotSupported):
        options_of({"noCache": "maybe", "unknown": "1"})


@pytest.mark.parametrize(
    "given",
    [
        {"noCache": "maybe"},
        {"noCache": "TRUE"},
        {"noCache": ""},
        {"noCache": 1},
        {"noCache": None},
        {"expandRelativeUrls": [True]},
        {"versionId": ""},
        {"versionId": 1},
        {"versionId": "\u00e9"},
        {"publicKeyFormat": None},
        {"keyAgreement": "ECDH"},
        {"keyAgreement": True},
        {"enableExperimentalPublicKeyTypes": "yes"},
        {"verificationRelationship": "signing"},
        {"verificationRelationship": ["keyAgreement"]},
        {"versionTime": "2026-01-31"},
        {"versionTime": "2026-01-31T12:00:00"},
        {"versionTime": "2026-01-31T12:00:00.5Z"},
        {"versionTime": "2026-02-30T12:00:00Z"},
        {"versionTime": "2026-01-31T24:00:01Z"},
        {"versionTime": "2026-01-31T24:00:00.0Z"},
        {"versionTime": "2026-01-31T24:00:00+00:00"},
        {"versionTime": "9999-12-31T24:00:00Z"},
        {"versionId": "1", "versionTime": "2026-01-31T12:00:00Z"},
    ],
)
def test_a_value_that_an_option_cannot_have_is_invalid(given: dict[str, object]) -> None:
    with pytest.raises(InvalidOptions):
        options_of(given)
