"""How one key follows another: when it may sign, what is signed anew, what is refused, and who may what."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest

from operators import KeyState, Principal
from operators.issuers import key_store
from operators.issuers.keys import MAX_PUBLISHED
from operators.issuers.views import AddKey, AlgorithmName, CompromiseKey, IssuerKeyView
from storage import IdempotencyConflict
from tests.actors import acting
from tests.operators.issuers.desk import ADMIN, OTHERS, OVERLAP_SECONDS, Desk
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound, parse_utc

pytestmark = pytest.mark.anyio

NOW = CompromiseKey()
MICROSECONDS = 1_000_000


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _give_up(desk: Desk, key_id: str, since: float | None = None) -> IssuerKeyView:
    wanted = CompromiseKey(since=None if since is None else utc(since))
    return await desk.changes.compromise(ADMIN, "acme", key_id, wanted)


# The overlap.


async def test_a_new_key_signs_when_every_copy_of_the_document_has_it_and_not_earlier(desk: Desk) -> None:
    first, _ = await desk.hosted()
    key_id = await desk.add()
    announced_at = desk.clock.now
    desk.clock.now += 100
    planned = await desk.changes.activate(ADMIN, "acme", key_id)
    desk.clock.now = announced_at + OVERLAP_SECONDS - 1
    early = await desk.activate_due(), (await desk.states())[first]
    desk.clock.now += 1
    late = await desk.activate_due(), await desk.states()

    assert (planned.state, planned.activates_at) == ("announced", utc(announced_at + OVERLAP_SECONDS))
    assert early == (0, "active")
    assert late[0] == 1
    assert (late[1][first], late[1][key_id]) == ("retired", "active")
    assert desk.signed_anew == ["acme"]
    assert await desk.activate_due() == 0


async def test_a_clock_that_is_turned_back_lets_no_key_sign_earlier(desk: Desk) -> None:
    first, _ = await desk.hosted()
    key_id = await desk.add()
    announced_at = desk.clock.now
    await desk.changes.activate(ADMIN, "acme", key_id)
    desk.clock.now = announced_at - 3_600
    done = await desk.activate_due()
    again = await desk.changes.activate(ADMIN, "acme", key_id)
    states = await desk.states()

    assert (done, states[first], states[key_id]) == (0, "active", "announced")
    # Asked again by the clock that is right: a whole overlap from now, and not from a time that has yet to come.
    assert again.activates_at == utc(desk.clock.now + OVERLAP_SECONDS)
    assert desk.signed_anew == []


async def test_a_key_that_is_known_for_long_signs_at_once_and_by_default_the_longest_known(
    desk: Desk,
) -> None:
    first, spare = await desk.hosted()
    later = await desk.add()
    desk.clock.now += OVERLAP_SECONDS
    done = await desk.changes.activate(ADMIN, "acme", None)

    assert (done.key, done.state, done.activates_at) == (spare, "active", None)
    assert await desk.states() == {first: "retired", spare: "active", later: "announced"}
    assert (await desk.row(first)).retired_at == int(desk.clock.now * MICROSECONDS)
    assert desk.signed_anew == ["acme"]


async def test_a_key_has_the_algorithm_of_the_one_that_signs_or_the_one_asked_for(desk: Desk) -> None:
    await desk.hosted()
    first, second = await desk.add(), await desk.add(wanted=AddKey(algorithm="P-384"))
    desk.clock.now += OVERLAP_SECONDS
    await desk.changes.activate(ADMIN, "acme", second)
    third = await desk.add()

    assert [(await desk.row(key_id)).algorithm for key_id in (first, second, third)] == [
        "Ed25519",
        "P-384",
        "P-384",
    ]


@pytest.mark.parametrize("state", ["active", "retired", "compromised"])
async def test_what_is_not_announced_never_signs_again(desk: Desk, state: str) -> None:
    first, spare = await desk.hosted()
    if state == "retired":
        desk.clock.now += OVERLAP_SECONDS
        await desk.changes.activate(ADMIN, "acme", spare)
    if state == "compromised":
        await _give_up(desk, first)
    with pytest.raises(Conflict, match=state):
        await desk.changes.activate(ADMIN, "acme", first)

    assert (await desk.states())[first] == state


async def test_without_an_announced_key_there_is_nothing_to_activate(desk: Desk) -> None:
    _, spare = await desk.hosted()
    await desk.changes.retire(ADMIN, "acme", spare)
    with pytest.raises(Conflict, match="add a key"):
        await desk.changes.activate(ADMIN, "acme", None)


async def _move(desk: Desk, algorithm: AlgorithmName = "P-256") -> str:
    """Let a new key of another algorithm sign for acme; return its id."""
    moved = await desk.add(wanted=AddKey(algorithm=algorithm))
    desk.clock.now += OVERLAP_SECONDS
    await desk.changes.activate(ADMIN, "acme", moved)
    return moved


async def test_no_key_of_another_kind_signs_unless_it_is_named(desk: Desk) -> None:
    _, spare = await desk.hosted()
    moved = await _move(desk)
    with pytest.raises(
        Conflict, match=f"than {moved}, P-256 in a file; .* such as {spare}, Ed25519 in a file"
    ):
        await desk.changes.activate(ADMIN, "acme", None)
    again = await desk.add()
    desk.clock.now += OVERLAP_SECONDS
    done = await desk.changes.activate(ADMIN, "acme", None)

    assert done.key == again
    assert (await desk.changes.activate(ADMIN, "acme", spare)).state == "active"


async def test_a_new_key_is_like_the_one_that_signed_last_where_none_signs(desk: Desk) -> None:
    _, spare = await desk.hosted()
    await desk.changes.retire(ADMIN, "acme", spare)
    moved = await _move(desk)
    await _give_up(desk, moved)
    added = await desk.add()

    assert (await desk.row(added)).algorithm == "P-256"
    assert (await desk.states())[added] == "active"


async def test_a_document_takes_so_many_keys_and_a_rotation_goes_on_below_that(desk: Desk) -> None:
    first, spare = await desk.hosted()
    row = await desk.row(first)
    others = [
        msgspec.structs.replace(
            row, key_id=f"key-{number}", locator=f"{number}.pem", state=KeyState.ANNOUNCED, activated_at=None
        )
        for number in range(MAX_PUBLISHED - 3)
    ]
    await desk.database.write(lambda tx: [key_store.insert_key(tx, key) for key in others])
    last = await desk.add()
    files = desk.files()
    with pytest.raises(Conflict, match="retire announced ones, or wait until retired ones have left"):
        await desk.add()
    refused = desk.files()
    desk.clock.now += OVERLAP_SECONDS
    await desk.changes.activate(ADMIN, "acme", last)
    for key in (*others, spare):
        await desk.changes.retire(ADMIN, "acme", key if isinstance(key, str) else key.key_id)
    issuer = await desk.issuers.find("acme")

    assert refused == files
    assert issuer is not None
    assert await desk.changes.succession.add_spare(issuer, actor=acting("upkeep"))


# Keys that others may have.


async def test_a_key_that_is_given_up_is_followed_by_one_of_its_kind_or_else_by_any(desk: Desk) -> None:
    _, other = await desk.hosted()
    moved = await _move(desk)
    like = await desk.add()
    await _give_up(desk, moved)
    first = await desk.states()
    await _give_up(desk, like)

    assert (first[like], first[other]) == ("active", "announced")
    assert (await desk.states())[other] == "active"


async def test_the_spare_key_follows_at_once_one_that_is_given_up(desk: Desk) -> None:
    first, spare = await desk.hosted()
    given_up = await _give_up(desk, first, desk.clock.now - 60)

    assert (given_up.state, given_up.compromised_since) == ("compromised", utc(desk.clock.now - 60))
    assert await desk.states() == {first: "compromised", spare: "active"}
    assert set(desk.signed_anew) == {"acme"}
    assert not (await desk.row(first)).is_published(0)


async def test_without_a_spare_nothing_signs_until_a_key_is_added_which_then_does_at_once(desk: Desk) -> None:
    first, spare = await desk.hosted()
    await desk.changes.retire(ADMIN, "acme", spare)
    await _give_up(desk, first)
    without = await desk.database.read(lambda tx: key_store.signing_key(tx, "acme"))
    added = await desk.add()

    assert without is None
    assert await desk.states() == {first: "compromised", spare: "retired", added: "active"}


async def test_a_planned_key_follows_at_once_and_is_not_activated_a_second_time(desk: Desk) -> None:
    first, spare = await desk.hosted()
    planned = await desk.changes.activate(ADMIN, "acme", spare)
    await _give_up(desk, first)
    desk.clock.now += OVERLAP_SECONDS

    assert planned.activates_at is not None
    assert await desk.activate_due() == 0
    assert await desk.states() == {first: "compromised", spare: "active"}


async def test_what_a_retired_key_signed_is_signed_anew_when_it_is_given_up(desk: Desk) -> None:
    first, spare = await desk.hosted()
    desk.clock.now += OVERLAP_SECONDS
    await desk.changes.activate(ADMIN, "acme", None)
    desk.signed_anew.clear()
    await _give_up(desk, first)

    assert await desk.states() == {first: "compromised", spare: "active"}
    assert desk.signed_anew == ["acme"]


async def test_an_announced_key_that_is_given_up_signed_nothing(desk: Desk) -> None:
    first, spare = await desk.hosted()
    await desk.changes.activate(ADMIN, "acme", spare)
    await _give_up(desk, spare)
    desk.clock.now += OVERLAP_SECONDS
    due = await desk.activate_due()

    assert (due, await desk.states()) == (0, {first: "active", spare: "compromised"})
    assert desk.signed_anew == []


async def test_since_when_is_never_in_the_future_and_only_ever_earlier(desk: Desk) -> None:
    first, _ = await desk.hosted()
    for since in (utc(desk.clock.now + 1), "yesterday", "1969-12-31T23:59:59Z"):
        with pytest.raises(BadRequest) as refused:
            await desk.changes.compromise(ADMIN, "acme", first, CompromiseKey(since=since))
        assert refused.value.pointer == "/since"
    active = await desk.states()
    await _give_up(desk, first, desk.clock.now - 60)
    for later in (desk.clock.now - 60, desk.clock.now - 59, None):
        with pytest.raises(Conflict, match="since then, or before"):
            await _give_up(desk, first, later)
    earlier = await _give_up(desk, first, desk.clock.now - 61)

    assert active[first] == "active"
    assert earlier.compromised_since == utc(desk.clock.now - 61)


# Documents of others.


async def test_a_foreign_issuers_key_signs_when_its_document_lists_it_and_then_at_once(desk: Desk) -> None:
    (key_id,) = await desk.foreign()
    with pytest.raises(Conflict, match="does not list it"):
        await desk.changes.activate(ADMIN, "bank", key_id)
    before = await desk.states("bank")
    desk.listed.add(key_id)
    done = await desk.changes.activate(ADMIN, "bank", None)

    assert before == {key_id: "announced"}
    assert (done.key, done.state) == (key_id, "active")
    assert desk.signed_anew == ["bank"]


async def test_of_a_foreign_issuers_keys_one_that_is_listed_follows(desk: Desk) -> None:
    first, second, third = await desk.foreign(keys=3)
    desk.listed |= {first, third}
    await desk.changes.activate(ADMIN, "bank", first)
    desk.looked.clear()
    await desk.changes.compromise(ADMIN, "bank", first, NOW)

    assert await desk.states("bank") == {first: "compromised", second: "announced", third: "active"}
    # No web server, which may be slow or the thief's, was asked before the key was given up.
    assert desk.looked == [{first: "compromised", second: "announced", third: "announced"}] * 2


async def test_where_no_foreign_key_is_listed_none_follows(desk: Desk) -> None:
    first, second = await desk.foreign(keys=2)
    desk.listed.add(first)
    await desk.changes.activate(ADMIN, "bank", first)
    await desk.changes.compromise(ADMIN, "bank", first, NOW)

    assert await desk.states("bank") == {first: "compromised", second: "announced"}
    bank = await desk.issuers.find("bank")
    assert bank is not None
    before = await desk.changes.succession.find_successor(bank, actor=acting("upkeep"))
    desk.listed.add(second)
    found = [await desk.changes.succession.find_successor(bank, actor=acting("upkeep")) for _ in range(2)]

    assert (before, found) == (False, [True, True])
    assert await desk.states("bank") == {first: "compromised", second: "active"}


async def test_a_foreign_key_that_never_signed_is_followed_by_none(desk: Desk) -> None:
    first, second = await desk.foreign(keys=2)
    desk.listed |= {first, second}
    done = await desk.changes.compromise(ADMIN, "bank", first, NOW, idempotency_key="once")
    again = await desk.changes.compromise(ADMIN, "bank", first, NOW, idempotency_key="once")

    assert done == again
    assert await desk.states("bank") == {first: "compromised", second: "announced"}


# What else may be done, and by whom.


async def test_an_announced_key_may_be_taken_back_and_others_may_not(desk: Desk) -> None:
    first, spare = await desk.hosted()
    with pytest.raises(Conflict, match="activate another key"):
        await desk.changes.retire(ADMIN, "acme", first)
    retired = await desk.changes.retire(ADMIN, "acme", spare)
    with pytest.raises(Conflict, match="retired already"):
        await desk.changes.retire(ADMIN, "acme", spare)

    assert retired.state == "retired"
    assert not (await desk.row(spare)).is_published(0)
    assert await desk.states() == {first: "active", spare: "retired"}
    assert desk.signed_anew == []


async def test_certificates_are_kept_with_their_key(desk: Desk) -> None:
    first, _ = await desk.hosted()
    kept = await desk.changes.certify(ADMIN, "acme", first, "PEM")

    assert kept.certificates == "PEM"
    assert (await desk.row(first)).certificates == "PEM"


Change = Callable[[Desk, Principal, str, str], Awaitable[IssuerKeyView]]
CHANGES: dict[str, Change] = {
    "add": lambda desk, who, issuer, _: desk.changes.add(who, issuer, AddKey()),
    "activate": lambda desk, who, issuer, key: desk.changes.activate(who, issuer, key),
    "retire": lambda desk, who, issuer, key: desk.changes.retire(who, issuer, key),
    "compromise": lambda desk, who, issuer, key: desk.changes.compromise(who, issuer, key, NOW),
    "certify": lambda desk, who, issuer, key: desk.changes.certify(who, issuer, key, "PEM"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_only_an_admin_of_all_issuers_changes_keys(desk: Desk, name: str) -> None:
    _, spare = await desk.hosted()
    before = await desk.show(), desk.files(), len(await desk.audited())
    for other in OTHERS:
        with pytest.raises(Forbidden):
            await CHANGES[name](desk, other, "acme", spare)

    assert (await desk.show(), desk.files(), len(await desk.audited())) == before


@pytest.mark.parametrize("name", CHANGES)
async def test_there_is_no_other_issuer_and_no_key_of_another_one(desk: Desk, name: str) -> None:
    await desk.hosted()
    (other,) = await desk.foreign()
    for issuer_id, key_id in (("none", other), ("a\x00b", other), ("acme", other), ("acme", "a\x00b")):
        if name == "add" and issuer_id == "acme":
            continue
        with pytest.raises(ResourceNotFound):
            await CHANGES[name](desk, ADMIN, issuer_id, key_id)

    assert (await desk.states("bank")) == {other: "announced"}


async def test_the_same_request_twice_is_done_once(desk: Desk) -> None:
    first, spare = await desk.hosted()
    desk.clock.now += OVERLAP_SECONDS
    changes = desk.changes
    added = [await changes.add(ADMIN, "acme", AddKey(), idempotency_key="a") for _ in range(2)]
    activated = [await changes.activate(ADMIN, "acme", None, idempotency_key="b") for _ in range(2)]
    retired = [await changes.retire(ADMIN, "acme", added[0].key, idempotency_key="c") for _ in range(2)]
    given_up = [await changes.compromise(ADMIN, "acme", first, NOW, idempotency_key="d") for _ in range(2)]
    for key in "abcd":
        with pytest.raises(IdempotencyConflict):
            await changes.add(ADMIN, "acme", AddKey(algorithm="P-256"), idempotency_key=key)

    assert all(one == two for one, two in (added, activated, retired, given_up))
    assert await desk.states() == {first: "compromised", spare: "active", added[0].key: "retired"}
    assert desk.files() == {first, spare, added[0].key}


async def test_every_change_is_audited_by_whom_and_of_which_key(desk: Desk) -> None:
    first, spare = await desk.hosted()
    await desk.changes.activate(ADMIN, "acme", None)
    desk.clock.now += OVERLAP_SECONDS
    await desk.activate_due()
    third = await desk.add()
    await desk.changes.certify(ADMIN, "acme", third, "PEM")
    await _give_up(desk, spare, desk.clock.now - 5)
    fourth = await desk.add()
    await desk.changes.retire(ADMIN, "acme", fourth)
    rows = (await desk.audited())[1:]
    details = {row.action: row.detail for row in rows}

    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("boss", "issuer-key.plan", f"acme#{spare}"),
        ("upkeep", "issuer-key.activate", f"acme#{spare}"),
        ("boss", "issuer-key.add", f"acme#{third}"),
        ("boss", "issuer-key.certify", f"acme#{third}"),
        ("boss", "issuer-key.compromised", f"acme#{spare}"),
        ("boss", "issuer-key.activate", f"acme#{third}"),
        ("boss", "issuer-key.add", f"acme#{fourth}"),
        ("boss", "issuer-key.retire", f"acme#{fourth}"),
    ]
    assert rows[1].detail["retired"] == first
    assert all(row.detail["before"] != row.detail["after"] for row in rows if row.action != "issuer-key.add")
    assert details["issuer-key.compromised"]["since"] == parse_utc(utc(desk.clock.now - 6))
