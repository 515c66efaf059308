"""
What a verifier asks of a credential's document, in whichever model it is written. Pure.

W3C VCDM 2.0 and 1.1; SD-JWT VC; the Mobile Security Object of ISO 18013-5.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from credentials.data_model import CREDENTIALS_V2
from credentials.errors import MalformedValue
from credentials.forms.former_jwt import CREDENTIALS_V1
from credentials.members import Members
from credentials.numeric_dates import numeric_date
from credentials.secured import FORMER_SD_JWT, MDOC, SD_JWT, VC, Secured
from credentials.times import earliest
from proofs import JsonObject

Scheme: TypeAlias = Literal["type", "vct", "doc_type"]  # as the registry calls the names of credential types
_BASE_TYPE = "VerifiableCredential"
MAX_STATUS_ENTRIES = 8


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        scheme, types: what the format calls the credential; of a W3C credential all types but the one of all.
        valid_from, valid_until: when it may be relied on, by the document and what secures it, in microseconds
            since 1970; None: it does not say.
        issued_at: when its issuer says that it was issued; a W3C credential that does not say so, when it begins.
            Of version 1.1 as a JWT, that may be `nbf` alone (VCDM 1.1, section 6.3.1).
        statuses: its status entries as they are, () where it has none: `credentialStatus`, or `status`.
    """

    scheme: Scheme
    types: tuple[str, ...]
    valid_from: int | None
    valid_until: int | None
    issued_at: int | None
    statuses: tuple[Any, ...]


def claims_of(secured: Secured) -> Claims:
    """
    Return what a document says.

    Raises:
        MalformedValue: no document of its model, a time that is none, or more than `MAX_STATUS_ENTRIES` entries.
    """
    if secured.form in (SD_JWT, FORMER_SD_JWT):
        return _of_sd_jwt(secured)
    if secured.form == MDOC:
        return _of_mdoc(secured)
    return _of_w3c(secured)


def _of_sd_jwt(secured: Secured) -> Claims:
    document, issued = secured.document, numeric_date(secured.document, "iat")
    begins, ends = _period(document) if "@context" in document else (None, None)
    return Claims(
        scheme="vct",
        types=(document["vct"],),
        valid_from=_latest(secured.not_before, begins),
        valid_until=earliest(secured.expires, ends),
        issued_at=secured.not_before if issued is None else issued,
        statuses=_statuses(document),
    )


def _of_mdoc(secured: Secured) -> Claims:
    return Claims(
        scheme="doc_type",
        types=(secured.document["docType"],),
        valid_from=secured.not_before,
        valid_until=secured.expires,
        issued_at=secured.document["signed"],
        statuses=_statuses(secured.document),
    )


def _of_w3c(secured: Secured) -> Claims:
    document = secured.document
    _check_context(document)
    members = Members(document, MalformedValue)
    members.require_types(_BASE_TYPE)
    (begins, ends), issued = _period(document), numeric_date(document, "iat")
    return Claims(
        scheme="type",
        types=tuple(name for name in dict.fromkeys(members.strings("type")) if name != _BASE_TYPE),
        valid_from=_latest(begins, secured.not_before),
        valid_until=earliest(ends, secured.expires),
        issued_at=next(
            (moment for moment in (issued, begins, secured.not_before) if moment is not None), None
        ),
        statuses=_statuses(document, is_token=secured.form != VC),
    )


def _period(document: JsonObject) -> tuple[int | None, int | None]:
    """
    Return when a W3C credential begins and ends, by the names of both models.

    A proof over RDF does not cover which context stands there, and the names of both mean the same in either.
    """
    members = Members(document, MalformedValue)
    begins = _latest(*map(members.optional_time, ("validFrom", "issuanceDate")))
    return begins, earliest(*map(members.optional_time, ("validUntil", "expirationDate")))


def _latest(*moments: int | None) -> int | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _check_context(document: JsonObject) -> None:
    context = document.get("@context")
    first = context[:1] if isinstance(context, list) else [context]
    if first not in ([CREDENTIALS_V2], [CREDENTIALS_V1]):
        raise MalformedValue(
            f"expected an array that begins with {CREDENTIALS_V2} or {CREDENTIALS_V1}", pointer="/@context"
        )


def _statuses(document: JsonObject, *, is_token: bool = True) -> tuple[Any, ...]:
    """Return the entries of `credentialStatus`, and the claim `status`, which any token may have."""
    found = document.get("credentialStatus", [])
    statuses = list(found) if isinstance(found, list) else [found]
    if is_token and "status" in document:
        statuses.append(document["status"])
    if len(statuses) > MAX_STATUS_ENTRIES:
        raise MalformedValue(
            f"expected at most {MAX_STATUS_ENTRIES} status entries", pointer="/credentialStatus"
        )
    return tuple(statuses)
