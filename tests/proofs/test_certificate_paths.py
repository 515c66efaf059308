"""Paths to trust anchors: a vector for each check, and for each way around one."""

import time
from collections.abc import Sequence, Set
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import Unknown, ValidPath, read_anchors, validate_path
from proofs.certificates.paths import MAX_ANCHORS, MAX_INTERMEDIATES
from proofs.certificates.reading import MAX_CERTIFICATE_BYTES, MAX_NAMES
from tests.keys import DEAR_DER, tlv
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

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LEAF = MID.leaf()
MDL_SIGNER = "1.0.18013.5.1.2"  # id-mdl-kp-mdlDS; ISO/IEC 18013-5, annex B
EU_AUTHORITY = "1.3.130.2.0.0.1.7"  # what the authorities of the EU's reference issuers have
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
SECOND = timedelta(seconds=1)


def find(
    *chain: x509.Certificate,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate,),
    at: datetime = NOW,
    purposes: Set[str] | None = None,
) -> ValidPath:
    trusted = read_anchors(der(anchor) for anchor in anchors)
    return validate_path([der(one) for one in chain], trusted, at=at, crls=(), purposes=purposes)


def alternative(*names: x509.GeneralName) -> Extensions:
    return {x509.SubjectAlternativeName: (x509.SubjectAlternativeName(names), False)}


def constrained(
    permitted: Sequence[x509.GeneralName] | None = None,
    excluded: Sequence[x509.GeneralName] | None = None,
    *,
    is_critical: bool = True,
) -> Authority:
    """Return an authority under the root that may certify some names alone."""
    constraints = x509.NameConstraints(permitted, excluded)
    return Authority("Mid", ROOT, extensions={x509.NameConstraints: (constraints, is_critical)})


def for_purposes(*oids: str, is_critical: bool = False) -> Extensions:
    purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids])
    return {x509.ExtendedKeyUsage: (purposes, is_critical)}


# The path itself


def test_a_path_leads_from_the_signer_over_its_authorities_to_the_anchor() -> None:
    path = find(LEAF, MID.certificate)

    assert path.certificates == (LEAF, MID.certificate, ROOT.certificate)
    assert path.revocation == Unknown(0, "no CRL of CN=Mid was given")


def test_an_anchor_may_sign_the_leaf_itself() -> None:
    assert find(ROOT.leaf()).certificates == (ROOT.leaf(), ROOT.certificate)


def test_a_path_ends_at_the_first_anchor_whoever_signed_it() -> None:
    assert find(LEAF, anchors=[MID.certificate]).certificates == (LEAF, MID.certificate)


def test_the_anchor_may_be_among_the_certificates_given_and_the_others_in_any_order() -> None:
    low = Authority("Low", MID)

    path = find(low.leaf(), ROOT.certificate, MID.certificate, low.certificate)

    assert path.certificates == (low.leaf(), low.certificate, MID.certificate, ROOT.certificate)


def test_a_certificate_that_leads_nowhere_does_no_harm() -> None:
    stranger = Authority("Stranger")

    assert len(find(LEAF, stranger.certificate, MID.certificate).certificates) == 3


def test_a_cross_signed_authority_leads_to_the_anchor_that_is_trusted() -> None:
    other = Authority("Other root")
    cross = Authority("Mid", other)

    path = find(LEAF, MID.certificate, cross.certificate, anchors=[other.certificate])

    assert path.certificates == (LEAF, cross.certificate, other.certificate)


def test_a_path_without_its_intermediate_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="CN=Signer: no valid path to a trust anchor"):
        find(LEAF)


def test_a_path_to_another_anchor_of_the_same_name_is_refused() -> None:
    impostor = Authority("Root", private_key=key("impostor"))

    with pytest.raises(CertificateInvalid, match="signature does not match"):
        find(LEAF, MID.certificate, anchors=[impostor.certificate])


def test_a_signature_of_another_key_is_refused() -> None:
    forger = Authority("Mid", ROOT, private_key=key("forger"))

    with pytest.raises(CertificateInvalid, match="signature does not match"):
        find(forger.leaf(), MID.certificate)


