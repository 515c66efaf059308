"""The profile and the cadence of a set that is there already, changed."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from proofs import Algorithm, KeySigner, read_compact
from statuslist.entries.requests import ChangeSettings, CreateSet, SetView
from statuslist.publishing.publisher import Publisher
from tests.databases import Place
from tests.proofs.documents import KEYS
from tests.statuslist.wing import ACME, ISSUERS, OTHER, READER, ROOT, Wing
from wire import Conflict, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio

LIST = "badges-revocation"


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    """Return a wing with a set that is published each hour."""
    async with Wing.open(place) as opened:
        wanted = {"id": "badges", "issuerId": "acme", "purposes": ("revocation",), "cadenceSeconds": 3_600}
        await opened.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
        yield opened


async def changed(wing: Wing, **settings: object) -> SetView:
    return await wing.sets.change_settings(ACME, "badges", ChangeSettings(**settings))  # type: ignore[arg-type]


def certified(issuer_id: str, key_id: str) -> KeySigner:
    return KeySigner(KEYS[Algorithm.P256], f"{ISSUERS[issuer_id]}#{key_id}", certificates=(b"leaf", b"above"))


def headers(publisher: Publisher) -> tuple[int, set[str]]:
    """Return the version of the token list, and the names in the header of its JWT."""
    current = publisher.lists.current("badges")
    assert current is not None
    return current.version, set(read_compact(current.forms["token.jwt"].body, max_bytes=10_000).header)


async def test_what_waits_for_a_long_cadence_is_published_once_that_is_short(wing: Wing) -> None:
    (index,) = await wing.allocate("badges")
    await wing.publisher.publish_dirty()
    await wing.revoke("badges", index)
    before = await wing.publisher.publish_dirty()

    shown = await changed(wing, cadence_seconds=1)
    await wing.publisher.following.look()
    due = wing.publisher.demand.waiting(wing.clock.timer() + 1)

    assert (before, shown.cadence_seconds, shown.profile) == (0, 1, "default")
    assert due == ["badges"]
    assert await wing.publisher.publish_dirty() == 1
    assert wing.published_status(LIST, index) == 1


async def test_a_change_that_waits_for_a_short_cadence_waits_for_the_long_one_that_follows(
    wing: Wing,
) -> None:
    (index,) = await wing.allocate("badges")
    await changed(wing, cadence_seconds=1)
    await wing.publisher.publish_dirty()
    await wing.revoke("badges", index)
    await wing.publisher.following.look()

    await changed(wing, cadence_seconds=3_600)

    assert await wing.publisher.publish_dirty() == 0
    assert wing.published_status(LIST, index) == 0


async def test_another_profile_has_the_lists_signed_anew_at_once(wing: Wing) -> None:
    wing.place.drop_rule("issuer_keys", "UPDATE")
    wing.tamper("UPDATE issuer_keys SET algorithm = 'P-256', certificates = 'x' WHERE issuer_id = 'acme'")
    publisher = wing.another_publisher(signer_of=certified)
    await publisher.publish_dirty()
    before = headers(publisher)

    shown = await changed(wing, profile="haip")
    await publisher.publish_dirty()
    after = headers(publisher)
    await changed(wing, profile="default")
    await publisher.publish_dirty()

    assert (shown.profile, shown.cadence_seconds) == ("haip", 3_600)
    assert before == (1, {"alg", "typ", "kid"})
    assert after == (2, {"alg", "typ", "x5c"})
    assert headers(publisher) == (3, {"alg", "typ", "kid"})


async def test_a_profile_that_the_key_does_not_meet_is_refused_and_changes_nothing(wing: Wing) -> None:
    await wing.publisher.publish_dirty()

    with pytest.raises(Conflict, match="touchstone issuer key add --algorithm P-256") as refused:
        await changed(wing, profile="haip", cadence_seconds=60)

    shown = await wing.sets.get_set(ROOT, "badges")
    assert refused.value.pointer == "/profile"
    assert (shown.profile, shown.cadence_seconds, shown.wanted_version) == ("default", 3_600, 1)


async def test_settings_are_audited_once_and_what_is_so_already_is_no_change(wing: Wing) -> None:
    for _ in range(2):
        shown = await changed(wing, cadence_seconds=60)

    rows = wing.place.query("SELECT actor, detail FROM audit WHERE action = 'status_set.change_settings'")
    assert shown.cadence_seconds == 60
    assert [(actor, msgspec.json.decode(detail)["cadence_ms"]) for actor, detail in rows] == [
        ("acme-hr", 60_000)
    ]


async def test_who_may_not_change_a_set_changes_no_setting(wing: Wing) -> None:
    with pytest.raises(Forbidden):
        await wing.sets.change_settings(READER, "badges", ChangeSettings(cadence_seconds=60))
    with pytest.raises(ResourceNotFound):
        await wing.sets.change_settings(OTHER, "badges", ChangeSettings(cadence_seconds=60))


def test_a_request_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="expected profile, cadenceSeconds, or both"):
        ChangeSettings()
