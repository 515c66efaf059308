"""Certificates that name their CRLs: revoked, good, and what nobody can tell; with SD-JWT VCs and mdocs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.proofs.authorities import Authority, entry
from tests.simulator import canned
from tests.verification.issuing import FORMS, HOUR, NOW, Issuer, Scene, Wanted, a_scene
from verification.requests import VerifyRequest
from verification.verdicts import Verification
from wire import format_utc

pytestmark = pytest.mark.anyio

AT = datetime.fromtimestamp(NOW // 1_000_000, UTC)
DAY = timedelta(days=1)
URL = "https://good.example/crl"
CERTIFIED = ("dc+sd-jwt by certificates", "mso_mdoc")


def leaf_of(issuer: Issuer) -> x509.Certificate:
    return x509.load_der_x509_certificate(issuer.certified.certificates[0])


def publish(
    issuer: Issuer, *revoked: x509.RevokedCertificate, by: Authority | None = None, **times: datetime
) -> None:
    crl = (by or issuer.root).crl(*revoked, **{"begins": AT - DAY, "ends": AT + DAY} | times)
    issuer.host.answer("/crl", canned(crl, content_type="application/pkix-crl"))


async def asked(scene: Scene, form: str, wanted: Wanted | None = None, **options: str) -> Verification:
    credential = FORMS[form](wanted or Wanted(scene.issuers["good"]))
    return await scene.verifier.verify(VerifyRequest(credential=credential, **options))  # type: ignore[arg-type]


def fetches(scene: Scene) -> int:
    return sum(request.target.startswith("/crl") for request in scene.world.requests)


@pytest.mark.parametrize("form", CERTIFIED)
async def test_a_certificate_that_its_crl_does_not_list_is_good(tmp_path: Path, form: str) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls(URL)
        publish(good)
        told, again = await asked(scene, form), await asked(scene, form)

    assert told.rely
    assert again.rely
    assert told.verdicts["authentic"].evidence["revocation"] == "not revoked"
    assert fetches(scene) == 1


@pytest.mark.parametrize("form", CERTIFIED)
async def test_a_certificate_that_was_revoked_proves_nothing(tmp_path: Path, form: str) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls(URL)
        publish(good, entry(leaf_of(good), x509.ReasonFlags.superseded, since=AT - DAY / 2))
        told = await asked(scene, form)

    assert (told.rely, told.verdicts["authentic"].reason) == (False, "certificate_not_valid")
    assert "superseded" in told.verdicts["authentic"].detail


Away = Callable[[Issuer], None]
AWAY: dict[str, tuple[Away, str]] = {
    "unreachable": (lambda issuer: issuer.host.answer("/crl", canned(status=503)), "answered 503"),
    "no CRL": (lambda issuer: issuer.host.answer("/crl", canned(b"none")), "cannot be read"),
    "ended": (lambda issuer: publish(issuer, begins=AT - 2 * DAY, ends=AT - DAY), "not in force"),
    "of another": (lambda issuer: publish(issuer, by=Authority("another")), "no CRL of"),
    "by http": (lambda issuer: issuer.name_crls("http://good.example/crl"), "no https URL"),
    "refused by the guard": (lambda issuer: issuer.name_crls("https://127.0.0.1/crl"), "not fetched"),
}


@pytest.mark.parametrize("why", AWAY)
async def test_where_no_crl_tells_it_is_unknown_and_nobody_relies(tmp_path: Path, why: str) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls(URL)
        AWAY[why][0](good)
        told = await asked(scene, "mso_mdoc")

    found = told.verdicts["authentic"]
    assert (told.rely, found.verdict, found.reason) == (False, "unknown", "revocation_not_known")
    assert AWAY[why][1] in found.detail
    assert told.verdicts["stillValid"].reason == "not_authentic"


async def test_certificates_that_name_no_crl_are_believed_and_the_evidence_says_so(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        told = await asked(scene, "mso_mdoc")

    assert told.rely
    evidence = told.verdicts["authentic"].evidence
    assert evidence["revocation"] == "not known: the certificates name no CRL"


async def test_the_second_place_of_a_crl_is_tried(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls("https://good.example/crl-away", URL)
        publish(good)
        told = await asked(scene, "mso_mdoc")

    assert told.rely


async def test_nothing_is_fetched_for_what_was_not_signed(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.issuers["good"].name_crls(URL)
        wanted = Wanted(scene.issuers["good"])
        wanted.has_wrong_key = True
        told = await asked(scene, "mso_mdoc", wanted)

    assert told.verdicts["authentic"].reason == "signature_invalid"
    assert fetches(scene) == 0


async def test_a_crl_of_today_tells_of_the_past(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls(URL)
        publish(good, begins=AT)
        told = await asked(scene, "mso_mdoc", at=format_utc(NOW - HOUR // 2))

    assert told.verdicts["authentic"].reason == "signature_valid"


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (x509.ReasonFlags.superseded, "signature_valid"),
        (x509.ReasonFlags.key_compromise, "certificate_not_valid"),
    ],
)
async def test_a_revocation_counts_from_its_day_on_unless_the_key_was_stolen(
    tmp_path: Path, reason: x509.ReasonFlags, verdict: str
) -> None:
    async with a_scene(tmp_path) as scene:
        good = scene.issuers["good"]
        good.name_crls(URL)
        publish(good, entry(leaf_of(good), reason, since=AT))
        told = await asked(scene, "mso_mdoc", at=format_utc(NOW - HOUR // 2))

    assert told.verdicts["authentic"].reason == verdict
