"""What a process takes up of the rows: as much as changed, and the same as one that reads everything."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from operators import Issuer, KeyState
from operators.issuers import key_store
from operators.issuers.views import AddKey, CompromiseKey
from server.identity import held_keys
from server.identity.held_keys import LOOK_AGAIN_SECONDS
from server.identity.identities import Identities
from server.identity.own import issuer_did
from tests.actors import acting
from tests.databases import Place
from tests.issuers import inserting, key_row
from tests.server.identity.keeping import ADMIN, NOW, Node, chained
from wire import ResourceNotFound

pytestmark = pytest.mark.anyio

HOUR = 3_600.0


@pytest.fixture
async def node(place: Place, tmp_path: Path) -> AsyncIterator[Node]:
    node = await Node(place, tmp_path).start()
    await node.create("acme")
    await node.create("other")
    await node.identities.refresh()
    yield node
    node.database.close()


async def key_of(node: Node, state: KeyState) -> str:
    return next(key.key_id for key in await node.keys_of("acme") if key.state is state)


async def adding(node: Node) -> None:
    await node.changes.add(ADMIN, "acme", AddKey())


async def planning(node: Node) -> None:
    await node.changes.activate(ADMIN, "acme", None)


async def activating(node: Node) -> None:
    await node.changes.activate(ADMIN, "acme", None)
    node.clock.now += HOUR
    assert await node.changes.succession.activate_due(actor=acting("x"), past=node.clock()) == 1


async def retiring(node: Node) -> None:
    await node.changes.retire(ADMIN, "acme", await key_of(node, KeyState.ANNOUNCED))


async def giving_up(node: Node) -> None:
    active = await key_of(node, KeyState.ACTIVE)
    await node.changes.compromise(ADMIN, "acme", active, CompromiseKey())


async def certifying(node: Node) -> None:
    chain = chained(NOW + 100 * 24 * HOUR)
    await node.changes.certify(ADMIN, "acme", await key_of(node, KeyState.ACTIVE), chain)


async def creating(node: Node) -> None:
    await node.create("third")
    await node.create("bank", "did:web:bank.example")


async def adding_as_before_0_3(node: Node) -> None:
    issuer = Issuer(id="old", did=issuer_did(node.settings, "old"))
    await node.database.write(inserting(issuer, key_row("old", "old-1")))


@pytest.mark.parametrize(
    "change",
    [adding, planning, activating, retiring, giving_up, certifying, creating, adding_as_before_0_3],
)
async def test_who_follows_each_change_knows_what_who_reads_everything_knows(
    node: Node, change: Callable[[Node], Awaitable[None]]
) -> None:
    before = dict(node.identities.rows)
    await change(node)
    await node.identities.refresh()
    anew = Identities(node.settings, node.database, clock=node.clock)
    await anew.refresh()

    assert node.identities.rows == anew.rows != before
    assert node.identities.version == anew.version
    for did in (issuer_did(node.settings, name) for name in ("acme", "other", "third")):
        assert node.identities.own_document(did) == anew.own_document(did)


async def test_what_did_not_change_is_not_read_again(node: Node) -> None:
    before = node.identities.rows["other"]
    changed = await node.database.read(key_store.version)
    await adding(node)
    await node.identities.refresh()

    assert node.identities.rows["other"] is before
    assert {
        key.issuer_id for key in await node.database.read(lambda tx: key_store.changed_keys(tx, changed[0]))
    } == {"acme"}


async def test_only_a_document_that_was_asked_for_and_is_another_now_is_replaced(node: Node) -> None:
    replaced: list[int] = []
    node.identities.on_replaced = lambda: replaced.append(len(replaced))
    did, other = (issuer_did(node.settings, name) for name in ("acme", "other"))
    kept = node.identities.own_document(other)
    await adding(node)
    await creating(node)
    await node.identities.refresh()
    nobody_asked = list(replaced)
    node.identities.own_document(did)
    await certifying(node)
    await creating_nothing(node)
    await node.identities.refresh()
    the_same = list(replaced)
    await giving_up(node)
    await node.identities.refresh()

    assert (nobody_asked, the_same, replaced) == ([], [], [0])
    assert node.identities.own_document(other) is kept


async def creating_nothing(node: Node) -> None:
    await node.database.write(key_store.note_change)


async def test_a_retired_key_leaves_the_document_when_what_it_signed_has_ended(node: Node) -> None:
    did = issuer_did(node.settings, "acme")
    first = await key_of(node, KeyState.ACTIVE)
    until = int((NOW + 10 * HOUR) * 1_000_000)
    await node.database.write(lambda tx: key_store.note_signed(tx, "acme", first, until))
    await activating(node)
    await node.identities.refresh()

    def listed() -> bool:
        document = node.identities.own_document(did)
        assert document is not None
        return f"{did}#{first}" in document["assertionMethod"]

    assert listed()
    node.clock.now = NOW + 10 * HOUR - 1
    assert listed()
    node.clock.now = NOW + 10 * HOUR
    assert not listed()


async def test_a_key_is_opened_anew_as_soon_as_it_has_certificates(node: Node) -> None:
    active = await key_of(node, KeyState.ACTIVE)
    before = node.identities.signer_of("acme", active)
    await certifying(node)
    await node.identities.refresh()

    assert node.identities.signer_of("acme", active) is not before


async def test_a_key_that_was_given_up_signs_no_more_here(node: Node) -> None:
    active = await key_of(node, KeyState.ACTIVE)
    signer = node.identities.signer_of("acme", active)
    await giving_up(node)
    await node.identities.refresh()

    assert signer.verification_method.endswith(active)
    with pytest.raises(ResourceNotFound):
        node.identities.signer_of("acme", active)


async def test_a_retired_key_that_nobody_could_read_is_looked_for_until_what_it_signed_has_ended(
    node: Node,
) -> None:
    await adding_as_before_0_3(node)
    until = int((NOW + 10 * HOUR) * 1_000_000)
    await node.database.write(lambda tx: key_store.note_signed(tx, "old", "old-1", until))
    await node.changes.add(ADMIN, "old", AddKey())
    await node.changes.activate(ADMIN, "old", None)
    node.clock.now += HOUR
    await node.changes.succession.activate_due(actor=acting("x"), past=node.clock())
    faults = []
    for hours in (1, 9.99, 10):
        node.clock.now = NOW + hours * HOUR
        node.timer.now += LOOK_AGAIN_SECONDS
        await node.identities.refresh()
        faults.append(list(node.identities.faults))

    assert faults == [[("old", "old-1")], [("old", "old-1")], []]


async def test_many_keys_are_looked_at_in_rounds_of_a_few_at_a_time(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_keys, "AT_ONCE", 3)
    for number in range(4):
        await node.create(f"i{number}")
    await node.identities.refresh()
    key = (await node.keys_of("i3"))[0]
    (Path(node.settings.key_dir) / key.locator).chmod(0o644)
    node.timer.now += LOOK_AGAIN_SECONDS
    found = []
    for _ in range(6):
        await node.identities.refresh()
        found.append(list(node.identities.faults))

    assert found[0] == []
    assert found[-1] == [("i3", key.key_id)]
    for other in await node.keys_of("i0"):
        assert node.identities.signer_of("i0", other.key_id)


async def test_a_chain_that_cannot_be_read_fails_its_key_alone(node: Node) -> None:
    active = await key_of(node, KeyState.ACTIVE)
    await node.changes.certify(ADMIN, "acme", active, "no certificate")
    later = Identities(node.settings, node.database, clock=node.clock)
    await later.refresh()

    assert list(later.faults) == [("acme", active)]
    assert later.signer_of("other", (await node.keys_of("other"))[0].key_id)


async def test_a_process_that_never_signs_opens_no_private_key(node: Node) -> None:
    for path in Path(node.settings.key_dir).glob("*.pem"):
        path.chmod(0o644)
    worker = Identities(node.settings, node.database, holds_keys=False, clock=node.clock)
    await worker.refresh()

    assert worker.faults == {}
    assert worker.own_document(issuer_did(node.settings, "acme")) is not None
    with pytest.raises(ResourceNotFound):
        worker.signer_of("acme", await key_of(node, KeyState.ACTIVE))