def test_a_certificate_with_one_bit_changed_is_refused() -> None:
    changed = bytearray(der(LEAF))
    changed[-1] ^= 1

    with pytest.raises((CertificateInvalid, MalformedCertificate)):
        find(x509.load_der_x509_certificate(bytes(changed)), MID.certificate)


def test_the_issuer_must_be_named_as_its_subject_is() -> None:
    stranger = Authority("Stranger", ROOT, private_key=key("Mid"))

    with pytest.raises(CertificateInvalid, match="no valid path"):
        find(LEAF, stranger.certificate)


def test_a_weak_signature_is_refused() -> None:
    builder = x509.CertificateBuilder().subject_name(name("Signer")).issuer_name(MID.name).serial_number(1)
    builder = (
        builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).public_key(key("Signer").public_key())
    )
    weak = builder.sign(MID.private_key, hashes.SHA224())  # type: ignore[arg-type]

    with pytest.raises(CertificateInvalid, match=r"Forbidden signature algorithm$"):
        find(weak, MID.certificate)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        find(LEAF, MID.certificate, at=NOW.replace(tzinfo=None))


# Traps of the verifier


def test_a_leaf_of_the_store_is_taken_by_the_verifier_and_refused_here() -> None:
    policy = PolicyBuilder().store(Store([LEAF])).time(NOW)
    policy = policy.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    )
    assert policy.build_client_verifier().verify(LEAF, []).chain == [LEAF]

    with pytest.raises(CertificateInvalid, match="no certificate authority, so no trust anchor"):
        find(LEAF, anchors=[LEAF])


def test_a_self_signed_leaf_in_the_store_is_refused() -> None:
    selfie = Authority("Selfie", extensions={x509.KeyUsage: (usage(digital_signature=True), True)})

    with pytest.raises(CertificateInvalid, match="CN=Selfie: a trust anchor; expected"):
        find(selfie.certificate, anchors=[ROOT.certificate, selfie.certificate])


def test_an_authority_of_the_store_is_refused_as_a_leaf() -> None:
    with pytest.raises(CertificateInvalid, match="CN=Mid: a trust anchor; expected"):
        find(MID.certificate, anchors=[ROOT.certificate, MID.certificate])


def test_an_intermediate_that_may_not_sign_is_refused_though_permit_all_takes_it() -> None:
    subscriber = Authority("Mid", ROOT, extensions={x509.KeyUsage: (usage(digital_signature=True), True)})
    permissive = ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, None
    )
    policy = PolicyBuilder().store(Store([ROOT.certificate])).time(NOW)
    policy = policy.extension_policies(ca_policy=permissive, ee_policy=ExtensionPolicy.permit_all())
    taken = policy.build_client_verifier().verify(subscriber.leaf(), [subscriber.certificate])
    assert len(taken.chain) == 3

    with pytest.raises(CertificateInvalid, match="keyCertSign"):
        find(subscriber.leaf(), subscriber.certificate)


def test_directory_names_are_not_compared_so_constraints_on_them_are_refused() -> None:
    office = constrained([x509.DirectoryName(name("Office"))])

    with pytest.raises(CertificateInvalid, match="unsupported directoryName constraint"):
        find(office.leaf(), office.certificate)


def test_name_constraints_that_are_not_critical_are_refused_since_the_verifier_skips_some() -> None:
    office = constrained([x509.DirectoryName(name("Office"))], is_critical=False)

    with pytest.raises(
        CertificateInvalid, match=r"2.5.29.30: Certificate extension has incorrect criticality"
    ):
        find(office.leaf(), office.certificate)


@pytest.mark.parametrize("is_excluded", [False, True])
def test_an_address_in_a_subject_under_constraints_on_addresses_is_refused(is_excluded: bool) -> None:
    subtree = [x509.RFC822Name("b.example" if is_excluded else "a.example")]
    office = constrained(None if is_excluded else subtree, subtree if is_excluded else None)
    subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "x@b.example")])

    with pytest.raises(CertificateInvalid, match="constrains e-mail addresses"):
        find(office.issue(subject, key("Signer"), extensions={}), office.certificate)


def test_an_address_in_a_subject_that_nobody_constrains_is_taken() -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "x@b.example")])

    assert find(MID.issue(subject, key("Signer"), extensions={}), MID.certificate)


