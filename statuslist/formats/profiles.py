"""
Profiles: what else a community asks of the lists of a set, beyond the standards. Pure.

A profile says how the header of a Status List Token names the key, and with which algorithms it is signed. The W3C
lists of a set do not depend on it: their proofs name a DID URL.

    default   the DID URL of the key. A new issuer has no certificates, and needs none.
    haip      the certificates of the key, ES256: OpenID4VC High Assurance Interoperability Profile 1.0 (final),
              section 6.1.1. The anchor is left out, and the leaf is not self-signed: `read_chain` sees to
              both. Readers of mdocs (ISO/IEC 18013-5, second edition, 12.3.6.3) look for certificates too.
"""

from typing import Literal

import msgspec

from proofs import Algorithm, KeyName
from statuslist.errors import ProfileNotMet

ProfileName = Literal["default", "haip"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the tokens of a set keep to.

    Attributes:
        key_name: how a token names the key.
        algorithms: those that a key may be of.
    """

    name: ProfileName
    key_name: KeyName
    algorithms: frozenset[Algorithm]


PROFILES: dict[ProfileName, Profile] = {
    # ES384 too: issuers of older releases have such keys, and no standard forbids it.
    "default": Profile(name="default", key_name="kid", algorithms=frozenset(Algorithm)),
    "haip": Profile(name="haip", key_name="certificates", algorithms=frozenset({Algorithm.P256})),
}


def check_key(profile: Profile, algorithm: Algorithm, *, has_certificates: bool) -> None:
    """
    Refuse a key whose tokens would not comply with the profile.

    Certificates are not looked at again: they were validated when they were imported, and are followed since.

    Raises:
        ProfileNotMet: the key is of another algorithm, or has no certificates where the profile names it by them.
    """
    default = "or use the profile default"
    if algorithm not in profile.algorithms:
        curve = sorted(profile.algorithms)[0]
        raise ProfileNotMet(
            f"the profile {profile.name} does not sign with {algorithm}, which the issuer's key is for;"
            f" add one with touchstone issuer key add --algorithm {curve} and activate it, {default}"
        )
    if profile.key_name == "certificates" and not has_certificates:
        raise ProfileNotMet(
            f"the profile {profile.name} names the key by certificates, and the issuer's has none; make a request"
            f" with touchstone issuer csr and keep the answer with touchstone issuer chain import, {default}"
        )
