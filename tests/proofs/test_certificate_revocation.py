"""Revocation of a path by CRLs that are given: what shows that it is revoked, or good, and what does not."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from proofs import MalformedCertificate
from proofs.certificates import Good, Revocation, Revoked, Unknown, read_anchors, validate_path
from proofs.certificates.revocation import MAX_CRL_BYTES, MAX_CRLS, MAX_CRLS_BYTES
from tests.keys import tlv
from tests.proofs.authorities import DAY, NOW, Authority, content_of, der, entry, key, name, usage

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LEAF = MID.leaf()
REASON = x509.ReasonFlags
SECOND = timedelta(seconds=1)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
PLACE = x509.UniformResourceIdentifier("http://mid.example/crl")
MID_GOOD = ROOT.crl()


def ask(*crls: bytes, leaf: x509.Certificate = LEAF, mid: Authority = MID, at: datetime = NOW) -> Revocation:
    anchors = read_anchors([ROOT.der])
    return validate_path([der(leaf), mid.der], anchors, at=at, crls=crls, purposes=None).revocation


def why(*crls: bytes, leaf: x509.Certificate = LEAF, mid: Authority = MID, at: datetime = NOW) -> str:
    """Return why it is not known whether the leaf is revoked, though the intermediate is good."""
    status = ask(MID_GOOD, *crls, leaf=leaf, mid=mid, at=at)
    assert isinstance(status, Unknown)
    assert status.certificate == 0
    return status.why


def as_pem(crl: bytes) -> bytes:
    return x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM)


def points(*found: x509.DistributionPoint) -> x509.Certificate:
    """Return the certificate of a signer that says where its CRLs are."""
    return MID.leaf(extensions={x509.CRLDistributionPoints: (x509.CRLDistributionPoints(found), False)})


def scope(
    full_name: list[x509.GeneralName] | None = None,
    relative_name: x509.RelativeDistinguishedName | None = None,
    *,
    users: bool = False,
    authorities: bool = False,
    attributes: bool = False,
    indirect: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
) -> tuple[x509.ExtensionType, bool]:
    """Return the extension by which a CRL says that it is for some certificates alone."""
    value = x509.IssuingDistributionPoint(
        full_name=full_name,
        relative_name=relative_name,
        only_contains_user_certs=users,
        only_contains_ca_certs=authorities,
        only_some_reasons=reasons,
        indirect_crl=indirect,
        only_contains_attribute_certs=attributes,
    )
    return value, True


# Good


def test_a_path_is_good_if_complete_crls_in_force_list_none_of_its_certificates() -> None:
    status = ask(MID.crl(ends=NOW + 2 * DAY), ROOT.crl(ends=NOW + DAY))

    assert status == Good(until=NOW + DAY)


def test_a_crl_is_in_force_at_both_of_its_ends() -> None:
    crls = MID.crl(begins=NOW - DAY, ends=NOW), ROOT.crl(begins=NOW, ends=NOW + DAY)

    assert ask(*crls) == Good(until=NOW)


def test_a_crl_may_come_in_pem() -> None:
    assert isinstance(ask(as_pem(MID.crl()), MID_GOOD), Good)


def test_words_may_come_before_a_crl_in_pem() -> None:
    pem = b"Certificate Revocation List (CRL):\n" + as_pem(MID.crl())

    assert isinstance(ask(pem, MID_GOOD), Good)


def test_a_path_is_good_until_the_last_crl_in_force_ends_in_whatever_order_they_come() -> None:
    short, long = MID.crl(ends=NOW + DAY), MID.crl(ends=NOW + 2 * DAY)
    root = ROOT.crl(ends=NOW + 9 * DAY)

    assert ask(short, long, root) == ask(long, short, root) == Good(until=NOW + 2 * DAY)


def test_other_certificates_may_be_revoked() -> None:
    other = entry(MID.leaf("Other signer"), REASON.key_compromise)

    assert isinstance(ask(MID.crl(other), MID_GOOD), Good)


def test_the_anchor_needs_no_crl_and_none_revokes_it() -> None:
    own = ROOT.crl(entry(ROOT.certificate, REASON.key_compromise))

    assert isinstance(ask(MID.crl(), own), Good)


def test_a_crl_of_somebody_else_and_one_that_cannot_be_read_do_no_harm() -> None:
    assert isinstance(ask(b"junk", Authority("Stranger").crl(), MID.crl(), MID_GOOD), Good)


# Revoked


def test_a_revoked_signer_is_told_with_its_date_and_reason() -> None:
    status = ask(MID.crl(entry(LEAF, REASON.superseded)), MID_GOOD)

    assert status == Revoked(0, NOW - DAY, "superseded")


def test_a_revoked_intermediate_is_told_though_nothing_is_known_of_the_signer() -> None:
    status = ask(ROOT.crl(entry(MID.certificate, REASON.ca_compromise)))

    assert status == Revoked(1, NOW - DAY, "cACompromise")


def test_an_entry_without_a_reason_revokes() -> None:
    assert ask(MID.crl(entry(LEAF))) == Revoked(0, NOW - DAY, "unspecified")


def test_a_crl_that_revokes_counts_beside_one_that_does_not() -> None:
    revoking, silent = MID.crl(entry(LEAF)), MID.crl()

    assert isinstance(ask(silent, revoking, MID_GOOD), Revoked)
    assert isinstance(ask(revoking, silent, MID_GOOD), Revoked)


@pytest.mark.parametrize("days", [-30, 30], ids=["run out", "of the future"])
def test_a_crl_that_is_not_in_force_still_shows_that_a_certificate_was_revoked(days: int) -> None:
    moved = MID.crl(entry(LEAF), begins=NOW + (days - 1) * DAY, ends=NOW + (days + 1) * DAY)

    assert isinstance(ask(moved, MID.crl(), MID_GOOD), Revoked)


def test_a_certificate_that_is_revoked_later_is_good_until_then() -> None:
    later = MID.crl(entry(LEAF, REASON.superseded, since=NOW + SECOND))

    assert ask(later, MID_GOOD) == Good(until=NOW + SECOND)
    assert ask(later, MID.crl(), MID_GOOD) == ask(MID.crl(), later, MID_GOOD) == Good(until=NOW + SECOND)
    assert ask(later, MID_GOOD, at=NOW + SECOND) == Revoked(0, NOW + SECOND, "superseded")


@pytest.mark.parametrize("reason", [REASON.key_compromise, REASON.ca_compromise, REASON.aa_compromise])
def test_a_compromise_revokes_at_any_time(reason: x509.ReasonFlags) -> None:
    later = MID.crl(entry(LEAF, reason, since=NOW + 10 * DAY), begins=NOW + 10 * DAY, ends=NOW + 20 * DAY)

    assert ask(later) == Revoked(0, NOW + 10 * DAY, reason.value)


def test_a_certificate_is_revoked_from_the_day_on_which_it_became_invalid() -> None:
    invalid = x509.InvalidityDate((NOW - 9 * DAY).replace(tzinfo=None))
    listed = MID.crl(entry(LEAF, REASON.superseded, since=NOW + SECOND, extensions=[(invalid, True)]))

    assert ask(listed, MID_GOOD) == Revoked(0, NOW - 9 * DAY, "superseded")


def test_a_certificate_on_hold_is_revoked_as_long_as_the_crl_is_in_force() -> None:
    held = entry(LEAF, REASON.certificate_hold, since=NOW - 5 * DAY)

    assert ask(MID.crl(held), MID_GOOD) == Revoked(0, NOW - 5 * DAY, "certificateHold")
    assert "on hold by a CRL that is not in force" in why(MID.crl(held, ends=NOW - SECOND))


def test_of_several_entries_of_a_certificate_each_counts() -> None:
    held = entry(LEAF, REASON.certificate_hold, since=NOW - 5 * DAY)
    later = entry(LEAF, REASON.superseded, since=NOW + SECOND)
    stolen = entry(LEAF, REASON.key_compromise, since=NOW - 3 * DAY)
    revoked = Revoked(0, NOW - 3 * DAY, "keyCompromise")

    for first in (held, later, entry(LEAF, REASON.remove_from_crl)):
        assert ask(MID.crl(first, stolen), MID_GOOD) == revoked
        assert ask(MID.crl(stolen, first), MID_GOOD) == revoked
    assert ask(MID.crl(held, stolen, ends=NOW - SECOND)) == revoked
    assert ask(MID.crl(held), MID.crl(stolen)) == revoked


def test_an_entry_that_says_nothing_beside_a_later_one_makes_nothing_good() -> None:
    removed = entry(LEAF, REASON.remove_from_crl)
    later = entry(LEAF, REASON.superseded, since=NOW + SECOND)

    assert "takes the certificate off another CRL" in why(MID.crl(later, removed))


@pytest.mark.parametrize(
    "extension",
    [
        scope(authorities=True),
        scope(reasons=frozenset({REASON.superseded})),
        scope([PLACE]),
        scope(indirect=True),
        (x509.DeltaCRLIndicator(1), True),
    ],
    ids=["authorities", "some reasons", "another place", "indirect", "delta"],
)
def test_a_partial_crl_that_lists_the_certificate_revokes_it(
    extension: tuple[x509.ExtensionType, bool],
) -> None:
    partial = MID.crl(entry(LEAF), extensions=[extension])

    assert isinstance(ask(MID.crl(), partial, MID_GOOD), Revoked)


# Unknown


def test_without_a_crl_nothing_is_known() -> None:
    assert ask() == Unknown(0, "no CRL of CN=Mid was given")
    assert ask(MID.crl()) == Unknown(1, "no CRL of CN=Root was given")
    assert why() == "no CRL of CN=Mid was given"


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(NOW - 2 * DAY, NOW - SECOND), (NOW + SECOND, NOW + DAY)],
    ids=["out of date", "of the future"],
)
def test_a_crl_that_is_not_in_force_shows_nothing_by_its_silence(begins: datetime, ends: datetime) -> None:
    assert why(MID.crl(begins=begins, ends=ends)) == "the CRL of CN=Mid is not in force at that time"


def test_a_crl_without_an_end_is_out_of_date() -> None:
    signed = x509.load_der_x509_crl(MID.crl()).tbs_certlist_bytes
    ends = f"{NOW + DAY:%y%m%d%H%M%S}Z".encode()
    assert signed.count(tlv(0x17, ends)) == 1
    body = tlv(0x30, content_of(signed).replace(tlv(0x17, ends), b""))
    signature = key("Mid").sign(body, ec.ECDSA(hashes.SHA256()))
    endless = tlv(0x30, body + bytes.fromhex("300a06082a8648ce3d040302") + tlv(3, b"\x00" + signature))
    assert x509.load_der_x509_crl(endless).next_update_utc is None

    assert why(endless) == "the CRL of CN=Mid is not in force at that time"


def test_a_crl_with_a_bad_signature_shows_nothing() -> None:
    forged = MID.crl(entry(LEAF), signed_by=key("forger"))

    assert why(forged) == "the CRL of CN=Mid is not signed with its key, or with a weak hash"


def test_a_crl_with_one_bit_changed_shows_nothing() -> None:
    changed = bytearray(MID.crl(entry(LEAF)))
    changed[-1] ^= 1

    assert "not signed with its key" in why(bytes(changed))


def test_a_crl_with_a_weak_hash_shows_nothing() -> None:
    builder = x509.CertificateRevocationListBuilder().issuer_name(MID.name)
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
    weak = builder.sign(MID.private_key, hashes.SHA224()).public_bytes(Encoding.DER)  # type: ignore[arg-type]

    assert "weak hash" in why(weak)


def test_a_crl_of_another_issuer_shows_nothing_though_its_key_is_in_the_path() -> None:
    assert why(ROOT.crl(entry(LEAF))) == "no CRL of CN=Mid was given"


def test_a_crl_of_an_issuer_of_the_same_name_shows_nothing() -> None:
    namesake = Authority("Mid", private_key=key("namesake"))

    assert "not signed with its key" in why(namesake.crl())


def test_an_issuer_that_may_not_sign_crls_shows_nothing() -> None:
    mid = Authority("Mid", ROOT, extensions={x509.KeyUsage: (usage(key_cert_sign=True), True)})

    found = why(mid.crl(entry(mid.leaf())), leaf=mid.leaf(), mid=mid)

    assert found == "CN=Mid may not sign CRLs: its key usage does not allow cRLSign"


@pytest.mark.parametrize(
    "extension",
    [
        scope(authorities=True),
        scope(attributes=True),
        scope(indirect=True),
        scope(reasons=frozenset({REASON.key_compromise})),
        scope([PLACE]),
        scope(relative_name=x509.RelativeDistinguishedName(list(name("1")))),
    ],
    ids=["authorities", "attributes", "indirect", "some reasons", "another place", "relative place"],
)
def test_a_crl_for_other_certificates_shows_nothing_by_its_silence(
    extension: tuple[x509.ExtensionType, bool],
) -> None:
    assert "for other certificates, or for some reasons" in why(MID.crl(extensions=[extension]))


def test_a_crl_for_signers_alone_covers_signers_and_not_authorities() -> None:
    users = [scope(users=True)]

    assert isinstance(ask(MID.crl(extensions=users), MID_GOOD), Good)
    status = ask(MID.crl(), ROOT.crl(extensions=users))
    assert isinstance(status, Unknown)
    assert status.certificate == 1


def test_a_certificate_without_basic_constraints_is_a_signers() -> None:
    plain = MID.issue(name("Signer"), key("Signer"), extensions={})

    assert isinstance(ask(MID.crl(extensions=[scope(users=True)]), MID_GOOD, leaf=plain), Good)


def test_a_place_that_is_named_relative_to_the_issuer_is_not_compared() -> None:
    relative = x509.RelativeDistinguishedName(list(name("1")))
    leaf = points(x509.DistributionPoint(None, relative, None, None))

    assert isinstance(ask(MID.crl(), MID_GOOD, leaf=leaf), Good)
    assert "for other certificates" in why(MID.crl(extensions=[scope([PLACE])]), leaf=leaf)


def test_a_crl_for_authorities_alone_covers_authorities() -> None:
    assert isinstance(ask(MID.crl(), ROOT.crl(extensions=[scope(authorities=True)])), Good)


def test_a_crl_of_one_place_covers_the_certificates_that_name_the_place() -> None:
    there = points(x509.DistributionPoint([PLACE], None, None, None))
    elsewhere = points(
        x509.DistributionPoint([x509.UniformResourceIdentifier("http://b.example")], None, None, None)
    )
    crl = MID.crl(extensions=[scope([PLACE])])

    assert isinstance(ask(crl, MID_GOOD, leaf=there), Good)
    assert "for other certificates" in why(crl, leaf=elsewhere)


def test_a_certificate_that_another_authority_revokes_is_not_covered() -> None:
    leaf = points(x509.DistributionPoint([PLACE], None, None, [x509.DirectoryName(name("Delegate"))]))

    assert "for other certificates" in why(MID.crl(), leaf=leaf)


DELEGATE: list[x509.GeneralName] = [x509.DirectoryName(name("Delegate"))]
ELSEWHERE = x509.UniformResourceIdentifier("http://b.example")


@pytest.mark.parametrize("extensions", [[], [scope([PLACE])]], ids=["complete", "of that place"])
def test_a_place_for_some_reasons_makes_nothing_good(
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> None:
    """RFC 5280, section 6.3.3 (d)(3): the CRL of such a place says nothing of the other reasons."""
    stolen = x509.DistributionPoint([PLACE], None, frozenset({REASON.key_compromise}), None)
    crl = MID.crl(extensions=extensions)

    assert "for some reasons" in why(crl, leaf=points(stolen))
    everything = x509.DistributionPoint([ELSEWHERE], None, None, None)
    assert isinstance(ask(MID.crl(), MID_GOOD, leaf=points(stolen, everything)), Good)


def test_a_crl_of_the_place_of_another_authority_makes_nothing_good() -> None:
    leaf = points(
        x509.DistributionPoint([PLACE], None, None, DELEGATE),
        x509.DistributionPoint([ELSEWHERE], None, None, None),
    )

    assert "for other certificates" in why(MID.crl(extensions=[scope([PLACE])]), leaf=leaf)
    assert isinstance(ask(MID.crl(extensions=[scope([ELSEWHERE])]), MID_GOOD, leaf=leaf), Good)


def test_a_delta_crl_shows_nothing_by_its_silence() -> None:
    delta = MID.crl(extensions=[(x509.DeltaCRLIndicator(1), True), (x509.CRLNumber(2), False)])

    assert why(delta) == "the CRL of CN=Mid is a delta CRL, which shows changes alone"


def test_a_certificate_that_is_taken_off_another_crl_is_not_good_by_that() -> None:
    delta = MID.crl(entry(LEAF, REASON.remove_from_crl), extensions=[(x509.DeltaCRLIndicator(1), True)])
    held = MID.crl(entry(LEAF, REASON.certificate_hold))

    assert "takes the certificate off another CRL" in why(delta)
    assert isinstance(ask(held, delta, MID_GOOD), Revoked)


def test_a_crl_with_an_unknown_critical_extension_shows_nothing() -> None:
    found = why(MID.crl(entry(LEAF), extensions=[(UNKNOWN, True)]))

    assert found == "the CRL of CN=Mid has a critical extension that is not understood: 1.2.3.4"


@pytest.mark.parametrize("of", [LEAF, MID.leaf("Other signer")], ids=["its own", "another's"])
def test_an_entry_with_an_unknown_critical_extension_makes_the_whole_crl_useless(
    of: x509.Certificate,
) -> None:
    crl = MID.crl(entry(LEAF), entry(of, extensions=[(UNKNOWN, True)]))

    assert "not understood: 1.2.3.4" in why(crl)


def test_the_entry_of_another_authoritys_certificate_revokes_none_of_this_one() -> None:
    other = x509.CertificateIssuer([x509.DirectoryName(name("Other"))])
    indirect = MID.crl(entry(LEAF, extensions=[(other, True)]), extensions=[scope(indirect=True)])

    assert "not understood: 2.5.29.29" in why(indirect)


def test_extensions_that_are_not_critical_are_skipped() -> None:
    crl = MID.crl(
        entry(MID.leaf("Other signer"), extensions=[(UNKNOWN, False)]),
        extensions=[(UNKNOWN, False), (x509.CRLNumber(7), False)],
    )

    assert isinstance(ask(crl, MID_GOOD), Good)


# Limits


def test_a_crl_over_the_limit_shows_nothing() -> None:
    assert (
        why(bytes(MAX_CRL_BYTES + 1)) == f"a CRL has {MAX_CRL_BYTES + 1} bytes; the limit is {MAX_CRL_BYTES}"
    )


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN X509 CRL-----", der(LEAF)])
def test_what_cannot_be_read_shows_nothing(junk: bytes) -> None:
    assert "a CRL cannot be read" in why(junk)


def test_two_crls_in_one_file_show_nothing_since_the_second_might_revoke() -> None:
    both = as_pem(MID.crl()) + as_pem(MID.crl(entry(LEAF)))

    assert "expected DER, or PEM of one X509 CRL" in why(both)
    assert "expected DER, or PEM of one X509 CRL" in why(MID.crl() + MID.crl(entry(LEAF)))


def test_another_block_than_a_crl_shows_nothing() -> None:
    certificate = MID.certificate.public_bytes(Encoding.PEM)

    assert "a CRL cannot be read" in why(certificate + as_pem(MID.crl()))
    assert "a CRL cannot be read" in why(as_pem(MID.crl()).replace(b"X509 CRL", b"CERTIFICATE"))


def test_crls_that_are_too_long_together_are_refused() -> None:
    with pytest.raises(MalformedCertificate, match=f"of {MAX_CRLS_BYTES} bytes together, found 3 of"):
        ask(bytes(MAX_CRL_BYTES), bytes(MAX_CRL_BYTES), MID.crl())


def test_too_many_crls_are_refused() -> None:
    assert isinstance(ask(*[MID.crl()] * (MAX_CRLS - 1), MID_GOOD), Good)
    with pytest.raises(MalformedCertificate, match=r"expected at most 8 CRLs of .*, found 9 of"):
        ask(*[MID.crl()] * (MAX_CRLS + 1))
