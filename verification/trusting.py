"""
Is the issuer trusted for that? The registry's answers, at issuance and at the time asked about, made one. Pure.

A credential of several types needs its issuer trusted for each that the registry knows: whoever is trusted for one
could write another one beside it. What is defined nowhere confers nothing, and takes nothing away.
"""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from credentials.claims import Claims
from credentials.secured import Secured
from registry.asking.evaluation import AuthorityVerdict, Evaluation, EvaluationRequest
from registry.asking.shown import NamedEntity
from verification.requests import VerifyOptions
from verification.verdicts import Decision, Verdict, verdict
from wire import format_utc

_UNDEFINED = ("authority_unknown", "not_defined")
_WORST: tuple[Decision, ...] = ("no", "unknown", "yes")
# What the registry says, in our words; what is not here is `not_authorized`.
_WORDS = {
    "suspended": "suspended",
    "revoked": "revoked",
    "expired": "expired",
    "not_yet_valid": "not_yet_valid",
    "superseded": "superseded",
    "compromised": "compromised",
    "compromised_later": "compromised",
    "chain_missing": "not_known",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """
    A question to the registry: about which type, and which time.

    Attributes:
        is_name: of a credential with certificates, about the name beside them, which must be of the same entity.
    """

    request: EvaluationRequest
    at: int
    is_issuance: bool
    is_name: bool = False


def questions(
    secured: Secured, claims: Claims, options: VerifyOptions, *, at: int, only_issuance: bool
) -> list[Asked]:
    """
    Return what to ask the registry: for each type, at issuance where the credential says when, and at `at`.

    Args:
        at: microseconds since 1970.
        only_issuance: not about `at`, where the credential says when it was issued.
    """
    issued = min(claims.issued_at, at) if claims.issued_at is not None else None
    moments = [(issued, True)] if issued is not None else []
    if issued is None or not only_issuance:
        moments.append((at, False))
    return [
        Asked(
            request=_request(who, claims, name, options, _time(moment, is_issuance, options)),
            at=moment,
            is_issuance=is_issuance,
            is_name=is_name,
        )
        for who, is_name in _whos(secured)
        for moment, is_issuance in moments
        for name in claims.types
    ]


def trusted(asked: Sequence[tuple[Asked, Evaluation]], *, is_compromised: bool) -> Verdict:
    """
    Return the verdict; of several answers, that which says least for the issuer.

    Args:
        is_compromised: the key that signed is known to be in the hands of others, whoever told of it.
    """
    if is_compromised:
        why = "the key that signed is registered as compromised: whoever has it can write any time"
        return verdict("issuerTrusted", "compromised", why)
    of_types = [each for each in asked if not each[0].is_name]
    defined = {_type(each) for each in of_types if each[1].reason not in _UNDEFINED}
    if not defined:
        why = asked[0][1].message if asked else "the credential names no type beside the one of all"
        return verdict("issuerTrusted", "not_defined", why)
    if (fault := _name_fault(asked)) is not None:
        return fault
    # What was defined at one of the times only is not passed over at the other.
    counted = [each for each in of_types if _type(each) in defined]
    answers = [_shown(*each) for each in counted]
    verdicts = [
        verdict("issuerTrusted", _reason(evaluation), evaluation.message, answers=answers)
        for _, evaluation in counted
    ]
    return min(verdicts, key=lambda each: _WORST.index(each.verdict))


def _type(each: tuple[Asked, Evaluation]) -> str:
    return each[0].request.credential[1]


def _name_fault(asked: Sequence[tuple[Asked, Evaluation]]) -> Verdict | None:
    """Return what is wrong with the name beside certificates; None: there is none, or it is their entity's."""
    named = [each for each in asked if each[0].is_name]
    if not named:
        return None
    if len(entities := _entities(asked)) > 1:
        why = f"its certificates and its issuer are of different entities: {', '.join(sorted(entities))}"
        return verdict("issuerTrusted", "not_authorized", why)
    if not _entities(named):
        why = "the registry has nobody of the name beside the certificates: register it as it is spelled"
        return verdict("issuerTrusted", "not_known", why)
    return None


def _entities(asked: Sequence[tuple[Asked, Evaluation]]) -> set[str]:
    """Return the ids of everybody whom the registry takes the issuer for."""
    results = (result for _, evaluation in asked for result in evaluation.results)
    return {result.entity.id for result in results if result.entity is not None}


def requires_status(asked: Sequence[tuple[Asked, Evaluation]]) -> bool:
    """Tell whether an authority demands a status entry of such a credential."""
    return any(result.requires_status for _, evaluation in asked for result in evaluation.results)


def _reason(evaluation: Evaluation) -> str:
    if evaluation.decision == "yes":
        return "authorized"
    if evaluation.reason in _UNDEFINED:
        return "not_defined"
    if evaluation.reason in _WORDS:
        return _WORDS[evaluation.reason]
    return "not_authorized" if evaluation.decision == "no" else "not_known"


def _request(
    who: dict[str, Any], claims: Claims, name: str, options: VerifyOptions, time: str | None
) -> EvaluationRequest:
    what: dict[str, Any] = {claims.scheme: name}
    return EvaluationRequest(**who, **what, action=options.action, authority=options.authority, time=time)


def _time(moment: int, is_issuance: bool, options: VerifyOptions) -> str | None:
    """Return the time of a question; None: now, of which the registry tells when its answer changes."""
    return None if options.at is None and not is_issuance else format_utc(moment)


def _whos(secured: Secured) -> list[tuple[dict[str, Any], bool]]:
    """
    Return the members of a question that may name the issuer, and whether that is the name beside certificates.

    Where the key is that of certificates, they are the issuer, and whoever made them chose the name in them.
    """
    issuer = secured.issuer
    name: dict[str, Any] = {}
    if issuer is not None:
        name = {"did" if issuer.startswith("did:") else "iss": issuer}
    if not secured.certificates or (secured.key_id or "").startswith("did:"):
        return [(name, False)]
    chain = {"x5c": [base64.b64encode(der).decode() for der in secured.certificates]}
    return [(chain, False), *([(name, True)] if name else [])]


def _shown(question: Asked, evaluation: Evaluation) -> dict[str, Any]:
    best = evaluation.results[0] if evaluation.results else None
    told = {
        "about": question.request.credential[1],
        "time": format_utc(question.at),
        "timeIs": "issuance" if question.is_issuance else "asked",
        "decision": evaluation.decision,
        "reason": evaluation.reason,
        "expiresAt": evaluation.expires_at,
    }
    return told if best is None else told | _authority(best)


def _named(entity: NamedEntity | None) -> dict[str, str] | None:
    return None if entity is None else {"id": entity.id, "name": entity.name}


def _authority(best: AuthorityVerdict) -> dict[str, Any]:
    found = {
        "authority": _named(best.authority),
        "entity": _named(best.entity),
        "identifier": best.identifier,
        "grant": best.grant,
        "chain": best.chain,
        "compromisedSince": best.compromised_since,
        "late": best.late or None,
    }
    return {name: value for name, value in found.items() if value}
