"""
The registry: may this entity do that, now or at a time T, and which authority says so?

TRQP v2.0 (ToIP Trust Registry Query Protocol). Litestar is loaded by `registry.routes` alone, httpx
where a `registry.client.RegistryClient` is made.
"""

from registry.errors import (
    AuthorityNotFound,
    DefinitionNotFound,
    Fault,
    IdentifierNotFound,
    NotDefined,
    RegistryFileError,
)
from registry.exports.registry_file import export_registry
from registry.imports.registry_file import MAX_FILE_BYTES, read_registry_file
from registry.listing import GrantRow, Profile
from registry.model import Authority, Entity, Facts, Grant, Standing, standing_at
from registry.registry import ImportReport, Registry
from registry.schema import MIGRATIONS
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from registry.view import View, build_view

__all__ = [
    "MAX_FILE_BYTES",
    "MIGRATIONS",
    "Authority",
    "AuthorityNotFound",
    "AuthorizationAnswer",
    "DefinitionNotFound",
    "Entity",
    "Facts",
    "Fault",
    "Grant",
    "GrantRow",
    "IdentifierNotFound",
    "ImportReport",
    "NotDefined",
    "Profile",
    "RecognitionAnswer",
    "Registry",
    "RegistryFileError",
    "Standing",
    "TrqpRequest",
    "View",
    "build_view",
    "export_registry",
    "read_registry_file",
    "standing_at",
]
