"""
Relative DID URLs in documents, made absolute. Pure.

Decentralized Identifiers v1.1, section 3.2.2; the option `expandRelativeUrls` of DID Resolution v1.
"""

from typing import Any

from resolver.documents.members import RELATIONSHIPS, maps_of
from resolver.errors import FeatureNotSupported
from resolver.results import JsonObject

MAX_GROWTH_BYTES = 1_048_576  # 1 MiB by `expandRelativeUrls`: 128 ids of the longest DID


def absolute(reference: str, did: str) -> str:
    """
    Return a relative DID URL (DID v1.1, section 3.2.2) with the DID before it; any other text as it is.

    One begins with "#", "?" or one "/", or is empty: then it is the DID itself.
    """
    is_relative = reference.startswith(("#", "?", "/")) and not reference.startswith("//")
    return did + reference if is_relative or not reference else reference


def relative_ids_expanded(document: JsonObject) -> JsonObject:
    """
    Return the document with absolute DID URLs as ids (`expandRelativeUrls`; RFC 3986, section 5).

    Changed are the `id` of every map, in properties of extensions too, and the references in verification
    relationships, where they begin with "#", "?" or one "/"; and a `controller` that is "", which is the DID. A
    bare word is left: with a DID as the base, whose path is `web:example.com`, RFC 3986 would turn `files` into
    `did:files`, which is no DID URL.

    Raises:
        FeatureNotSupported: the document would grow by over `MAX_GROWTH_BYTES`: a DID may have 8 KiB, and a
            document of 256 KiB may refer to itself fifty thousand times.
    """
    did = document["id"]
    if len(did) * _count_relative(document) > MAX_GROWTH_BYTES:
        raise FeatureNotSupported("expandRelativeUrls: the document would grow beyond the limit")
    expanded: JsonObject = _expanded(document, did)
    for name in RELATIONSHIPS:
        if isinstance(references := expanded.get(name), list):
            expanded[name] = [absolute(item, did) if isinstance(item, str) else item for item in references]
    return expanded


def _count_relative(document: JsonObject) -> int:
    """Return how many ids and references might be made absolute, or more."""
    lists = (
        document[name] for name in ("controller", *RELATIONSHIPS) if isinstance(document.get(name), list)
    )
    maps = sum(("id" in found) + ("controller" in found) for found in maps_of(document))
    return maps + sum(map(len, lists))


def _expanded(value: Any, did: str) -> Any:
    if isinstance(value, list):
        return [_expanded(item, did) for item in value]
    if not isinstance(value, dict):
        return value
    members = {
        name: member if name == "@context" else _expanded(member, did) for name, member in value.items()
    }
    if isinstance(own_id := members.get("id"), str):
        members["id"] = absolute(own_id, did)
    controller = members.get("controller")
    if controller == "":
        members["controller"] = did
    elif isinstance(controller, list):
        members["controller"] = [item or did if isinstance(item, str) else item for item in controller]
    return members
