"""
What the registry tells whoever reads it: the GETs of the Ayra profile, and where TRQP is answered. Service.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import UNSET

from registry.asking import ayra, entity_lists, metadata
from registry.asking.browse import kept_until
from registry.asking.entity_lists import Wanted
from registry.asking.metadata import Service
from registry.asking.moments import Context, Moment, moment_of, require_past
from registry.asking.naming import reference_in
from registry.ayra import MAX_LIMIT, MAX_OFFSET, EntityList, Pagination
from registry.known import Known
from registry.registry import Registry
from wire import Answer, BadRequest, encode, etag_of

JSON = "application/json"

T = TypeVar("T")


class Telling:
    """
    Tells what is known.

    What caches may keep they may keep for as long as an answer may be relied on; this server makes it anew each
    time, so that an edit is seen at once. Answers to questions have times of their own, and no cache keeps them.

    Each method takes the times as `moments.parameters` returns them. It raises TimeOutOfRange, KnownAtLost and
    DatabaseUnavailable as `Registry.close_until`, and AuthorityNotFound or IdentifierNotFound for whom it does not
    know.
    """

    def __init__(self, registry: Registry, service: Service) -> None:
        self._registry = registry
        self._service = service
        self._one_list_at_a_time = asyncio.Lock()

    async def endpoint(self) -> Answer:
        """Tell where TRQP is answered; ResourceNotFound where it is for nobody."""
        return await self._kept({}, lambda known, at: metadata.endpoint_metadata(known, self._service, at))

    async def security_profile(self) -> Answer:
        """Tell our terms."""
        return await self._kept({}, lambda *_: metadata.security_profile(self._service))

    async def metadata(self, authority_id: str | None, times: dict[str, str]) -> Answer:
        """Tell what this registry is, or one authority of it."""
        return await self._kept(
            times, lambda known, at: metadata.metadata(known, self._service, authority_id, at)
        )

    async def did_methods(self, authority_id: str | None, times: dict[str, str]) -> Answer:
        """Tell which DID methods are resolved."""
        return await self._kept(
            times, lambda known, at: metadata.did_methods(known, self._service, authority_id, at)
        )

    async def assurance_levels(self, authority_id: str | None, times: dict[str, str]) -> Answer:
        """Tell the levels of assurance: there are none here."""
        return await self._kept(times, lambda known, at: metadata.assurance_levels(known, authority_id, at))

    async def pairs(self, authority_id: str | None, times: dict[str, str]) -> Answer:
        """Tell what may be asked of an authority, or of any."""
        return await self._kept(times, lambda known, at: ayra.pairs(known, authority_id, at))

    async def entity(self, raw: bytes, times: dict[str, str]) -> Answer:
        """Tell about an entity; `raw` is its identifier as it stands in the path."""
        return await self._kept(
            times, lambda known, at: ayra.show_entity(known, reference_in(known, raw), at), raw
        )

    async def ecosystem(self, raw: bytes, times: dict[str, str]) -> Answer:
        """Tell about an authority."""
        fresh = self._service.freshness_seconds
        return await self._kept(
            times, lambda known, at: ayra.show_ecosystem(known, reference_in(known, raw), at, fresh), raw
        )

    async def authorizations(self, raw: bytes, times: dict[str, str]) -> Answer:
        """Tell what an entity is authorized to do."""
        return await self._asked(times, raw, ayra.authorizations_of)

    async def recognitions(self, raw: bytes, times: dict[str, str]) -> Answer:
        """Tell whom an authority recognises for what; TooManyToList."""
        return await self._asked(times, raw, ayra.recognitions_of)

    async def entities(
        self, wanted: Wanted, times: dict[str, str], limit: int, offset: int, spend: Callable[[int], None]
    ) -> Answer:
        """
        Tell which entities there are; TooManyToList. One list is made at a time.

        1. Find out what has to be looked at; the caller pays for it.
        2. Look.

        Args:
            spend: takes what it costs the caller to look at so many facts, or refuses it.

        Raises:
            BadRequest: `limit` or `offset` is out of range.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise BadRequest(f"limit: expected 1 to {MAX_LIMIT}, found {limit}")
        if not 0 <= offset <= MAX_OFFSET:
            raise BadRequest(f"offset: expected 0 to {MAX_OFFSET}")
        moment = await self._moment(times)
        version = self._registry.recorded_at if moment.known_at is None else moment.known_at

        def read(look: Callable[[Known], T]) -> T:
            with self._registry.gathering(version) as known:
                return look(known)

        def page(known: Known) -> EntityList:
            ids = entity_lists.listed(known, found, moment.at)
            return EntityList(
                items=[
                    entity_lists.summary(known, each, wanted.authority_id, moment.at)
                    for each in ids[offset : offset + limit]
                ],
                pagination=Pagination(limit=limit, offset=offset, total=len(ids)),
            )

        found = await asyncio.to_thread(  # 1.
            read, lambda known: entity_lists.candidates(known, wanted, moment.at)
        )
        spend(len(found))
        async with self._one_list_at_a_time:
            return self._answer(await asyncio.to_thread(read, page), moment)  # 2.

    async def _kept(
        self, times: dict[str, str], tell: Callable[[Known, int], Any], raw: bytes | None = None
    ) -> Answer:
        """Tell; `raw` names the one that it is told of."""
        moment = await self._moment(times)
        fresh = self._service.freshness_seconds

        def told(known: Known) -> tuple[Any, int | None]:
            found = tell(known, moment.at)
            whose = None if raw is None else reference_in(known, raw)
            return found, None if whose is None else kept_until(known, whose, moment, fresh)

        found, until = await asyncio.to_thread(self._read, moment, told)
        return self._answer(found, moment, until)

    async def _asked(
        self, times: dict[str, str], raw: bytes, tell: Callable[[Known, str, Context, int, int], Any]
    ) -> Answer:
        moment = await self._moment(times)
        fresh = self._service.freshness_seconds
        told = await asyncio.to_thread(
            self._read,
            moment,
            lambda known: tell(known, reference_in(known, raw), times or UNSET, moment.now, fresh),
        )
        return Answer(body=encode(told))

    async def _moment(self, times: dict[str, str]) -> Moment:
        now = self._registry.now()
        require_past(times, now, None)
        moment = moment_of(times, now)
        if moment.known_at is not None:
            await self._registry.close_until(moment.known_at)
        return moment

    def _read(self, moment: Moment, tell: Callable[[Known], T]) -> T:
        with self._registry.reading(moment.known_at) as known:
            return tell(known)

    def _answer(self, told: Any, moment: Moment, until: int | None = None) -> Answer:
        body = encode(told)
        fresh = moment.now + self._service.freshness_seconds * 1_000_000
        fresh_until = (fresh if until is None else until) / 1_000_000
        return Answer(body=body, etag=etag_of(body, JSON), fresh_until=fresh_until, may_be_kept=False)
