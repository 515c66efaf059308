"""
What can be wrong with a credential, beyond its proof (`proofs/errors.py`) and its issuer's DID. Pure.

    CredentialError               a caller may read the message
    +-- MalformedValue      422   MALFORMED_VALUE_ERROR (VCDM 2.0): a member is not of its shape
    +-- CredentialNotValid  422   it verifies, and is not valid now
    +-- KeyNotKnown         422   nobody can tell now whose key it is: metadata away, no anchor
    |   +-- RevocationNotKnown    whose it is, but not whether it was revoked: no CRL can be had that is in force
    +-- UnsupportedForm     422   a form that we do not read

`KeyNotIssuers` is a `ProofInvalid`: the key is not the issuer's, or may sign no more.

Of the first two the party that issued it must act. `KeyNotKnown` says nothing against a credential.
"""

from proofs import ProofInvalid
from wire import Refusal

VCDM_NS = "https://www.w3.org/TR/vc-data-model#"


class CredentialError(Refusal):
    """An error about a credential that a caller may be told."""


class MalformedValue(
    CredentialError, type=VCDM_NS + "MALFORMED_VALUE_ERROR", title="Malformed value", status=422
):
    """A property does not comply with the specification; `pointer` names it."""


class CredentialNotValid(CredentialError, type="/problems/credential-not-valid", status=422):
    """The credential verifies, but outside its validity period its status does not matter."""


class KeyNotIssuers(ProofInvalid):
    """The key that signed, or shall have, is none by which the issuer may sign now."""


class KeyNotKnown(CredentialError, type="/problems/key-not-known", status=422):
    """The key cannot be told to be the issuer's, nor not to be: what would say so is not there."""


class RevocationNotKnown(KeyNotKnown):
    """The certificates name CRLs, and nobody can tell now by them whether they were revoked."""


class UnsupportedForm(CredentialError, type="/problems/unsupported-form", status=422):
    """The credential is of a form, or a suite, that is not read here."""
