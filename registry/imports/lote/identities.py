"""
What a list says that a service is known by, as identifiers. Pure.
"""

from collections.abc import Callable, Iterator
from functools import partial

from proofs import MalformedCertificate
from proofs.certificates import decode_x5c
from registry.identifiers import canonical_identifier, key_identifier
from registry.imports.anchors import certificate_item
from registry.imports.lote.members import Identity
from registry.items import IdentifierItem
from registry.placed import Finding
from resolver import JsonObject

# What may be an identifier among the other ids; a register's number, say, is none.
_NAMED = ("did:", "https:", "ni:", "x509_hash:", "urn:ietf:params:oauth:jwk-thumbprint:")


def identifiers_of(identity: Identity, pointer: str) -> tuple[dict[str, IdentifierItem], list[Finding]]:
    """
    Return identifiers by their values, and what is passed over: a certificate or a key that we do not take.

    A subject name or a key identifier names nobody: whoever makes a certificate chooses them.
    """
    found: dict[str, IdentifierItem] = {}
    remarks: list[Finding] = []
    for place, read in _readings(identity):
        try:
            item = read()
        except MalformedCertificate as error:
            remarks.append((f"{pointer}/{place}", f"passed over: {error.detail}"))
        except ValueError as error:
            remarks.append((f"{pointer}/{place}", f"passed over: {error}"))
        else:
            found.setdefault(item.value, item)
    return found, remarks


def _readings(identity: Identity) -> Iterator[tuple[str, Callable[[], IdentifierItem]]]:
    for index, text in enumerate(identity.other_ids):
        if text.startswith(_NAMED):
            yield f"OtherIds/{index}", partial(_named, text)
    for index, certificate in enumerate(identity.x509_certificates):
        yield f"X509Certificates/{index}/val", partial(_certified, certificate.val)
    for index, jwk in enumerate(identity.public_key_values):
        yield f"PublicKeyValues/{index}", partial(_key, jwk)


def _named(text: str) -> IdentifierItem:
    return IdentifierItem(value=canonical_identifier(text))


def _certified(text: str) -> IdentifierItem:
    (der,) = decode_x5c(["".join(text.split())])
    return certificate_item(der)


def _key(jwk: JsonObject) -> IdentifierItem:
    return IdentifierItem(value=key_identifier(jwk))
