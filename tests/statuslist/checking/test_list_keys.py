"""Whose key signed a token list that does not say itself whose it is: metadata, certificates, and neither."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from proofs import Algorithm, KeySigner, MalformedCertificate
from resolver.keys.jwk import jwk_of
from statuslist.checking.requests import EntryCheck
from statuslist.errors import StatusVerificationError
from statuslist.formats.forms import TokenForm
from tests.proofs.authorities import Authority, der, key
from tests.proofs.documents import KEYS
from tests.simulator import canned
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID
from tests.statuslist.tokens import claims_of, cwt, jwt

pytestmark = pytest.mark.anyio

each_form = pytest.mark.parametrize("form", ["token.jwt", "token.cwt"])
ISSUER = "https://issuer.example.com"
METADATA = "/.well-known/jwt-vc-issuer"
SIGNER = KeySigner(KEYS[Algorithm.P256], "did:example:1#1")
LEAF = key("Signer")
PERIOD = {
    "not_before": datetime.now(UTC).replace(microsecond=0) - timedelta(days=300),
    "not_after": datetime.now(UTC).replace(microsecond=0) + timedelta(days=300),
}
TRUSTED, STRANGE = Authority("Trusted", **PERIOD), Authority("Strange", **PERIOD)


def serve(
    house: House,
    form: TokenForm,
    *,
    kid: str | None = None,
    chain: list[bytes] | None = None,
    signer: KeySigner = SIGNER,
    **changes: Any,
) -> None:
    """Serve a list of `ISSUER`, its key named by `kid`, or by certificates, or not at all."""
    claims = claims_of(house.issuer.list_url, house.now, **changes)
    if form == "token.jwt":
        x5c = None if chain is None else [b64encode(one).decode() for one in chain]
        body = jwt(claims, signer, kid=kid, x5c=x5c)
    else:
        names: dict[str, Any] = {} if kid is None else {"kid": kid.encode()}
        if chain is not None:
            names["x5chain"] = chain if len(chain) > 1 else chain[0]
        body = cwt(claims, signer, **names)
    house.issuer.serve(body, content_type=f"application/statuslist+{form.rpartition('.')[2]}")


def publish_metadata(house: House, *jwks: dict[str, Any]) -> None:
    house.issuer.host.publish(METADATA, {"issuer": ISSUER, "jwks": {"keys": list(jwks)}})


def jwk(public_key: object, **members: Any) -> dict[str, Any]:
    assert isinstance(public_key, EllipticCurvePublicKey)
    return jwk_of(public_key) | members


# By the metadata of the credential's issuer, whom the caller names.


@each_form
@pytest.mark.parametrize("kid", ["12", None])
async def test_key_is_found_in_the_metadata_of_the_credentials_issuer(
    house: House, form: TokenForm, kid: str | None
) -> None:
    publish_metadata(house, jwk(SIGNER.public_key, kid="12"))
    serve(house, form, kid=kid)

    valid = await house.check_claim(house.issuer.claim(VALID), ISSUER)
    revoked = await house.check_claim(house.issuer.claim(REVOKED), ISSUER)

    assert (valid.valid, revoked.reason) == (True, "revoked")
    assert (valid.results[0].list_issuer, valid.results[0].issuer_bound) == (ISSUER, True)
    assert house.requests() == ["issuer.example.com" + PATH, "issuer.example.com" + METADATA]


@each_form
async def test_key_that_is_not_in_the_metadata_is_refused(house: House, form: TokenForm) -> None:
    publish_metadata(house, jwk(key("another").public_key(), kid="12"))
    serve(house, form, kid="12")

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim(), ISSUER)


@each_form
async def test_metadata_that_are_not_there_are_no_reason_to_believe_a_list(
    house: House, form: TokenForm
) -> None:
    house.issuer.host.answer(METADATA, canned(b"", 404))
    serve(house, form, kid="12")

    with pytest.raises(StatusVerificationError, match="404"):
        await house.check_claim(house.issuer.claim(), ISSUER)


async def test_what_one_issuer_vouched_for_is_not_believed_of_another(house: House) -> None:
    """One list is kept, and verified for each issuer by whose keys it shall be signed."""
    publish_metadata(house, jwk(SIGNER.public_key, kid="12"))
    house.world.host("other.example.com").publish(
        METADATA,
        {"issuer": "https://other.example.com", "jwks": {"keys": [jwk(LEAF.public_key(), kid="12")]}},
    )
    serve(house, "token.jwt", kid="12")
    assert (await house.check_claim(house.issuer.claim(), ISSUER)).valid

    with pytest.raises(StatusVerificationError):
        await house.check_claim(house.issuer.claim(), "https://other.example.com")

    assert house.requests().count("issuer.example.com" + PATH) == 1


async def test_issuer_in_the_list_itself_counts_and_not_the_callers(house: House) -> None:
    publish_metadata(house, jwk(SIGNER.public_key, kid="12"))
    serve(house, "token.jwt", kid="12", iss=ISSUER)

    checked = await house.check_claim(house.issuer.claim(), "https://other.example.com")

    assert (checked.valid, checked.reason) == (False, "list-issuer-not-trusted")
    assert checked.results[0].list_issuer == ISSUER


# By certificates, up to anchors of the caller.


def anchored(house: House, *anchors: bytes, issuer: str | None = None, index: int = VALID) -> EntryCheck:
    texts = tuple(b64encode(one).decode() for one in anchors)
    return EntryCheck(status=house.issuer.claim(index), issuer=issuer, anchors=texts)


def certified(*names: x509.GeneralName, by: Authority = TRUSTED) -> list[bytes]:
    """Return the certificate of `LEAF`."""
    alternative = (x509.SubjectAlternativeName(list(names)), False) if names else None
    return [der(by.leaf(extensions={x509.SubjectAlternativeName: alternative}, **PERIOD))]


def by_certificate(house: House, form: TokenForm, chain: list[bytes], **members: Any) -> None:
    serve(house, form, chain=chain, signer=KeySigner(LEAF, "did:example:1#1"), **members)


@each_form
async def test_list_of_a_certificate_below_an_anchor_of_the_caller_is_read(
    house: House, form: TokenForm
) -> None:
    by_certificate(house, form, certified())

    valid = await house.checker.check_entries(anchored(house, TRUSTED.der))
    revoked = await house.checker.check_entries(anchored(house, TRUSTED.der, index=REVOKED))

    assert (valid.valid, revoked.reason) == (True, "revoked")
    assert (valid.results[0].list_issuer or "").startswith("ni:///sha-256;")
    assert valid.results[0].issuer_bound is False
    assert house.requests() == ["issuer.example.com" + PATH]


@each_form
async def test_intermediate_authority_may_stand_between(house: House, form: TokenForm) -> None:
    middle = Authority("Middle", TRUSTED, **PERIOD)
    by_certificate(house, form, [*certified(by=middle), middle.der])

    assert (await house.checker.check_entries(anchored(house, STRANGE.der, TRUSTED.der))).valid


async def test_signer_may_be_the_anchor_himself(house: House) -> None:
    (leaf,) = certified(by=STRANGE)
    by_certificate(house, "token.cwt", [leaf])

    assert (await house.checker.check_entries(anchored(house, leaf))).valid


@each_form
async def test_list_of_a_certificate_below_no_anchor_is_refused(house: House, form: TokenForm) -> None:
    by_certificate(house, form, certified(by=STRANGE))

    with pytest.raises(StatusVerificationError, match="no valid path"):
        await house.checker.check_entries(anchored(house, TRUSTED.der))
    with pytest.raises(StatusVerificationError, match="no trust anchor"):
        await house.check_claim(house.issuer.claim(), ISSUER)


@each_form
async def test_what_an_anchor_of_one_caller_vouches_for_is_not_believed_for_another(
    house: House, form: TokenForm
) -> None:
    by_certificate(house, form, certified())
    assert (await house.checker.check_entries(anchored(house, TRUSTED.der))).valid

    with pytest.raises(StatusVerificationError):
        await house.checker.check_entries(anchored(house, STRANGE.der))

    assert house.requests().count("issuer.example.com" + PATH) == 1


@each_form
async def test_signature_of_another_key_than_the_certificates_is_refused(
    house: House, form: TokenForm
) -> None:
    serve(house, form, chain=certified(), signer=SIGNER)

    with pytest.raises(StatusVerificationError):
        await house.checker.check_entries(anchored(house, TRUSTED.der))


@each_form
async def test_list_with_a_certificate_and_a_did_is_refused(house: House, form: TokenForm) -> None:
    by_certificate(house, form, certified(), kid=house.issuer.signer.verification_method)

    with pytest.raises(StatusVerificationError, match="two keys"):
        await house.checker.check_entries(anchored(house, TRUSTED.der))


async def test_list_whose_certificate_has_expired_is_refused(house: House) -> None:
    period = {"not_before": PERIOD["not_before"], "not_after": PERIOD["not_before"] + timedelta(days=30)}
    by_certificate(house, "token.jwt", [der(TRUSTED.leaf(**period))])

    with pytest.raises(StatusVerificationError):
        await house.checker.check_entries(anchored(house, TRUSTED.der))


# By certificates, up to anchors of the registry: those vouch for many.


@pytest.mark.parametrize(
    ("name", "issuer", "is_trusted"),
    [
        (x509.UniformResourceIdentifier(ISSUER), ISSUER, True),
        (x509.DNSName("issuer.example.com"), ISSUER, True),
        (x509.DNSName("other.example.com"), ISSUER, False),
        (x509.UniformResourceIdentifier("did:web:issuer.example.com"), "did:web:issuer.example.com", True),
        (x509.UniformResourceIdentifier("did:web:other.example.com"), "did:web:issuer.example.com", False),
    ],
    ids=["its URL", "its host", "another host", "its DID", "another DID"],
)
async def test_list_below_an_anchor_of_the_registry_must_name_the_issuer(
    house: House, name: x509.GeneralName, issuer: str, is_trusted: bool
) -> None:
    house.anchors = {issuer: [TRUSTED.der]}
    by_certificate(house, "token.jwt", certified(name))

    checked = await house.check_claim(house.issuer.claim(), issuer)

    assert checked.valid is is_trusted
    assert checked.results[0].issuer_bound is is_trusted
    assert checked.reason == (None if is_trusted else "list-issuer-not-trusted")
    assert not is_trusted or checked.results[0].list_issuer == issuer


async def test_anchors_of_the_caller_stand_in_place_of_the_registrys(house: House) -> None:
    house.anchors = {ISSUER: [STRANGE.der]}
    by_certificate(house, "token.jwt", certified(x509.UniformResourceIdentifier(ISSUER), by=STRANGE))

    assert (await house.check_claim(house.issuer.claim(), ISSUER)).valid
    with pytest.raises(StatusVerificationError, match="no valid path"):
        await house.checker.check_entries(anchored(house, TRUSTED.der, issuer=ISSUER))


@pytest.mark.parametrize("text", ["", "AAAA", "no base64", b64encode(b"x" * 100).decode()])
async def test_anchor_that_is_no_certificate_is_the_callers_mistake(house: House, text: str) -> None:
    request = EntryCheck(status=house.issuer.claim(), anchors=(text,))

    with pytest.raises(MalformedCertificate) as raised:
        await house.checker.check_entries(request)

    assert raised.value.pointer == "/anchors/0"
    assert house.world.requests == []
