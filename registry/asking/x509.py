"""
A chain of certificates to the registered certificates that it leads to. Pure.

In three steps, with a look into the registry between them:

1. `read_chain`: the certificates as they came, within limits. What names them finds candidates: their own digests
   for certain, their key identifiers by what whoever made them chose to write (RFC 5280, section 4.2.1.2).
2. The registry tells which of the candidates have a registered certificate.
3. `registered_ends`: those that a valid path leads to from the signer's certificate, by signatures and not by
   names (`proofs.certificates`). That is what makes the chain speak for the entity that registered it.

No source of revocation is asked: whether a certificate of the path was revoked is unknown, and each result says so.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proofs import CertificateInvalid, MalformedCertificate, ProofError
from proofs.certificates import (
    Unknown,
    decode_x5c,
    is_authority,
    is_self_signed,
    key_ids,
    read_anchors,
    read_certificate,
    trust_signer,
    validate_path,
)
from registry.identifiers import certificate_identifier, key_identifier
from resolver.keys.jwk import jwk_of

MAX_CERTIFICATES = (
    5  # the signer's, three that a path may have between (`proofs.certificates.paths`), and the anchor
)
MAX_CERTIFICATE_CHARS = 22_000  # characters of base64: 16 KiB, as much as is read of one certificate
MAX_ENDS = 4  # registered certificates told of one chain; a search for each costs up to 7 ms


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """
    A chain as read; nothing of it is verified.

    Attributes:
        certificates: DER, the signer's first.
        identifiers: the `ni` of each, in the same order.
        key: the thumbprint URI of the signer's key, which may be registered without any certificate.
        key_ids: subject and authority key identifiers, in hex: of candidates, and no more than that.
    """

    certificates: tuple[bytes, ...]
    identifiers: tuple[str, ...]
    key: str
    key_ids: frozenset[str]


class RegisteredEnd(msgspec.Struct, frozen=True):
    """
    A registered certificate that a chain leads to.

    Attributes:
        identifier: its `ni`.
        path: the `ni` of each certificate of the path, from the signer's to the registered one; both are included,
            and may be the same.
        revocation: why it is not known whether one of the path was revoked.
    """

    identifier: str
    path: tuple[str, ...]
    revocation: str


def read_chain(x5c: Sequence[str]) -> Chain:
    """
    Read a chain as the header `x5c` has it: base64 of DER, the signer's first (RFC 7515, section 4.1.6).

    Raises:
        MalformedCertificate: as `proofs.certificates.decode_x5c` and `read_certificate`; the message tells which.
    """
    ders = decode_x5c(x5c)
    certificates = [_read(place, der) for place, der in enumerate(ders)]
    found = [key_id for certificate in certificates for key_id in key_ids(certificate) if key_id]
    return Chain(
        certificates=ders,
        identifiers=tuple(map(certificate_identifier, ders)),
        key=_key_of(certificates[0]),
        key_ids=frozenset(key_id.hex() for key_id in found),
    )


def registered_ends(chain: Chain, registered: Iterable[bytes], at: int) -> tuple[RegisteredEnd, ...]:
    """
    Return the registered certificates that the chain leads to at a time, the nearest to the signer first.

    1. The signer's own, if it is registered: it need not lead anywhere.
    2. Each authority that a valid path leads to, at most `MAX_ENDS`. Once found, it is left out of the next search.

    Args:
        registered: DER of the candidates; one that is neither the signer's nor an authority's leads nowhere.
        at: microseconds since 1970.

    Raises:
        CertificateInvalid: the chain leads to none of them; the message has the last reason.
        MalformedCertificate: so because over three certificates would be between.
    """
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    signer, candidates = chain.certificates[0], dict.fromkeys(registered)
    ends: list[RegisteredEnd] = []
    why: ProofError = CertificateInvalid("no certificate of the chain, and none above it, is registered")
    if signer in candidates:  # 1.
        try:
            trust_signer(signer, at=moment, purposes=None)
            ends.append(_end([signer], "it is not asked whether the certificate was revoked"))
        except CertificateInvalid as error:
            why = error
        del candidates[signer]
    anchors = [der for der in candidates if is_authority(read_certificate(der))]
    try:
        while anchors and len(ends) < MAX_ENDS:  # 2.
            ends.append(_search(chain, anchors, moment))
            anchors = [der for der in anchors if certificate_identifier(der) != ends[-1].identifier]
    except (CertificateInvalid, MalformedCertificate) as error:
        why = error
    if not ends:
        raise why
    return tuple(sorted(ends, key=lambda end: len(end.path)))


def _search(chain: Chain, anchors: Sequence[bytes], at: datetime) -> RegisteredEnd:
    # A self-signed certificate on the way leads nowhere; it is the anchor itself, or a stranger.
    signer, *others = chain.certificates
    between = [der for der in others if der not in anchors and not is_self_signed(read_certificate(der))]
    path = validate_path([signer, *between], read_anchors(anchors), at=at, crls=(), purposes=None)
    assert isinstance(path.revocation, Unknown)  # no CRLs were given
    return _end(
        [certificate.public_bytes(Encoding.DER) for certificate in path.certificates], path.revocation.why
    )


def _end(path: Sequence[bytes], revocation: str) -> RegisteredEnd:
    names = tuple(map(certificate_identifier, path))
    return RegisteredEnd(names[-1], names, revocation)


def _read(place: int, der: bytes) -> x509.Certificate:
    try:
        return read_certificate(der)
    except MalformedCertificate as error:
        raise MalformedCertificate(f"certificate {place}: {error.detail}") from None


def _key_of(certificate: x509.Certificate) -> str:
    try:
        return key_identifier(jwk_of(certificate.public_key()))  # type: ignore[arg-type]  # as it was read
    except ValueError as error:
        raise MalformedCertificate(f"certificate 0: {error}") from None
