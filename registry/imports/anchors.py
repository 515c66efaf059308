"""
Certificates as identifiers, and PEM files of them as entities. Pure.

The certificate itself is kept with its identifier: a chain is trusted by the path to it, and a path needs its key.
The window of the identifier is the certificate's own.
"""

import base64
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from proofs import MalformedCertificate
from proofs.certificates import read_certificate
from proofs.pem import read_pem
from registry.certificates import key_id_of
from registry.errors import Fault, RegistryFileError
from registry.identifiers import certificate_identifier
from registry.imports.terms import Since, Terms, granted
from registry.items import EntityItem, IdentifierItem, Names
from registry.placed import Placed
from wire import format_utc

MAX_PEM_BYTES = 1_048_576  # 1 MiB: some 700 certificates
_NO_END = 3_000  # from this year on a certificate has no end (RFC 5280, section 4.1.2.5: 99991231235959Z)


def certificate_item(der: bytes) -> IdentifierItem:
    """
    Return the identifier of a certificate.

    Raises:
        MalformedCertificate: as `proofs.certificates.read_certificate`.
    """
    certificate, text = read_certificate(der), base64.b64encode(der).decode()
    ends = certificate.not_valid_after_utc
    return IdentifierItem(
        value=certificate_identifier(der),
        valid_from=_text(certificate.not_valid_before_utc),
        valid_until=None if ends.year >= _NO_END else _text(ends, later=1),  # its last second is inside
        ski=key_id_of(text),
        certificate=text,
    )


def placed_anchors(
    pem: bytes, terms: Terms, since: Since, *, as_one: Names | None = None
) -> Iterator[Placed]:
    """
    Yield what a PEM file of certificates says: an entity for each, named as its subject, or one with all of them.

    Args:
        as_one: the names of the one entity whose certificates they are.

    Raises:
        RegistryFileError: over `MAX_PEM_BYTES`, no PEM, or a block that is no certificate or cannot be read, with
            its line.
    """
    found: dict[str, tuple[IdentifierItem, bytes]] = {}
    for line, der in _blocks(pem):
        try:
            item = certificate_item(der)
        except MalformedCertificate as error:
            raise _refusal(line, error.detail) from None
        found.setdefault(item.value, (item, der))
    if as_one is not None:
        yield from granted(
            EntityItem(names=as_one, identifiers=[item for item, _ in found.values()]), "", terms, since
        )
        return
    for item, der in found.values():
        entity = EntityItem(names={"und": _name(read_certificate(der))}, identifiers=[item])
        yield from granted(entity, "", terms, since)


def _blocks(pem: bytes) -> Iterator[tuple[int, bytes]]:
    if len(pem) > MAX_PEM_BYTES:
        raise _refusal(1, f"the file has {len(pem)} bytes; the limit is {MAX_PEM_BYTES}")
    try:
        blocks = read_pem(pem)
    except ValueError as error:
        raise _refusal(1, str(error)) from None
    lines = [
        number for number, line in enumerate(pem.splitlines(), start=1) if line.startswith(b"-----BEGIN")
    ]
    for (label, der), line in zip(blocks, lines, strict=False):
        if label != "CERTIFICATE":
            raise _refusal(line, f"expected CERTIFICATE blocks alone, found {label}")
        yield line, der


def _name(certificate: x509.Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(kind):
            return str(attribute.value)
    return certificate.subject.rfc4514_string() or "certificate without a subject"


def _text(moment: datetime, later: int = 0) -> str:
    return format_utc((int(moment.timestamp()) + later) * 1_000_000)


def _refusal(line: int, detail: str) -> RegistryFileError:
    return RegistryFileError((Fault("", line, detail),), found=1)
