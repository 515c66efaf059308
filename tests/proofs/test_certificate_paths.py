"""Paths to trust anchors: a vector for each check, and for each way around one."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import Good, Unknown, read_anchors, validate_path
from tests.keys import tlv
from tests.proofs.asking import (
    EU_AUTHORITY,
    LEAF,
    MID,
    ROOT,
    SECOND,
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
    der,
    key,
    name,
    usage,
)

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


def test_an_internationalised_address_under_constraints_on_addresses_is_refused() -> None:
    """RFC 9598, section 6: constraints on rfc822Name are for SmtpUTF8Mailbox too; the verifier compares none."""
    mailbox = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), tlv(0x0C, "ü@b.example".encode()))
    office = constrained([x509.RFC822Name("a.example")])

    assert find(MID.leaf(extensions=alternative(mailbox)), MID.certificate)
    with pytest.raises(CertificateInvalid, match="constrains e-mail addresses"):
        find(office.leaf(extensions=alternative(mailbox)), office.certificate)


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


def test_fractions_of_a_second_count_for_nothing() -> None:
    leaf, late = ROOT.leaf(not_after=NOW), NOW + timedelta(microseconds=999_999)

    path = validate_path(
        [der(leaf)], read_anchors([ROOT.der]), at=late, crls=[ROOT.crl(ends=NOW)], purposes=None
    )

    assert path.revocation == Good(until=NOW)


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
