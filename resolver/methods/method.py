"""
What a DID method is to the resolver. Pure.
"""

from typing import Protocol

from resolver.did import Did
from resolver.errors import FeatureNotSupported, InvalidOptions
from resolver.options import refuse_format
from resolver.results import FetchPlan, Options, Resolved


class Method(Protocol):
    """A DID method; what must be fetched is read by the method's source (`source.py`)."""

    name: str

    def plan(self, did: Did, options: Options) -> Resolved | FetchPlan:
        """
        Return the resolution, where the DID says all; else what to fetch.

        Raises:
            InvalidDid: the method-specific identifier does not follow the method.
            InvalidOptions, FeatureNotSupported: an option that the method cannot honour.
        """
        ...


class ComputedMethod(Protocol):
    """A DID method whose documents are computed from their DIDs, all of them."""

    name: str

    def plan(self, did: Did, options: Options) -> Resolved:
        """Return the resolution; raises as `Method.plan`."""
        ...


def refuse_versions(options: Options) -> None:
    """
    Refuse to answer for a version, on behalf of a method whose documents have none.

    Raises:
        InvalidOptions: two of `versionId`, `versionTime`, `versionNumber` (DID Resolution v1: they exclude one
            another).
        FeatureNotSupported: one of them.
    """
    if not options.has_version:
        return
    if [options.version_id, options.version_time, options.version_number].count(None) < 2:
        raise InvalidOptions("versionId, versionTime and versionNumber exclude one another")
    raise FeatureNotSupported("the DID's method keeps no versions of its documents")


def refuse_public_key_format(options: Options, method: str) -> None:
    """
    Refuse did:key's options on behalf of another `method`, whose answer could not honour them.

    Two formats every method has: the keys of its documents are written so afterwards (`conversion.py`).
    `enableEncryptionKeyDerivation` and `enableExperimentalPublicKeyTypes` need no refusal: where nothing is
    derived and no type is experimental, both of their values hold.

    Raises:
        FeatureNotSupported: another `publicKeyFormat`, or `keyAgreement`, was given.
    """
    refuse_format(options.public_key_format, method)
    refuse_key_agreement(options)


def refuse_key_agreement(options: Options) -> None:
    """
    Refuse the option that only did:key has.

    Raises:
        FeatureNotSupported: `keyAgreement` was given.
    """
    if options.key_agreement is not None:
        raise FeatureNotSupported("keyAgreement is an option of did:key only")
