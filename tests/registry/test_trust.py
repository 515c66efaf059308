"""`/trust` over HTTP, through the client: evaluated, searched and shown, as of both times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State

from registry.client import (
    AuthorityNotFound,
    EvaluationRequest,
    IdentifierNotFound,
    KnownAtLost,
    RegistryClient,
    RegistryUnavailable,
    TimeOutOfRange,
)
from registry.events import GAP, Cause, NewEvent, append, lock_head
from registry.model import Fact, Identifier
from registry.trust_routes import build_trust_routes
from server.edge.answers import AnswerResponse
from tests.registry.examples import EDU, UNI
from tests.registry.told import (
    AUTHORITIES,
    BASE_URL,
    ENTITIES,
    NOW,
    Told,
    a_grant,
    a_registry,
    a_state,
    an_authority,
    an_entity,
)
from wire import Answer, BadRequest, MalformedBody, Refusal, encode, format_utc, render_problem
from wire.problem import PROBLEM_JSON, problem_of

pytestmark = pytest.mark.anyio

ISSUER = "https://Uni.example/a%2Fb"
FACTS = (*ENTITIES, *AUTHORITIES, a_grant(), an_entity("far", ISSUER, "did:web:far.example%3A8000"))


def refused(_: Any, error: Refusal) -> AnswerResponse:
    body = render_problem(problem_of(error, base_url=BASE_URL))
    return AnswerResponse(Answer(status=error.status, body=body, media_type=PROBLEM_JSON))


@asynccontextmanager
async def a_server(
    folder: Path, owed: list[float] | None = None
) -> AsyncIterator[tuple[Told, RegistryClient, httpx.AsyncClient]]:
    owed = [] if owed is None else owed
    async with a_registry(folder, *FACTS) as told:
        app = Litestar(
            [build_trust_routes(told.trust, lambda _, tokens: owed.append(tokens))],
            response_class=AnswerResponse,
            state=State({"clock": lambda: told.now / 1_000_000}),
            exception_handlers={Refusal: refused},
            logging_config=None,
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            yield told, RegistryClient(BASE_URL, http=http), http


async def test_what_is_held_is_evaluated_as_of_both_times(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, client, _):
        before = await told.tell(a_grant(history=(a_state("suspended", "2026-06-01"),)))

        async def reason(**times: str) -> tuple[str, bool]:
            found = await client.evaluate(EvaluationRequest(did=UNI, resource="Degree", **times))
            return found.reason, found.results[0].late

        assert await reason() == ("suspended", False)
        assert await reason(time="2026-05-01T00:00:00Z") == ("active", False)
        assert await reason(time="2026-07-01T00:00:00Z") == ("suspended", True)
        known_at = format_utc(before - 1_000_000)
        assert await reason(time="2026-07-01T00:00:00Z", known_at=known_at) == ("active", False)


async def test_what_is_no_question_is_refused_with_its_kind(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, client, _http):
        with pytest.raises(TimeOutOfRange, match="a minute ahead"):
            await client.evaluate(
                EvaluationRequest(did=UNI, resource="Degree", time=format_utc(NOW + 61_000_000))
            )
        with pytest.raises(MalformedBody, match="exactly one"):
            await client.evaluate(EvaluationRequest(resource="Degree"))
        near = EvaluationRequest(did=UNI, resource="Degree", time=format_utc(NOW + 59_000_000))
        assert (await client.evaluate(near)).decision == "yes"


async def test_an_entity_is_found_by_its_id_and_by_identifiers_however_they_are_escaped(
    tmp_path: Path,
) -> None:
    async with a_server(tmp_path) as (_, client, http):
        for reference in ("far", ISSUER, "did:web:far.example%3A8000"):
            assert (await client.profile(reference)).entity.id == "far"
        verbatim = await http.get("/trust/entities/did:web:far.example%3A8000")
        assert verbatim.json()["entity"]["id"] == "far"
        with pytest.raises(IdentifierNotFound):
            await client.profile("https://Uni.example/a/b")
        assert (await client.authority(EDU)).authority.id == "edu"
        with pytest.raises(AuthorityNotFound):
            await client.authority("uni")


async def test_entities_are_searched_and_listed_page_by_page(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, client, _http):
        first = await client.search(limit=3)
        assert first.next is not None
        second = await client.search(limit=3, cursor=first.next)
        assert [each.id for each in (*first.items, *second.items)] == ["edu", "far", "lic", "uni"]
        assert [each.id for each in (await client.search(q="UNI")).items] == ["uni"]
        assert [each.id for each in (await client.search(authority=EDU, state="active")).items] == ["uni"]
        assert [each.entity.id for each in (await client.authorities()).items] == ["edu", "lic"]
        for wrong in ({"state": "x"}, {"kind": "x"}, {"limit": 0}, {"cursor": "x"}, {"q": "a" * 201}):
            with pytest.raises(BadRequest):
                await client.search(**wrong)  # type: ignore[arg-type]  # of a table


async def test_who_asks_pays_for_what_is_looked_at(tmp_path: Path) -> None:
    owed: list[float] = []
    async with a_server(tmp_path, owed) as (told, client, _http):
        await told.tell(*(an_entity(f"e{number}", f"did:web:e{number}.example") for number in range(596)))
        await client.search(limit=2)
        await client.search(kind="ni")

    assert owed == [0.0, 2.0]


async def test_caches_tell_languages_apart_and_ask_again_with_the_tag(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, client, http):
        uni = an_entity("uni", UNI)
        await told.tell(
            type(uni)(id="uni", names={"en": "Uni", "de": "Hochschule"}, identifiers=uni.identifiers)
        )
        english = await http.get("/trust/entities/uni")
        german = await http.get("/trust/entities/uni", headers={"accept-language": "de-AT"})
        again = await http.get("/trust/entities/uni", headers={"if-none-match": english.headers["etag"]})
        await told.tell(uni)
        changed = await http.get("/trust/entities/uni", headers={"if-none-match": english.headers["etag"]})
        profile = await client.profile("uni", language="de")

    assert (english.json()["name"], german.json()["name"], profile.name) == ("Uni", "Hochschule", "Uni")
    assert english.headers["vary"] == "accept-language"
    assert english.headers["cache-control"] == "public, max-age=300"
    assert english.headers["etag"] != german.headers["etag"]
    assert (again.status_code, again.headers["vary"]) == (304, "accept-language")
    assert changed.status_code == 200


async def test_what_a_restore_lost_is_refused(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, client, _http):
        lost = told.registry.recorded_at + 1_000_000
        await _lose(told, lost - 500_000, lost + 500_000)

        with pytest.raises(KnownAtLost):
            await client.search(known_at=format_utc(lost))


async def _lose(told: Told, lost_from: int, lost_until: int) -> None:
    """Record what a restore records: what was known between two times is lost."""
    gap = NewEvent(GAP, "", 1, GAP, 0, encode({"from": lost_from, "until": lost_until}).decode())
    cause = Cause("touchstone", "restore")
    await told.database.write(lambda tx: append(tx, lock_head(tx), [gap], cause, told.now))
    await told.registry.follow()


async def test_an_answer_to_another_question_is_none(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, client, _http):
        told = await client.evaluate(EvaluationRequest(did=UNI, resource="Degree"))

    def swapped(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=encode(told))

    async with httpx.AsyncClient(transport=httpx.MockTransport(swapped)) as other:
        for question in ({"action": "verify"}, {"time": "2025-01-01T00:00:00Z"}):
            with pytest.raises(RegistryUnavailable, match="another question"):
                await RegistryClient(BASE_URL, http=other).evaluate(
                    EvaluationRequest(did=UNI, resource="Degree", **question)
                )


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ((), 300),
        ((an_authority("edu", freshness_seconds=30),), 30),
        ((an_authority("edu", freshness_seconds=900),), 300),
        ((a_grant(valid_until=NOW + 10_000_000),), 10),
        ((an_entity("uni", Identifier(value=UNI, valid_until=NOW + 10_000_000)),), 10),
        ((an_entity("uni", UNI, valid_until=NOW + 10_000_000),), 10),
    ],
)
async def test_caches_keep_an_entity_no_longer_than_up_to_a_change_that_is_known(
    tmp_path: Path, facts: tuple[Fact, ...], seconds: int
) -> None:
    async with a_registry(tmp_path, a_grant(), *facts) as told:
        shown = await told.trust.entity(UNI.encode(), {}, None)
        of_the_profile = await told.telling.entity(UNI.encode(), {})
        then = await told.trust.entity(UNI.encode(), {"time": "2026-01-01T00:00:00Z"}, None)

    assert shown.fresh_until == of_the_profile.fresh_until == NOW / 1_000_000 + seconds
    assert then.fresh_until == NOW / 1_000_000 + (seconds if seconds != 10 else 300)