def test_constraints_on_addresses_say_nothing_of_who_has_none() -> None:
    office = constrained([x509.RFC822Name("a.example")])

    assert find(office.leaf(), office.certificate)


# Validity


@pytest.mark.parametrize("who", ["leaf", "intermediate", "anchor"])
@pytest.mark.parametrize(
    ("begins", "ends", "is_valid"),
    [
        (NOW, NOW, True),
        (NOW + SECOND, NOW + DAY, False),
        (NOW - DAY, NOW - SECOND, False),
    ],
    ids=["valid at this second", "not yet valid", "expired"],
)
def test_each_certificate_must_be_valid_at_that_time(
    who: str, begins: datetime, ends: datetime, is_valid: bool
) -> None:
    def period(of: str) -> tuple[datetime, datetime]:
        return (begins, ends) if of == who else (NOW - YEAR, NOW + YEAR)

    root = Authority("Root", not_before=period("anchor")[0], not_after=period("anchor")[1])
    mid = Authority("Mid", root, not_before=period("intermediate")[0], not_after=period("intermediate")[1])
    leaf = mid.leaf(not_before=period("leaf")[0], not_after=period("leaf")[1])

    if is_valid:
        assert find(leaf, mid.certificate, anchors=[root.certificate])
    else:
        with pytest.raises(CertificateInvalid, match="not valid at validation time"):
            find(leaf, mid.certificate, anchors=[root.certificate])


def test_the_time_asked_for_decides_and_not_the_clock() -> None:
    past = NOW - timedelta(days=3_650)
    root = Authority("Root", not_before=past - DAY, not_after=past + DAY)

    assert find(root.leaf(not_before=past, not_after=past), anchors=[root.certificate], at=past).certificates[
        1:
    ] == (root.certificate,)


# Authorities


def without(kind: type[x509.ExtensionType]) -> Extensions:
    return {kind: None}


BAD_AUTHORITIES: dict[str, tuple[Extensions, str]] = {
    "no authority": (
        {x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True)},
        "cA must be asserted|no certificate authority",
    ),
    "no basicConstraints": (without(x509.BasicConstraints), "basicConstraints|no certificate authority"),
    "basicConstraints not critical": (
        {x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=None), False)},
        "2.5.29.19: Certificate extension has incorrect criticality",
    ),
    "no keyUsage": (without(x509.KeyUsage), "2.5.29.15: Certificate is missing required extension"),
    "signs CRLs alone": ({x509.KeyUsage: (usage(crl_sign=True), True)}, "keyCertSign"),
    "unknown critical extension": (
        {x509.UnrecognizedExtension: (UNKNOWN, True)},
        "1.2.3.4: certificate contains unaccounted-for critical",
    ),
    "policy constraints": (
        {x509.PolicyConstraints: (x509.PolicyConstraints(0, None), True)},
        "2.5.29.36: certificate contains unaccounted-for critical",
    ),
}


@pytest.mark.parametrize("is_anchor", [False, True], ids=["intermediate", "anchor"])
@pytest.mark.parametrize("kind", BAD_AUTHORITIES)
def test_what_is_no_authority_certifies_nobody(kind: str, is_anchor: bool) -> None:
    extensions, reason = BAD_AUTHORITIES[kind]
    bad = Authority("Bad", None if is_anchor else ROOT, extensions=extensions)
    anchor = bad if is_anchor else ROOT

    with pytest.raises(CertificateInvalid, match=reason):
        find(bad.leaf(), *([] if is_anchor else [bad.certificate]), anchors=[anchor.certificate])


@pytest.mark.parametrize(
    "extensions",
    [
        for_purposes(EU_AUTHORITY),
        for_purposes(EU_AUTHORITY, is_critical=True),
        {x509.UnrecognizedExtension: (UNKNOWN, False)},
        {
            x509.AuthorityKeyIdentifier: (
                x509.AuthorityKeyIdentifier(b"root", [x509.DirectoryName(name("Root"))], 1),
                False,
            )
        },
    ],
    ids=[
        "purposes",
        "critical purposes",
        "unknown extension",
        "key identifier with issuer and serial number",
    ],
)
def test_what_authorities_in_the_field_have_is_taken(extensions: Extensions) -> None:
    mid = Authority("Mid", ROOT, extensions=extensions)
    root = Authority("Root", extensions=extensions)

    assert find(mid.leaf(), mid.certificate)
    assert find(root.leaf(), anchors=[root.certificate])


