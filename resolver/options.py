"""
Resolution options as they come over the wire, to `Options`. Pure.

DID Resolution v1, section DID Resolution Options, and did:key v0.9, section Read, for the options of did:key.
"""

from collections.abc import Mapping, Set

import msgspec

from proofs import parse_date_time_stamp
from resolver.did import DidUrl, parse_parameters
from resolver.documents.conversion import CONVERSIONS
from resolver.documents.members import RELATIONSHIPS
from resolver.errors import FeatureNotSupported, InvalidOptions
from resolver.results import DEFAULT_OPTIONS, Options

_BOOLEANS = {
    "expandRelativeUrls": "expand_relative_urls",
    "noCache": "no_cache",
    "enableEncryptionKeyDerivation": "enable_encryption_key_derivation",
    "explain": "explain",
    "enableExperimentalPublicKeyTypes": "enable_experimental_public_key_types",
}
_STRINGS = {
    "versionId": "version_id",
    "versionTime": "version_time",
    "publicKeyFormat": "public_key_format",
    "keyAgreement": "key_agreement",
    "verificationRelationship": "verification_relationship",
}
# The methods whose answers can honour these; others refuse them.
_METHODS_WITH = {"keyAgreement": ("key",)}
_METHODS_WITH_FORMATS = ("key", "jwk")
# did:webvh v1.0, section DID URL (versionNumber); ours (maxStale). Decimal, as an integer or its text.
_NUMBERS = {"versionNumber": "version_number", "maxStale": "max_stale"}
_MAX_NUMBER = 2**31
KEY_AGREEMENTS = ("ecdh",)

RELATIONSHIP = "verificationRelationship"

DEREFERENCING_NAMES = frozenset({*_BOOLEANS, *_STRINGS, *_NUMBERS})
OPTION_NAMES = DEREFERENCING_NAMES - {RELATIONSHIP}
NO_CACHE = "noCache"
PUBLIC_KEY_FORMAT = "publicKeyFormat"
VERSION_OPTIONS = frozenset({"versionId", "versionTime", "versionNumber"})

# How an answer looks is no matter of a resolution: `accept` never becomes part of `Options`.
ACCEPT = "accept"
# What can stand in the query of a bare DID and be meant as an option.
WIRE_NAMES = DEREFERENCING_NAMES | {ACCEPT}

_TRUTH = {"true": True, "false": False}


def options_of(given: Mapping[str, object]) -> Options:
    """
    Read options by their names; a boolean is one, or the string "true" or "false".

    Resolution asks first whether all options are supported, then whether they are valid.

    Raises:
        FeatureNotSupported: an option that we do not know.
        InvalidOptions: a value that the option cannot have, or that excludes another.
    """
    if not given:
        return DEFAULT_OPTIONS
    for name in given:
        if name not in DEREFERENCING_NAMES:
            raise FeatureNotSupported(f"the option {name[:64]!r} is not supported")
    booleans = {field: _boolean(given, name) for name, field in _BOOLEANS.items() if name in given}
    strings = {field: _string(given, name) for name, field in _STRINGS.items() if name in given}
    numbers = {field: _number(given, name) for name, field in _NUMBERS.items() if name in given}
    options = msgspec.structs.replace(DEFAULT_OPTIONS, **booleans, **strings, **numbers)
    if options.verification_relationship not in (None, *RELATIONSHIPS):
        raise InvalidOptions(f"{RELATIONSHIP}: expected one of {', '.join(RELATIONSHIPS)}")
    _refuse_two_versions(given.keys())
    if options.key_agreement not in (None, *KEY_AGREEMENTS):
        raise InvalidOptions(f"the option keyAgreement must be one of {', '.join(KEY_AGREEMENTS)}")
    if options.version_time is not None:
        version_time_of(options.version_time)
    return options


