"""Who may sign, with which keys, and how much may be sent: each certificate of a path taken alone."""

import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import ValidPath, read_anchors, validate_path
from proofs.certificates.paths import MAX_ANCHORS, MAX_INTERMEDIATES
from proofs.certificates.reading import MAX_CERTIFICATE_BYTES, MAX_NAMES
from tests.keys import DEAR_DER, tlv
from tests.proofs.asking import (
    LEAF,
    MDL_SIGNER,
    MID,
    ROOT,
    UNKNOWN,
    alternative,
    constrained,
    find,
    for_purposes,
)
from tests.proofs.authorities import (
    DAY,
    NOW,
    YEAR,
    Authority,
    Extensions,
    content_of,
    der,
    key,
    name,
    usage,
)

# The signer


def test_a_certificate_without_any_extension_is_taken() -> None:
    leaf = MID.issue(name("Signer"), key("Signer"), extensions={})

    assert find(leaf, MID.certificate).certificates[0] == leaf


BAD_LEAVES: dict[str, tuple[Extensions, str]] = {
    "an authority": (
        {x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=None), True)},
        "a certificate authority",
    ),
    "key agreement": ({x509.KeyUsage: (usage(key_agreement=True), True)}, "does not allow digitalSignature"),
    "signs CRLs alone": ({x509.KeyUsage: (usage(crl_sign=True), True)}, "digitalSignature"),
    "signs certificates too": (
        {x509.KeyUsage: (usage(digital_signature=True, key_cert_sign=True), True)},
        "keyCertSign, which is for certificate authorities",
    ),
    "unknown critical extension": (
        {x509.UnrecognizedExtension: (UNKNOWN, True)},
        "critical extension 1.2.3.4 is not understood",
    ),
    "name constraints": (
        {x509.NameConstraints: (x509.NameConstraints([x509.DNSName("a.example")], None), False)},
        "only a certificate authority may have name constraints",
    ),
}


@pytest.mark.parametrize("kind", BAD_LEAVES)
def test_what_may_not_sign_is_refused(kind: str) -> None:
    extensions, reason = BAD_LEAVES[kind]

    with pytest.raises(CertificateInvalid, match=f"CN=Signer: .*{reason}"):
        find(MID.leaf(extensions=extensions), MID.certificate)


def test_a_signer_needs_no_names_and_may_have_a_did() -> None:
    leaf = MID.leaf(extensions=alternative(x509.UniformResourceIdentifier("did:web:a.example")))

    assert find(leaf, MID.certificate).certificates[0] == leaf


@pytest.mark.parametrize(
    ("stated", "accepted", "is_valid"),
    [
        (None, {MDL_SIGNER}, True),
        (MDL_SIGNER, {MDL_SIGNER}, True),
        (MDL_SIGNER, None, True),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string, {MDL_SIGNER}, True),
        (ExtendedKeyUsageOID.SERVER_AUTH.dotted_string, {MDL_SIGNER}, False),
        (MDL_SIGNER, set[str](), False),
    ],
)
def test_a_signer_may_state_its_purposes(
    stated: str | None, accepted: set[str] | None, is_valid: bool
) -> None:
    leaf = MID.leaf(extensions=for_purposes(stated, is_critical=True) if stated else {})

    if is_valid:
        assert find(leaf, MID.certificate, purposes=accepted)
    else:
        with pytest.raises(CertificateInvalid, match=f"for other purposes: {stated}"):
            find(leaf, MID.certificate, purposes=accepted)


def test_a_self_signed_leaf_is_refused() -> None:
    selfie = Authority(
        "Signer",
        extensions={
            x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
            x509.KeyUsage: (usage(digital_signature=True), True),
        },
    )

    with pytest.raises(CertificateInvalid, match="CN=Signer: self-signed; have it signed"):
        find(selfie.certificate)


def test_a_leaf_that_is_named_as_its_issuer_but_signed_by_it_is_taken() -> None:
    leaf = ROOT.leaf("Root", private_key=key("Signer"))

    assert find(leaf).certificates == (leaf, ROOT.certificate)


# Keys

RSA_KEYS = {
    "RSA-2048": rsa.generate_private_key(65_537, 2_048),
    "RSA-2048 of exponent 3": rsa.generate_private_key(3, 2_048),
    "RSA-1024": rsa.generate_private_key(65_537, 1_024),
}
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1