@pytest.mark.parametrize(
    ("lengths", "is_valid"),
    [((0,), True), ((0, None), False), ((1, 0), True), ((1, 0, None), False), ((2, 1, 0), True)],
)
def test_the_path_length_of_each_authority_holds(lengths: tuple[int | None, ...], is_valid: bool) -> None:
    authorities: list[Authority] = []
    for place, length in enumerate(lengths):
        authorities.append(
            Authority(f"CA {place}", authorities[-1] if authorities else None, path_length=length)
        )
    anchor, *middle = [authority.certificate for authority in authorities]
    leaf = authorities[-1].leaf()

    if is_valid:
        assert find(leaf, *middle, anchors=[anchor])
    else:
        with pytest.raises(CertificateInvalid, match="path length constraint violated"):
            find(leaf, *middle, anchors=[anchor])


def test_a_link_certificate_counts_as_a_step_of_the_path() -> None:
    """RFC 5280, section 4.2.1.9, does not count it; see docs/divergences.md."""
    old = Authority("IACA", path_length=0)
    new = Authority("IACA", private_key=key("new"), path_length=0)
    link = Authority("IACA", old, private_key=key("new"), path_length=0)

    assert find(new.leaf(), anchors=[new.certificate])
    with pytest.raises(CertificateInvalid, match="path length constraint violated"):
        find(new.leaf(), link.certificate, anchors=[old.certificate])


@pytest.mark.parametrize(
    ("permitted", "excluded", "found", "is_valid"),
    [
        (["a.example"], None, "x.a.example", True),
        (["a.example"], None, "b.example", False),
        (None, ["b.example"], "a.example", True),
        (None, ["b.example"], "x.b.example", False),
    ],
)
def test_name_constraints_hold_for_names_below(
    permitted: list[str] | None, excluded: list[str] | None, found: str, is_valid: bool
) -> None:
    office = constrained(
        permitted and [x509.DNSName(text) for text in permitted],
        excluded and [x509.DNSName(text) for text in excluded],
    )
    leaf = office.leaf(extensions=alternative(x509.DNSName(found)))

    if is_valid:
        assert find(leaf, office.certificate)
    else:
        with pytest.raises(CertificateInvalid, match="name constraint"):
            find(leaf, office.certificate)


def test_constraints_on_uris_refuse_each_uri_since_none_is_compared() -> None:
    office = constrained([x509.UniformResourceIdentifier("a.example")])
    leaf = office.leaf(extensions=alternative(x509.UniformResourceIdentifier("https://a.example/")))

    with pytest.raises(CertificateInvalid, match="unsupported name constraint"):
        find(leaf, office.certificate)


# Anchors


def test_no_anchors_are_refused() -> None:
    with pytest.raises(MalformedCertificate, match="expected 1 to 1000 trust anchors, found 0"):
        read_anchors([])


def test_too_many_anchors_are_refused() -> None:
    with pytest.raises(MalformedCertificate, match="found 1001"):
        read_anchors([ROOT.der] * (MAX_ANCHORS + 1))


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


@pytest.mark.parametrize(
    "private_key", [key("S"), key("S", ec.SECP384R1()), ED25519], ids=["P-256", "P-384", "Ed25519"]
)
def test_signers_have_keys_that_proofs_are_verified_with(
    private_key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey,
) -> None:
    assert find(MID.leaf(private_key=private_key), MID.certificate)


@pytest.mark.parametrize(
    "private_key", [key("S", ec.SECP521R1()), RSA_KEYS["RSA-2048"]], ids=["P-521", "RSA-2048"]
)
def test_signers_with_keys_that_no_proof_is_verified_with_are_refused(
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    with pytest.raises(CertificateInvalid, match="CN=Signer: expected a"):
        find(MID.leaf(private_key=private_key), MID.certificate)


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
