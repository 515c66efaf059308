"""
What certificate revocation lists say of a path. Pure.

RFC 5280, sections 5 and 6.3, for CRLs that the issuer of a certificate signed itself. Two rules decide what a CRL
is worth. *A certificate that is listed* is revoked, whatever else the CRL covers. *One that is not listed* is good
only by a complete CRL for it that is in force at the time asked for; by anything less its status is unknown.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from proofs.certificates.reading import UNREADABLE, extension, name_of
from proofs.errors import MalformedCertificate
from proofs.pem import is_pem, read_pem

MAX_CRLS = 8  # two for each certificate of the longest path
MAX_CRL_BYTES = 1024 * 1024  # 1 MiB: some 28,000 entries
MAX_CRLS_BYTES = 2 * MAX_CRL_BYTES  # 2 MiB in a call

# Who has the key can set any date, so these hold at any time (RFC 5280, section 5.3.1).
_COMPROMISED = {
    x509.ReasonFlags.key_compromise.value,
    x509.ReasonFlags.ca_compromise.value,
    x509.ReasonFlags.aa_compromise.value,
}
_UNDERSTOOD = {ExtensionOID.ISSUING_DISTRIBUTION_POINT, ExtensionOID.DELTA_CRL_INDICATOR}
_UNDERSTOOD_OF_ENTRIES = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}


class Good(msgspec.Struct, frozen=True):
    """
    No certificate of the path is revoked.

    Attributes:
        until: when that ends to be known of one of them, as the latest CRL that covers it runs out, or when one of
            them is to be revoked.
    """

    until: datetime


class Revoked(msgspec.Struct, frozen=True):
    """
    A certificate of the path is revoked.

    Attributes:
        certificate: its place in the path, 0 for the signer's.
        since: when it was revoked, or became invalid if that was earlier (RFC 5280, section 5.3.2).
        reason: as RFC 5280, section 5.3.1 spells it; "unspecified" where the CRL has none.
    """

    certificate: int
    since: datetime
    reason: str


class Unknown(msgspec.Struct, frozen=True):
    """Nothing shows that the certificate at this place of the path is good; `why` says what is missing."""

    certificate: int
    why: str


Revocation = Good | Revoked | Unknown


class _SaysNothing(Exception):
    """A CRL that does not decide on a certificate; the message says why."""


def revocation_of(path: Sequence[x509.Certificate], crls: Sequence[bytes], at: datetime) -> Revocation:
    """
    Return the status at a time of a valid path, all certificates but the anchor.

    Revoked if one is, the signer's first; otherwise unknown if one is; otherwise good. A certificate counts as
    revoked from its date in the CRL on, and at any time if its key or its authority was compromised. A CRL that
    has run out still shows that a certificate was revoked, but not that it still rests (certificateHold).

    In what order the CRLs are given makes no difference. Of several entries of one certificate each counts.

    Raises:
        MalformedCertificate: more than `MAX_CRLS`, or over `MAX_CRLS_BYTES` together. A CRL that cannot be read
            decides nothing.
    """
    size = sum(len(crl) for crl in crls)
    if len(crls) > MAX_CRLS or size > MAX_CRLS_BYTES:
        raise MalformedCertificate(
            f"expected at most {MAX_CRLS} CRLs of {MAX_CRLS_BYTES} bytes together, found {len(crls)} of {size}"
        )
    read, unread = _read_all(crls)
    found = [
        _status(place, certificate, issuer, read, unread, at)
        for place, (certificate, issuer) in enumerate(pairwise(path))
    ]
    for kind in (Revoked, Unknown):
        for status in found:
            if isinstance(status, kind):
                return status
    return Good(until=min(status.until for status in found if isinstance(status, Good)))


def crl_ends(crl: bytes) -> datetime | None:
    """
    Return when the next CRL is to come, which ends this one; None: it does not say, so that it is never in force.

    Raises:
        MalformedCertificate: it cannot be read, or is over `MAX_CRL_BYTES`.
    """
    try:
        return _read(crl).next_update_utc
    except _SaysNothing as error:
        raise MalformedCertificate(str(error)) from None
    except UNREADABLE:
        raise MalformedCertificate("a CRL cannot be read: nextUpdate is no time") from None


def _read_all(crls: Sequence[bytes]) -> tuple[list[x509.CertificateRevocationList], str | None]:
    """Return the CRLs that can be read, and why one cannot, if there is such a one."""
    read: list[x509.CertificateRevocationList] = []
    unread: str | None = None
    for data in crls:
        try:
            read.append(_read(data))
        except _SaysNothing as error:
            unread = str(error)
    return read, unread


def _read(data: bytes) -> x509.CertificateRevocationList:
    if len(data) > MAX_CRL_BYTES:
        raise _SaysNothing(f"a CRL has {len(data)} bytes; the limit is {MAX_CRL_BYTES}")
    try:
        crl = x509.load_der_x509_crl(_der(data) if is_pem(data) else data)
        _ = crl.issuer  # The parser is lazy: what is malformed shows when it is looked at.
    except UNREADABLE:
        raise _SaysNothing("a CRL cannot be read: expected DER, or PEM of one X509 CRL") from None
    return crl


def _der(pem: bytes) -> bytes:
    """Return the one CRL of a PEM file: whichever of two we took, the other one might revoke."""
    ((label, der),) = read_pem(pem)
    if label != "X509 CRL":
        raise ValueError("expected an X509 CRL")
    return der


def _status(
    place: int,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    crls: Sequence[x509.CertificateRevocationList],
    unread: str | None,
    at: datetime,
) -> Revocation:
    """Return what all CRLs together say of one certificate."""
    listed: list[Revoked] = []
    ends: list[datetime] = []
    why = unread or f"no CRL of {name_of(issuer)} was given"
    for crl in crls:
        if crl.issuer != issuer.subject:
            continue
        try:
            found, doubt = _listed(place, _entries_of(certificate, crl, issuer), crl, at)
            listed += found
            if doubt is not None:
                raise _SaysNothing(doubt)
            ends.append(_covers_until(crl, certificate, at))
        except _SaysNothing as error:
            why = str(error)
        except UNREADABLE:
            why = f"the CRL of {name_of(issuer)} cannot be read"
    if revoked := [one for one in listed if one.since <= at or one.reason in _COMPROMISED]:
        return min(revoked, key=lambda one: (one.reason not in _COMPROMISED, one.since))
    if not ends:
        return Unknown(place, why)
    return Good(until=min([max(ends), *(later.since for later in listed)]))


def _entries_of(
    certificate: x509.Certificate, crl: x509.CertificateRevocationList, issuer: x509.Certificate
) -> list[x509.RevokedCertificate]:
    """
    Return all that a CRL lists of a certificate, mostly nothing; no rule forbids a serial number twice.

    Refuse a CRL that this issuer did not sign, or that has something critical in it that we do not understand.
    Section 5.3: an entry with such an extension makes the whole CRL useless, since it may change the meaning of
    those that follow, as certificateIssuer does.
    """
    who = name_of(issuer)
    usage = extension(issuer, x509.KeyUsage)
    if usage is None or not usage.crl_sign:
        raise _SaysNothing(f"{who} may not sign CRLs: its key usage does not allow cRLSign")
    signed = isinstance(crl.signature_hash_algorithm, SHA256 | SHA384 | SHA512)
    if not signed or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        raise _SaysNothing(f"the CRL of {who} is not signed with its key, or with a weak hash")
    unknown = [e.oid for e in crl.extensions if e.critical and e.oid not in _UNDERSTOOD]
    entries: list[x509.RevokedCertificate] = []
    for entry in crl:
        unknown += [e.oid for e in entry.extensions if e.critical and e.oid not in _UNDERSTOOD_OF_ENTRIES]
        if entry.serial_number == certificate.serial_number:
            entries.append(entry)
    if unknown:
        raise _SaysNothing(
            f"the CRL of {who} has a critical extension that is not understood: {unknown[0].dotted_string}"
        )
    return entries


def _listed(
    place: int,
    entries: Sequence[x509.RevokedCertificate],
    crl: x509.CertificateRevocationList,
    at: datetime,
) -> tuple[list[Revoked], str | None]:
    """Return what the entries of a certificate say, some perhaps from a later day on; and why one says nothing."""
    found: list[Revoked] = []
    doubt: str | None = None
    for entry in entries:
        reason = extension(entry, x509.CRLReason)
        flag = reason.reason if reason else x509.ReasonFlags.unspecified
        if flag is x509.ReasonFlags.remove_from_crl:
            doubt = "a CRL takes the certificate off another CRL, which shows the status"
        elif flag is x509.ReasonFlags.certificate_hold and not _is_in_force(crl, at):
            doubt = "the certificate was on hold by a CRL that is not in force at that time"
        else:
            found.append(Revoked(place, _since(entry), flag.value))
    return found, doubt


def _since(entry: x509.RevokedCertificate) -> datetime:
    invalidity = extension(entry, x509.InvalidityDate)
    revoked = entry.revocation_date_utc
    return revoked if invalidity is None else min(revoked, invalidity.invalidity_date_utc)


def _covers_until(
    crl: x509.CertificateRevocationList, certificate: x509.Certificate, at: datetime
) -> datetime:
    """Return when a CRL ends that shows by its silence that the certificate is good; refuse any other."""
    who = crl.issuer.rfc4514_string()[:160]
    if not _is_in_force(crl, at):
        raise _SaysNothing(f"the CRL of {who} is not in force at that time")
    if extension(crl, x509.DeltaCRLIndicator) is not None:
        raise _SaysNothing(f"the CRL of {who} is a delta CRL, which shows changes alone")
    scope = extension(crl, x509.IssuingDistributionPoint)
    if not _is_in_scope(scope, certificate):
        raise _SaysNothing(f"the CRL of {who} is for other certificates, or for some reasons alone")
    assert crl.next_update_utc is not None  # it is in force
    return crl.next_update_utc


def _is_in_force(crl: x509.CertificateRevocationList, at: datetime) -> bool:
    """Tell whether `at` lies between thisUpdate and nextUpdate; without the latter it is always out of date."""
    ends = crl.next_update_utc
    return ends is not None and crl.last_update_utc <= at <= ends


def _is_in_scope(scope: x509.IssuingDistributionPoint | None, certificate: x509.Certificate) -> bool:
    """Tell whether the CRL lists all revoked certificates of this one's kind and place (section 6.3.3 (b), (d))."""
    points = list(extension(certificate, x509.CRLDistributionPoints) or ())
    # Of other points another authority's CRLs come, or those for some reasons.
    own = [point for point in points if not point.crl_issuer and not point.reasons]
    if points and not own:
        return False
    if scope is None:
        return True
    if scope.indirect_crl or scope.only_some_reasons or scope.only_contains_attribute_certs:
        return False
    basic = extension(certificate, x509.BasicConstraints)
    is_authority = basic is not None and basic.ca
    if scope.only_contains_user_certs if is_authority else scope.only_contains_ca_certs:
        return False
    if scope.relative_name is not None:
        return False
    names = {name for point in own for name in point.full_name or ()}
    return scope.full_name is None or bool(names & set(scope.full_name))
