"""
What each public route reads and answers: bodies, answers and problems, by path and method. Pure.

Routes read their own bodies and return an `Answer`, so that the framework knows neither.
`tests/server/routes/test_openapi.py` holds the table against what the server answers.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from registry.asking.browsing import AuthorityPage, EntityPage, WholeAuthority, WholeEntity
from registry.asking.evaluation import Evaluation, EvaluationRequest
from registry.asking.metadata import EndpointMetadata
from registry.ayra import (
    AssuranceLevel,
    DefinedPair,
    DidMethod,
    Ecosystem,
    EntityList,
    Metadata,
    ShownEntity,
)
from registry.feed.changes import ChangePage
from registry.trqp import AuthorizationAnswer, RecognitionAnswer
from registry.trqp_batch import QueryBatch, QueryResults
from resolver.binding.batch import BatchRequest, BatchResult
from statuslist.checking.requests import EntryCheck, StatusCheck
from statuslist.formats.forms import MEDIA_TYPES, TOKEN_CWT, TOKEN_JWT
from statuslist.populations.answers import Aggregation, Bundle, ChangedSets
from verification.requests import VerifyBatch, VerifyRequest
from verification.verdicts import Verification, Verifications
from wire.problem import PROBLEM_JSON

JSON = "application/json"
HTML = "text/html; charset=utf-8"
JWT = "application/vc+jwt"


class Listed(msgspec.Struct, frozen=True):
    """A list of what has a shape."""

    of: type[msgspec.Struct]


class EitherOf(msgspec.Struct, frozen=True):
    """One thing, or a list of others: what a path and the path below it answer, where one route has both."""

    one: type[msgspec.Struct]
    listed: Listed


OBJECT: dict[str, Any] = {"type": "object"}
TEXT: dict[str, Any] = {"type": "string"}
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
Shape = type[msgspec.Struct] | dict[str, Any] | Listed | EitherOf
Content = Mapping[str, Shape]


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457); `errors` names the members at fault by JSON pointer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[dict[str, str | int]] = []


class DidResolutionResult(msgspec.Struct, kw_only=True, rename="camel"):
    """The full result of a resolution; a dereferencing has the members that its specification names."""

    did_resolution_metadata: dict[str, Any]
    did_document: dict[str, Any] | None
    did_document_metadata: dict[str, Any]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the framework cannot know of a route.

    Attributes:
        body: what it reads, by media type; empty: nothing, or what the framework's document says already.
        answers: what it answers, by status.
        problems: further statuses whose answer is a problem document.
        is_conditional: whether it answers 304.
        takes_idempotency_key: of a change by an operator, whether its answer can be had a second time.
    """

    answers: Mapping[int, Content]
    body: Content = {}
    problems: tuple[int, ...] = ()
    is_conditional: bool = False
    takes_idempotency_key: bool = True


_RESULTS: Content = {
    "application/did-resolution": DidResolutionResult,
    "application/did-url-dereferencing": OBJECT,
    'application/ld+json;profile="https://w3id.org/did-resolution"': DidResolutionResult,
}
_DOCUMENTS: Content = dict.fromkeys(
    ("application/did", "application/did+json", "application/did+ld+json"), OBJECT
)
_RESOLVED: Mapping[int, Content] = {
    200: {**_RESULTS, **_DOCUMENTS},
    **{status: {**_RESULTS, PROBLEM_JSON: ProblemDocument} for status in (400, 404, 406, 410, 500, 501, 503)},
}
_LIST_JSON = ("application/vc", JSON, "application/ld+json")
_ASKED = (400, 404, 410, 413, 415, 429, 503)
_DID_DOCUMENT: Mapping[int, Content] = {200: {"application/did+json": OBJECT}}
_HEALTH: Mapping[int, Content] = {200: {JSON: OBJECT}, 503: {JSON: OBJECT}}


def _told(shape: Shape, *problems: int) -> Route:
    """Return a GET of the Ayra profile, or below `/trust`."""
    return Route(
        answers={200: {JSON: shape}}, problems=(400, 404, 410, 429, 503, *problems), is_conditional=True
    )


_TOKENS: dict[str, Shape] = {MEDIA_TYPES[TOKEN_JWT]: TEXT, MEDIA_TYPES[TOKEN_CWT]: BINARY}


