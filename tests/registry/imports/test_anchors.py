"""Files of certificates."""

import base64
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from registry.errors import RegistryFileError
from registry.identifiers import certificate_identifier
from registry.imports.anchors import certificate_item, placed_anchors
from registry.imports.registry_file import read_registry_file
from registry.imports.terms import Right, Terms
from registry.model import Entity
from tests.proofs.authorities import Authority, der
from tests.registry.imports.reading import AUTHORITY, entities, facts, grants

TERMS = Terms(AUTHORITY, (Right("issue", "mDL"),))
ONE, OTHER = Authority("One").certificate, Authority("Other").certificate
NONE = b"0\x03\x02\x01\x00"  # DER, and no certificate
NOW = 1_780_272_000_000_000


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(b"# words\n" + each.public_bytes(Encoding.PEM) for each in certificates)


def test_each_certificate_is_an_entity_that_is_called_as_its_subject() -> None:
    items = list(placed_anchors(pem(ONE, OTHER, ONE), TERMS, lambda *_: NOW))

    assert [each.names for each in entities(items).values()] == [{"und": "One"}, {"und": "Other"}]
    assert len(grants(items)) == 2
    assert len(facts(items, ("issue", "mDL"))) == 4


def test_all_certificates_may_be_those_of_one_entity() -> None:
    items = list(placed_anchors(pem(ONE, OTHER), TERMS, lambda *_: NOW, as_one={"en": "Ministry"}))

    ((identifiers, entity),) = entities(items).items()
    assert entity.names == {"en": "Ministry"}
    assert identifiers == (certificate_item(der(ONE)).value, certificate_item(der(OTHER)).value)
    assert [grant.entity_id for grant in grants(items)] == [identifiers[0]]
    assert len(facts(items, ("issue", "mDL"))) == 2


def test_a_certificate_is_kept_with_its_identifier() -> None:
    item = certificate_item(der(ONE))

    assert base64.b64decode(item.certificate or "") == der(ONE)
    assert (item.valid_from, item.valid_until) == ("2025-06-01T00:00:00Z", "2027-06-01T00:00:01Z")
    endless = Authority("Endless", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert certificate_item(endless.der).valid_until is None


def test_a_certificate_has_the_key_identifier_that_finds_those_below_it() -> None:
    """Its own, or the one that an authority would write for its key."""
    told = Authority(
        "Told", extensions={x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier(b"\x0a"), False)}
    )
    usual = x509.SubjectKeyIdentifier.from_public_key(ONE.public_key()).digest.hex()

    assert (certificate_item(told.der).ski, certificate_item(der(ONE)).ski) == ("0a", usual)


def test_a_certificate_that_comes_without_its_key_identifier_gets_it() -> None:
    given = replace(certificate_item(der(ONE)), ski=None)
    file = {
        "version": 2,
        "authorities": [],
        "entities": [{"names": {"en": "One"}, "identifiers": [msgspec.to_builtins(given)]}],
    }

    (entity,) = read_registry_file(msgspec.json.encode(file))

    assert isinstance(entity, Entity)
    assert entity.identifiers[0].ski == certificate_item(der(ONE)).ski


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b" " * 1_048_577, 1),
        (pem(ONE) + b"\n-----BEGIN CERTIFICATE-----\n", 1),
        (pem(ONE) + pem(OTHER).replace(b"CERTIFICATE", b"X509 CRL"), len(pem(ONE).splitlines()) + 2),
        (
            pem(ONE) + b"-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n",
            len(pem(ONE).splitlines()) + 1,
        ),
    ],
)
def test_what_is_no_file_of_certificates_is_refused_with_its_line(data: bytes, line: int) -> None:
    with pytest.raises(RegistryFileError) as refused:
        list(placed_anchors(data, TERMS, lambda *_: NOW))

    assert [(fault.pointer, fault.line) for fault in refused.value.faults] == [("", line)]


@pytest.mark.parametrize(
    ("named", "certificate", "detail"),
    [
        (
            der(ONE),
            base64.b64encode(der(OTHER)).decode(),
            "the certificate that the identifier is the digest of",
        ),
        (der(ONE), "MIIBA", "base64"),
        (NONE, base64.b64encode(NONE).decode(), "X.509 certificate in DER"),
    ],
)
def test_a_certificate_that_is_not_the_one_that_is_named_is_refused(
    named: bytes, certificate: str, detail: str
) -> None:
    """Whoever registers it would else be found by a name of which he has not the key."""
    identifier = {"value": certificate_identifier(named), "certificate": certificate}
    file = {
        "version": 2,
        "authorities": [],
        "entities": [{"names": {"en": "Forger"}, "identifiers": [identifier]}],
    }

    with pytest.raises(RegistryFileError, match=detail) as refused:
        read_registry_file(msgspec.json.encode(file))

    assert refused.value.faults[0].pointer == "/entities/0/identifiers/0/certificate"
