"""
Is it what its issuer signed? Service.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from credentials.claims import Claims, claims_of
from credentials.errors import (
    CredentialError,
    KeyNotIssuers,
    KeyNotKnown,
    MalformedValue,
    RevocationNotKnown,
    UnsupportedForm,
)
from credentials.forms.with_proof import secured_of
from credentials.keys.finding import IssuerKeys
from credentials.keys.found import FoundKey
from credentials.reading import MAX_CREDENTIAL_BYTES, read_credential
from credentials.secured import VC, Secured
from credentials.times import earliest
from proofs import (
    Canonicalize,
    CertificateInvalid,
    MalformedCertificate,
    MalformedProof,
    ProofError,
    TransformationFailed,
    UnsupportedCryptosuite,
)
from proofs.certificates import Unknown
from resolver import ResolutionError
from verification.apart import Apart
from verification.verdicts import Verdict, verdict
from wire import JsonError, format_utc

T = TypeVar("T")

# Bytes; what is longer is read on a thread, so that nobody waits for it over 10 ms.
MAX_INLINE_BYTES = 32_768
_BEGINNING = -(2**63)  # so that a proof that has ended is still judged as one: `inTime` says that it ended


class Authentic(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of a credential once it was looked at.

    Attributes:
        secured: as read; None where it cannot be read.
        claims: what it says; None where the verdict is not `yes`.
        key: that signed it; None likewise.
    """

    verdict: Verdict
    secured: Secured | None = None
    claims: Claims | None = None
    key: FoundKey | None = None


async def authenticity(
    credential: Any, keys: IssuerKeys, now: int, apart: Apart, *, fresh_at: float
) -> Authentic:
    """
    Return whether a credential is what its issuer signed.

    1. Read it. 2. Find the key that shall have signed; nobody is asked for what cannot be read. 3. Verify. 4. Ask
    whether its certificates were revoked. 5. Read what it says.

    Args:
        credential: text, or a JSON object.
        now: microseconds since 1970; whether the key may sign is asked of that time.
        apart: where proofs that may take long are verified.
        fresh_at: seconds since 1970; what says whose a key is must have been fresh then, at least.

    Raises:
        Refusal: the client has no tokens left for what must be asked of strangers.
    """
    size = len(credential) if isinstance(credential, str) else MAX_INLINE_BYTES + 1
    secured = None
    try:
        secured = await _run(partial(_read, credential, apart.canonicalize_rdf), size)  # 1
        key = await keys.find(secured, now)  # 2
        if key.is_stale and (key.fresh_until is None or key.fresh_until < fresh_at):
            raise KeyNotKnown("what says that the key is the issuer's is out of date, and its origin is away")
        verify = partial(secured.verify, key.public_key, _BEGINNING)  # 3
        await (apart.run(verify) if secured.form == VC else _run(verify, size))
        key = await keys.not_revoked(key, now)  # 4
        claims = claims_of(secured)  # 5
    except (JsonError, ProofError, CredentialError, ResolutionError) as error:
        return Authentic(verdict=verdict("authentic", _reason(error), str(error)), secured=secured)
    return _authentic(secured, claims, key)


def _authentic(secured: Secured, claims: Claims, key: FoundKey) -> Authentic:
    claims = msgspec.structs.replace(claims, valid_until=earliest(claims.valid_until, key.ends))
    evidence = {
        "key": key.id,
        "keyFoundBy": key.by,
        "documentDigest": key.digest,
        "documentRetrievedAt": _time(key.retrieved_at),
        "documentIsStale": key.is_stale or None,
        "revocation": _revocation(key),
    }
    found = verdict("authentic", "signature_valid", f"signed with the key {key.id} of its issuer", **evidence)
    return Authentic(verdict=found, secured=secured, claims=claims, key=key)


def _read(credential: Any, canonicalize_rdf: Canonicalize | None) -> Secured:
    if isinstance(credential, dict):
        return secured_of(credential, canonicalize_rdf)
    try:
        return read_credential(
            credential.encode("ascii"), max_bytes=MAX_CREDENTIAL_BYTES, canonicalize_rdf=canonicalize_rdf
        )
    except UnicodeEncodeError:
        raise UnsupportedForm("expected a token of ASCII characters") from None


async def _run(work: Callable[[], T], size: int) -> T:
    """Do it here where it is short; a thread costs more than a signature."""
    return work() if size <= MAX_INLINE_BYTES else await asyncio.to_thread(work)


def _reason(error: Exception) -> str:
    reasons: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (KeyNotIssuers, "key_not_of_issuer"),
        (RevocationNotKnown, "revocation_not_known"),
        ((CertificateInvalid, MalformedCertificate), "certificate_not_valid"),
        ((UnsupportedForm, UnsupportedCryptosuite), "unsupported"),
        ((MalformedProof, MalformedValue, TransformationFailed, JsonError), "malformed"),
        ((KeyNotKnown, ResolutionError, CredentialError), "key_not_known"),
    )
    return next((reason for kinds, reason in reasons if isinstance(error, kinds)), "signature_invalid")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else format_utc(int(seconds * 1_000_000))


def _revocation(key: FoundKey) -> str | None:
    if key.path is None:
        return None
    status = key.path.revocation
    return f"not known: {status.why}" if isinstance(status, Unknown) else "not revoked"
