"""
What operators send about status lists, and what they get: the Structs shared by routes and client. Pure.

Members are named as in Bitstring Status List v1.0 where it has a name for them (`statusListIndex` is a string
there, of any size; here too).
"""

from typing import Annotated, Literal

import msgspec

from statuslist.formats.forms import FormMediaType
from statuslist.formats.profiles import ProfileName
from wire import read_body

Purpose = Literal["revocation", "suspension"]
MAX_ALLOCATED_PER_CALL = 10_000  # entries
MAX_CHANGES_PER_CALL = 1_000  # changes
MAX_CHANGES_BODY_BYTES = (
    1_048_576  # 1 MiB; that many changes fit, their reasons of 256 letters or digits with them
)
MAX_CHANGES_VALUES = (
    6 * MAX_CHANGES_PER_CALL
)  # JSON values; a change has five. So that reading takes under 10 ms
MAX_CADENCE = 3_600  # seconds
MIN_LENGTH = 131_072  # entries; section 6.1 (Group Privacy): no shorter list may be published
MAX_LENGTH = 2**26  # entries, 8 MiB; the cap that w3c/vc-bitstring-status-list#208 suggests

# Without U+0000, which PostgreSQL cannot store.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*\Z")]
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

    `version` is the one that readers get, 0 before the first; `tokenList` is null where a set that an earlier
    release made has none.
    """

    id: str
    issuer_id: str
    length: int
    allocated: int
    created_at: str
    profile: str
    cadence_seconds: int
    version: int
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
        media_type: how these credentials will be secured. It chooses the form of the list that the entries
            refer to, since a verifier of one form may not read the other (section 2, last note).
        reference: the operator's own name for the batch. Not published; no personal data.
        expires_at: when the last of these credentials expires, RFC 3339 in UTC.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_ALLOCATED_PER_CALL)] = 1
    media_type: FormMediaType = "application/vc"
    reference: Text | None = None
    expires_at: Text | None = None


class StatusEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A BitstringStatusListEntry (section 2.1)."""

    id: str
    type: str
    status_purpose: str
    status_list_index: str
    status_list_credential: str


class AllocatedEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes into one credential, as it is: one entry for each purpose of the set."""

    credential_status: tuple[StatusEntry, ...]


class Allocated(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The entries of one allocation; their order says nothing about their indexes."""

    set_id: str
    entries: tuple[AllocatedEntry, ...]


class StatusChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The status that an entry shall have for one purpose: 1 is revoked or suspended, 0 is not."""

    status_list_index: IndexText
    status_purpose: Purpose
    status: Literal[0, 1]
    reason: Text | None = None


class ChangeStatuses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Changes made all or none, in the order given.

    Attributes:
        urgent: publish them at once, with what waits already, whatever the cadence of the set.
    """

    changes: Annotated[tuple[StatusChange, ...], msgspec.Meta(min_length=1, max_length=MAX_CHANGES_PER_CALL)]
    urgent: bool = False


def read_changes(body: bytes, content_type: str | None) -> ChangeStatuses:
    """
    Read the body of a change of statuses.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedBody: as `wire.read_body`.
    """
    return read_body(
        body,
        content_type,
        ChangeStatuses,
        max_bytes=MAX_CHANGES_BODY_BYTES,
        max_values=MAX_CHANGES_VALUES,
    )


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many statuses are now other than before, and for each list with such a change its list id and the
    version of the set that shows it.
    """

    changed: int
    versions: dict[str, int]


class StatusView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of one entry for one purpose, as the rows have it (published within a second)."""

    status_purpose: str
    status: int


class EntryView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The statuses of one entry."""

    status_list_index: str
    statuses: tuple[StatusView, ...]
