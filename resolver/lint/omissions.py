"""
What is left out of a stranger's document, and told, rather than have the whole of it refused. Pure.

Two mistakes that are common and harm nobody: null for a member that is not there, as writers of JSON do that know
no absence, and what is no URI in `alsoKnownAs`, which DID v1.1, section 4.3, has for them. Readers would stumble
over either; so it is not passed on. Extensions are not looked at: null may mean something to them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from resolver.documents.document import is_uri
from resolver.documents.members import KEY_MATERIAL, OPTIONAL_MEMBERS, RELATIONSHIPS
from resolver.keys.jwk import PRIVATE_MEMBERS
from resolver.lint.subject import Finding, Severity
from resolver.results import JsonObject
from wire import encode

MAX_TOLD = 8  # findings that are told of one document; half of the warnings that an answer has room for

# Controlled Identifiers v1.0, sections 2.1.4 and 2.2: what a service or a verification method may lack; and of
# secret keys, which it never has, the names that are in use.
_OF_SERVICES = ("id",)
_SECRETS = tuple(
    f"{kind}Key{form}"
    for kind in ("secret", "private")
    for form in ("Jwk", "Multibase", "Base58", "Hex", "Pem")
)
_OF_METHODS = ("controller", "expires", "revoked", *sorted(KEY_MATERIAL), *_SECRETS)
# RFC 7517, section 4: what the JWK in a method may lack, and what it never has.
_OF_JWKS = ("use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", *sorted(PRIVATE_MEMBERS))
_PARTS = dict.fromkeys(("verificationMethod", *RELATIONSHIPS), _OF_METHODS) | {"service": _OF_SERVICES}


def omissions(document: JsonObject) -> Iterator[Finding]:
    """Yield a finding for each thing that `without_omissions` leaves out; the document may have any shape."""
    yield from map(_null_member, _nulls(document, OPTIONAL_MEMBERS, ""))
    for name, optional in _PARTS.items():
        for position, part in enumerate(_items(document, name)):
            if isinstance(part, dict):
                yield from map(_null_member, _nulls(part, optional, f"/{name}/{position}"))
                if _has_jwk(part, optional):
                    inner = f"/{name}/{position}/publicKeyJwk"
                    yield from map(_null_member, _nulls(part["publicKeyJwk"], _OF_JWKS, inner))
    if not isinstance(document.get("alsoKnownAs"), list | None):
        detail, advice = "not a list of URIs: it is left out", "write a list of them, or drop it"
        yield Finding("malformed-alias", "/alsoKnownAs", Severity.WARNING, detail, advice)
    for position, alias in enumerate(_items(document, "alsoKnownAs")):
        if not _is_alias(alias):
            detail, advice = (
                "not a URI: it is left out",
                "write a URI, such as https://... or mailto:..., or drop it",
            )
            yield Finding("malformed-alias", f"/alsoKnownAs/{position}", Severity.WARNING, detail, advice)


def without_omissions(document: JsonObject) -> tuple[JsonObject, tuple[JsonObject, ...]]:
    """
    Return a document that `document.read_document` has accepted as it is passed on, and what to tell of it.

    The second are at most `MAX_TOLD` findings as JSON; their pointers are into the document as it was received.
    """
    if "alsoKnownAs" not in document and b"null" not in encode(document):
        return document, ()
    told = tuple(finding.as_json() for finding in islice(omissions(document), MAX_TOLD))
    if not told:
        return document, ()
    kept = _without_nulls(document, OPTIONAL_MEMBERS)
    for name in _PARTS.keys() & kept.keys():
        kept[name] = [
            _kept_part(part, _PARTS[name]) if isinstance(part, dict) else part for part in kept[name]
        ]
    if kept.get("alsoKnownAs", []) != []:
        kept["alsoKnownAs"] = [alias for alias in _items(kept, "alsoKnownAs") if _is_alias(alias)]
        if not kept["alsoKnownAs"]:
            del kept["alsoKnownAs"]
    return kept, told


def _kept_part(part: JsonObject, optional: Sequence[str]) -> JsonObject:
    kept = _without_nulls(part, optional)
    if _has_jwk(kept, optional):
        kept["publicKeyJwk"] = _without_nulls(kept["publicKeyJwk"], _OF_JWKS)
    return kept


def _has_jwk(part: JsonObject, optional: Sequence[str]) -> bool:
    return optional is _OF_METHODS and isinstance(part.get("publicKeyJwk"), dict)


def _nulls(found: JsonObject, optional: Sequence[str], pointer: str) -> Iterator[str]:
    return (f"{pointer}/{name}" for name in optional if name in found and found[name] is None)


def _null_member(pointer: str) -> Finding:
    detail, advice = "null is taken as if the member were not there", "leave the member out"
    return Finding("null-member", pointer, Severity.WARNING, detail, advice)


def _without_nulls(found: JsonObject, optional: Sequence[str]) -> JsonObject:
    return {name: member for name, member in found.items() if member is not None or name not in optional}


def _is_alias(item: object) -> bool:
    return isinstance(item, str) and is_uri(item)


def _items(document: JsonObject, name: str) -> list[object]:
    items = document.get(name)
    return items if isinstance(items, list) else []
