"""Signed lists of trusted entities, with whatever is right or wrong about them."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from registry.imports.lote.signature import ListAnchors, read_list_anchors
from tests.proofs.authorities import NOW, Authority, der, key, usage

AT = int(NOW.timestamp()) * 1_000_000
DAY = timedelta(days=1)
OPERATOR = "Agency of Example"
ROOT = Authority("List root")
SIGNER_KEY = key("List signer")
ISSUANCE = "http://uri.etsi.org/19602/SvcType/PID/Issuance"
REVOCATION = "http://uri.etsi.org/19602/SvcType/PID/Revocation"
GRANTED = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
WITHDRAWN = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn"


def signer(
    country: str = "DE",
    organisation: str = OPERATOR,
    *,
    authority: Authority = ROOT,
    private_key: EllipticCurvePrivateKey = SIGNER_KEY,
    **dates: datetime,
) -> x509.Certificate:
    """Return the certificate of a signer of lists."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, "Signer of lists"),
        ]
    )
    extensions = {x509.KeyUsage: (usage(digital_signature=True), True)}
    return authority.issue(subject, private_key, extensions=extensions, **dates)


SIGNER = signer()


def anchors(*certificates: x509.Certificate) -> ListAnchors:
    return read_list_anchors(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))


ANCHORS = anchors(ROOT.certificate)


def header(*chain: x509.Certificate, **members: Any) -> dict[str, Any]:
    """Return the header of a list; a member that is None is left out."""
    usual = {
        "alg": "ES256",
        "typ": "JOSE",
        "iat": int((NOW - DAY).timestamp()),
        "x5c": [base64.b64encode(der(each)).decode() for each in chain or (SIGNER,)],
        "x5t#S256": digest(chain[0] if chain else SIGNER),
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def digest(certificate: x509.Certificate, name: str = "sha256") -> str:
    return b64(hashlib.new(name, der(certificate)).digest())


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sign(
    payload: object,
    head: Mapping[str, Any] | None = None,
    *,
    private_key: EllipticCurvePrivateKey = SIGNER_KEY,
) -> bytes:
    """Return the token; `payload` is a document, or bytes as they are."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    data = f"{b64(msgspec.json.encode(head or header()))}.{b64(body)}".encode()
    width, of = (32, hashes.SHA256()) if private_key.key_size == 256 else (48, hashes.SHA384())
    numbers = decode_dss_signature(private_key.sign(data, ECDSA(of)))
    return data + b"." + b64(b"".join(number.to_bytes(width) for number in numbers)).encode()


def document(*entities: object, **scheme: Any) -> dict[str, Any]:
    """Return a whole list; a member of the scheme that is None is left out."""
    usual: dict[str, Any] = {
        "LoTEVersionIdentifier": 1,
        "LoTESequenceNumber": 7,
        "LoTEType": "https://registry.example/lote/general",
        "SchemeOperatorName": [{"lang": "de", "value": "Amt"}, {"lang": "en", "value": OPERATOR}],
        "SchemeOperatorAddress": {
            "SchemeOperatorPostalAddress": [{"lang": "en", "StreetAddress": "Street 1", "Country": "AT"}],
            "SchemeOperatorElectronicAddress": [{"lang": "en", "uriValue": "mailto:lists@agency.example"}],
        },
        "SchemeName": [{"lang": "en", "value": "Issuers"}],
        "SchemeInformationURI": [{"lang": "en", "uriValue": "https://agency.example/scheme"}],
        "StatusDeterminationApproach": "https://agency.example/approach",
        "SchemeTypeCommunityRules": [{"lang": "en", "uriValue": "https://agency.example/rules"}],
        "SchemeTerritory": "DE",
        "PolicyOrLegalNotice": [{"LoTEPolicy": {"lang": "en", "uriValue": "https://agency.example/policy"}}],
        "ListIssueDateTime": "2026-05-30T00:00:00Z",
        "NextUpdate": "2026-11-30T00:00:00Z",
    }
    members = {name: value for name, value in {**usual, **scheme}.items() if value is not None}
    listed: dict[str, Any] = {"ListAndSchemeInformation": members}
    if entities:
        listed["TrustedEntitiesList"] = list(entities)
    return {"LoTE": listed}


def entity(text: str, *services: object, **information: Any) -> dict[str, Any]:
    """Return a trusted entity."""
    about: dict[str, Any] = {
        "TEName": [{"lang": "en", "value": text}],
        "TEAddress": {
            "TEPostalAddress": [{"lang": "en", "StreetAddress": "Street 2", "Country": "DE"}],
            "TEElectronicAddress": [{"lang": "en", "uriValue": "mailto:office@issuer.example"}],
        },
        "TEInformationURI": [{"lang": "en", "uriValue": "https://issuer.example/about"}],
    }
    return {"TrustedEntityInformation": {**about, **information}, "TrustedEntityServices": list(services)}


def identity(
    *ids: str, certificates: Sequence[x509.Certificate] = (), keys: Sequence[object] = (), **members: Any
) -> dict[str, Any]:
    """Return what a service is known by."""
    found: dict[str, Any] = {
        "OtherIds": list(ids),
        "X509Certificates": [{"val": base64.b64encode(der(each)).decode()} for each in certificates],
        "PublicKeyValues": list(keys),
    }
    return {name: value for name, value in found.items() if value} | members


def service(
    known_by: Mapping[str, Any],
    status: str | None = None,
    since: str | None = None,
    *history: object,
    type: str | None = ISSUANCE,
) -> dict[str, Any]:
    """Return a service of an entity."""
    usual = {
        "ServiceName": [{"lang": "en", "value": "Issuance"}],
        "ServiceTypeIdentifier": type,
        "ServiceStatus": status,
        "StatusStartingTime": since,
        "ServiceDigitalIdentity": known_by,
    }
    now = {name: value for name, value in usual.items() if value is not None}
    return {"ServiceInformation": now} | ({"ServiceHistory": list(history)} if history else {})


def instance(known_by: Mapping[str, Any], status: str, since: str) -> dict[str, Any]:
    """Return a service as it was once."""
    return {
        "ServiceName": [{"lang": "en", "value": "Issuance"}],
        "ServiceDigitalIdentity": known_by,
        "ServiceStatus": status,
        "StatusStartingTime": since,
    }