# ECParameters of P-256 in full (X9.62): the field's prime, a and b, the generator, the order, the cofactor.
P256_BY_NUMBERS = tlv(
    0x30,
    tlv(2, b"\1")
    + tlv(0x30, bytes.fromhex("06072a8648ce3d0101") + tlv(2, b"\0" + _PRIME.to_bytes(32)))
    + tlv(
        0x30,
        tlv(4, (_PRIME - 3).to_bytes(32))
        + tlv(4, bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")),
    )
    + tlv(
        4,
        ec.derive_private_key(1, ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    )
    + tlv(2, b"\0" + bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"))
    + tlv(2, b"\1"),
)


@pytest.mark.parametrize(
    "private_key",
    [key("CA"), key("CA", ec.SECP384R1()), key("CA", ec.SECP521R1()), RSA_KEYS["RSA-2048"]],
    ids=["P-256", "P-384", "P-521", "RSA-2048"],
)
def test_authorities_have_keys_of_these_kinds(
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    root = Authority("CA", private_key=private_key)

    assert find(root.leaf(), anchors=[root.certificate])


@pytest.mark.parametrize(
    ("private_key", "reason"),
    [
        (key("CA", ec.BrainpoolP256R1()), "expected P-256, P-384 or P-521, found brainpoolP256r1"),
        (key("CA", ec.SECP256K1()), "found secp256k1"),
        (RSA_KEYS["RSA-1024"], "found 1024 bits"),
        (RSA_KEYS["RSA-2048 of exponent 3"], "exponent from 65,537"),
    ],
    ids=["brainpool", "secp256k1", "RSA-1024", "RSA of exponent 3"],
)
def test_keys_of_other_kinds_are_refused_as_anchors_and_in_chains(
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, reason: str
) -> None:
    other = Authority("CA", private_key=private_key)
    middle = Authority("CA", ROOT, private_key=private_key)

    with pytest.raises(MalformedCertificate, match=reason):
        find(other.leaf(), anchors=[other.certificate])
    with pytest.raises(MalformedCertificate, match=reason):
        find(middle.leaf(), middle.certificate)


def test_an_ed25519_authority_is_refused_by_the_verifier() -> None:
    root = Authority("CA", private_key=ED25519)

    with pytest.raises(CertificateInvalid, match=r"Forbidden public key algorithm$"):
        find(root.leaf(), anchors=[root.certificate])


@pytest.mark.parametrize("private_key", [key("S"), key("S", ec.SECP384R1())], ids=["P-256", "P-384"])
def test_signers_have_keys_that_authorities_certify(
    private_key: ec.EllipticCurvePrivateKey,
) -> None:
    assert find(MID.leaf(private_key=private_key), MID.certificate)


@pytest.mark.parametrize(
    "private_key",
    [key("S", ec.SECP521R1()), RSA_KEYS["RSA-2048"], ED25519],
    ids=["P-521", "RSA-2048", "Ed25519"],
)
def test_signers_with_other_keys_are_refused(
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey,
) -> None:
    with pytest.raises(CertificateInvalid, match="CN=Signer: expected a"):
        find(MID.leaf(private_key=private_key), MID.certificate)


def test_an_ed25519_key_under_which_any_signature_verifies_is_refused() -> None:
    """The neutral element of the curve: R and 0 sign everything with it."""
    point, signature = b"\1" + bytes(31), b"\1" + bytes(63)
    weak = Ed25519PublicKey.from_public_bytes(point)
    weak.verify(signature, b"anything at all")
    spki, weak_spki = (
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (ED25519.public_key(), weak)
    )
    signed = der(MID.leaf(private_key=ED25519))
    assert signed.count(spki) == 1

    with pytest.raises(CertificateInvalid, match="expected a key on P-256 or P-384, found Ed25519"):
        validate_path(
            [signed.replace(spki, weak_spki), MID.der],
            read_anchors([ROOT.der]),
            at=NOW,
            crls=(),
            purposes=None,
        )


def test_a_curve_by_its_numbers_and_a_compressed_point_are_refused() -> None:
    """RFC 5480, section 2.1.1: specifiedCurve must not be used; the parser takes it where the numbers are right."""
    public_key = key("Signer").public_key()
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    oid, named = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06082a8648ce3d030107")
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    for parameters, coordinates in ((P256_BY_NUMBERS, point), (named, short)):
        other = tlv(0x30, tlv(0x30, oid + parameters) + tlv(3, b"\0" + coordinates))
        body = content_of(LEAF.tbs_certificate_bytes).replace(spki, other)
        rest = content_of(der(LEAF)).removeprefix(LEAF.tbs_certificate_bytes)
        changed = x509.load_der_x509_certificate(tlv(0x30, tlv(0x30, body) + rest))
        assert changed.public_key() == public_key
        with pytest.raises(CertificateInvalid, match="expected the name of a curve, and a point that is not"):
            find(changed, MID.certificate)


def test_a_key_that_is_dear_to_load_is_refused_by_its_kind() -> None:
    """OpenSSL takes seconds for this one; another kind of Diffie-Hellman key than any signer has."""
    public_key = key("Signer").public_key()
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signed = LEAF.tbs_certificate_bytes
    rest = content_of(der(LEAF)).removeprefix(signed)
    dear = tlv(0x30, tlv(0x30, content_of(signed).replace(spki, DEAR_DER)) + rest)
    before = time.process_time()

    with pytest.raises(MalformedCertificate, match="expected an elliptic, Ed25519 or RSA key"):
        validate_path([dear], read_anchors([ROOT.der]), at=NOW, crls=(), purposes=None)
    assert time.process_time() - before < 0.5  # seconds of this process; loading the key takes several


def test_an_even_rsa_exponent_is_refused() -> None:
    numbers = RSA_KEYS["RSA-2048"].public_key().public_numbers()
    odd, even = (tlv(2, number.to_bytes(3)) for number in (numbers.e, numbers.e + 1))
    certificate = der(Authority("CA", private_key=RSA_KEYS["RSA-2048"]).certificate)
    assert certificate.count(odd) == 1

    with pytest.raises(MalformedCertificate, match="expected"):
        read_anchors([certificate.replace(odd, even)])


def test_another_version_than_3_is_refused() -> None:
    leaf = MID.issue(name("Signer"), key("Signer"), extensions={})
    version = bytes.fromhex("a003020102")
    signed = content_of(leaf.tbs_certificate_bytes)
    rest = content_of(der(leaf)).removeprefix(leaf.tbs_certificate_bytes)
    first = tlv(0x30, tlv(0x30, signed.removeprefix(version)) + rest)

    with pytest.raises(MalformedCertificate, match=r"CN=Signer: expected X\.509 v3"):
        validate_path([first, MID.der], read_anchors([ROOT.der]), at=NOW, crls=(), purposes=None)


def test_a_certificate_without_a_subject_is_told_of_as_such() -> None:
    leaf = MID.issue(x509.Name([]), key("Signer"), extensions={x509.KeyUsage: (usage(crl_sign=True), True)})

    with pytest.raises(CertificateInvalid, match="a certificate without a subject: its key usage"):
        find(leaf, MID.certificate)


# Limits


def test_bytes_that_are_no_certificate_are_refused() -> None:
    anchors = read_anchors([ROOT.der])

    for junk in (b"", b"\x30\x00", der(LEAF) + b"\x00", der(LEAF)[:-1], b"-----BEGIN CERTIFICATE-----"):
        with pytest.raises(MalformedCertificate, match=r"expected an X.509 certificate in DER"):
            validate_path([junk], anchors, at=NOW, crls=(), purposes=None)


def test_a_certificate_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(MalformedCertificate, match=f"has {MAX_CERTIFICATE_BYTES + 1} bytes; the limit is"):
        read_anchors([bytes(MAX_CERTIFICATE_BYTES + 1)])


def test_no_certificate_at_all_is_refused() -> None:
    with pytest.raises(MalformedCertificate, match="expected 1 to 4 certificates, found 0"):
        find()


def test_the_longest_path_is_found_and_one_more_certificate_refused() -> None:
    authorities = [ROOT]
    for place in range(MAX_INTERMEDIATES):
        authorities.append(Authority(f"CA {place}", authorities[-1]))
    middle = [authority.certificate for authority in authorities[1:]]

    assert len(find(authorities[-1].leaf(), *middle).certificates) == MAX_INTERMEDIATES + 2
    with pytest.raises(MalformedCertificate, match="expected 1 to 4 certificates, found 5"):
        find(authorities[-1].leaf(), *middle, ROOT.certificate)


@pytest.mark.parametrize("of", ["names", "permitted", "excluded"])
def test_more_names_than_the_limit_are_refused(of: str) -> None:
    names = [x509.DNSName(f"{number}.example") for number in range(MAX_NAMES + 1)]

    def ask(names: list[x509.DNSName]) -> ValidPath:
        mid = MID if of == "names" else constrained(**{of: names})
        return find(mid.leaf(extensions=alternative(*names) if of == "names" else {}), mid.certificate)

    assert ask(names[1:])
    with pytest.raises(MalformedCertificate, match=f"{MAX_NAMES + 1} names; the limit is {MAX_NAMES}"):
        ask(names)


def test_authorities_that_certify_one_another_end_the_search() -> None:
    first, second = Authority("First"), Authority("Second")
    around = [Authority("First", second).certificate, Authority("Second", first).certificate]
    again = Authority("Second", first, not_after=NOW + 2 * YEAR)

    with pytest.raises(CertificateInvalid, match="no valid path"):
        find(first.leaf(), *around, again.certificate)


def test_self_signed_certificates_that_are_no_anchors_are_not_searched() -> None:
    same = [Authority("A", not_after=NOW + YEAR + number * DAY).certificate for number in range(3)]

    with pytest.raises(CertificateInvalid, match="all candidates exhausted with no interior errors"):
        find(Authority("A").leaf(), *same)


# Anchors


def test_no_anchors_are_refused() -> None:
    with pytest.raises(MalformedCertificate, match="expected 1 to 1000 trust anchors, found 0"):
        read_anchors([])


def test_too_many_anchors_are_refused() -> None:
    with pytest.raises(MalformedCertificate, match="found 1001"):
        read_anchors([ROOT.der] * (MAX_ANCHORS + 1))
