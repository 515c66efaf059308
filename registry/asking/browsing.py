"""
What `GET /trust/entities` and `/trust/authorities` are asked, and what they answer. Pure.

A cursor is where a page ended, and of which query: with another one it is refused. Lists are in the order of what
never changes, so that an edit between two pages neither repeats nor hides what was there before. Names do change:
all pages of a search for words are of what was known at the time of the first, which the cursor has.
"""

import base64
import hashlib
from typing import Any, get_args

import msgspec

from registry.asking.shown import NamedEntity
from registry.identifiers import IdentifierKind
from registry.items import AuthorityItem, EntityItem, GrantItem
from registry.model import Kind, Phase
from wire import BadRequest

ENTITIES_PATH = "/trust/entities"
AUTHORITIES_PATH = "/trust/authorities"
# Below these an identifier follows as it is, so that a colon and an escaped one are not the same.
RAW_PATHS = (f"{ENTITIES_PATH}/".encode(), f"{AUTHORITIES_PATH}/".encode())

MAX_PAGE = 200
DEFAULT_PAGE = 50
MAX_QUERY_CHARS = 200
MAX_TIME_CHARS = 19  # of a time in a cursor, which so fits 63 bits
MAX_GRANTS = 500  # told of one entity


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Which entities to list.

    Attributes:
        q: each word of it begins a word of one of the names.
        authority: granted something in the name of this one, named by an identifier or its id.
        action, resource, state: granted that, and in this state at the time asked about.
        kind: has an identifier of that kind then.
    """

    q: str | None = None
    authority: str | None = None
    action: str | None = None
    resource: str | None = None
    state: Phase | None = None
    kind: IdentifierKind | None = None

    @property
    def is_of_grants(self) -> bool:
        """Whether it matters what was granted."""
        return any(each is not None for each in (self.authority, self.action, self.resource, self.state))


class EntityPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some entities. `next`, where there may be more: the `cursor` of the next page, even if this one is empty."""

    items: list[NamedEntity]
    next: str | None = None


class ShownAuthority(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An authority in a few words; `entity` is who it is."""

    entity: NamedEntity
    governance_framework: str
    actions: list[str]
    resources: int


class AuthorityPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some authorities; `next` as in `EntityPage`."""

    items: list[ShownAuthority]
    next: str | None = None


class StandingGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A grant, and what it is at the time asked about.

    Attributes:
        authority: the authority's name, in the language asked for.
        state_since: since when it is so, or from when on for "not_yet_valid".
    """

    kind: Kind
    authority: str
    state: Phase
    state_since: str
    grant: GrantItem


class WholeEntity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    All that is told of an entity.

    Attributes:
        name, language: as in `NamedEntity`.
        authority: what it answers for, where it is an authority.
        grants: what was granted to it at any time, `MAX_GRANTS` at most; `has_more` where that is not all.
    """

    name: str
    language: str
    entity: EntityItem
    grants: list[StandingGrant]
    authority: AuthorityItem | None = None
    has_more: bool = False


class WholeAuthority(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is told of an authority; `entity` is who it is."""

    name: str
    language: str
    entity: EntityItem
    authority: AuthorityItem


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    query: str  # digest of it, so that no other query takes the cursor
    after: tuple[str, ...]


def digest_of(*query: object) -> str:
    """Return what binds a cursor to a query."""
    return hashlib.sha256(msgspec.json.encode(query)).hexdigest()[:16]


def cursor_of(query: str, *after: str) -> str:
    """Return the cursor behind what was shown last."""
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(query, after))).decode().rstrip("=")


def read_cursor(text: str | None, query: str, parts: int) -> tuple[str, ...]:
    """
    Return what `cursor_of` was made of; of no cursor, as many empty texts.

    Raises:
        BadRequest: it is none of ours, or of another query.
    """
    if text is None:
        return ("",) * parts
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(data, type=_Cursor)
    except (ValueError, msgspec.DecodeError):
        raise BadRequest("cursor: expected the `next` of a page") from None
    if cursor.query != query or len(cursor.after) != parts:
        raise BadRequest("cursor: it is of a page of another query; begin again without")
    return cursor.after


def read_time(text: str) -> int:
    """Return the recorded time that a cursor has, in microseconds since 1970; BadRequest where it has none."""
    if not (text.isascii() and text.isdigit() and len(text) < MAX_TIME_CHARS):
        raise BadRequest("cursor: expected the `next` of a page")
    return int(text)


def require_one_of(name: str, text: str | None, kinds: object) -> Any:
    """Return a parameter that is one of the texts of a Literal; BadRequest where it is none."""
    if text is not None and text not in get_args(kinds):
        raise BadRequest(f"{name}: expected one of {', '.join(get_args(kinds))}")
    return text
