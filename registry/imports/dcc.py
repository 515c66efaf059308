"""
The registry file of the Digital Credentials Consortium: DIDs with a name each. Pure.

The form that issuer-registry-client up to 3.1 reads ("legacy"):

    {"meta": {"created": ..., "updated": ...}, "registry": {"did:...": {"name": ..., "location": ..., "url": ...}}}

It says neither who grants what nor since when, so that the operator does. `meta` and `location` are not kept.
"""

import unicodedata
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from registry.identifiers import is_https_url
from registry.imports.faults import read_shape
from registry.imports.locate import step
from registry.imports.terms import Since, Terms, granted
from registry.items import EntityItem, IdentifierItem, IdentifierText, LinkItem
from registry.placed import Placed

MAX_FILE_BYTES = 16 * 1_048_576  # 16 MiB; house rule for imports
LANGUAGE = "en"  # of the names: the file does not say it


class _Issuer(msgspec.Struct, frozen=True):
    """An issuer; what else is said of it is passed over."""

    name: Annotated[str, Meta(max_length=512, pattern=r"\S", description="A name that is not empty.")]
    url: Annotated[str, Meta(max_length=2_048)] | None = None


class _File(msgspec.Struct, frozen=True):
    """The whole file."""

    registry: Annotated[dict[IdentifierText, _Issuer], Meta(max_length=100_000)]


def placed_dcc(data: bytes, terms: Terms, since: Since) -> Iterator[Placed]:
    """
    Yield what a file says: an entity for each DID, and what the terms grant it.

    Raises:
        RegistryFileError: JSON or shape; each fault has its pointer.
    """
    file = read_shape(data, _File, max_bytes=MAX_FILE_BYTES)
    for did, issuer in file.registry.items():
        links = [LinkItem(rel="home", href=issuer.url)] if issuer.url and is_https_url(issuer.url) else []
        names = {LANGUAGE: unicodedata.normalize("NFC", issuer.name.strip())}
        entity = EntityItem(names=names, identifiers=[IdentifierItem(value=did)], links=links)
        yield from granted(entity, "/registry" + step(did), terms, since)
