"""
`POST /trust/evaluate`: what a wallet holds, read strictly, and the verdict. Pure.

Other than a TRQP query, a question names what is at hand: the `iss` of a token, the `x5c` of its header, the `vct`
of a credential. The client (`client.py`) shares these Structs.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from registry.asking.shown import NamedEntity
from registry.asking.standing import Decision
from registry.asking.standing import Reason as StandingReason
from registry.items import DelegationItem
from registry.model import Phase
from wire import MalformedBody, parse_utc, read_body

Reason: TypeAlias = (
    StandingReason
    | Literal[
        "authority_unknown",  # the registry does not answer for the authority that was named
        "not_defined",  # no authority of the registry has a rule for that action on such a credential
        "certificate_not_valid",  # the chain names registered certificates, and no valid path leads to one
        "chain_missing",  # a certificate above what is at hand may be registered
    ]
)
Scheme: TypeAlias = Literal["type", "vct", "doc_type", "resource"]

EVALUATE_PATH = "/trust/evaluate"
MAX_CERTIFICATES = 5
_Text = Annotated[str, Meta(min_length=1, max_length=8_192)]
_Name = Annotated[str, Meta(min_length=1, max_length=512)]

_HOLDERS = ("did", "iss", "x5c", "jwk", "x509_hash", "ni")
_SCHEMES: tuple[Scheme, ...] = ("type", "vct", "doc_type", "resource")


class EvaluationRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """
    A question. Exactly one member names who, and exactly one what; times are RFC 3339 in UTC.

    Attributes:
        did: a DID.
        iss: what a token has there: an https URL as it is spelled there, or a DID.
        x5c: base64 of the DER of certificates, the signer's first (RFC 7515, section 4.1.6).
        jwk: a public key (RFC 7517); it is found by its thumbprint.
        x509_hash: base64url of the SHA-256 of a certificate, with or without the prefix of OpenID4VP.
        ni: the same as `ni:///sha-256;...`.
        type, vct, doc_type: what the formats call the credential; `resource`: what a TRQP query does.
        action: "issue", "verify", or another one that an authority defines.
        authority: whose word counts, by an identifier or by its id; None: that of any authority of the registry.
        time: which time it is about; None: now.
        known_at: only what was recorded by then counts; None: all that is recorded.
        time_is_proven: whether it is proven that what is asked about existed at `time`, say by a time stamp, and is
            not only claimed by whoever signed it.
    """

    did: _Text | None = None
    iss: _Text | None = None
    x5c: Annotated[list[str], Meta(min_length=1, max_length=MAX_CERTIFICATES)] | None = None
    jwk: dict[str, Any] | None = None
    x509_hash: _Text | None = None
    ni: _Text | None = None
    type: _Name | None = None
    vct: _Name | None = None
    doc_type: _Name | None = field(name="docType", default=None)
    resource: _Name | None = None
    action: _Name = "issue"
    authority: _Text | None = None
    time: _Text | None = None
    known_at: _Text | None = None
    time_is_proven: bool = False

    @property
    def credential(self) -> tuple[Scheme, str]:
        """In whose terms the credential is named, and its name."""
        return next((each, name) for each in _SCHEMES if (name := getattr(self, each)) is not None)


class HeldIdentifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    By which identifier the entity was found.

    Attributes:
        path: of a certificate: the `ni` of each on the path, from the signer's to the registered one.
        revocation: of a path: why it is not known whether one of its certificates was revoked.
    """

    value: str
    path: tuple[str, ...] = ()
    revocation: str | None = None


class ShownGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What was granted, and its state at the time asked about.

    Attributes:
        state_since: since when, or for "not_yet_valid" from when on.
        state_reason: why, in the words of whoever did it.
    """

    id: str
    state: Phase
    state_since: str
    valid_from: str
    valid_until: str | None = None
    state_reason: str | None = None
    constraints: dict[str, str] = {}


class AuthorityVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What one authority says about one of its resources.

    Attributes:
        requires_status: whether a credential of it without a status entry is not to be relied on.
        chain: delegations, from the authority's own to whoever granted; none where it granted this itself.
        recorded_at: when the registry learned the newest of what this rests on.
        late: that was after the time asked about, and by what was known then the answer was another one.
    """

    decision: Decision
    reason: Reason
    message: str
    authority: NamedEntity
    action: str
    resource: str
    requires_status: bool
    recorded_at: str
    identifier: HeldIdentifier | None = None
    entity: NamedEntity | None = None
    grant: ShownGrant | None = None
    chain: list[DelegationItem] = []
    compromised_since: str | None = None
    late: bool = False


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The verdict.

    Attributes:
        decision, reason, message: those of the first result; without any, why there is none.
        expires_at: until when it may be relied on without asking again.
        results: what each authority says, what counts most first.
    """

    decision: Decision
    reason: Reason
    message: str
    time_evaluated: str
    expires_at: str
    time_requested: str | None = None
    known_at: str | None = None
    results: list[AuthorityVerdict] = []


def read_evaluation_request(body: bytes, content_type: str | None) -> EvaluationRequest:
    """
    Read the body of a question.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `wire.read_body`.
        MalformedBody: not of this shape, a duplicate or unknown member, none or several members that name who or
            what, or a time that does not exist.
    """
    request = read_body(body, content_type, EvaluationRequest)
    _require_one(request, _HOLDERS, "who is asked about")
    _require_one(request, _SCHEMES, "the credential")
    for name in ("time", "known_at"):
        _require_time(name, getattr(request, name))
    return request


def _require_one(request: EvaluationRequest, names: tuple[str, ...], what: str) -> None:
    found = [name for name in names if getattr(request, name) is not None]
    if len(found) != 1:
        listed = ", ".join(name.replace("doc_type", "docType") for name in names)
        raise MalformedBody(f"expected exactly one member that names {what} ({listed}), found {len(found)}")


def _require_time(name: str, text: str | None) -> None:
    try:
        if text is not None:
            parse_utc(text)
    except ValueError as error:
        raise MalformedBody(f"`{name}`: {error}", pointer=f"/{name}") from None
