"""What the holder of the lease sees to: spare keys, once each, and certificates that end soon."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from operators import Issuer, IssuerKey, KeyState
from operators.issuers import key_store
from operators.issuers.views import AddKey, AlgorithmName, CompromiseKey
from server.identity.near_end import why_near_end
from server.identity.own import issuer_did
from server.identity.upkeep import LOOK_AGAIN_SECONDS, RETRY_SECONDS, SPARES_AT_ONCE
from storage import Transaction
from tests.actors import acting
from tests.databases import Place
from tests.issuers import inserting, key_row
from tests.keys import KEYS
from tests.server.identity.keeping import ADMIN, NOW, Node, chained

pytestmark = pytest.mark.anyio

DAYS = 86_400


@pytest.fixture
async def node(place: Place, tmp_path: Path) -> AsyncIterator[Node]:
    (tmp_path / "keys").mkdir(mode=0o700)
    node = await Node(place, tmp_path / "keys").start()
    yield node
    node.database.close()


def hosted(node: Node, *names: str) -> list[Issuer]:
    return [Issuer(id=name, did=issuer_did(node.settings, name)) for name in names]


async def insert_as_before_0_3(node: Node, *names: str) -> None:
    """Insert issuers with one key each of which the rows know a name."""
    for issuer in hosted(node, *names):
        await node.database.write(inserting(issuer, key_row(issuer.id, f"{issuer.id}-1")))


async def states(node: Node, issuer_id: str) -> list[str]:
    return sorted(key.state.value for key in await node.keys_of(issuer_id))


async def test_an_issuer_of_a_release_before_gets_a_spare_key_once(node: Node) -> None:
    await insert_as_before_0_3(node, "acme", "other")
    for _ in range(3):
        await node.upkeep.step()

    assert await states(node, "acme") == await states(node, "other") == ["active", "announced"]
    assert [key.is_spare for key in await node.keys_of("acme")].count(True) == 1
    assert len(list(Path(node.settings.key_dir).glob("key-*.pem"))) == 2
    assert await node.open_alarms() == []


async def test_an_issuer_without_any_key_gets_one_that_signs_and_a_spare(node: Node) -> None:
    (acme,) = hosted(node, "acme")
    await node.database.write(inserting(acme))
    for _ in range(3):
        await node.upkeep.step()

    assert await states(node, "acme") == ["active", "announced"]
    assert node.signed_anew == ["acme"]


async def test_a_foreign_issuer_gets_none(node: Node) -> None:
    """Its owner would have to publish it."""
    await node.create("bank", "did:web:bank.example")
    await node.upkeep.step()

    assert await states(node, "bank") == []


async def test_two_nodes_at_once_make_one_spare_key(node: Node, place: Place) -> None:
    second = await Node(place, Path(node.settings.key_dir)).start()
    await insert_as_before_0_3(node, *(f"i{number}" for number in range(8)))
    made = await asyncio.gather(
        *(
            one.changes.succession.add_spare(issuer, actor=acting("x"))
            for one in (node, second)
            for issuer in hosted(node, *(f"i{number}" for number in range(8)))
        )
    )
    second.database.close()

    assert sum(made) == 8
    for number in range(8):
        assert await states(node, f"i{number}") == ["active", "announced"]


async def test_a_spare_key_that_was_used_is_followed_by_another(node: Node) -> None:
    await node.create("acme")
    await node.changes.activate(ADMIN, "acme", None)
    planned = await states(node, "acme")
    await node.upkeep.step()
    with_spare = await states(node, "acme")
    node.wait(601)
    await node.upkeep.step()

    assert planned == ["active", "announced"]
    assert with_spare == ["active", "announced", "announced"]
    assert await states(node, "acme") == ["active", "announced", "retired"]
    assert node.signed_anew == ["acme"]


async def test_a_clock_that_is_set_forward_lets_no_planned_key_sign_earlier(node: Node) -> None:
    await node.create("acme")
    await node.changes.activate(ADMIN, "acme", None)
    node.clock.now += 7_200
    await node.upkeep.step()
    set_forward = list(node.signed_anew)
    node.wait(599)
    await node.upkeep.step()
    early = list(node.signed_anew)
    node.wait(2)
    await node.upkeep.step()

    assert set_forward == early == []
    assert node.signed_anew == ["acme"]


async def _move(node: Node, algorithm: AlgorithmName) -> str:
    """Let a new key of another algorithm sign for acme; return its id."""
    added = await node.changes.add(ADMIN, "acme", AddKey(algorithm=algorithm))
    node.clock.now += 601
    await node.changes.activate(ADMIN, "acme", added.key)
    return added.key


async def _waiting(node: Node) -> dict[str, str | None]:
    """Return the announced keys of acme, each with its algorithm."""
    keys = await node.keys_of("acme")
    return {key.key_id: key.algorithm for key in keys if key.state is KeyState.ANNOUNCED}


async def test_an_issuer_that_was_moved_gets_a_spare_key_of_its_new_kind_and_then_loses_the_old_one(
    node: Node, tmp_path: Path
) -> None:
    await node.create("acme")
    (old,) = await _waiting(node)
    await _move(node, "P-256")
    (tmp_path / "keys").rename(tmp_path / "away")
    (tmp_path / "keys").write_text("in the place of a folder, since the tests may run as root")
    await node.upkeep.step()
    lacking = list(await _waiting(node))
    (tmp_path / "keys").unlink()
    (tmp_path / "away").rename(tmp_path / "keys")
    node.timer.now += RETRY_SECONDS
    for _ in range(3):
        await node.upkeep.step()

    assert lacking == [old]
    assert list((await _waiting(node)).values()) == ["P-256"]
    assert await states(node, "acme") == ["active", "announced", "retired", "retired"]
    assert await node.open_alarms() == []


async def test_a_key_that_an_operator_announced_to_move_an_issuer_stays(node: Node) -> None:
    await node.create("acme")
    (spare,) = await _waiting(node)
    earlier = (await node.changes.add(ADMIN, "acme", AddKey(algorithm="P-384"))).key
    back = (await node.changes.add(ADMIN, "acme", AddKey(algorithm="Ed25519"))).key
    await _move(node, "P-256")
    for _ in range(3):
        await node.upkeep.step()
    waiting = await _waiting(node)

    assert spare not in waiting
    assert (waiting.pop(earlier), waiting.pop(back)) == ("P-384", "Ed25519")
    assert list(waiting.values()) == ["P-256"]


async def test_of_a_foreign_issuer_no_announced_key_is_taken_back(node: Node) -> None:
    await node.create("acme", "did:web:bank.example")
    for algorithm in ("Ed25519", "Ed25519", "P-256", "P-256"):
        node.clock.now += 1
        await node.changes.add(ADMIN, "acme", AddKey(algorithm=algorithm))
    ids = [key.key_id for key in await node.keys_of("acme")]
    for key_id in (ids[0], ids[2]):
        node.clock.now += 1
        await node.changes.activate(ADMIN, "acme", key_id)
    await node.upkeep.step()

    assert list(await _waiting(node)) == [ids[1], ids[3]]


async def test_a_key_directory_that_cannot_be_written_is_told_of_those_who_need_it_until_it_can(
    node: Node, tmp_path: Path
) -> None:
    await node.create("well")
    await insert_as_before_0_3(node, *(f"i{number:02}" for number in range(SPARES_AT_ONCE + 5)))
    (tmp_path / "keys").rename(tmp_path / "away")
    (tmp_path / "keys").write_text("in the place of a folder, since the tests may run as root")
    for _ in range(3):
        await node.upkeep.step()
    told = await node.open_alarms()
    (tmp_path / "keys").unlink()
    (tmp_path / "away").rename(tmp_path / "keys")
    await node.upkeep.step()
    at_once = await node.open_alarms()
    node.timer.now += RETRY_SECONDS
    for _ in range(3):
        await node.upkeep.step()

    assert {kind for kind, _, _ in told} == {"spare-missing"}
    assert sorted(subject for _, subject, _ in told) == [
        f"i{number:02}" for number in range(SPARES_AT_ONCE + 5)
    ]
    assert all(reason.startswith("no spare key can be made: ") for _, _, reason in told)
    assert len(at_once) == len(told)
    assert await node.open_alarms() == []
    assert await states(node, "i24") == ["active", "announced"]


async def test_a_spare_key_that_an_operator_added_ends_the_alarm(node: Node, tmp_path: Path) -> None:
    await insert_as_before_0_3(node, "acme")
    (tmp_path / "keys").rename(tmp_path / "away")
    await node.upkeep.step()
    told = await node.open_alarms()
    (tmp_path / "away").rename(tmp_path / "keys")
    await node.changes.add(ADMIN, "acme", AddKey())
    await node.upkeep.step()

    assert [subject for _, subject, _ in told] == ["acme"]
    assert await node.open_alarms() == []
    assert len(await node.keys_of("acme")) == 2


async def test_who_holds_the_lease_no_more_tells_nothing(node: Node, tmp_path: Path) -> None:
    await insert_as_before_0_3(node, "acme")
    (tmp_path / "keys").rename(tmp_path / "away")
    await node.upkeep.step()
    told = await node.open_alarms()
    node.upkeep.leave()

    assert len(told) == 1
    assert await node.open_alarms() == []


async def test_a_step_at_which_nothing_changed_reads_two_numbers_and_writes_nothing(node: Node) -> None:
    await node.create("acme")
    await node.upkeep.step()
    writes = node.database.stats.writes
    for _ in range(3):
        await node.upkeep.step()

    assert node.database.stats.writes == writes


async def with_chain(node: Node, ends: float) -> IssuerKey:
    (acme,) = hosted(node, "acme")
    key = key_row("acme", "key-0123456789ab", KEYS["p256-pub"])
    key = msgspec.structs.replace(key, certificates=chained(ends))

    def insert(tx: Transaction) -> None:
        inserting(acme, key, key_row("acme", "key-spare", KEYS["p384-pub"], KeyState.ANNOUNCED))(tx)

    await node.database.write(insert)
    return key


async def test_a_chain_is_told_30_days_before_the_first_of_it_ends_until_a_new_one_is_there(
    node: Node,
) -> None:
    key = await with_chain(node, NOW + 31 * DAYS)
    await node.upkeep.step()
    early = await node.open_alarms()
    node.clock.now += 1.5 * DAYS
    await node.upkeep.step()
    before_the_hour = await node.open_alarms()
    node.timer.now += LOOK_AGAIN_SECONDS
    await node.upkeep.step()
    told = await node.open_alarms()
    await node.changes.certify(ADMIN, "acme", key.key_id, chained(NOW + 90 * DAYS))
    await node.upkeep.step()

    assert early == before_the_hour == []
    assert told == [
        ("certificate-near-end", f"acme#{key.key_id}", "its certificate chain ends on 2027-02-15T08:00:00Z")
    ]
    assert await node.open_alarms() == []


async def test_a_chain_of_a_key_that_signs_no_more_may_end(node: Node) -> None:
    key = await with_chain(node, NOW + 3 * DAYS)
    await node.upkeep.step()
    told = await node.open_alarms()
    await node.database.write(
        lambda tx: key_store.activate(tx, msgspec.structs.replace(key, key_id="key-spare"), 9)
    )
    for _ in range(2):
        await node.upkeep.step()

    assert len(told) == 1
    assert [kind for kind, _, _ in await node.open_alarms()] == []


def test_an_end_that_has_been_is_told_as_such() -> None:
    key = key_row("acme", "key-0123456789ab", KEYS["p256-pub"])
    key = msgspec.structs.replace(key, certificates=chained(NOW))
    before, at = (why_near_end(key, int((NOW + add) * 1_000_000)) for add in (-1, 0))

    assert before == "its certificate chain ends on 2027-01-15T08:00:00Z"
    assert at == "its certificate chain ended on 2027-01-15T08:00:00Z"


async def test_an_issuer_whose_key_was_given_up_while_its_document_was_away_gets_one_that_is_listed(
    node: Node,
) -> None:
    bank = Issuer(id="bank", did="did:web:bank.example")
    keys = (key_row("bank", "key-one"), key_row("bank", "key-two", state=KeyState.ANNOUNCED))
    await node.database.write(inserting(bank, *keys))
    node.not_listed = "the host is away"
    await node.changes.compromise(ADMIN, "bank", "key-one", CompromiseKey())
    await node.upkeep.step()
    away = await states(node, "bank")
    node.not_listed = None
    await node.upkeep.step()
    at_once = await states(node, "bank")
    node.timer.now += RETRY_SECONDS
    await node.upkeep.step()

    assert away == at_once == ["announced", "compromised"]
    assert await states(node, "bank") == ["active", "compromised"]
