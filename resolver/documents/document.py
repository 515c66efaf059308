"""
DID documents: read and validate one that a stranger serves, build our own. Pure.

Decentralized Identifiers v1.1 and Controlled Identifiers v1.0 (CID), section 2. A document is kept as
received: what breaks a rule below refuses the whole of it, and nothing is added, dropped or renamed. What is
taken though no reader needs it, `lint.omissions` leaves out of what is passed on.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from resolver.documents.ids import absolute
from resolver.documents.members import KEY_MATERIAL, RELATIONSHIPS, embedded_methods
from resolver.documents.secrets import refuse_secrets
from resolver.errors import InvalidDidDocument
from resolver.results import JsonObject
from wire import JsonError, read

MAX_DOCUMENT_BYTES = 262_144  # 256 KiB; house rule
MAX_DOCUMENT_VALUES = 6_144  # JSON values; 256 methods, each in all relationships, are under 4,000
MAX_METHODS_AND_SERVICES = 256  # entries; house rule

# RFC 3986, section 3: a scheme and what it names; of DIDs and other URLs, no more is asked of another's document.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_RELATIVE = re.compile(r"[!-~]+")


def did_document(
    did: str, context: list[str], methods: list[JsonObject], relationships: dict[str, list[str]]
) -> JsonObject:
    """Return a DID document; `relationships` refer to methods by id, and keep their order."""
    return {"@context": context, "id": did, "verificationMethod": methods, **relationships}


def read_document(
    body: bytes,
    did: str,
    *,
    max_bytes: int = MAX_DOCUMENT_BYTES,
    is_same: Callable[[str, str], bool] = str.__eq__,
) -> JsonObject:
    """
    Read the DID document that was served for `did`.

    1. Strict JSON, an object (`wire.read`: size, depth, duplicate members).
    2. `id` is the DID (DID Resolution v1, resolve; did:web, section Read); `is_same` tells, by default string
       equality.
    3. No private or secret key anywhere, `@context` included: by a member's name, in a JWK, in a multibase
       value, in PEM. Multibase values are in base58btc or base64url (CID, section 2.4).
    4. `@context` and `controller` have the shape that DID v1.1 demands. What is no list of URIs in `alsoKnownAs`,
       and null for one of `OPTIONAL_MEMBERS` or for a secret key, is taken: it says nothing.
    5. Verification methods and services have the shape that CID demands, and ids of their own. The same method may
       be embedded in several properties: no rule forbids it, and equal maps leave nothing open.

    Raises:
        InvalidDidDocument: one of these does not hold.
    """
    try:
        document = read(body, max_bytes=max_bytes, max_values=MAX_DOCUMENT_VALUES)
    except JsonError as error:
        raise InvalidDidDocument(f"the document is not acceptable JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidDidDocument("the document is not a JSON object")
    check_document(document, did, is_same=is_same)
    return document


def check_document(
    document: JsonObject,
    did: str,
    *,
    is_same: Callable[[str, str], bool] = str.__eq__,
    needs_controllers: bool = True,
) -> None:
    """
    Check a DID document that was read as JSON already: steps 2 to 5 of `read_document`.

    Args:
        needs_controllers: refuse verification methods without a controller; those of did:webvh often have none.

    Raises:
        InvalidDidDocument: one of these does not hold.
    """
    own_id = document.get("id")
    if not isinstance(own_id, str) or not is_same(own_id, did):
        raise InvalidDidDocument("the document's id is not the DID that was asked for")
    refuse_secrets(document)
    _check_own_members(document)
    methods, services = list(_methods(document)), _maps(document, "service")
    if len(methods) + len(services) > MAX_METHODS_AND_SERVICES:
        raise InvalidDidDocument(f"over {MAX_METHODS_AND_SERVICES} verification methods and services")
    _check_methods(methods, needs_controllers=needs_controllers)
    if len({absolute(method["id"], own_id) for method in methods}) < len(methods):
        _check_embedded(document, own_id)
    _check_services(services, own_id)


def _check_own_members(document: JsonObject) -> None:
    """DID v1.1, sections 4 (controller) and 6 (`@context`): each may be absent."""
    if "@context" in document and not _is_context(document["@context"]):
        raise InvalidDidDocument("@context: expected a string, or a list of strings and objects")
    controller = _member(document, "controller")
    if not _are_controllers([controller] if isinstance(controller, str) else controller):
        raise InvalidDidDocument("controller: expected a DID, or a list of DIDs")


def _is_context(context: Any) -> bool:
    if isinstance(context, list):
        return bool(context) and all(isinstance(item, dict) or _is_text(item) for item in context)
    return _is_text(context)


def is_uri(text: str) -> bool:
    """Tell whether `text` begins with a scheme and is ASCII without white space; no more is asked of another's."""
    return _URI.fullmatch(text) is not None


