"""
What the dearest questions below `/trust` cost: 10 ms of CPU to read, and 50 ms on a thread to answer.

A thread gives way to the others every 5 ms, but for one search for a path, which `test_worst_case_certificates.py`
holds under 10 ms.
"""

import base64
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from registry.asking.browse import entity_page
from registry.asking.browsing import MAX_QUERY_CHARS, Wanted
from registry.asking.evaluate import MAX_RESULTS, Sight, evaluate
from registry.asking.evaluation import EvaluationRequest, read_evaluation_request
from registry.asking.moments import Moment
from registry.folding import words_of
from registry.identifiers import certificate_identifier
from registry.model import Authority, Definition, Entity, Grant, Identifier
from resolver.keys.jwk import jwk_of
from tests.fuzz.costs import ACCEPTED_MS, DEAR_NUMBERS, many, milliseconds, names
from tests.proofs.asking import LEAF, MID, ROOT
from tests.proofs.authorities import der
from tests.registry.directory import History
from wire import parse_utc
from wire.body import MAX_BODY_BYTES
from wire.language import MAX_CHARS, choose_language

pytestmark = pytest.mark.slow

JSON = "application/json"
THREAD_MS = 50.0
AT = parse_utc("2026-06-01T00:00:00Z")
_LONG = f'"{"A" * 13_000}"'
_START = '{"type":"T","did":"did:web:a.example",'
BODIES: dict[str, str] = {
    "as many names as there is room for": f"{_START}{names(6_000)}}}",
    "a key of many names": f'{{"type":"T","jwk":{{{names(6_000)}}}}}',
    "a key of dear numbers": f'{{"type":"T","jwk":{{{many(DEAR_NUMBERS["9e307"], 6_000)}}}}}',
    "a key of 21,000 objects": f'{{"type":"T","jwk":{{{many("{}", 21_000)}}}}}',
    "certificates of 13,000 characters": f'{{"type":"T","x5c":[{",".join([_LONG] * 5)}]}}',
    "10,000 certificates": f'{{"type":"T","x5c":[{",".join([chr(34) * 2] * 10_000)}]}}',
    "a DID of 8,192 colons": f'{{"type":"T","did":"did:web:{":" * 8_184}"}}',
    "64 KiB of escapes": f'{_START}"authority":"{chr(92)}u0061{"a" * 60_000}"}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_no_question_costs_more_than_ten_milliseconds_to_read(name: str, slowness: float) -> None:
    body = BODIES[name].encode()
    spent = milliseconds(lambda: read_evaluation_request(body, JSON))
    print(f"{spent:8.2f} ms  {name}")

    assert len(body) <= MAX_BODY_BYTES
    assert spent <= ACCEPTED_MS * slowness


def _x5c(*certificates: x509.Certificate) -> list[str]:
    return [base64.b64encode(der(each)).decode() for each in certificates]


def _registry() -> History:
    """A hundred authorities that define one credential, and an entity with what certificates can be registered."""
    chain = (LEAF, MID.certificate, ROOT.certificate)
    identifiers = tuple(
        Identifier(value=certificate_identifier(der(each)), certificate=text)
        for each, text in zip(chain, _x5c(*chain), strict=True)
    )
    history = History().tell(Entity(id="uni", names={"en": "Uni"}, identifiers=identifiers))
    for number in range(MAX_RESULTS):
        fact_id = f"a{number}"
        did = Identifier(value=f"did:web:{fact_id}.example")
        history.tell(
            Entity(id=fact_id, names={"en": fact_id}, identifiers=(did,)),
            Authority(
                id=fact_id,
                governance_framework="https://a.example",
                defines=(Definition(action="issue", resource="T"),),
            ),
            recorded_at=AT + 1,  # So that each answer is looked at twice, for `late`.
        )
    return history


_RSA = jwk_of(RSAPublicNumbers(65_537, (1 << 8_191) | 1).public_key())
_HELD: dict[str, EvaluationRequest] = {
    "an RSA key of 8,192 bits": EvaluationRequest(jwk=_RSA, resource="T"),
    "a chain that leads to three": EvaluationRequest(
        x5c=_x5c(LEAF, MID.certificate, ROOT.certificate), resource="T"
    ),
    "a DID of 8,000 characters": EvaluationRequest(did="did:web:a.example" + ":a" * 4_000, resource="T"),
}


@pytest.mark.parametrize("name", _HELD)
def test_no_verdict_costs_more_than_fifty_milliseconds(name: str, slowness: float) -> None:
    known = _registry().known()

    def run() -> object:
        return evaluate(
            Sight(known, _HELD[name], Moment(AT, AT)),
            _HELD[name],
            freshness_seconds=300,
            accept_language="x," * 200 + "de",
        )

    spent = milliseconds(run)
    print(f"{spent:8.2f} ms  {name}")
    assert spent <= THREAD_MS * slowness


def _looked_through() -> History:
    history = History()
    history.tell(
        *(
            Entity(
                id=f"e{number}",
                names={f"l{language}": f"University Stadt {number} {language}" for language in range(4)},
                identifiers=(Identifier(value=f"did:web:e{number}.example"),),
            )
            for number in range(3_000)
        ),
        *(
            Grant(
                id=f"g{number}",
                kind="authorization",
                authority_id="a1",
                entity_id=f"e{number}",
                action="issue",
                resource="T",
                valid_from=0,
            )
            for number in range(3_000)
        ),
    )
    return history


_WANTED: dict[str, Wanted] = {
    "two common words, and nobody of that kind": Wanted(q="university stadt", kind="ni"),
    "a common word, and nobody in that state": Wanted(q="university", state="revoked"),
    "200 letters": Wanted(q="u" * MAX_QUERY_CHARS),
    "ten words": Wanted(q="u s t a d u n i v e"[:MAX_QUERY_CHARS]),
}


@pytest.mark.parametrize("name", _WANTED)
def test_no_page_costs_more_than_a_hundred_milliseconds(name: str, slowness: float) -> None:
    known = _looked_through().known()
    wanted = _WANTED[name]
    spent = milliseconds(
        lambda: entity_page(
            known, wanted, AT, cursor=None, recorded_at=AT, limit=200, accept_language="de-CH, fr"
        )
    )
    print(f"{spent:8.2f} ms  {name}")

    assert spent <= 2 * THREAD_MS * slowness


SMALL: dict[str, Callable[[], object]] = {
    "Accept-Language of many ranges": lambda: choose_language("a;q=0.5," * (MAX_CHARS // 8), ("en", "de")),
    "Accept-Language of semicolons": lambda: choose_language("a" + " ;" * 255, ("en", "de")),
    "a name of 512 Han": lambda: words_of("".join(chr(0x4E00 + number) for number in range(512))),
    "a name of 512 marks": lambda: words_of("a" + "\u0301" * 511),
    "a name of ligatures": lambda: words_of("\ufdfa" * 512),
}


@pytest.mark.parametrize("name", SMALL)
def test_no_text_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    spent = milliseconds(SMALL[name])
    print(f"{spent:8.2f} ms  {name}")

    assert spent <= ACCEPTED_MS * slowness
