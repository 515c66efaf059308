"""Who controls a DID shows it with a key of the DID, on a fresh text; nobody else can."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import storage
from proofs import KeySigner, sign_compact
from registry import MIGRATIONS
from registry.editing.challenges import MAX_WAITING, VALID_SECONDS, Challenges
from registry.editing.errors import ChallengeNotMet
from registry.editing.shapes import ChallengeView
from registry.identifiers import key_identifier
from resolver import Resolver
from resolver.keys.jwk import jwk_of
from resolver.keys.multikey import multikey_of
from storage import Database
from tests.actors import ADA
from tests.clock import Clock
from tests.databases import Place, migrated
from wire import Conflict, ResourceNotFound

pytestmark = pytest.mark.anyio

CHANGE_SET = 7
OURS = "did:web:registry.example"


class Holder:
    """Somebody with a DID and its key."""

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        multikey = multikey_of(key.public_key())
        self.did = f"did:key:{multikey}"
        self.signer = KeySigner(key, f"{self.did}#{multikey}")
        self.thumbprint = key_identifier(jwk_of(key.public_key()))

    def sign(self, text: str, **header: str) -> str:
        return sign_compact(text.encode(), header=header, signer=self.signer).decode()


def challenges_in(database: Database, clock: Clock) -> Challenges:
    return Challenges(database, Resolver().dereference, OURS, clock)


async def one(challenges: Challenges, did: str) -> ChallengeView:
    (challenge,) = (await challenges.make(CHANGE_SET, [did])).challenges
    return challenge


async def test_whoever_signs_the_text_with_a_key_of_the_did_controls_it(place: Place) -> None:
    holder = Holder()
    async with migrated(place, (*storage.MIGRATIONS, *MIGRATIONS)) as database:
        challenges = challenges_in(database, Clock())
        asked = await one(challenges, holder.did)
        met = await challenges.meet(ADA, CHANGE_SET, asked.id, holder.sign(asked.challenge))
        with pytest.raises(Conflict, match="met already"):
            await challenges.meet(ADA, CHANGE_SET, asked.id, holder.sign(asked.challenge))
        kept = await challenges.met(CHANGE_SET)
        elsewhere = await challenges.met(CHANGE_SET + 1)
        rows = place.query("SELECT action, subject FROM audit")

    assert (met.identifier, met.key) == (holder.did, holder.thumbprint)
    assert {did: row.key for did, row in kept.items()} == {holder.did: holder.thumbprint}
    assert elsewhere == {}
    assert [tuple(row) for row in rows] == [("registry.control-shown", str(CHANGE_SET))]
    assert all(part in asked.challenge for part in (holder.did, OURS, str(CHANGE_SET)))


async def test_nobody_else_can(place: Place) -> None:
    holder, other = Holder(), Holder()
    async with migrated(place, (*storage.MIGRATIONS, *MIGRATIONS)) as database:
        challenges = challenges_in(database, Clock())
        asked, another = await one(challenges, holder.did), await one(challenges, holder.did)
        theirs = await one(challenges, other.did)
        wrong = {
            "another DID's key": other.sign(asked.challenge),
            "another DID's key under this DID's name": other.sign(
                asked.challenge, kid=holder.signer.jws_key_id
            ),
            "another text": holder.sign(another.challenge),
            "the text of another": holder.sign(theirs.challenge),
            "no such key": holder.sign(asked.challenge, kid=f"{holder.did}#nothing"),
            "no JWS": "abc",
            "no letters of a JWS": "\ud800.é.b",
            "": "",
        }
        refused = {}
        for what, jws in wrong.items():
            with pytest.raises(ChallengeNotMet) as caught:
                await challenges.meet(ADA, CHANGE_SET, asked.id, jws)
            refused[what] = caught.value.detail
        met = await challenges.met(CHANGE_SET)

    assert met == {}
    assert len(refused) == len(wrong)


async def test_a_challenge_is_good_for_ten_minutes_and_for_one_change_set(place: Place) -> None:
    holder, clock = Holder(), Clock()
    async with migrated(place, (*storage.MIGRATIONS, *MIGRATIONS)) as database:
        challenges = challenges_in(database, clock)
        asked = await one(challenges, holder.did)
        jws = holder.sign(asked.challenge)
        with pytest.raises(ResourceNotFound):
            await challenges.meet(ADA, CHANGE_SET + 1, asked.id, jws)
        clock.now += VALID_SECONDS
        with pytest.raises(ChallengeNotMet, match="expired"):
            await challenges.meet(ADA, CHANGE_SET, asked.id, jws)
        await one(challenges, holder.did)
        clock.now += 1
        await one(challenges, holder.did)
        with pytest.raises(ResourceNotFound):  # Those that nobody met in time are forgotten.
            await challenges.meet(ADA, CHANGE_SET, asked.id, jws)


async def test_two_who_meet_it_at_once_are_noted_once(place: Place) -> None:
    holder = Holder()
    async with migrated(place, (*storage.MIGRATIONS, *MIGRATIONS)) as database:
        challenges = challenges_in(database, Clock())
        asked = await one(challenges, holder.did)
        jws = holder.sign(asked.challenge)
        calls = (challenges.meet(ADA, CHANGE_SET, asked.id, jws) for _ in range(4))
        told = await asyncio.gather(*calls, return_exceptions=True)
        rows = place.query("SELECT count(*) FROM audit")

    assert rows[0][0] == 1
    assert sum(isinstance(each, Conflict) for each in told) == 3


async def test_so_many_of_a_change_set_wait_at_a_time(place: Place) -> None:
    clock = Clock()
    async with migrated(place, (*storage.MIGRATIONS, *MIGRATIONS)) as database:
        challenges = challenges_in(database, clock)
        await challenges.make(CHANGE_SET, [f"did:web:{n}.example" for n in range(MAX_WAITING)])
        with pytest.raises(Conflict, match="wait at a time"):
            await challenges.make(CHANGE_SET, ["did:web:more.example"])
        clock.now += VALID_SECONDS + 1

        assert await one(challenges, "did:web:more.example")
