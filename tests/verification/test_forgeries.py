"""What a forger tried: each defect that stands where somebody might not look for it."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from credentials.claims import claims_of
from credentials.secured import VC, Secured
from proofs import KeySigner, sign_compact
from registry.asking.evaluation import Evaluation, EvaluationRequest
from tests.credentials.sd_jwts import sd_jwt
from tests.proofs.authorities import der, key
from tests.statuslist.stranger import REVOKED
from tests.verification.issuing import FORMS, HOUR, NOW, SECOND, Scene, Wanted, a_scene
from verification.requests import VerifyRequest
from verification.timing import in_time
from verification.trusting import Asked, trusted
from verification.verdicts import Verification
from wire import format_utc

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as scene:
        yield scene


async def verify(scene: Scene, credential: Any, **options: Any) -> Verification:
    return await scene.verifier.verify(VerifyRequest(credential=credential, **options))


def token(claims: dict[str, Any], signer: KeySigner, typ: str = "vc+jwt", **header: Any) -> str:
    return sign_compact(json.dumps(claims).encode(), header={"typ": typ} | header, signer=signer).decode()


def former(wanted: Wanted, **beside: Any) -> dict[str, Any]:
    vc = {"@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential", "Degree"]}
    vc["credentialSubject"] = {"id": "did:example:holder"}  # type: ignore[assignment]
    return {"iss": wanted.issuer.did, "nbf": (NOW - HOUR) // SECOND, "vc": vc} | beside


def plain(wanted: Wanted, **claims: Any) -> dict[str, Any]:
    return {"iss": wanted.issuer.did, "vct": "urn:degree", "nbf": (NOW - HOUR) // SECOND} | claims


@pytest.mark.parametrize(
    "context", ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1"]
)
@pytest.mark.parametrize(("name", "reason"), [("validUntil", "expired"), ("expirationDate", "expired")])
@pytest.mark.parametrize("begins", ["validFrom", "issuanceDate"])
def test_a_period_binds_whichever_context_stands_there(
    context: str, name: str, reason: str, begins: str
) -> None:
    """A proof over RDF does not cover which context it is, and both models mean the same by their names."""
    document = {
        "@context": [context],
        "type": ["VerifiableCredential", "Degree"],
        name: "2020-01-01T00:00:00Z",
    }
    early = {
        "@context": [context],
        "type": ["VerifiableCredential", "Degree"],
        begins: "2036-01-01T00:00:00Z",
    }

    def found(document: dict[str, Any]) -> str:
        secured = Secured(form=VC, document=document, issuer="did:web:a.example", verify=lambda *_: None)
        return in_time(claims_of(secured), NOW).reason

    assert (found(document), found(early)) == (reason, "not_yet_valid")


@pytest.mark.parametrize("where", ["status", "credentialStatus"])
async def test_a_revocation_counts_wherever_its_entry_stands(scene: Scene, where: str) -> None:
    wanted = Wanted(scene.issuers["good"])
    wanted.index, signer = REVOKED, wanted.signer()
    claim = {"status_list": {"idx": REVOKED, "uri": wanted.issuer.tokens_url("did")}}
    entry = {where: claim if where == "status" else wanted.issuer.entries(REVOKED)}
    wanted.status = None
    told = [
        await verify(scene, each)
        for each in (
            token(wanted.w3c() | entry, signer),
            token(former(wanted, **entry), signer, "JWT"),
            sd_jwt(plain(wanted, **entry), signer),
        )
    ]

    assert [each.verdicts["stillValid"].reason for each in told] == ["revoked"] * 3


async def test_a_claim_beside_vc_may_not_say_something_else_of_the_status(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    claims = former(wanted, credentialStatus=wanted.issuer.entries(1))
    claims["vc"]["credentialStatus"] = wanted.issuer.entries(2)
    told = await verify(scene, token(claims, wanted.signer(), "JWT"))

    assert told.verdicts["authentic"].verdict == "no"


@pytest.mark.parametrize("status", [{}, [], 0, "", False, None])
async def test_a_status_that_is_none_is_not_taken_for_no_status(scene: Scene, status: Any) -> None:
    wanted = Wanted(scene.issuers["good"])
    told = await verify(scene, sd_jwt(plain(wanted, status=status), wanted.signer()))

    assert not told.rely


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", [-1e11, -62_135_596_801, 253_402_300_800, 1e300])
async def test_a_time_that_nobody_can_write_is_malformed(scene: Scene, name: str, value: float) -> None:
    wanted = Wanted(scene.issuers["good"])
    told = await verify(scene, sd_jwt(plain(wanted, **{name: value}), wanted.signer()))

    assert told.verdicts["authentic"].reason == "malformed"


async def test_what_is_issued_later_than_the_time_asked_about_is_not_valid_yet(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    future = sd_jwt(plain(wanted, iat=NOW // SECOND + 3_600), wanted.signer())
    young = sd_jwt(
        {"iss": wanted.issuer.did, "vct": "urn:degree", "iat": NOW // SECOND - 60}, wanted.signer()
    )
    told = [await verify(scene, future), await verify(scene, young, at=format_utc(NOW - HOUR))]

    assert [each.verdicts["inTime"].reason for each in told] == ["not_yet_valid"] * 2


async def test_a_time_of_issuance_that_is_withheld_is_replaced_by_the_beginning(scene: Scene) -> None:
    """The issuer was trusted only from 2024 on; whoever holds the credential cannot keep back that it is older."""
    wanted = Wanted(scene.issuers["good"])
    whole = sd_jwt(plain(wanted, nbf=1_600_000_000), wanted.signer(), hidden={"iat": 1_600_000_000})
    told = await verify(scene, "~".join([whole.split("~")[0], ""]))

    assert told.verdicts["issuerTrusted"].verdict == "no"


async def test_an_issuer_beside_iss_must_be_the_same(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    reasons = {
        issuer: (await verify(scene, sd_jwt(plain(wanted, issuer=issuer), wanted.signer())))
        .verdicts["authentic"]
        .reason
        for issuer in (wanted.issuer.did, "The University", "did:web:other.example")
    }

    assert list(reasons.values()) == ["signature_valid", "signature_valid", "malformed"]


async def test_certificates_beside_a_key_of_a_did_must_be_of_that_key(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    stolen = [base64.b64encode(each).decode() for each in scene.issuers["stolen"].certified.certificates]
    told = await verify(scene, token(wanted.w3c(), wanted.signer(), x5c=stolen))

    assert told.verdicts["authentic"].reason == "key_not_of_issuer"


@pytest.mark.parametrize("name", ["did:web:good.example", "https://good.example/issuer"])
async def test_an_authority_cannot_issue_in_the_name_of_somebody_else(scene: Scene, name: str) -> None:
    """Whoever made a certificate chose what it says; the registry knows whose its authority is."""
    other = scene.issuers["other"]
    named = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    leaf = other.root.leaf(
        "impostor",
        private_key=key("impostor"),
        extensions={
            x509.SubjectAlternativeName: (named, False),
            x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(other.key_id, None, None), False),
        },
        not_after=x509_end(other.root.certificate),
    )
    impostor = KeySigner(key("impostor"), "did:web:other.example#leaf", certificates=(der(leaf),))
    claims = plain(Wanted(scene.issuers["good"])) | {"iss": name}
    told = await verify(scene, sd_jwt(claims, impostor, key_name="certificates"))

    assert (told.rely, told.verdicts["issuerTrusted"].reason) == (False, "not_authorized")


def x509_end(certificate: x509.Certificate) -> Any:
    return certificate.not_valid_after_utc


async def test_a_name_that_is_no_url_is_nobodys(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    claims = plain(wanted) | {"iss": "https://[x"}
    told = await verify(scene, sd_jwt(claims, wanted.issuer.certified, key_name="certificates"))

    assert told.verdicts["authentic"].reason == "key_not_of_issuer"


@pytest.mark.parametrize(
    "name",
    ["did:web:GOOD.example", "https://good.example/issuer/", "https://GOOD.example/issuer", "urn:bank"],
)
async def test_a_name_beside_certificates_that_is_nobodys_is_not_taken_for_somebodys(
    scene: Scene, name: str
) -> None:
    other = scene.issuers["other"]
    claims = plain(Wanted(other)) | {"iss": name}
    told = await verify(scene, sd_jwt(claims, certified(other, name), key_name="certificates"))

    assert (told.rely, told.verdicts["issuerTrusted"].reason) == (False, "not_known")


def certified(issuer: Any, name: str) -> KeySigner:
    """Return a signer whose certificate, below the authority of `issuer`, has a name of his choice."""
    leaf = issuer.root.leaf(
        "impostor",
        private_key=key("impostor"),
        extensions={
            x509.SubjectAlternativeName: (
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]),
                False,
            ),
            x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(issuer.key_id, None, None), False),
        },
        not_after=issuer.root.certificate.not_valid_after_utc,
    )
    return KeySigner(key("impostor"), "did:web:other.example#leaf", certificates=(der(leaf),))


async def test_a_time_of_issuance_beside_vc_counts(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    told = [
        await verify(scene, token(former(wanted, **beside), wanted.signer(), "JWT"))
        for beside in (
            {"iat": NOW // SECOND + 3_600},
            {"validUntil": "2020-01-01T00:00:00Z"},
            {"expirationDate": "2020-01-01T00:00:00Z"},
        )
    ]

    assert [each.verdicts["inTime"].verdict for each in told] == ["no"] * 3


async def test_a_status_is_not_withheld(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    hidden = {"credentialStatus": wanted.issuer.entries(REVOKED)}
    told = await verify(scene, sd_jwt(plain(wanted), wanted.signer(), hidden=hidden))

    assert told.verdicts["authentic"].reason == "malformed"


async def test_a_type_that_is_there_often_is_asked_about_once(scene: Scene) -> None:
    wanted = Wanted(scene.issuers["good"])
    told = await verify(
        scene, token(wanted.w3c() | {"type": ["VerifiableCredential", *["Degree"] * 31]}, wanted.signer())
    )

    assert told.types == ("Degree",)
    assert len(told.verdicts["issuerTrusted"].evidence["answers"]) == 2


def answered(reason: str, *, is_issuance: bool) -> Any:
    request = EvaluationRequest(did="did:web:a.example", type="Degree")
    decision = "yes" if reason == "active" else "unknown"
    evaluation = Evaluation(
        decision=decision,  # type: ignore[arg-type]
        reason=reason,  # type: ignore[arg-type]
        message=reason,
        time_evaluated=format_utc(NOW),
        expires_at=format_utc(NOW),
    )
    return Asked(request=request, at=NOW, is_issuance=is_issuance), evaluation


def test_a_type_that_is_defined_no_more_is_not_trusted_for_that_it_was() -> None:
    """An authority that has ended says nothing of now; what it said then is not enough."""
    asked = [answered("active", is_issuance=True), answered("not_defined", is_issuance=False)]

    assert trusted(asked, is_compromised=False).reason == "not_defined"
    assert trusted(asked[:1], is_compromised=False).reason == "authorized"
    assert trusted(asked[:1], is_compromised=True).reason == "compromised"


async def test_a_key_that_is_registered_as_compromised_signs_no_more(scene: Scene) -> None:
    """Whoever registered it, and whichever name the issuer has."""
    lost = scene.issuers["lost"]
    told = [
        await verify(scene, FORMS[form](Wanted(lost)))
        for form in ("application/vc", "application/vc+jwt", "dc+sd-jwt by DID", "dc+sd-jwt by metadata")
    ]

    assert [each.verdicts["issuerTrusted"].reason for each in told] == ["compromised"] * 4
