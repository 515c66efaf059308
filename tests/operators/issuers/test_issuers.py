"""Issuers as operators add and see them: hosted and foreign ones, who may, and what a repeated request does."""

import asyncio

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from operators import Role
from operators.issuers.keys import key_id_of
from operators.issuers.views import CreateIssuer
from proofs import Algorithm, algorithm_of, read_key_file
from resolver import public_key_of
from resolver.errors import InvalidDid
from storage import IdempotencyConflict
from tests.actors import acting
from tests.operators.issuers.desk import ADMIN, BANK, HOST, OTHERS, Desk
from wire import BadRequest, Conflict, Forbidden, Refusal, ResourceNotFound

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_hosted_issuer_has_a_key_that_signs_and_a_spare_one(desk: Desk, algorithm: Algorithm) -> None:
    made = await desk.issuers.create(ADMIN, CreateIssuer(id="acme", algorithm=algorithm.value))
    active, spare = sorted(made.keys, key=lambda key: key.state)

    assert (made.did, made.hosted) == (f"{HOST}:issuers:acme", True)
    assert (active.state, spare.state, spare.activates_at) == ("active", "announced", None)
    assert desk.files() == {active.key, spare.key}
    for key in made.keys:
        private_key = read_key_file(desk.key_dir / f"{key.key}.pem")
        spki = (await desk.row(key.key)).public_key
        assert spki is not None
        assert key.key == key_id_of(spki)
        assert load_der_public_key(spki) == private_key.public_key()
        assert algorithm_of(private_key) is algorithm
        assert [public_key_of(method) for method in key.verification_methods] == [
            private_key.public_key()
        ] * 2
    assert await desk.show() == made


async def test_a_foreign_issuer_has_no_key_until_one_is_added(desk: Desk) -> None:
    made = await desk.issuers.create(ADMIN, CreateIssuer(id="bank", did=BANK))

    assert (made.did, made.hosted, made.keys) == (BANK, False, ())
    assert desk.files() == set()


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (CreateIssuer(id="Not A Label"), BadRequest),
        (CreateIssuer(id="b", owner="two\nlines"), BadRequest),
        (CreateIssuer(id="b", did="no did"), InvalidDid),
        (CreateIssuer(id="b", did=HOST), BadRequest),
        (CreateIssuer(id="b", did=f"{HOST}:issuers:b"), BadRequest),
        (CreateIssuer(id="b", custody="pkcs11"), Conflict),
        (CreateIssuer(id="b", did="did:web:c.example", custody="pkcs11"), BadRequest),
        (CreateIssuer(id="b", did="did:web:c.example", algorithm="Ed25519"), BadRequest),
        (CreateIssuer(id="acme"), Conflict),
        (CreateIssuer(id="acme", did="did:web:c.example"), Conflict),
        (CreateIssuer(id="b", did=BANK), Conflict),
    ],
)
async def test_what_cannot_be_an_issuer_leaves_neither_row_nor_key(
    desk: Desk, wanted: CreateIssuer, refusal: type[Refusal]
) -> None:
    await desk.hosted()
    await desk.foreign(keys=0)
    before = desk.files(), len(await desk.issuers.all()), len(await desk.audited())

    with pytest.raises(refusal):
        await desk.issuers.create(ADMIN, wanted)

    assert (desk.files(), len(await desk.issuers.all()), len(await desk.audited())) == before


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.id)
async def test_only_an_admin_of_all_issuers_adds_one(desk: Desk, other: object) -> None:
    with pytest.raises(Forbidden):
        await desk.issuers.create(other, CreateIssuer(id="b"))  # type: ignore[arg-type]

    assert (desk.files(), await desk.issuers.all()) == (set(), [])


async def test_who_acts_for_one_issuer_sees_that_one_and_cannot_tell_whether_there_are_others(
    desk: Desk,
) -> None:
    await desk.hosted()
    await desk.foreign()
    theirs = acting("acme-reader", Role.VIEWER, issuer_id="acme")
    told = []
    for issuer_id in ("bank", "none"):
        with pytest.raises(ResourceNotFound) as refused:
            await desk.issuers.show(theirs, issuer_id)
        told.append(str(refused.value).replace(issuer_id, "?"))

    assert (await desk.issuers.show(theirs, "acme")).id == "acme"
    assert told[0] == told[1]
    assert [issuer.id for issuer in (await desk.issuers.page(theirs)).issuers] == ["acme"]
    assert [issuer.id for issuer in (await desk.issuers.page(ADMIN)).issuers] == ["acme", "bank"]


@pytest.mark.parametrize("issuer_id", ["none", "", "NONE", "a\x00b", "a" * 64])
async def test_there_is_no_issuer_of_an_id_that_cannot_be_one(desk: Desk, issuer_id: str) -> None:
    with pytest.raises(ResourceNotFound):
        await desk.issuers.show(ADMIN, issuer_id)


async def test_pages_follow_one_another(desk: Desk) -> None:
    for name in ("c", "a", "b"):
        await desk.issuers.create(ADMIN, CreateIssuer(id=name, did=f"did:web:{name}.example"))
    first = await desk.issuers.page(ADMIN, limit=2)
    second = await desk.issuers.page(ADMIN, limit=2, after=first.next or "")

    assert [issuer.id for issuer in first.issuers + second.issuers] == ["a", "b", "c"]
    assert (first.next, second.next) == ("b", None)


async def test_the_same_request_twice_makes_one_issuer_and_its_keys_once(desk: Desk) -> None:
    wanted = CreateIssuer(id="acme")
    first, second = [await desk.issuers.create(ADMIN, wanted, idempotency_key="k") for _ in range(2)]
    with pytest.raises(IdempotencyConflict):
        await desk.issuers.create(ADMIN, CreateIssuer(id="other"), idempotency_key="k")

    assert first == second
    assert len(desk.files()) == 2
    assert [row.action for row in await desk.audited()] == ["issuer.create"]


async def test_the_same_request_twice_at_once_makes_one_issuer(desk: Desk) -> None:
    wanted = CreateIssuer(id="acme")
    first, second = await asyncio.gather(
        *(desk.issuers.create(ADMIN, wanted, idempotency_key="k") for _ in range(2))
    )

    assert first == second == await desk.show()
    assert desk.files() >= {key.key for key in first.keys}


async def test_an_issuer_is_audited_with_the_names_of_its_keys(desk: Desk) -> None:
    keys = await desk.hosted()
    (row,) = await desk.audited()

    assert (row.actor, row.action, row.subject) == ("boss", "issuer.create", "acme")
    assert row.detail["did"] == f"{HOST}:issuers:acme"
    assert set(row.detail["keys"]) == set(keys)
