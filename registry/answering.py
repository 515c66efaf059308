"""
TRQP, from the bytes of a request to an answer. Service.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from msgspec import UNSET

from registry.asking import trqp_answers
from registry.asking.metadata import Service
from registry.asking.moments import moment_of, require_past
from registry.asking.standing import Finding
from registry.errors import KnownAtLost
from registry.index.gathered import Gathered
from registry.kept_answers import KeptAnswers
from registry.known import Known
from registry.registry import Registry
from registry.trqp import TrqpRequest, read_request
from registry.trqp_batch import QueryResult, QueryResults, read_batch, refused
from wire import Answer, MalformedBody, Refusal, encode, format_utc

SLICE = 50  # queries of a batch that are answered before others get their turn: some 2 ms
CONTEXT_COST = (
    10  # queries: one about another time is answered twice, by what is known and by what was known then
)

Ask = Callable[[Known, TrqpRequest, int, int], tuple[Any, Finding]]


class Answering:
    """Answers questions from what the registry knows."""

    def __init__(self, registry: Registry, service: Service) -> None:
        self._registry = registry
        self._service = service
        self._kept: dict[Ask, KeptAnswers] = {
            ask: KeptAnswers(registry.state)
            for ask in (trqp_answers.given_authorization, trqp_answers.given_recognition)
        }

    async def authorization(self, body: bytes, content_type: str | None) -> Answer:
        """
        Answer `POST /trqp/authorization`.

        Raises:
            MalformedBody, UnsupportedMediaType, PayloadTooLarge: see `trqp.read_request`.
            TimeOutOfRange: see `moments.moment_of`.
            KnownAtLost, DatabaseUnavailable: of a question with `known_at`; see `Registry.close_until`.
            NotDefined: see `trqp_answers.authorization`.
        """
        return await self._answer(body, content_type, trqp_answers.given_authorization)

    async def recognition(self, body: bytes, content_type: str | None) -> Answer:
        """Answer `POST /trqp/recognition`; raises as `authorization`."""
        return await self._answer(body, content_type, trqp_answers.given_recognition)

    def authorization_now(self, body: bytes, content_type: str | None) -> Answer | None:
        """As `authorization`; None where that has to wait for the database."""
        return self._answer_now(body, content_type, trqp_answers.given_authorization)

    def recognition_now(self, body: bytes, content_type: str | None) -> Answer | None:
        """As `recognition`; None where that has to wait for the database."""
        return self._answer_now(body, content_type, trqp_answers.given_recognition)

    async def _answer(self, body: bytes, content_type: str | None, ask: Ask) -> Answer:
        if (answer := self._answer_now(body, content_type, ask)) is not None:
            return answer
        request, now = read_request(body, content_type), self._registry.now()
        known_at = moment_of(request.context, now).known_at
        assert known_at is not None, "only those wait who ask what was known at some time"
        await self._registry.close_until(known_at)
        return self._told(request, now, known_at, ask)

    def _answer_now(self, body: bytes, content_type: str | None, ask: Ask) -> Answer | None:
        now = self._registry.now()
        if content_type == "application/json" and (kept := self._kept[ask].find(body, now)) is not None:
            return Answer(body=encode(kept))
        request = read_request(body, content_type)
        require_past(request.context, now)
        if moment_of(request.context, now).known_at is not None:
            return None
        return self._told_now(request, now, body, ask)

    def _told_now(self, request: TrqpRequest, now: int, body: bytes, ask: Ask) -> Answer:
        """Answer by what is known now; keep an answer about now, for whoever sends these bytes again."""
        fresh = self._service.freshness_seconds
        with self._registry.remembering() as known:
            answer, found = ask(known, request, now, fresh)
            if request.context is UNSET:
                fresh_for = trqp_answers.fresh_for(found, fresh)
                self._kept[ask].keep(known.state, body, answer, found, now, fresh_for)
        return Answer(body=encode(answer))

    def _told(self, request: TrqpRequest, now: int, known_at: int, ask: Ask) -> Answer:
        with self._registry.reading(known_at) as known:
            return Answer(body=encode(ask(known, request, now, self._service.freshness_seconds)[0]))

    async def batch(self, body: bytes, content_type: str | None, spend: Callable[[int], None]) -> Answer:
        """
        Answer `POST /trqp/authorization/batch`: all at one time, and by what is known at one.

        1. Read it; the caller pays for it.
        2. See to it that nothing more is recorded at the times that it asks about (`known_at`).
        3. Answer, in slices.

        Args:
            spend: takes what so many queries cost the caller, or refuses them.

        Raises:
            MalformedBody, UnsupportedMediaType, PayloadTooLarge: see `trqp_batch.read_batch`; what is wrong with
                one query is told in its place.
            DatabaseUnavailable: of a question with `known_at`.
        """
        queries = read_batch(body, content_type)  # 1.
        spend(len(queries))
        now = self._registry.now()
        await self._close_until_last(queries, now)  # 2.
        told = _Told(self._registry, self._service, now)
        known: Gathered | None = None
        recorded_at = self._registry.recorded_at
        for some in _slices(queries):  # 3.
            with self._registry.gathering(recorded_at, known) as known:
                told.answer(known, some)
            await asyncio.sleep(0)
        return Answer(body=encode(QueryResults(time_evaluated=format_utc(now), results=told.results)))

    async def _close_until_last(self, queries: list[TrqpRequest | MalformedBody], now: int) -> None:
        asked = (moment_of(each.context, now).known_at for each in queries if isinstance(each, TrqpRequest))
        last = max((time for time in asked if time is not None), default=None)
        if last is not None:
            with suppress(KnownAtLost):  # Told in its place.
                await self._registry.close_until(last)


def _slices(queries: list[TrqpRequest | MalformedBody]) -> Iterator[list[TrqpRequest | MalformedBody]]:
    """Yield the queries in order, in slices that take about the same time."""
    start = cost = 0
    for end, query in enumerate(queries, 1):
        has_context = isinstance(query, TrqpRequest) and query.context is not UNSET
        cost += CONTEXT_COST if has_context else 1
        if cost >= SLICE or end == len(queries):
            yield queries[start:end]
            start, cost = end, 0


class _Told:
    """
    A batch on its way, answered at one time; what is asked twice is answered once.

    Attributes:
        results: those that there are, in the order of the queries.
    """

    def __init__(self, registry: Registry, service: Service, now: int) -> None:
        self.results: list[QueryResult] = []
        self._registry = registry
        self._service = service
        self._now = now
        self._answered: dict[TrqpRequest, QueryResult] = {}  # Answers to questions without a context.

    def answer(self, known: Gathered, queries: list[TrqpRequest | MalformedBody]) -> None:
        """Answer the queries that come next."""
        known.expect(
            trqp_answers.question_of("authorization", each)
            for each in queries
            if isinstance(each, TrqpRequest)
        )
        for query in queries:
            self.results.append(self._result(known, query))

    def _result(self, known: Known, query: TrqpRequest | MalformedBody) -> QueryResult:
        try:
            if isinstance(query, MalformedBody):
                raise query
            if query.context is not UNSET:
                return self._asked(self._known_to(known, query.context), query)
            if query not in self._answered:
                self._answered[query] = self._asked(known, query)
            return self._answered[query]
        except Refusal as error:
            return refused(error, len(self.results), self._service.base_url)

    def _asked(self, known: Known, query: TrqpRequest) -> QueryResult:
        fresh = self._service.freshness_seconds
        return QueryResult(status=200, answer=trqp_answers.authorization(known, query, self._now, fresh))

    def _known_to(self, known: Known, context: dict[str, str]) -> Known:
        """Return what was known at the time that a query names."""
        require_past(context, self._now)
        known_at = moment_of(context, self._now).known_at
        if known_at is None:
            return known
        self._registry.require_kept(known_at)
        return known.as_of(known_at)
