"""
The feed, as it is read by position. Service.
"""

import asyncio
from collections.abc import Callable

import msgspec

from registry.errors import IdentifierNotFound
from registry.feed.changes import ChangePage, Filter, Restored, change_view
from registry.feed.store import LastGap, Page, newest_gap, read_page
from registry.identifiers import canonical_identifier
from registry.model import FACT_KINDS, OWN_ID, FactKind
from registry.registry import Registry
from storage import Database, Transaction
from wire import Answer, BadRequest, encode, etag_of, format_exact

FULL_SECONDS = 60.0  # for which caches keep a page that nothing is added to
END_SECONDS = 1.0  # for which they keep the last page: an edit shows within a second


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks for; `authority` and `entity` are ids of ours or identifiers, "": all."""

    since: int
    limit: int
    kind: str = ""
    authority: str = ""
    entity: str = ""


class Feed:
    """
    What anybody, or an operator, reads of changes.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, registry: Registry, database: Database, *, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock

    async def answer(self, wanted: Wanted) -> Answer:
        """Answer `GET /trust/changes`; raises as `page`."""
        page = await self.page(wanted)
        body = await asyncio.to_thread(encode, page)
        is_full = page.next < page.last
        return Answer(
            body=body,
            etag=etag_of(body, "application/json"),
            fresh_until=self._clock() + (FULL_SECONDS if is_full else END_SECONDS),
        )

    async def page(self, wanted: Wanted, *, for_operators: bool = False) -> ChangePage:
        """
        Return changes beyond a position; what they say is answered from here by then.

        Raises:
            BadRequest: there is no such kind.
            IdentifierNotFound: no entity has the identifier asked for.
            DatabaseUnavailable: the events cannot be read.
        """
        asked = self._filter(wanted)

        def read(tx: Transaction) -> tuple[Page, LastGap | None]:
            return read_page(tx, wanted.since, asked, wanted.limit), newest_gap(tx)

        found = await self._database.read(read)
        await self._registry.follow()
        return await asyncio.to_thread(_shown, *found, for_operators=for_operators)

    def _filter(self, wanted: Wanted) -> Filter:
        return Filter(
            kind=_kind(wanted.kind),
            authority=self._id(wanted.authority) or None,
            entity=self._id(wanted.entity) or None,
        )

    def _id(self, reference: str) -> str:
        """Return the id of ours; one of nobody is as good as any, since it may have been somebody's."""
        if not reference or OWN_ID.fullmatch(reference):
            return reference
        try:
            with self._registry.reading() as known:
                return known.entities_named(canonical_identifier(reference))[-1].fact.id
        except (ValueError, IndexError):
            raise IdentifierNotFound("no entity of the registry has this identifier") from None


def _kind(text: str) -> FactKind | None:
    if text and text not in FACT_KINDS:
        raise BadRequest(f"kind: expected one of {', '.join(FACT_KINDS)}")
    return text or None


def _shown(page: Page, gap: LastGap | None, *, for_operators: bool) -> ChangePage:
    return ChangePage(
        changes=tuple(change_view(found, for_operators=for_operators) for found in page.found),
        next=page.next,
        last=page.last,
        restored=None if gap is None else Restored(gap.position, format_exact(gap.recorded_at)),
    )
