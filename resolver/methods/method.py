"""
What a DID method is to the resolver. Pure.
"""

from typing import Protocol

from resolver.did import Did
from resolver.errors import FeatureNotSupported, InvalidOptions
from resolver.results import Fetched, FetchPlan, JsonObject, Options, Resolved


class Method(Protocol):
    """
    A DID method: `plan` is asked first; `document` only after a FetchPlan, with what the origin answered.
    """

    name: str

    def plan(self, did: Did, options: Options) -> Resolved | FetchPlan:
        """
        Return the resolution, where the DID says all; else what to fetch.

        Raises:
            InvalidDid: the method-specific identifier does not follow the method.
            InvalidOptions, FeatureNotSupported: an option that the method cannot honour.
        """
        ...

    def document(self, did: Did, fetched: Fetched) -> JsonObject | None:
        """
        Return the document in an origin's answer, or None where it says that the DID is deactivated.

        Raises:
            NotFound: the origin knows no such document.
            InvalidDidDocument: what it served must not be passed on.
            InternalError: it answered anything else.
        """
        ...


class ComputedMethod(Method, Protocol):
    """A method whose DIDs say all: its plans are resolutions, so that `document` is never asked."""

    def document(self, did: Did, fetched: Fetched) -> JsonObject | None:
        raise AssertionError(
            f"did:{did.method} fetches nothing, so there is no answer to read: {fetched.status}"
        )


def refuse_versions(options: Options) -> None:
    """
    Refuse to answer for a version, on behalf of a method whose documents have none.

    Raises:
        InvalidOptions: `versionId` and `versionTime` together (DID Resolution v1: they exclude one another).
        FeatureNotSupported: one of them.
    """
    if options.version_id is not None and options.version_time is not None:
        raise InvalidOptions("versionId and versionTime exclude one another")
    if options.version_id is not None or options.version_time is not None:
        raise FeatureNotSupported("the DID's method keeps no versions of its documents")


def refuse_public_key_format(options: Options) -> None:
    """
    Refuse did:key's options on behalf of another method, whose answer could not honour them.

    `enableEncryptionKeyDerivation` and `enableExperimentalPublicKeyTypes` need no refusal: where nothing is
    derived and no type is experimental, both of their values hold.

    Raises:
        FeatureNotSupported: `publicKeyFormat` or `keyAgreement` was given.
    """
    if options.public_key_format is not None:
        raise FeatureNotSupported("publicKeyFormat is an option of did:key and did:jwk only")
    refuse_key_agreement(options)


def refuse_key_agreement(options: Options) -> None:
    """
    Refuse the option that only did:key has.

    Raises:
        FeatureNotSupported: `keyAgreement` was given.
    """
    if options.key_agreement is not None:
        raise FeatureNotSupported("keyAgreement is an option of did:key only")
