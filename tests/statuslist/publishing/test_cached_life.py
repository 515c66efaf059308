"""No copy of a list outlives it: not one of 200, not one that a 304 prolongs, not one from memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.edge.answers import rendered
from server.edge.hot_table import Headers, HotTable
from statuslist.formats.forms import BITSTRING_FORMS, JWT, TOKEN_FORMS, FormName
from statuslist.publishing.answers import StatusListExpired, answer_form
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing
from wire import Answer
from wire.coding import coded

pytestmark = pytest.mark.anyio

TTL = 300  # seconds
BEFORE_END = (
    TTL + 60,
    TTL + 1,
    TTL + 0.7,
    TTL,
    TTL - 0.7,
    60.6,
    60.5,
    60.4,
    3.9,
    2.1,
    2,
    1.5,
    1,
    0.9,
    0.4,
    0.001,
)
LATER = (0, 0.001, 0.5, 0.999, 1, 1.001, 1.6, 2.5, 30.3, 58.7)  # seconds after the answer was made
LISTS: tuple[tuple[str, FormName], ...] = (
    *(("badges-revocation", form) for form in BITSTRING_FORMS),
    *(("badges", form) for form in TOKEN_FORMS),
)


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as opened:
        await opened.create("badges")
        await opened.publisher.publish_dirty()
        yield opened


def end_of(wing: Wing, list_id: str) -> float:
    """Return when a list ends, in seconds since 1970."""
    published = wing.publisher.lists.current(list_id)
    assert published is not None
    return published.valid_until / 1_000_000


def made(wing: Wing, list_id: str, form: FormName, now: float, coding: str = "gzip") -> Answer:
    return coded(answer_form(wing.publisher.lists, list_id, form, b"", now=now), coding)


def seconds_left(headers: Headers) -> int:
    """Return for how long a cache keeps a copy from now on (RFC 9111, section 4.2)."""
    named = dict(headers)
    assert b"stale" not in named[b"cache-control"]
    return int(named[b"cache-control"].removeprefix(b"public, max-age=")) - int(named[b"age"])


@pytest.mark.parametrize(("list_id", "form"), LISTS)
async def test_a_cache_keeps_no_form_beyond_its_end_or_its_ttl(
    wing: Wing, list_id: str, form: FormName
) -> None:
    end = end_of(wing, list_id)
    for before in BEFORE_END:
        now = end - before
        answer = made(wing, list_id, form, now)
        assert answer.etag is not None
        status, headers, _ = rendered(answer, now, None)
        confirmed, prolonged, _ = rendered(answer, now, answer.etag.encode())

        assert (status, confirmed) == (200, 304)
        assert seconds_left(headers) == seconds_left(prolonged) <= TTL
        assert now + max(0, seconds_left(headers)) <= end


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_nothing_from_memory_is_kept_beyond_its_end(wing: Wing, coding: str) -> None:
    """The table gives what it has, until it would be too old; the route refuses a list that has ended."""
    end = end_of(wing, "badges-revocation")
    given = 0
    for before in BEFORE_END:
        begun = end - before
        answer = made(wing, "badges-revocation", JWT, begun, coding)
        for later in LATER:
            hot = HotTable(max_bytes=1_000_000, clock=lambda: begun, timer=lambda: 0.0)  # noqa: B023
            hot.keep(b"/list", b"", answer)
            found = hot.find((b"/list", b""), begun + later)
            if found is None:
                continue
            given += 1
            found.refresh(begun + later)

            assert found.matches((answer.etag or "").encode())
            assert begun + later < end
            assert begun + later + max(0, seconds_left(found.headers)) <= end
            assert seconds_left(found.unmodified_headers) == seconds_left(found.headers)
    assert given > len(BEFORE_END)


async def test_a_copy_of_a_list_that_has_ended_is_not_confirmed(wing: Wing) -> None:
    """At its end to the microsecond: there is no answer, so no 304 (adorsys/status-list-server#482)."""
    for list_id, form in LISTS:
        end = end_of(wing, list_id)
        assert made(wing, list_id, form, end - 0.001).status == 200
        with pytest.raises(StatusListExpired):
            made(wing, list_id, form, end)
