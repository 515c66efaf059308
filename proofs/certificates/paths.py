"""
Paths from a signer's certificate to a trust anchor, at a given time. Pure.

RFC 5280, section 6, by the verifier of the `cryptography` package, with its policy for authorities but for two
points (decision 0026). What it does not look at is looked at here; what Touchstone refuses beyond RFC 5280 is in
docs/divergences.md. Nothing is fetched: intermediates, anchors and CRLs are given.
"""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from proofs.certificates.leaf import check_leaf
from proofs.certificates.reading import (
    UNREADABLE,
    check_period,
    extension,
    is_authority,
    is_self_signed,
    name_of,
    read_certificate,
)
from proofs.certificates.revocation import Revocation, revocation_of
from proofs.errors import CertificateInvalid, MalformedCertificate

MAX_ANCHORS = 1_000  # all authorities of the EU's trusted lists for one purpose are some hundreds
# The search tries each issuer of that name, and authorities may certify one another: three cost at most 7 ms, four
# 30 ms, six and more 62 ms, where the verifier gives up after 128 signatures (P-384 and P-521; decision 0026).
MAX_INTERMEDIATES = 3
_SMTP_UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598, section 3


class TrustAnchors(msgspec.Struct, frozen=True):
    """Authorities that are trusted whoever vouches for them; made by `read_anchors`."""

    certificates: frozenset[x509.Certificate]
    store: Store


class ValidPath(msgspec.Struct, frozen=True):
    """
    A path that was valid at the time asked for.

    Attributes:
        certificates: from the signer's to the anchor's, both included.
        revocation: what the CRLs say of all of them but the anchor; look at it before you rely on the path.
    """

    certificates: tuple[x509.Certificate, ...]
    revocation: Revocation


def read_anchors(ders: Sequence[bytes]) -> TrustAnchors:
    """
    Read trust anchors; whether they are valid at some time is asked of each path.

    Raises:
        MalformedCertificate: none, more than `MAX_ANCHORS`, or as `reading.read_certificate`.
        CertificateInvalid: one of them is no authority (RFC 5280, section 4.2.1.9).
    """
    if not 1 <= len(ders) <= MAX_ANCHORS:
        raise MalformedCertificate(f"expected 1 to {MAX_ANCHORS} trust anchors, found {len(ders)}")
    certificates = [read_certificate(der) for der in ders]
    for certificate in certificates:
        if not is_authority(certificate):
            raise CertificateInvalid(f"{name_of(certificate)}: no certificate authority, so no trust anchor")
    return TrustAnchors(frozenset(certificates), Store(certificates))


def validate_path(
    chain: Sequence[bytes],
    anchors: TrustAnchors,
    *,
    at: datetime,
    crls: Sequence[bytes],
    purposes: Set[str] | None,
) -> ValidPath:
    """
    Find a valid path from the first certificate of `chain` to an anchor.

    1. Read the certificates, within limits.
    2. Refuse what may not be the end of a path (`leaf.check_leaf`), and an anchor in that place: the verifier
       would take any certificate of its store without a look at who signed it.
    3. Let the verifier find a path whose signatures, names, validity, constraints and extensions are right.
    4. Refuse what the verifier does not look at: addresses elsewhere than in alternative names of that kind.
    5. Ask the CRLs.

    The verifier takes the first valid path that it finds. If an authority on it is revoked, another one may be
    good: leave that certificate out and ask again.

    Args:
        chain: DER, the signer's certificate first; the others in any order, as `x5c` (RFC 7515, section 4.1.6)
            and `x5chain` (RFC 9360) have them. One that leads nowhere does no harm, unless it certifies an
            authority of the path with a name constraint that the verifier does not know: it gives up there.
        anchors: those that the caller trusts for what was signed.
        at: the time in question, with its zone; fractions of a second count for nothing, as certificates and CRLs
            have none.
        crls: at most `revocation.MAX_CRLS`, DER or PEM; see `revocation.revocation_of`. () makes the
            revocation `Unknown`.
        purposes: extended key usages that the signer's certificate may be for; see `leaf.check_leaf`.

    Raises:
        MalformedCertificate: none, more than `MAX_INTERMEDIATES` after the first, too many CRLs, or as
            `reading.read_certificate`.
        CertificateInvalid: as `leaf.check_leaf`, or there is no valid path; the message has the last reason.
    """
    if at.tzinfo is None:
        raise ValueError("expected a time with its zone")
    if not 1 <= len(chain) <= 1 + MAX_INTERMEDIATES:
        raise MalformedCertificate(f"expected 1 to {1 + MAX_INTERMEDIATES} certificates, found {len(chain)}")
    at = at.replace(microsecond=0)
    leaf, *others = [read_certificate(der) for der in chain]  # 1.
    if leaf in anchors.certificates:  # 2.
        raise CertificateInvalid(f"{name_of(leaf)}: a trust anchor; expected the certificate of a signer")
    check_leaf(leaf, purposes)
    path = _find_path(leaf, others, anchors, at)  # 3.
    _check_addresses(path)  # 4.
    return ValidPath(path, revocation_of(path, crls, at))  # 5.