def _are_controllers(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) and _is_controller(item) for item in items)


def _is_controller(text: str) -> bool:
    """DID v1.1, section 3.2.2: a URL may be relative; "" is the DID of the document, as Sidetree's nodes write."""
    return not text or is_uri(text)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _methods(document: JsonObject) -> Iterator[JsonObject]:
    """Yield the verification methods, those embedded in a verification relationship included."""
    yield from _maps(document, "verificationMethod")
    for name in RELATIONSHIPS:
        for item in _list(document, name):
            if isinstance(item, dict):
                yield item
            elif not isinstance(item, str):
                raise InvalidDidDocument(f"{name}: expected references and verification methods")


def _check_methods(methods: list[JsonObject], *, needs_controllers: bool) -> None:
    for method in methods:
        _check_method(method, needs_controller=needs_controllers)
        if sum(method[name] is not None for name in KEY_MATERIAL & method.keys()) > 1:
            raise InvalidDidDocument("a verification method has key material of more than one kind")


def _check_method(method: JsonObject, *, needs_controller: bool) -> None:
    controller = method.get("controller")
    has_controller = isinstance(controller, str) or (controller is None and not needs_controller)
    if not has_controller or not all(_is_text(method.get(name)) for name in ("id", "type")):
        raise InvalidDidDocument("a verification method needs an id, a type and a controller, all strings")
    if not _RELATIVE.fullmatch(method["id"]) or not _is_controller(controller or ""):
        raise InvalidDidDocument("the id or controller of a verification method is no URL")


def _check_embedded(document: JsonObject, did: str) -> None:
    """
    Refuse two methods under one id, which there are, unless they are one method, embedded in several properties.

    Equal are those whose JSON is, with ids and controllers made absolute; one property is a set, and has it once.
    """
    seen: dict[str, JsonObject] = {}
    for name in ("verificationMethod", *RELATIONSHIPS):
        own = {absolute(method["id"], did): method for method in embedded_methods(document, name)}
        if len(own) != sum(1 for _ in embedded_methods(document, name)):
            raise InvalidDidDocument("two verification methods have the same id")
        if any(not are_equal(seen[own_id], own[own_id], did) for own_id in seen.keys() & own.keys()):
            raise InvalidDidDocument("two different verification methods have the same id")
        seen |= own


def are_equal(one: JsonObject, other: JsonObject, did: str) -> bool:
    """Tell whether two maps are one verification method of `did`: as JSON, where 1 is neither 1.0 nor true."""
    return _spelled_out(one, did) == _spelled_out(other, did)


def _spelled_out(method: JsonObject, did: str) -> bytes:
    present = {name: member for name, member in method.items() if member is not None}
    names = {
        name: absolute(present[name], did)
        for name in ("id", "controller")
        if isinstance(present.get(name), str)
    }
    return msgspec.json.encode(present | names, order="sorted")


def _check_services(services: list[JsonObject], did: str) -> None:
    """CID, section 2.1.4: type and endpoint are required; the id is optional, but no two may share one."""
    for service in services:
        if not _is_set_of(service.get("type"), (str,)):
            raise InvalidDidDocument("the type of a service is neither a string nor a list of strings")
        if not _is_set_of(service.get("serviceEndpoint"), (str, dict)):
            raise InvalidDidDocument(
                "the serviceEndpoint of a service is no string, no object and no list of them"
            )
    ids = [service["id"] for service in services if service.get("id") is not None]
    if not all(isinstance(own_id, str) and _RELATIVE.fullmatch(own_id) for own_id in ids):
        raise InvalidDidDocument("the id of a service is no URL")
    if len({absolute(own_id, did) for own_id in ids}) != len(ids):
        raise InvalidDidDocument("two services have the same id")


def _is_set_of(value: Any, kinds: tuple[type, ...]) -> bool:
    """Tell whether `value` is one or a list of one or more of `kinds`; an empty string is none."""
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, kinds) and item != "" for item in items)


def _maps(document: JsonObject, name: str) -> list[JsonObject]:
    items = _list(document, name)
    if not all(isinstance(item, dict) for item in items):
        raise InvalidDidDocument(f"{name}: expected a list of objects")
    return items


def _list(document: JsonObject, name: str) -> list[Any]:
    items = _member(document, name)
    if not isinstance(items, list):
        raise InvalidDidDocument(f"{name}: expected a list")
    return items


def _member(document: JsonObject, name: str) -> Any:
    """Return a member; null is as if it were absent."""
    member = document.get(name)
    return [] if member is None else member
