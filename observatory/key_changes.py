"""
Which keys a DID document has, and how those of two documents differ. Pure.

A key is told by its id, its thumbprint (RFC 7638 with SHA-256, so that a JWK and a Multikey of one key are one),
and the verification relationships that it has. What we cannot read as a key is told by a digest of its members; a
key of another document, to which a relationship refers, by its id alone.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any, TypeAlias

import msgspec

from resolver import JsonObject, ResolutionError, public_key_of
from resolver.documents.ids import absolute
from resolver.documents.members import RELATIONSHIPS
from resolver.keys.multikey import jwk_of

MAX_KEYS = 100  # keys told apart in one document; the rest of them are told by one digest
MAX_NAMED = 20  # keys named in each list of a difference; the counts say how many there are
MAX_ID_CHARS = 256  # characters of a key id; a longer one is told by its beginning, its digest and its end
_ENDS_CHARS = 100  # characters of either end
THE_REST = "..."  # in the place of a key id
_OTHER = ("id", "controller")  # members that are not the key


class Key(msgspec.Struct, frozen=True, array_like=True):
    """A key's thumbprint, and its relationships in the order of DID v1.1."""

    thumbprint: str
    relationships: tuple[str, ...] = ()


Keys: TypeAlias = dict[str, Key]  # by the id of the verification method


class NamedKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key in a difference; `before` is its thumbprint before, where that changed."""

    id: str
    thumbprint: str
    before: str | None = None


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    How keys differ: at most `MAX_NAMED` of each kind by name, and how many there are.

    `changed`: another key under the same id, or the same one with other relationships.
    """

    added: tuple[NamedKey, ...]
    removed: tuple[NamedKey, ...]
    changed: tuple[NamedKey, ...]
    added_count: int
    removed_count: int
    changed_count: int

    @property
    def is_empty(self) -> bool:
        return not (self.added_count or self.removed_count or self.changed_count)


def keys_of(document: JsonObject) -> Keys:
    """Return the keys of a document that `resolver.documents.document.read_document` has accepted."""
    did = document["id"]
    methods: dict[str, JsonObject] = {}
    relationships: dict[str, list[str]] = {}
    for name in ("verificationMethod", *RELATIONSHIPS):
        for item in document.get(name, []):
            reference = absolute(item["id"] if isinstance(item, dict) else item, did)
            methods[reference] = item if isinstance(item, dict) else methods.get(reference, {})
            if name in RELATIONSHIPS:
                relationships.setdefault(reference, []).append(name)
    found = {
        _short(key_id): Key(_thumbprint(method), tuple(relationships.get(key_id, ())))
        for key_id, method in list(methods.items())[:MAX_KEYS]
    }
    if len(methods) > MAX_KEYS:
        rest = dict(list(methods.items())[MAX_KEYS:])
        found[THE_REST] = Key("members:" + _digest([rest, {name: relationships.get(name) for name in rest}]))
    return found


def changes_between(before: Keys, after: Keys) -> KeyChanges:
    """Return how the keys of one document differ from those of the one before it."""
    added = [NamedKey(id=key_id, thumbprint=after[key_id].thumbprint) for key_id in after.keys() - before]
    removed = [NamedKey(id=key_id, thumbprint=before[key_id].thumbprint) for key_id in before.keys() - after]
    changed = [
        NamedKey(id=key_id, thumbprint=key.thumbprint, before=before[key_id].thumbprint)
        for key_id, key in after.items()
        if key_id in before and before[key_id] != key
    ]
    return KeyChanges(
        added=_some(added),
        removed=_some(removed),
        changed=_some(changed),
        added_count=len(added),
        removed_count=len(removed),
        changed_count=len(changed),
    )


def _short(key_id: str) -> str:
    """Return an id of at most `MAX_ID_CHARS` characters; different ids stay different."""
    if len(key_id) <= MAX_ID_CHARS:
        return key_id
    return f"{key_id[:_ENDS_CHARS]}...{_digest(key_id)}...{key_id[-_ENDS_CHARS:]}"


def _some(keys: list[NamedKey]) -> tuple[NamedKey, ...]:
    return tuple(sorted(keys, key=lambda key: key.id)[:MAX_NAMED])


def _thumbprint(method: JsonObject) -> str:
    try:
        return "jwk:" + _digest(jwk_of(public_key_of(method)))
    except ResolutionError:
        return "members:" + _digest({name: value for name, value in method.items() if name not in _OTHER})


def _digest(value: Any) -> str:
    digest = hashlib.sha256(msgspec.json.encode(value, order="deterministic")).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