def trust_signer(der: bytes, *, at: datetime, purposes: Set[str] | None) -> x509.Certificate:
    """
    Return the certificate of a signer that is trusted itself, all of its bytes, whoever signed it.

    Nothing is said of its revocation: whoever trusts one certificate learns by himself when to stop.

    Raises:
        MalformedCertificate: as `reading.read_certificate`.
        CertificateInvalid: as `leaf.check_leaf`, but that it is self-signed; or it is not valid at `at`.
    """
    certificate = read_certificate(der)
    check_leaf(certificate, purposes, may_be_self_signed=True)
    check_period(certificate, at.replace(microsecond=0))
    return certificate


def _find_path(
    leaf: x509.Certificate, others: Iterable[x509.Certificate], anchors: TrustAnchors, at: datetime
) -> tuple[x509.Certificate, ...]:
    # A self-signed certificate that is no anchor leads nowhere but to itself, as often as the search lets it.
    intermediates = [certificate for certificate in others if not is_self_signed(certificate)]
    verifier = (
        PolicyBuilder()
        .store(anchors.store)
        .time(at)
        .max_chain_depth(MAX_INTERMEDIATES)
        .extension_policies(ca_policy=_authorities(), ee_policy=_signers())
        .build_client_verifier()
    )
    try:
        return tuple(verifier.verify(leaf, intermediates).chain)
    except VerificationError as error:
        raise CertificateInvalid(
            f"{name_of(leaf)}: no valid path to a trust anchor: {_reason(error)}"
        ) from None
    except UNREADABLE:
        raise MalformedCertificate(f"{name_of(leaf)}: malformed alternative names") from None


def _authorities() -> ExtensionPolicy:
    """
    Return what authorities must be: the verifier's own policy, changed in two points.

    Extended key usage is not looked at: RFC 5280 gives it no meaning in an authority, and the reference authorities
    of the EU have purposes of their own there, never those of their signers. Name constraints must be critical
    (section 4.2.1.10): the verifier ignores those on directory names where they are not.
    """
    return (
        ExtensionPolicy.webpki_defaults_ca()
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
        .may_be_present(x509.NameConstraints, Criticality.CRITICAL, None)
    )


def _signers() -> ExtensionPolicy:
    """Return what `leaf.check_leaf` leaves to the verifier: no critical extension that neither knows."""
    return ExtensionPolicy.permit_all().require_not_present(x509.NameConstraints)


def _reason(error: VerificationError) -> str:
    """Return what the verifier says, without its frame and without the values that it quotes."""
    text = str(error).removeprefix("validation failed: ").replace("candidates exhausted: ", "")
    return text.partition(" (encountered processing")[0].partition(": AlgorithmIdentifier")[0][:200]


def _check_addresses(path: Sequence[x509.Certificate]) -> None:
    """
    Refuse e-mail addresses that are not compared with the constraints on such above them.

    Those in a subject (RFC 5280, section 4.2.1.10), and the internationalised ones among alternative names, which
    the same constraints are for (RFC 9598, section 6).
    """
    for index, certificate in enumerate(path[:-1]):
        if _has_other_address(certificate) and any(map(_constrains_addresses, path[index + 1 :])):
            raise CertificateInvalid(
                f"{name_of(certificate)}: an authority above it constrains e-mail addresses; put them into "
                "alternative names of that kind (rfc822Name), not into the subject or an otherName"
            )


def _has_other_address(certificate: x509.Certificate) -> bool:
    if certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        return True
    names = extension(certificate, x509.SubjectAlternativeName)
    others = names.get_values_for_type(x509.OtherName) if names else []
    return any(other.type_id == _SMTP_UTF8_MAILBOX for other in others)


def _constrains_addresses(authority: x509.Certificate) -> bool:
    constraints = extension(authority, x509.NameConstraints)
    if constraints is None:
        return False
    subtrees = (*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ()))
    return any(isinstance(subtree, x509.RFC822Name) for subtree in subtrees)