def refuse_unsupported(
    names: Set[str], method: str, versions: Set[str] = frozenset(), *, dereferences: bool = False
) -> None:
    """
    Refuse options that we, or a DID's method, do not support, whatever their values.

    `versions` are the version options that can be honoured; two at once are a mistake whoever is asked.
    `dereferences` tells that a DID URL was given, not a DID: dereferencing has one option more.

    Raises:
        FeatureNotSupported: an option that we do not know, a version, one that the method does not have.
        InvalidOptions: two versions.
    """
    known = DEREFERENCING_NAMES if dereferences else OPTION_NAMES
    for name in sorted(names - known - {ACCEPT}):
        raise FeatureNotSupported(f"the option {name[:64]!r} is not supported")
    _refuse_two_versions(names)
    if names & VERSION_OPTIONS - versions:
        raise FeatureNotSupported("no such versions are kept of the documents of this DID's method")
    for name, methods in _METHODS_WITH.items():
        if name in names and method not in methods:
            raise FeatureNotSupported(f"{name} is no option of did:{method}")


def refuse_format(name: object, method: str) -> None:
    """
    Refuse a `publicKeyFormat` that a DID's method does not have; did:key and did:jwk have more than all others.

    Raises:
        FeatureNotSupported: always, for such a one.
    """
    formats = (None, *CONVERSIONS)
    if method not in _METHODS_WITH_FORMATS and name not in formats:
        raise FeatureNotSupported(f"publicKeyFormat of a did:{method} is {' or '.join(CONVERSIONS)}")


def refuse_relationship(options: Options) -> None:
    """
    Refuse a check that only dereferencing can make, rather than to let the caller believe it was made.

    Raises:
        FeatureNotSupported: the options ask for it.
    """
    if options.verification_relationship is not None:
        raise FeatureNotSupported("verificationRelationship is an option of dereferencing, not of resolution")


def with_parameters(options: Options, did_url: DidUrl) -> Options:
    """
    Return `options` with the version that the DID URL itself asks for (step 2 of dereferencing).

    Raises:
        InvalidDidUrl: the query is malformed.
        InvalidOptions: options and DID URL ask for different versions, or a version that cannot be one.
    """
    if not did_url.query:
        return options
    parameters = parse_parameters(did_url.query)
    number = parameters.get("versionNumber")
    versions = {
        "version_id": parameters.get("versionId"),
        "version_time": parameters.get("versionTime"),
        "version_number": None if number is None else version_number_of(number),
    }
    if all(value is None for value in versions.values()):
        return options
    if options.has_version and any(getattr(options, field) != value for field, value in versions.items()):
        raise InvalidOptions("the options and the DID URL ask for different versions")
    return msgspec.structs.replace(options, **versions)


def parameters_of(options: Options) -> dict[str, str]:
    """Return the options that are not at their default, as query parameters; the inverse of `options_of`."""
    changed = {
        name: getattr(options, field)
        for name, field in (_BOOLEANS | _STRINGS | _NUMBERS).items()
        if getattr(options, field) != getattr(DEFAULT_OPTIONS, field)
    }
    return {name: str(value).lower() if name in _BOOLEANS else str(value) for name, value in changed.items()}


def _boolean(given: Mapping[str, object], name: str) -> bool:
    value = given.get(name, False)
    if isinstance(value, str):
        value = _TRUTH.get(value)
    if not isinstance(value, bool):
        raise InvalidOptions(f"the option {name} must be true or false")
    return value


def _string(given: Mapping[str, object], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not value.isascii() or not value:
        raise InvalidOptions(f"the option {name} must be an ASCII string that is not empty")
    return value


def _number(given: Mapping[str, object], name: str) -> int:
    value = given[name]
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_NUMBER:
        raise InvalidOptions(f"the option {name} must be a whole number from 0")
    return value


def version_number_of(text: str) -> int:
    """Return the number in a DID URL's `versionNumber`; raises InvalidOptions where it is none."""
    return _number({"versionNumber": text}, "versionNumber")


def _refuse_two_versions(names: Set[str]) -> None:
    if len(names & VERSION_OPTIONS) > 1:
        raise InvalidOptions("versionId, versionTime and versionNumber exclude one another")


def version_time_of(text: str) -> int:
    """
    Return a `versionTime` as microseconds since 1970.

    DID Resolution v1 has it as an XML datetime in UTC without a fraction, by XML Schema 1.1 part 2, section 3.3.7:
    24:00:00 is the midnight that ends the day.

    Raises:
        InvalidOptions: it is none.
    """
    try:
        if "." not in text and text.endswith("Z"):
            return parse_date_time_stamp(text)
    except ValueError:
        pass
    raise InvalidOptions("the option versionTime must be a UTC time such as 2026-01-31T12:00:00Z")
