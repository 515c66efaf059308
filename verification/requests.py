"""
What `POST /verify` reads. Pure.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from credentials.reading import MAX_CREDENTIAL_BYTES
from verification.policies import POLICIES, Policy
from wire import BadRequest, MalformedBody, parse_utc, read_body

MAX_REQUEST_BYTES = MAX_CREDENTIAL_BYTES + 65_536  # 64 KiB for the rest
MAX_BATCH = 100  # credentials
MAX_STALE = 7 * 86_400  # seconds
_Text = Annotated[str, Meta(min_length=1, max_length=8_192)]
Evidence: TypeAlias = Literal["safe", "full"]
PolicyName: TypeAlias = Literal["strict", "stale", "issued-while-trusted", "any-issuer"]


class VerifyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    How a credential is looked at.

    Attributes:
        at: which time it is about, RFC 3339 in UTC, at most a minute ahead; None: now.
        authority: whose word on the issuer counts, by an identifier or its id; None: that of any authority of this
            registry, which the answer names.
        action: what the issuer must be trusted to do.
        nonce, audience: what the verifier asked the holder to sign; both, or none.
        max_stale: seconds; how old a DID document may be past its freshness; only with the policy `stale`.
        evidence: "full" has in it what tells the holder apart: the index in a list, the holder's key.
        explain: tell the steps.
    """

    at: _Text | None = None
    authority: _Text | None = None
    action: _Text = "issue"
    nonce: _Text | None = None
    audience: _Text | None = None
    max_stale: Annotated[int, Meta(ge=0, le=MAX_STALE)] | None = None
    policy: PolicyName = "strict"
    evidence: Evidence = "safe"
    explain: bool = False

    @property
    def asks_holder(self) -> bool:
        return self.nonce is not None

    def chosen(self) -> Policy:
        """Return the policy, with what the caller set of it."""
        policy = POLICIES[self.policy]
        if self.max_stale is None:
            return policy
        return msgspec.structs.replace(policy, stale_seconds=self.max_stale)


class VerifyRequest(VerifyOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Attributes:
        credential: a token as a string; a credential with a proof in it as the JSON object that it is; the issuer
            data of an mdoc as base64url.
    """

    credential: Any


class VerifyBatch(VerifyOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Several credentials, looked at in the same way."""

    credentials: Annotated[list[Any], Meta(min_length=1, max_length=MAX_BATCH)]


def read_verify_request(body: bytes, content_type: str | None) -> VerifyRequest:
    """
    Read the body of a question.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedBody: as `wire.read_body`; a credential that is neither text
            nor an object, or options that contradict one another.
    """
    request = read_body(body, content_type, VerifyRequest, max_bytes=MAX_REQUEST_BYTES)
    _check(request, (request.credential,))
    return request


def read_verify_batch(body: bytes, content_type: str | None) -> VerifyBatch:
    """Read the body of a question about several; raises as `read_verify_request`."""
    request = read_body(body, content_type, VerifyBatch, max_bytes=MAX_REQUEST_BYTES)
    _check(request, tuple(request.credentials))
    return request


def _check(options: VerifyOptions, credentials: tuple[Any, ...]) -> None:
    for credential in credentials:
        if not isinstance(credential, str | dict) or not credential:
            raise MalformedBody("credential: expected text, or a JSON object", pointer="/credential")
    if (options.nonce is None) != (options.audience is None):
        raise MalformedBody("nonce, audience: expected both, or none", pointer="/nonce")
    if options.max_stale is not None and options.policy != "stale":
        raise MalformedBody('maxStale: expected only with the policy "stale"', pointer="/maxStale")


def moment_of(options: VerifyOptions, now: int) -> int:
    """
    Return the time that a question is about, in microseconds since 1970.

    Raises:
        MalformedBody: no time, or more than a minute ahead.
    """
    if options.at is None:
        return now
    try:
        at = parse_utc(options.at)
    except ValueError as error:
        raise MalformedBody(f"at: {error}", pointer="/at") from None
    if at > now + 60_000_000:
        raise BadRequest("at: expected a time that is at most a minute ahead")
    return at
