"""
The error types of DID Resolution v1 (CR of 2026-07-23, section Errors), one class each. Pure.

    ResolutionError                     carries its URI, its HTTP status and its name in the old generation
    +-- InvalidDid                 400  the caller must change the DID
    +-- InvalidDidUrl              400
    +-- InvalidOptions             400  a known option with a malformed value
    +-- NotFound                   404  no such DID, or nothing at that DID URL
    |   +-- HostNotFound                the host's name does not exist, so that nobody could be asked
    +-- RepresentationNotSupported 406
    +-- FeatureNotSupported        501  we, or the method, do not do that (an unknown option among them)
    +-- MethodNotSupported         501
    +-- InvalidDidDocument         500  the remote party served a document that we must not pass on
    |   +-- SecretKeyFound              a secret key is in it, or may be
    +-- InternalError              500  ours, or the remote party's
    |   +-- OriginFailed                the remote party's: not reached, or no answer (`cause`, `originStatus`)
    +-- InvalidVerificationMethod  500  errors of CID v1.0, raised for the option `verificationRelationship`;
    +-- InvalidRelationship        500  the status is that of "any other error URI" in the HTTP(S) binding

    KeyRefused                  a key found in a DID or a document; never reaches a caller: whoever reads the
    +-- KeyTypeUnsupported      DID or the document raises one of the above instead
"""

from typing import Any, ClassVar, Unpack

from wire import Refusal
from wire.problem import Stated

NS = "https://www.w3.org/ns/did#"
CID_NS = "https://w3id.org/security#"


class ResolutionError(Refusal):
    """
    An error of resolution or dereferencing.

    Attributes:
        legacy: the single keyword that clients of the CCG drafts (v0.2, v0.3) expect: the name of the type in camel
            case, so that INVALID_DID is invalidDid.
        did_key_error: the name that did:key v0.9 gives the case (`invalidPublicKey`, ...), or None; it
            travels as the member `didKeyError` and takes the place of `legacy` for old clients.
        steps: what was done before it failed (`results.Step`), where `explain` asked for it.
    """

    legacy: ClassVar[str] = "internalError"

    def __init_subclass__(cls, **stated: Unpack[Stated]) -> None:
        super().__init_subclass__(**stated)
        if "type" in stated:
            first, *others = stated["type"].rpartition("#")[2].lower().split("_")
            cls.legacy = first + "".join(map(str.capitalize, others))

    def __init__(self, detail: str, *, did_key_error: str | None = None, **members: Any) -> None:
        if did_key_error is not None:
            members["didKeyError"] = did_key_error
        super().__init__(detail, **members)
        self.did_key_error = did_key_error
        self.steps: tuple[Any, ...] = ()


class InvalidDid(ResolutionError, type=NS + "INVALID_DID", title="Invalid DID", status=400):
    """The DID does not follow the syntax of DIDs or of its method, or its key is one we refuse."""


class InvalidDidUrl(ResolutionError, type=NS + "INVALID_DID_URL", title="Invalid DID URL", status=400):
    """The DID URL does not follow its syntax, names a parameter twice, or leaves its service endpoint."""


class InvalidOptions(ResolutionError, type=NS + "INVALID_OPTIONS", status=400):
    """An option that we know has a value that it cannot have, or two options exclude one another."""


class NotFound(ResolutionError, type=NS + "NOT_FOUND", status=404):
    """There is no such DID, or its document has nothing at that DID URL."""


class HostNotFound(NotFound):
    """
    The name of the host does not exist (NXDOMAIN): there is no such DID now, and nobody there to say so.

    Unlike the 404 of a web server it says nothing of the document: what is known of the DID stays known.
    """


class RepresentationNotSupported(ResolutionError, type=NS + "REPRESENTATION_NOT_SUPPORTED", status=406):
    """None of the media types asked for can be produced."""


class InvalidDidDocument(
    ResolutionError, type=NS + "INVALID_DID_DOCUMENT", title="Invalid DID document", fault="origin"
):
    """The document found for the DID must not be passed on: another id, private key members, not JSON."""


class SecretKeyFound(InvalidDidDocument):
    """A secret key is in the document, or a key in a base in which none is looked for."""


class MethodNotSupported(
    ResolutionError,
    type=NS + "METHOD_NOT_SUPPORTED",
    title="DID method not supported",
    status=501,
    fault="caller",
):
    """The DID's method is not one of ours."""


class FeatureNotSupported(ResolutionError, type=NS + "FEATURE_NOT_SUPPORTED", status=501, fault="caller"):
    """An option or key type that this resolver, or the DID's method, does not support."""


class InternalError(ResolutionError, type=NS + "INTERNAL_ERROR", title="Resolution failed"):
    """Resolution failed for a reason that is not the caller's: the origin, the network, or we."""


class OriginFailed(InternalError, fault="origin"):
    """The origin, or a driver, could not be reached, or its answer says nothing of the DID."""


class InvalidVerificationMethod(ResolutionError, type=CID_NS + "INVALID_VERIFICATION_METHOD", fault="caller"):
    """What the DID URL names is no verification method, or not that of this document (CID v1.0, section 3.3)."""


class InvalidRelationship(
    ResolutionError, type=CID_NS + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD", fault="caller"
):
    """The verification method may not be used for the purpose that was asked for (CID v1.0, section 3.3)."""


class KeyRefused(ValueError):
    """
    A key that we must not use or publish. The message never repeats it.

    `did_key_error` is the name that did:key v0.9 gives the case, or None where it says invalidDid.
    """

    def __init__(self, message: str, did_key_error: str | None = "invalidPublicKey") -> None:
        super().__init__(message)
        self.did_key_error = did_key_error


class KeyTypeUnsupported(KeyRefused):
    """A public key of a type that we cannot check."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "unsupportedPublicKeyType")
