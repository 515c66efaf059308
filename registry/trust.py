"""
`/trust`: what a wallet holds, evaluated; entities and authorities, searched and shown. Service.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from registry.asking import browse
from registry.asking.browsing import MAX_PAGE, Wanted
from registry.asking.evaluate import Sight, evaluate, unanswered
from registry.asking.evaluation import Evaluation, EvaluationRequest, read_evaluation_request
from registry.asking.held import candidates_above, candidates_of, compromises
from registry.asking.moments import Moment, moment_of, parameters, require_past
from registry.asking.naming import reference_in
from registry.errors import TooManyToList
from registry.identifiers import key_identifier
from registry.index.reading import Indexed
from registry.kept_verdicts import KeptVerdicts
from registry.registry import Registry
from resolver.keys.jwk import jwk_of
from wire import Answer, BadRequest, MalformedBody, encode, etag_of

JSON = "application/json"
_VARY = ("accept-language",)

Tell = Callable[[Indexed, int], Any]  # what is known, and the time asked about


class Trust:
    """
    Answers from what the registry knows, on threads: a chain of certificates or a page may take some 50 ms.

    Each method raises BadRequest and TimeOutOfRange for times, KnownAtLost and DatabaseUnavailable as
    `Registry.close_until`, and AuthorityNotFound or IdentifierNotFound for whom it does not know.

    Args:
        freshness_seconds: how long an answer may be relied on where no authority says.
    """

    def __init__(self, registry: Registry, freshness_seconds: int) -> None:
        self._registry = registry
        self._freshness_seconds = freshness_seconds
        self._one_page_at_a_time = asyncio.Lock()
        self._kept = KeptVerdicts(registry.state, self._weigh)

    async def evaluate(self, body: bytes, content_type: str | None, accept_language: str | None) -> Answer:
        """
        Answer `POST /trust/evaluate`.

        Raises:
            MalformedBody, UnsupportedMediaType, PayloadTooLarge: see `read_evaluation_request`.
            TooManyToList: see `evaluate`.
        """
        request = read_evaluation_request(body, content_type)
        moment = await self._moment(parameters(request.time, request.known_at), place="/")
        told = await self._read(
            moment,
            lambda known, _: evaluate(
                Sight(known, request, moment),
                request,
                freshness_seconds=self._freshness_seconds,
                accept_language=accept_language,
            ),
        )
        return Answer(body=encode(told), vary=_VARY)

    async def weigh(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """
        Return the verdicts on questions that are not of another time's knowledge; `evaluate` has the rules.

        A question that cannot be asked, such as about an issuer whose name cannot be registered, is `unknown`.
        """
        if all(request.x5c is None and request.jwk is None for request in requests):
            return self._kept.verdicts(requests, self._registry.now())
        return await asyncio.to_thread(self._weigh_all, requests)

    def _weigh(self, request: EvaluationRequest) -> Evaluation:
        return self._weigh_all([request])[0]

    def _weigh_all(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """Return the verdicts; a chain is validated once for each time, of however many types is asked."""
        now, sights = self._registry.now(), dict[Hashable, Sight]()
        with self._registry.reading(None) as known:
            for each in requests:
                moment = moment_of(parameters(each.time, None), now)
                sights.setdefault(_seen_by(each), Sight(known, each, moment))
            return [self._verdict(sights[_seen_by(each)], each) for each in requests]

    def _verdict(self, sight: Sight, request: EvaluationRequest) -> Evaluation:
        fresh = self._freshness_seconds
        try:
            return evaluate(sight, request, freshness_seconds=fresh, accept_language=None)
        except (MalformedBody, TooManyToList) as error:
            return unanswered(request, sight.moment, error.detail, fresh)

    def is_compromised(self, public_key: object, at: int) -> bool:
        """Tell whether anybody registered a key as compromised; a lookup, which an event loop may do."""
        try:
            value = key_identifier(jwk_of(public_key))  # type: ignore[arg-type]  # as it was read
        except ValueError:
            return False
        with self._registry.reading(None) as known:
            return any(True for _ in compromises(known, value, at))

    async def anchors(self, chain: Sequence[bytes], at: int) -> list[bytes]:
        """Return the registered certificates, in DER, that a chain may lead to at a time; [] of no certificates."""

        def found() -> list[bytes]:
            with self._registry.reading(None) as known:
                return candidates_above(known, chain, at)

        return await asyncio.to_thread(found)

    async def anchors_of(self, name: str, chain: Sequence[bytes], at: int) -> list[bytes]:
        """As `anchors`, of those that whoever has a name registered; `candidates_of` has the rules."""

        def found() -> list[bytes]:
            with self._registry.reading(None) as known:
                return candidates_of(known, name, chain, at)

        return await asyncio.to_thread(found)

    async def entities(
        self,
        wanted: Wanted,
        times: dict[str, str],
        cursor: str | None,
        limit: int,
        accept_language: str | None,
        owe: Callable[[int], None],
    ) -> Answer:
        """
        Answer a page of entities; one page of all is made at a time.

        Args:
            owe: is told how many entities were looked at, for the caller to pay.
        """
        _require_page(limit)
        moment = await self._moment(times, place=None)
        recorded_at = self._registry.recorded_at if moment.known_at is None else moment.known_at
        async with self._one_page_at_a_time:
            page, looked_at = await self._read(
                moment,
                lambda known, at: browse.entity_page(
                    known,
                    wanted,
                    at,
                    cursor=cursor,
                    recorded_at=recorded_at,
                    limit=limit,
                    accept_language=accept_language,
                ),
            )
        owe(looked_at)
        return self._to_keep(page, None, moment)

    async def authorities(
        self, times: dict[str, str], cursor: str | None, limit: int, accept_language: str | None
    ) -> Answer:
        """Answer a page of authorities."""
        _require_page(limit)
        return await self._shown(
            times,
            lambda known, at: browse.authority_page(
                known, at, cursor=cursor, limit=limit, accept_language=accept_language
            ),
        )

    async def entity(self, raw: bytes, times: dict[str, str], accept_language: str | None) -> Answer:
        """Answer all about an entity; `raw` is its id or identifier as it stands in the path."""
        return await self._shown(
            times,
            lambda known, at: browse.whole(known, reference_in(known, raw), at, accept_language),
            raw,
        )

    async def authority(self, raw: bytes, times: dict[str, str], accept_language: str | None) -> Answer:
        """Answer all about an authority; `raw` as of `entity`."""
        return await self._shown(
            times,
            lambda known, at: browse.whole_of_authority(known, reference_in(known, raw), at, accept_language),
            raw,
        )

    async def _shown(self, times: dict[str, str], tell: Tell, raw: bytes | None = None) -> Answer:
        """Return what is told; `raw` names the one that it is told of."""
        moment = await self._moment(times, place=None)
        fresh = self._freshness_seconds

        def told(known: Indexed, at: int) -> tuple[Any, int | None]:
            found = tell(known, at)
            whose = None if raw is None else reference_in(known, raw)
            return found, None if whose is None else browse.kept_until(known, whose, moment, fresh)

        found, until = await self._read(moment, told)
        return self._to_keep(found, until, moment)

    def _to_keep(self, told: Any, until: int | None, moment: Moment) -> Answer:
        """
        Return what caches may keep up to a time; a list, for as long as an answer may be relied on.

        This server makes it anew each time: an edit is seen at once, and the hot table does not tell languages
        apart.
        """
        body = encode(told)
        return Answer(
            body=body,
            etag=etag_of(body, JSON),
            vary=_VARY,
            fresh_until=moment.now / 1_000_000 + self._freshness_seconds
            if until is None
            else until / 1_000_000,
            may_be_kept=False,
        )

    async def _moment(self, times: dict[str, str], *, place: str | None) -> Moment:
        now = self._registry.now()
        require_past(times, now, place)
        moment = moment_of(times, now)
        if moment.known_at is not None:
            await self._registry.close_until(moment.known_at)
        return moment

    async def _read(self, moment: Moment, tell: Tell) -> Any:
        def read() -> Any:
            with self._registry.reading(moment.known_at) as known:
                return tell(known, moment.at)

        return await asyncio.to_thread(read)


def _seen_by(request: EvaluationRequest) -> Hashable:
    """Return what is held, and the time asked about."""
    names = (request.did, request.iss, request.ni, request.x509_hash, encode(request.jwk))
    return request.time, names, tuple(request.x5c or ())


def _require_page(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit: expected 1 to {MAX_PAGE}, found {limit}")