PUBLIC: dict[tuple[str, str], Route] = {
    ("get", "/1.0/identifiers/{identifier}"): Route(answers=_RESOLVED, problems=(429,), is_conditional=True),
    ("post", "/1.0/identifiers/{identifier}"): Route(
        answers=_RESOLVED, body={JSON: OBJECT}, problems=(413, 415, 429)
    ),
    ("post", "/1.0/identifiers"): Route(
        answers={200: {JSON: BatchResult}}, body={JSON: BatchRequest}, problems=(400, 413, 415, 429)
    ),
    **{
        ("get", f"/1.0/{name}"): Route(answers={200: {JSON: shape}}, problems=(429,), is_conditional=True)
        for name, shape in {
            "methods": {"type": "array", "items": TEXT},
            "properties": OBJECT,
            "testIdentifiers": OBJECT,
            "traits": OBJECT,
        }.items()
    },
    ("post", "/trqp/authorization"): Route(answers={200: {JSON: AuthorizationAnswer}}, problems=_ASKED),
    ("post", "/trqp/recognition"): Route(answers={200: {JSON: RecognitionAnswer}}, problems=_ASKED),
    ("post", "/trqp/authorization/batch"): Route(
        answers={200: {JSON: QueryResults}}, body={JSON: QueryBatch}, problems=(400, 413, 415, 429, 503)
    ),
    ("get", "/trqp/metadata"): _told(Metadata),
    ("get", "/trqp/entities"): _told(EntityList, 422),
    ("get", "/trqp/entities/{entity_id}"): _told(EitherOf(ShownEntity, Listed(AuthorizationAnswer))),
    ("get", "/trqp/ecosystems/{ecosystem_id}"): _told(EitherOf(Ecosystem, Listed(RecognitionAnswer)), 422),
    ("get", "/trqp/lookups/assuranceLevels"): _told(Listed(AssuranceLevel)),
    ("get", "/trqp/lookups/authorizations"): _told(Listed(DefinedPair)),
    ("get", "/trqp/lookups/didMethods"): _told(Listed(DidMethod)),
    ("post", "/trust/evaluate"): Route(
        answers={200: {JSON: Evaluation}},
        body={JSON: EvaluationRequest},
        problems=(400, 410, 413, 415, 422, 429, 503),
    ),
    ("get", "/trust/entities"): _told(EntityPage),
    ("get", "/trust/entities/{entity_id}"): _told(WholeEntity),
    ("get", "/trust/authorities"): _told(AuthorityPage),
    ("get", "/trust/authorities/{authority_id}"): _told(WholeAuthority),
    ("get", "/.well-known/trqp-metadata.json"): Route(
        answers={200: {JSON: EndpointMetadata}}, problems=(404, 429), is_conditional=True
    ),
    ("get", "/.well-known/trqp-metadata"): Route(
        answers={200: {JSON: OBJECT}}, problems=(429,), is_conditional=True
    ),
    ("get", "/trust/changes"): Route(
        answers={200: {JSON: ChangePage}}, problems=(400, 404, 429, 503), is_conditional=True
    ),
    ("get", "/status-lists/{list_id}"): Route(
        answers={200: {**dict.fromkeys(_LIST_JSON, OBJECT), JWT: TEXT, **_TOKENS}},
        problems=(400, 404, 406, 429, 501, 503),
        is_conditional=True,
    ),
    ("get", "/status-lists/{list_id}/credential.json"): Route(
        answers={200: dict.fromkeys(_LIST_JSON, OBJECT)},
        problems=(400, 404, 429, 501, 503),
        is_conditional=True,
    ),
    ("get", "/status-lists/{list_id}/credential.jwt"): Route(
        answers={200: {JWT: TEXT}}, problems=(400, 404, 429, 501, 503), is_conditional=True
    ),
    ("get", "/status-lists/{list_id}/token.jwt"): Route(
        answers={200: {MEDIA_TYPES[TOKEN_JWT]: TEXT}}, problems=(400, 404, 429, 501, 503), is_conditional=True
    ),
    ("get", "/status-lists/{list_id}/token.cwt"): Route(
        answers={200: {MEDIA_TYPES[TOKEN_CWT]: BINARY}},
        problems=(400, 404, 429, 501, 503),
        is_conditional=True,
    ),
    ("get", "/status-lists/aggregation/{issuer_id}"): Route(
        answers={200: {JSON: Aggregation}}, problems=(404, 429, 503), is_conditional=True
    ),
    ("get", "/status-lists/changes"): Route(
        answers={200: {JSON: ChangedSets}}, problems=(400, 429, 503), is_conditional=True
    ),
    ("get", "/status-lists/bundle/{issuer_id}"): Route(
        answers={200: {JSON: Bundle}}, problems=(400, 404, 429, 503), is_conditional=True
    ),
    ("post", "/status/check"): Route(
        answers={200: {JSON: StatusCheck}},
        body={JSON: EntryCheck, JWT: TEXT},
        problems=(400, 404, 413, 415, 422, 429, 500, 501, 502, 503),
    ),
    ("post", "/verify"): Route(
        answers={200: {JSON: Verification}}, body={JSON: VerifyRequest}, problems=(400, 413, 415, 429, 503)
    ),
    ("post", "/verify/batch"): Route(
        answers={200: {JSON: Verifications}}, body={JSON: VerifyBatch}, problems=(400, 413, 415, 429, 503)
    ),
    ("get", "/.well-known/did.json"): Route(answers=_DID_DOCUMENT, problems=(429,), is_conditional=True),
    ("get", "/issuers/{issuer_id}/did.json"): Route(
        answers=_DID_DOCUMENT, problems=(404, 429), is_conditional=True
    ),
    ("get", "/livez"): Route(answers={200: {JSON: OBJECT}}, problems=(429,)),
    ("get", "/readyz"): Route(answers=_HEALTH, problems=(429,)),
    ("get", "/metrics"): Route(answers={200: {"text/plain; version=0.0.4; charset=utf-8": TEXT}}),
    ("get", "/problems/{slug}"): Route(answers={200: {HTML: TEXT}}, problems=(404, 429), is_conditional=True),
    ("get", "/openapi.json"): Route(answers={200: {JSON: OBJECT}}, problems=(429,), is_conditional=True),
    ("get", "/docs"): Route(answers={200: {HTML: TEXT}}, problems=(429,), is_conditional=True),
    ("get", "/"): Route(answers={200: {JSON: OBJECT}}, problems=(429,)),
}
