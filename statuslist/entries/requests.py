"""
What operators send about status lists, and what they get: the Structs shared by routes and client. Pure.

Members are named as in Bitstring Status List v1.0 where it has a name for them (`statusListIndex` is a string
there, of any size; here too).
"""

from typing import Annotated, Literal, TypeVar

import msgspec

from statuslist.formats.forms import DATA_INTEGRITY, JWT, TOKEN_CWT, TOKEN_JWT, FormMediaType, FormName
from statuslist.formats.profiles import ProfileName
from wire import read_body

T = TypeVar("T")
Purpose = Literal["revocation", "suspension"]
# How a credential is secured: its media type, or the identifier of its format in OpenID4VCI (Appendix A).
CredentialFormat = Literal["application/vc", "application/vc+jwt", "dc+sd-jwt", "mso_mdoc"]
FORM_OF: dict[CredentialFormat, FormName] = {
    "application/vc": DATA_INTEGRITY,
    "application/vc+jwt": JWT,
    "dc+sd-jwt": TOKEN_JWT,
    "mso_mdoc": TOKEN_CWT,
}
MAX_ALLOCATED_PER_CALL = 10_000  # entries
MAX_CHANGES_PER_CALL = 1_000  # changes
MAX_CHANGES_BODY_BYTES = (
    1_048_576  # 1 MiB; that many changes fit, their reasons of 256 letters or digits with them
)
MAX_CHANGES_VALUES = (
    6 * MAX_CHANGES_PER_CALL
)  # JSON values; a change has five. So that reading takes under 10 ms
MAX_REFERENCES_VALUES = MAX_ALLOCATED_PER_CALL + 16  # JSON values; a reference is one
MAX_FOUND = 100  # entries
MAX_CADENCE = 3_600  # seconds
MIN_LENGTH = 131_072  # entries; section 6.1 (Group Privacy): no shorter list may be published
MAX_LENGTH = 2**26  # entries, 8 MiB; the cap that w3c/vc-bitstring-status-list#208 suggests

# Without U+0000, which PostgreSQL cannot store.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*\Z")]
# A name of the caller's for an entry. Without control characters, which nobody sees (C0, DEL, C1).
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=256,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z",
        description=(
            "The caller's own name for an entry, without control characters. Kept as an HMAC. Compared byte for"
            " byte in UTF-8, so spell it alike: case, spaces, and composed or decomposed letters count."
        ),
    ),
]
Reason = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=256,
        pattern=r"^[^\x00]*\Z",
        description="Kept in the audit log as it is, for as long as the log: no personal data.",
    ),
]
# One spelling per index: base 10 without sign or leading zeros (section 2.1, "statusListIndex").
IndexText = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,8})\Z")]


class CreateSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    A status set to make.

    Attributes:
        id: its name in URLs, one LDH label; default: 80 random bits in base32. It is public and permanent.
        issuer_id: whose set it is; default: the principal's own issuer.
        purposes: one list each. They share the index space: an entry has the same index in all of them.
        length: entries, fixed for good.
        profile: what readers of its token lists ask for: `haip` names the key by the issuer's certificates,
        `default`
            by its DID URL.
        cadence_seconds: the least time between two versions; minutes where the time of a version would tell who was
            revoked.
    """

    purposes: Annotated[tuple[Purpose, ...], msgspec.Meta(min_length=1, max_length=2)]
    id: Annotated[str, msgspec.Meta(max_length=48)] | None = None
    issuer_id: Text | None = None
    length: Annotated[int, msgspec.Meta(ge=MIN_LENGTH, le=MAX_LENGTH, multiple_of=8)] = MIN_LENGTH
    profile: ProfileName = "default"
    cadence_seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_CADENCE)] = 1


class ChangeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What of a set shall be other than it is; as in `CreateSet`."""

    profile: ProfileName | None = None
    cadence_seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_CADENCE)] | None = None

    def __post_init__(self) -> None:
        if self.profile is None and self.cadence_seconds is None:
            raise ValueError("expected profile, cadenceSeconds, or both")


class ListView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of a set: its negotiating URL, and the permanent URL of each form by media type."""

    status_purpose: str
    url: str
    credentials: dict[str, str]


class TokenListView(msgspec.Struct, frozen=True, kw_only=True):
    """The token list of a set: its negotiating URL, and the permanent URL of each form by media type."""

    url: str
    tokens: dict[str, str]


class SetView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    A status set as operators see it; `allocated` of `length` entries are taken.

    `version` is the one that readers get, 0 before the first, and `wantedVersion` the one that says all that was
    changed. `tokenList` is null where a set that an earlier release made has none.
    """

    id: str
    issuer_id: str
    length: int
    allocated: int
    created_at: str
    profile: str
    cadence_seconds: int
    version: int
    wanted_version: int
    lists: tuple[ListView, ...]
    token_list: TokenListView | None


class SetPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some sets in the order of their ids; `next`, where there may be more: the `after` of the next page."""

    sets: tuple[SetView, ...]
    next: str | None = None


class Allocate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Entries to allocate.

    Attributes:
        count: how many; each is for one credential.
        format: how these credentials will be secured; default: application/vc. It chooses the form of the list that
            the entries refer to, since a verifier of one form may not read the other (section 2, last note). A
            credential that is issued in two formats needs an entry for each.
        media_type: `format`, by its name in earlier releases.
        reference: the operator's own name for the batch. Not published; no personal data. It need not be new: who
            looks for an entry by it finds one in each batch of that name.
        references: the operator's own names for the entries, one each, in their order. Kept as HMACs. They are
            limited by `MAX_CHANGES_BODY_BYTES`, too: 10,000 may have 100 bytes each.
        expires_at: when the last of these credentials expires, RFC 3339 in UTC; not in the past.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_ALLOCATED_PER_CALL)] = 1
    media_type: FormMediaType | None = None
    reference: Text | None = None
    expires_at: Text | None = None
    # Unset, not null: what idempotency keys remember of a request is then what earlier releases remembered.
    format: CredentialFormat | msgspec.UnsetType = msgspec.UNSET
    references: tuple[Reference, ...] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.format and self.media_type and self.format != self.media_type:
            raise ValueError("expected format or mediaType, and not two that differ")
        if self.references is msgspec.UNSET:
            return
        if len(self.references) != self.count:
            raise ValueError(f"expected a reference for each of {self.count} entries")
        if len(set(self.references)) != self.count:
            raise ValueError("expected references that differ")

    @property
    def wanted_format(self) -> CredentialFormat:
        return self.format or self.media_type or "application/vc"


class StatusEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A BitstringStatusListEntry (section 2.1)."""

    id: str
    type: str
    status_purpose: str
    status_list_index: str
    status_list_credential: str


class TokenStatus(msgspec.Struct, frozen=True):
    """The claim `status` (Token Status List, section 6.2)."""

    status_list: dict[str, int | str]


class StatusCbor(msgspec.Struct, frozen=True):
    """The claim `status` as CBOR: in hex, and in diagnostic notation (RFC 8949, section 8)."""

    hex: str
    diagnostic: str


class AllocatedEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    What goes into one credential, as it is; which member, is a matter of its format.

    Attributes:
        status_list_index: names the entry in later calls.
        credential_status: of a W3C credential, one entry for each purpose of the set.
        status: of an SD-JWT VC.
        status_cbor: of an mdoc, under `status` in its Mobile Security Object.
    """

    status_list_index: str
    credential_status: tuple[StatusEntry, ...] = ()
    status: TokenStatus | None = None
    status_cbor: StatusCbor | None = None


class Allocated(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The entries of one allocation, in the order of their references; it says nothing about their indexes."""

    set_id: str
    entries: tuple[AllocatedEntry, ...]


class NamedEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Names entries of a set: the one of an index, or all those of a reference, one for each format.

    Exactly one of the two.
    """

    status_list_index: IndexText | None = None
    reference: Reference | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if (self.status_list_index is None) == (self.reference is msgspec.UNSET):
            raise ValueError("expected statusListIndex or reference, and not both")


class StatusChange(NamedEntry, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The status that an entry shall have for one purpose: 1 is revoked or suspended, 0 is not."""

    status_purpose: Purpose
    status: Literal[0, 1]
    reason: Reason | None = None


class ChangeStatuses(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """
    Changes made all or none, in the order given.

    Attributes:
        urgent: publish them at once, with what waits already, whatever the cadence of the set; also where they are
            so already, and wait.
    """

    changes: Annotated[tuple[StatusChange, ...], msgspec.Meta(min_length=1, max_length=MAX_CHANGES_PER_CALL)]
    urgent: bool = False


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many statuses are now other than before, and for each list with such a change its list id and the
    version of the set that shows it. Changes that wait together share a version.
    """

    changed: int
    versions: dict[str, int]


class StatusView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of one entry for one purpose, as the rows have it (published within a second)."""

    status_purpose: str
    status: int


class EntryView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The statuses of one entry; `released` is there where it was released, and true."""

    status_list_index: str
    statuses: tuple[StatusView, ...]
    is_released: bool = msgspec.field(name="released", default=False)


class ReleaseEntries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries whose credentials were never issued, and never will be."""

    entries: Annotated[tuple[NamedEntry, ...], msgspec.Meta(min_length=1, max_length=MAX_CHANGES_PER_CALL)]


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries are now released that were not."""

    released: int


class FindEntries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    Entries to find, in all sets of an issuer.

    Attributes:
        reference: as it was given to the entry.
        batch: instead of it, the name of a whole allocation: its `reference`. If several have it, an entry of each.
        position: which entry of the batch, from 0.
        issuer_id: whose sets; default: the principal's own issuer.
    """

    reference: Reference | None = None
    batch: Text | None = None
    position: Annotated[int, msgspec.Meta(ge=0, lt=MAX_ALLOCATED_PER_CALL)] = 0
    issuer_id: Text | None = None

    def __post_init__(self) -> None:
        if (self.reference is None) == (self.batch is None):
            raise ValueError("expected reference or batch, and not both")
        if self.position and self.batch is None:
            raise ValueError("expected a position beside a batch only")


class FoundEntry(EntryView, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An entry that was found; its format is told where it has a reference."""

    set_id: str
    format: str | None = None


class FoundEntries(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of a reference, at most 100: none, where nobody gave one such a name."""

    entries: tuple[FoundEntry, ...]


def read_allocation(body: bytes, content_type: str | None) -> Allocate:
    """Read the body of an allocation; raises as `read_changes`."""
    return _read(body, content_type, Allocate, MAX_REFERENCES_VALUES)


def read_changes(body: bytes, content_type: str | None) -> ChangeStatuses:
    """
    Read the body of a change of statuses.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedBody: as `wire.read_body`.
    """
    return _read(body, content_type, ChangeStatuses, MAX_CHANGES_VALUES)


def read_release(body: bytes, content_type: str | None) -> ReleaseEntries:
    """Read the body of a release of entries; raises as `read_changes`."""
    return _read(body, content_type, ReleaseEntries, MAX_CHANGES_VALUES)


def _read(body: bytes, content_type: str | None, shape: type[T], max_values: int) -> T:
    return read_body(body, content_type, shape, max_bytes=MAX_CHANGES_BODY_BYTES, max_values=max_values)
