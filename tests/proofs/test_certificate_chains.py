"""The file that an authority sends back for a key of ours, checked and put in order."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proofs import CertificateInvalid, KeySigner, MalformedCertificate
from proofs.certificates import certificate_request, chain_ends, read_anchors, read_chain, validate_path
from proofs.certificates.chains import MAX_CHAIN_BYTES, MAX_FILE_BYTES
from proofs.certificates.paths import MAX_INTERMEDIATES
from tests.keys import tlv
from tests.proofs.authorities import DAY, NOW, YEAR, Authority, content_of, der, key, usage

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LOW = Authority("Low", MID)
OURS = key("Signer")
LEAF = LOW.leaf()
UNKNOWN = x509.ObjectIdentifier("1.2.3.4")
# AlgorithmIdentifier in DER (RFC 5758, section 3.2; RFC 3279, section 2.2.3).
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def read(*certificates: x509.Certificate, now: datetime = NOW) -> tuple[bytes, ...]:
    return read_chain(pem(*certificates), OURS.public_key(), now=now)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_chain_is_put_in_order_and_its_anchor_left_out(order: Sequence[int]) -> None:
    certificates = [LEAF, LOW.certificate, MID.certificate, ROOT.certificate]

    assert read(*(certificates[place] for place in order)) == (der(LEAF), LOW.der, MID.der)


def test_a_chain_that_is_read_leads_to_the_anchor() -> None:
    chain = read(LEAF, LOW.certificate, MID.certificate)

    path = validate_path(chain, read_anchors([ROOT.der]), at=NOW, crls=(), purposes=None)
    assert path.certificates[-1] == ROOT.certificate


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_a_certified_request_is_read_back(curve: ec.EllipticCurve) -> None:
    signer = KeySigner(key("Acme", curve), "did:web:a.example#key-1")
    request = x509.load_pem_x509_csr(certificate_request(signer, "CN=Acme,C=NO"))
    wanted = {type(found.value): (found.value, found.critical) for found in request.extensions}
    certificate = ROOT.issue(request.subject, key("Acme", curve), extensions=wanted)

    chain = read_chain(pem(certificate, ROOT.certificate), signer.public_key, now=NOW)

    assert chain == (der(certificate),)


def test_a_file_may_hold_the_leaf_alone() -> None:
    assert read(LEAF) == (der(LEAF),)


def test_an_intermediate_without_its_anchor_stays() -> None:
    assert read(LEAF, LOW.certificate) == (der(LEAF), LOW.der)


def test_a_certificate_that_is_there_twice_counts_once() -> None:
    assert read(LEAF, LOW.certificate, LEAF) == (der(LEAF), LOW.der)


def test_words_between_the_blocks_are_skipped() -> None:
    file = (
        b"subject=CN = Signer\r\n"
        + pem(LEAF).replace(b"\n", b"\r\n")
        + b"\nBag Attributes\n"
        + pem(LOW.certificate)
    )

    assert read_chain(file, OURS.public_key(), now=NOW) == (der(LEAF), LOW.der)


def test_a_certificate_of_another_key_is_refused() -> None:
    with pytest.raises(
        CertificateInvalid, match="expected one certificate of this key, found 0; have the request"
    ):
        read(LOW.leaf(private_key=key("another")), LOW.certificate)


def test_two_certificates_of_the_key_are_refused() -> None:
    with pytest.raises(CertificateInvalid, match="expected one certificate of this key, found 2"):
        read(LEAF, LOW.leaf(not_after=NOW + DAY), LOW.certificate)


def test_a_self_signed_leaf_is_refused() -> None:
    selfie = Authority("Signer", extensions={x509.BasicConstraints: None, x509.KeyUsage: None})

    with pytest.raises(CertificateInvalid, match="CN=Signer: self-signed; have it signed by an authority"):
        read(selfie.certificate)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOW - 31 * DAY, "CN=Signer: not valid before 2026-05-02T00:00:00Z"),
        (NOW + 31 * DAY, "CN=Signer: expired at 2026-07-01T00:00:00Z"),
    ],
)
def test_a_leaf_that_is_not_valid_now_is_refused(now: datetime, reason: str) -> None:
    with pytest.raises(CertificateInvalid, match=reason):
        read(LEAF, now=now)


@pytest.mark.parametrize("others", [(), (ROOT.certificate,)], ids=["alone", "with its root"])
def test_the_last_second_of_a_leaf_is_whole(others: Sequence[x509.Certificate]) -> None:
    leaf = ROOT.leaf()

    assert read(leaf, *others, now=NOW + 30 * DAY + timedelta(microseconds=999_999)) == (der(leaf),)


@pytest.mark.parametrize("days", [-30, 30])
def test_a_leaf_is_valid_in_the_first_and_the_last_second(days: int) -> None:
    assert read(LEAF, now=NOW + days * DAY) == (der(LEAF),)


def test_a_leaf_that_may_not_sign_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="digitalSignature"):
        read(LOW.leaf(extensions={x509.KeyUsage: (usage(key_agreement=True), True)}))


def test_an_expired_intermediate_is_refused() -> None:
    old = Authority("Low", MID, not_after=NOW - DAY)

    with pytest.raises(CertificateInvalid, match="not valid at validation time"):
        read(old.leaf(), old.certificate, MID.certificate)


def test_a_missing_intermediate_is_told() -> None:
    with pytest.raises(CertificateInvalid, match="CN=Signer: no valid path"):
        read(LEAF, MID.certificate, ROOT.certificate)


def test_a_certificate_that_another_key_of_that_name_signed_is_refused() -> None:
    namesake = Authority("Low", MID, private_key=key("namesake"))

    with pytest.raises(CertificateInvalid, match="signature does not match"):
        read(LEAF, namesake.certificate, MID.certificate)


def test_an_issuer_that_is_no_authority_is_refused() -> None:
    subscriber = Authority("Low", MID, extensions={x509.BasicConstraints: None})

    with pytest.raises(CertificateInvalid, match="CA certificate has no basicConstraints"):
        read(subscriber.leaf(), subscriber.certificate, MID.certificate)


def test_a_certificate_that_is_not_on_the_path_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="CN=Stranger: not on the path of CN=Signer; take it out"):
        read(LEAF, LOW.certificate, Authority("Stranger").certificate)


def test_one_of_two_paths_is_refused_so_that_the_operator_chooses() -> None:
    cross = Authority("Low", Authority("Other root"))

    with pytest.raises(CertificateInvalid, match="CN=Low: not on the path"):
        read(LEAF, LOW.certificate, cross.certificate)


def test_authorities_that_certify_one_another_are_refused() -> None:
    around = Authority("Mid", LOW)

    with pytest.raises(CertificateInvalid, match="sign one another in a circle"):
        read(LEAF, LOW.certificate, around.certificate)


def test_a_link_certificate_is_sent_and_its_root_is_not() -> None:
    """RFC 4210, section 4.4: the old key of an authority certifies its new one, all under one name."""
    link = Authority("Root", ROOT, private_key=key("new"))
    leaf = link.leaf()

    assert read(leaf, link.certificate) == (der(leaf), link.der)
    assert read(leaf, link.certificate, ROOT.certificate) == (der(leaf), link.der)


def test_a_root_whose_own_signature_is_of_sha_1_is_left_out() -> None:
    body = content_of(ROOT.certificate.tbs_certificate_bytes).replace(ECDSA_SHA256, ECDSA_SHA1)
    signature = ROOT.private_key.sign(tlv(0x30, body), ec.ECDSA(hashes.SHA1()))  # type: ignore[call-arg,arg-type]
    old = x509.load_der_x509_certificate(tlv(0x30, tlv(0x30, body) + ECDSA_SHA1 + tlv(3, b"\0" + signature)))
    leaf = ROOT.leaf()

    assert read(leaf, old) == (der(leaf),)


def test_certificates_that_no_header_has_room_for_are_refused() -> None:
    large = {x509.UnrecognizedExtension: (x509.UnrecognizedExtension(UNKNOWN, bytes(4_000)), False)}
    mid = Authority("Mid", ROOT, extensions=large)
    low = Authority("Low", mid, extensions=large)

    assert len(read(low.leaf(), low.certificate, mid.certificate)) == 3
    with pytest.raises(MalformedCertificate, match=f"the limit is {MAX_CHAIN_BYTES}"):
        read(low.leaf(extensions=large), low.certificate, mid.certificate)


def test_too_many_intermediates_are_refused() -> None:
    authorities = [ROOT]
    for place in range(MAX_INTERMEDIATES + 1):
        authorities.append(Authority(f"CA {place}", authorities[-1]))

    with pytest.raises(MalformedCertificate, match="expected at most 3 intermediates, found 4"):
        read(authorities[-1].leaf(), *(authority.certificate for authority in authorities))


def test_an_ed25519_key_is_refused() -> None:
    ed25519 = Ed25519PrivateKey.from_private_bytes(bytes(32))

    with pytest.raises(CertificateInvalid, match="expected a key on P-256 or P-384"):
        read_chain(pem(LOW.leaf(private_key=ed25519)), ed25519.public_key(), now=NOW)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "no file of CERTIFICATE blocks: expected blocks in PEM"),
        (der(LEAF), "no file of CERTIFICATE blocks: expected blocks in PEM"),
        (pem(LEAF)[:-30], "no file of CERTIFICATE blocks: expected blocks in PEM"),
        (pem(LEAF) + pem(LOW.certificate)[:-30], "no file of CERTIFICATE blocks: expected blocks in PEM"),
        (
            pem(LEAF).replace(b"END CERT", b"END X509 CERT"),
            "no file of CERTIFICATE blocks: expected blocks in PEM",
        ),
        (b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----", "not base64"),
        (b"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----", "expected an X.509 certificate in DER"),
        (bytes(MAX_FILE_BYTES + 1), f"the file has {MAX_FILE_BYTES + 1} bytes"),
    ],
    ids=["empty", "DER", "cut", "second one cut", "another label", "not base64", "nothing", "too long"],
)
def test_what_is_no_file_of_certificates_is_refused(file: bytes, reason: str) -> None:
    with pytest.raises(MalformedCertificate, match=reason):
        read_chain(file, OURS.public_key(), now=NOW)


def test_a_private_key_beside_the_certificates_is_refused_and_not_shown() -> None:
    secret = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(MalformedCertificate) as refused:
        read_chain(pem(LEAF) + secret, OURS.public_key(), now=NOW)
    assert str(refused.value) == "expected CERTIFICATE blocks alone, found PRIVATE KEY"


def test_a_chain_ends_with_the_first_of_its_certificates() -> None:
    end = datetime(2026, 6, 11, tzinfo=UTC)
    short = Authority("Mid", ROOT, not_after=end)
    chain = [der(short.leaf(not_after=NOW + YEAR)), short.der]

    assert chain_ends(chain) == int(end.timestamp()) * 1_000_000


def test_a_chain_of_no_certificates_has_no_end() -> None:
    with pytest.raises(ValueError, match="empty"):
        chain_ends([])
