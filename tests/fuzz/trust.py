"""Fuzz targets for `/trust`: what a wallet says that it holds, searches, cursors, and languages."""

import base64
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from registry.asking.browse import entity_page
from registry.asking.browsing import EntityPage, Wanted, cursor_of, digest_of
from registry.asking.evaluate import Sight, evaluate
from registry.asking.evaluation import Evaluation, read_evaluation_request
from registry.asking.moments import Moment
from registry.folding import MAX_WORD_CHARS, runs_of, words_of
from registry.index.reading import Indexed
from registry.model import Authority, Definition, Entity, Grant, Identifier, Resource
from tests.fuzz.signed import CERTIFICATES
from tests.registry.directory import History
from tests.registry.examples import NOW
from wire import BadRequest, Refusal, encode
from wire.language import choose_language

NAMES = (
    {"en": "University of Rheintal", "de": "Universität Rheintal", "de-CH": "Uni Rheintal"},
    {"ja": "東雲大学", "en": "Shinonome University"},
    {"ar": "جَامِعَة", "el": "Καλημέρα κόσμε", "tr": "İstanbul ŞİŞLİ"},
    {"fr": "École supérieure de l’Étoile", "en": "ﬁne Straße 4", "x": "\U0001d54c\U0001d55f\U0001d55a"},
)

_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
_HELD: tuple[dict[str, Any], ...] = (
    {"did": "did:web:e1.example", "type": "Degree"},
    {"iss": "https://e1.example/a", "vct": "https://a.example/d", "authority": "did:web:e0.example"},
    {"x5c": [base64.b64encode(der).decode() for der in CERTIFICATES], "docType": "a.b.1"},
    {"jwk": _KEY, "resource": "Degree", "action": "verify", "time_is_proven": True},
    {"x509_hash": "A" * 43, "type": "Degree", "time": "2026-01-01T00:00:00Z"},
    {"ni": f"ni:///sha-256;{'A' * 43}", "type": "Degree", "known_at": "2026-01-01T00:00:00.5Z"},
)
QUESTIONS = [encode(each) for each in _HELD]
_QUERIES = ("uni", "UNIVERSITÄT rhein", "大学", "جامعة", "etoile l", "ＳＴＲＡＳＳＥ", "ﬁ", "4", "-")
SEARCHES = [each.encode() for each in _QUERIES]
CURSORS = [
    cursor_of(digest_of("entities", wanted), *after).encode()
    for wanted, after in (
        (Wanted(), ("e1",)),
        (Wanted(q="uni"), ("uni", "university", "e0")),
        (Wanted(resource="Degree"), ("e0",)),
    )
]


@cache
def _known() -> Indexed:
    entities = [
        Entity(id=f"e{number}", names=names, identifiers=(Identifier(value=f"did:web:e{number}.example"),))
        for number, names in enumerate(NAMES)
    ]
    degree = Resource(id="Degree", types=("Degree",), vcts=("https://a.example/d",), doc_types=("a.b.1",))
    authority = Authority(
        id="e0",
        governance_framework="https://a.example",
        defines=(Definition(action="issue", resource="Degree"),),
        resources=(degree,),
    )
    grant = Grant(
        id="g",
        kind="authorization",
        authority_id="e0",
        entity_id="e1",
        action="issue",
        resource="Degree",
        valid_from=0,
    )
    return History().tell(*entities, authority, grant).known()


def held(data: bytes) -> None:
    """What is no question is refused; a verdict is that of its first result, and says yes of one entity alone."""
    with suppress(Refusal):
        request = read_evaluation_request(data, "application/json")
        found = evaluate(
            Sight(_known(), request, Moment(NOW, NOW)),
            request,
            freshness_seconds=300,
            accept_language=request.authority,
        )
        _require_sound(found)
        if found.decision == "yes":
            assert "did:web:e1.example" in (request.did, request.iss)
            assert request.action == "issue"


def _require_sound(found: Evaluation) -> None:
    assert encode(found)
    assert found.results or found.decision == "unknown"
    if found.results:
        first = found.results[0]
        assert (found.decision, found.reason) == (first.decision, first.reason)


def search(data: bytes) -> None:
    """A search finds, page by page and each once, whoever has a name with all its words, and nobody else."""
    query = data.decode("utf-8", "replace")
    with suppress(BadRequest):
        found = [each.id for page in _pages(Wanted(q=query)) for each in page.items]
        words = [word[:MAX_WORD_CHARS] for word in runs_of(query)]
        assert sorted(found) == [f"e{number}" for number, names in enumerate(NAMES) if _has(names, words)]


def _pages(wanted: Wanted) -> Iterator[EntityPage]:
    cursor = None
    while True:
        page, _ = entity_page(
            _known(), wanted, NOW, cursor=cursor, recorded_at=NOW, limit=1, accept_language=None
        )
        yield page
        if (cursor := page.next) is None:
            return


def _has(names: dict[str, str], words: list[str]) -> bool:
    return any(
        all(any(own.startswith(word) for own in words_of(name)) for word in words) for name in names.values()
    )


def cursor(data: bytes) -> None:
    """A cursor is one of ours, or refused."""
    text = data.decode("utf-8", "replace")
    for wanted in (Wanted(), Wanted(q="uni"), Wanted(resource="Degree")):
        with suppress(BadRequest):
            page, _ = entity_page(
                _known(), wanted, NOW, cursor=text, recorded_at=NOW, limit=9, accept_language=text
            )
            assert len(page.items) <= len(NAMES)


def language(data: bytes) -> None:
    """Of the languages that there are one is chosen, whatever is asked; the case does not matter."""
    header = data.decode("latin-1")
    for names in NAMES:
        chosen = choose_language(header, names)
        assert chosen in names
        if header.isascii():
            assert choose_language(header.upper(), names) == chosen
