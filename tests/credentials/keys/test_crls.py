"""CRLs in the fake web, behind the real guard: when they are fetched, how long they are kept, and who pays."""

from collections.abc import AsyncIterator

import pytest
from cryptography import x509

from credentials.keys.crls import MAX_FRESH_SECONDS, MIN_FRESH_SECONDS, RETRY_SECONDS, Crls
from proofs.certificates import Good, Unknown
from proofs.certificates.revocation import MAX_CRL_BYTES
from tests.clock import Clock
from tests.proofs.authorities import DAY, NOW, Authority, entry
from tests.simulator import World, canned
from wire import BadRequest

pytestmark = pytest.mark.anyio

CA = Authority("CA")
AT = int(NOW.timestamp()) * 1_000_000
URL = "https://ca.example/crl"


def path(*urls: str, more: tuple[x509.DistributionPoint, ...] = ()) -> list[x509.Certificate]:
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls
    ] + list(more)
    extension = {x509.CRLDistributionPoints: (x509.CRLDistributionPoints(points), False)}
    return [CA.leaf(extensions=extension if points else {}), CA.certificate]


class Scene:
    """One authority, and what asks its CRL; `paid` has what was taken."""

    def __init__(self, world: World, crls: Crls, clock: Clock) -> None:
        self.world, self.crls, self.clock = world, crls, clock
        self.host = world.host("ca.example")
        self.paid: list[int] = []

    def publish(self, crl: bytes) -> None:
        self.host.answer("/crl", canned(crl))

    async def ask(self, certificates: list[x509.Certificate] | None = None) -> object:
        at = int(self.clock.now * 1_000_000)
        return await self.crls.revocation(certificates or path(URL), at, self.paid.append)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = Clock(NOW.timestamp())
    async with World() as world, world.guard() as guard:
        crls = Crls(fetcher=guard.fetch_stranger, clock=clock, timer=clock)
        yield Scene(world, crls, clock)
        await crls.aclose()


async def test_a_crl_is_fetched_once_paid_once_and_asked_anew_after_an_hour(scene: Scene) -> None:
    scene.publish(CA.crl(ends=NOW + 30 * DAY))

    for passed, fetched in ((0, 1), (1, 1), (MAX_FRESH_SECONDS, 2)):
        scene.clock.now = NOW.timestamp() + passed
        assert isinstance(await scene.ask(), Good)
        assert (len(scene.world.requests), scene.paid) == (fetched, [1] * fetched)


async def test_a_revocation_is_seen_when_the_crl_is_asked_for_anew(scene: Scene) -> None:
    scene.publish(CA.crl(ends=NOW + DAY))
    certificates = path(URL)
    assert isinstance(await scene.ask(certificates), Good)
    scene.publish(CA.crl(entry(certificates[0]), ends=NOW + DAY))
    assert isinstance(await scene.ask(certificates), Good)

    scene.clock.now += MAX_FRESH_SECONDS

    assert not isinstance(await scene.ask(certificates), Good)


async def test_a_crl_serves_until_it_ends_while_its_origin_is_away(scene: Scene) -> None:
    scene.publish(CA.crl(ends=NOW + DAY))
    assert isinstance(await scene.ask(), Good)
    scene.host.answer("/crl", canned(status=503))

    scene.clock.now = (NOW + DAY).timestamp() - RETRY_SECONDS
    assert isinstance(await scene.ask(), Good)
    asked = len(scene.world.requests)
    assert isinstance(await scene.ask(), Good)
    assert len(scene.world.requests) == asked

    scene.clock.now = (NOW + DAY).timestamp() + 1
    found = await scene.ask()
    assert isinstance(found, Unknown)
    assert "503" in found.why


async def test_a_crl_that_has_ended_is_soon_asked_for_again(scene: Scene) -> None:
    scene.publish(CA.crl(begins=NOW - 2 * DAY, ends=NOW - DAY))
    assert isinstance(await scene.ask(), Unknown)
    scene.publish(CA.crl(ends=NOW + DAY))
    assert isinstance(await scene.ask(), Unknown)

    scene.clock.now += MIN_FRESH_SECONDS

    assert isinstance(await scene.ask(), Good)


async def test_a_crl_over_its_limit_is_not_read(scene: Scene) -> None:
    scene.publish(bytes(MAX_CRL_BYTES + 1))

    found = await scene.ask()

    assert isinstance(found, Unknown)
    assert "cannot be fetched" in found.why


async def test_crls_that_are_too_long_together_are_not_read(scene: Scene) -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.9999.1"), bytes(MAX_CRL_BYTES - 2_000))
    points, issuers = path(URL)[0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value, [CA]
    for name in ("between", "below"):
        extension = {x509.CRLDistributionPoints: (points, False)}
        issuers.append(Authority(name, issuers[-1], extensions=extension))
    leaf = issuers[-1].leaf(extensions={x509.CRLDistributionPoints: (points, False)})
    scene.publish(CA.crl(extensions=[(padding, False)]))

    found = await scene.ask([leaf, *(issuer.certificate for issuer in reversed(issuers))])

    assert isinstance(found, Unknown)
    assert "the limit is 2097152" in found.why
    assert len(scene.world.requests) == 1


async def test_certificates_without_a_crl_are_not_asked_about(scene: Scene) -> None:
    assert await scene.ask(path()) is None
    assert scene.world.requests == []


async def test_places_for_some_reasons_or_of_other_issuers_are_not_asked(scene: Scene) -> None:
    name = [x509.UniformResourceIdentifier(URL)]
    some = x509.DistributionPoint(name, None, frozenset({x509.ReasonFlags.key_compromise}), None)
    other = x509.DistributionPoint(name, None, None, [x509.DirectoryName(CA.name)])

    found = await scene.ask(path(more=(some, other)))

    assert isinstance(found, Unknown)
    assert "no https URL" in found.why
    assert scene.world.requests == []


async def test_no_more_than_two_places_are_tried(scene: Scene) -> None:
    found = await scene.ask(path(*(f"https://ca.example/{number}" for number in range(5))))

    assert isinstance(found, Unknown)
    assert len(scene.world.requests) == 2


async def test_who_cannot_pay_asks_nobody(scene: Scene) -> None:
    def pay(_: int) -> None:
        raise BadRequest("no tokens are left")

    with pytest.raises(BadRequest):
        await scene.crls.revocation(path(URL), AT, pay)
    assert scene.world.requests == []
