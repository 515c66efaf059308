"""
The registry: may this entity do that, now or at a time T, as known now or at a time S, and which authority says so?

TRQP v2.0 (ToIP Trust Registry Query Protocol). Litestar is loaded by the files called `routes` alone, httpx where a
`registry.client.RegistryClient` is made.
"""

from registry.answering import Answering
from registry.asking.standing import Asked, Decision, Finding, Reason, find
from registry.editing.challenge_schema import MIGRATION as CHALLENGES_MIGRATION
from registry.editing.change_sets import ChangeSets
from registry.editing.drafts import Drafts
from registry.editing.schema import MIGRATION as CHANGE_SETS_MIGRATION
from registry.errors import (
    AuthorityNotFound,
    ChangesThePast,
    DefinitionNotFound,
    Fault,
    IdentifierNotFound,
    KnownAtLost,
    NotDefined,
    Overtaken,
    RegistryFileError,
)
from registry.events import Cause
from registry.exports.registry_file import export_registry
from registry.feed.schema import FEED_MIGRATIONS
from registry.files import Files, ImportReport
from registry.former import adopt_former_rows
from registry.imports.registry_file import MAX_FILE_BYTES, read_registry_file
from registry.known import FactChange, Known, Revision
from registry.listing import GrantRow, Profile
from registry.model import Authority, Delegation, Entity, Fact, Grant, Standing, standing_at
from registry.registry import Edit, Registry
from registry.schema import MIGRATIONS as FACT_MIGRATIONS
from registry.sources.schema import SEEN_MIGRATION
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest

MIGRATIONS = (*FACT_MIGRATIONS, *FEED_MIGRATIONS, CHANGE_SETS_MIGRATION, CHALLENGES_MIGRATION, SEEN_MIGRATION)

__all__ = [
    "MAX_FILE_BYTES",
    "MIGRATIONS",
    "Answering",
    "Asked",
    "Authority",
    "AuthorityNotFound",
    "AuthorizationAnswer",
    "Cause",
    "ChangeSets",
    "ChangesThePast",
    "Decision",
    "DefinitionNotFound",
    "Delegation",
    "Drafts",
    "Edit",
    "Entity",
    "Fact",
    "FactChange",
    "Fault",
    "Files",
    "Finding",
    "Grant",
    "GrantRow",
    "IdentifierNotFound",
    "ImportReport",
    "Known",
    "KnownAtLost",
    "NotDefined",
    "Overtaken",
    "Profile",
    "Reason",
    "RecognitionAnswer",
    "Registry",
    "RegistryFileError",
    "Revision",
    "Standing",
    "TrqpRequest",
    "adopt_former_rows",
    "export_registry",
    "find",
    "read_registry_file",
    "standing_at",
]
