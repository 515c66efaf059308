"""
DID URL dereferencing: what a DID URL names in the document that was resolved. Pure.

DID Resolution v1 (CR of 2026-07-23), section 5, which it marks "at risk": hence files of its own, this one and
`services.py`; Controlled Identifiers v1.0 (CID), sections 3.3 (Retrieve Verification Method) and 3.4.
"""

from collections.abc import Mapping

from resolver.did import DidUrl, parse_parameters
from resolver.documents.ids import absolute
from resolver.documents.members import KEY_MATERIAL, maps_of
from resolver.documents.services import (
    RELATIVE_REF,
    SERVICE,
    SERVICE_TYPE,
    endpoint_urls,
    selected_services,
    with_services,
)
from resolver.errors import InvalidRelationship, InvalidVerificationMethod, NotFound
from resolver.results import Dereferenced, JsonObject, Resolved

# DID Resolution v1, section DID Parameters: those that have been options of the resolution.
_VERSION_PARAMETERS = frozenset({"versionId", "versionTime", "versionNumber"})
_NO_PART = "the DID document has nothing with this fragment as its id"


def dereference(resolved: Resolved, did_url: DidUrl, relationship: str | None = None) -> Dereferenced:
    """
    Dereference a DID URL, given the resolution of its DID with its version parameters.

    1. A deactivated DID has no content, whatever the DID URL names.
    2. `service` and `serviceType` select services: the document with these, be it none, and URLs at their
       endpoints. Further parameters and a path do not matter then.
    3. A path means a URL where the method implies services (did:webvh); any other path or parameter: nothing.
    4. No fragment: the document, with its metadata. A fragment: the map that has it as id.
    5. `relationship` (the option `verificationRelationship`): what was found must be a verification method
       that this verification relationship lists.

    Raises:
        InvalidDidUrl: the query is malformed, or `relativeRef` leaves the service endpoint.
        NotFound: a path without a meaning or a URL, an unknown parameter; a fragment that is no id.
        InvalidVerificationMethod, InvalidRelationship: as step 5 says.
    """
    parameters = parse_parameters(did_url.query)
    if resolved.document is None:
        return Dereferenced(
            did_url=did_url.text, content=None, content_metadata=resolved.metadata, resolved=resolved
        )
    implied = resolved.implied_services
    document = with_services(resolved.document, implied) if implied else resolved.document
    if not parameters.keys().isdisjoint((SERVICE, SERVICE_TYPE)):
        found = _of_services(resolved, document, did_url, parameters)
    elif parameters.keys() - _VERSION_PARAMETERS or (did_url.path and not implied):
        raise NotFound("the DID's method gives no meaning to a path or to this parameter")
    elif did_url.path:
        found = _of_services(resolved, document, did_url, _meaning_of_path(did_url.path), names_url=True)
    elif did_url.fragment is None:
        found = _of_document(resolved, resolved.document, did_url)
    else:
        found = _of_document(resolved, document, did_url)
    if relationship is not None:
        _check_method(found, resolved.document, did_url, relationship)
    return found


def _of_document(resolved: Resolved, document: JsonObject, did_url: DidUrl) -> Dereferenced:
    """Return the document, or the part of it that the fragment names (section 5.4.2)."""
    if did_url.fragment is None:
        return Dereferenced(
            did_url=did_url.text, content=document, content_metadata=resolved.metadata, resolved=resolved
        )
    content = _map_with_id(document, did_url.did.text, did_url.fragment)
    if content is None:
        raise NotFound(_NO_PART)
    return Dereferenced(did_url=did_url.text, content=content, resolved=resolved)


def _meaning_of_path(path: str) -> dict[str, str]:
    """
    Return the parameters that a path stands for (did:webvh v1.0, sections DID URL Path and WHOIS Resolution).

    It is appended to the endpoint of `#files`, hence relative: an absolute path would replace the endpoint's.
    """
    return {SERVICE: "whois"} if path == "/whois" else {SERVICE: "files", RELATIVE_REF: f"./{path[1:]}"}


def _of_services(
    resolved: Resolved,
    document: JsonObject,
    did_url: DidUrl,
    parameters: Mapping[str, str],
    *,
    names_url: bool = False,
) -> Dereferenced:
    """Return the document with the selected services only, and the URLs at their endpoints (section 5.4.1)."""
    services = selected_services(document, parameters)
    relative_ref = parameters.get(RELATIVE_REF)
    urls = endpoint_urls(services, relative_ref, did_url.fragment)
    if names_url and not urls:
        raise NotFound("the service has no endpoint that is an http or https URL")
    content: JsonObject | None = {**document, "service": services}
    if did_url.fragment is not None:
        content = _map_with_id(document, did_url.did.text, did_url.fragment)
    if content is None and not urls:
        raise NotFound(_NO_PART)
    return Dereferenced(
        did_url=did_url.text,
        content=content,
        content_metadata=resolved.metadata if did_url.fragment is None else {},
        resolved=resolved,
        urls=urls,
        names_url=bool(urls) and (names_url or relative_ref is not None or content is None),
    )


def _map_with_id(document: JsonObject, did: str, fragment: str) -> JsonObject | None:
    """Return the first map whose id is the fragment, relative or absolute (CID, Fragment Resolution)."""
    wanted = (f"#{fragment}", f"{did}#{fragment}")
    return next((found for found in maps_of(document) if found.get("id") in wanted), None)


def _check_method(found: Dereferenced, document: JsonObject, did_url: DidUrl, relationship: str) -> None:
    """
    Check that `found` is a verification method for `relationship` (CID, section 3.3, steps 8 to 11).

    Raises:
        InvalidVerificationMethod: it is none, or another document's: by its id or its controller.
        InvalidRelationship: the relationship lists it neither by reference nor by value.
    """
    method, did = found.content, document["id"]
    if did_url.fragment is None or found.names_url or method is None or not _is_method(method):
        raise InvalidVerificationMethod("the DID URL does not name a verification method")
    own_id = absolute(method["id"], did)
    if own_id != f"{did}#{did_url.fragment}" or absolute(method["controller"], did) != did:
        raise InvalidVerificationMethod(
            "the verification method has the id or the controller of another document"
        )
    listed = document.get(relationship, [])
    if not any(own_id == _id_of(item, did) for item in listed):
        raise InvalidRelationship(f"the verification method is not listed in {relationship} of its document")


def _is_method(content: JsonObject) -> bool:
    """CID, section 2.2: id, type and controller, and no more than one form of key."""
    has_strings = all(isinstance(content.get(name), str) for name in ("id", "type", "controller"))
    return has_strings and len(KEY_MATERIAL & content.keys()) <= 1


def _id_of(item: object, did: str) -> str | None:
    """Return the absolute id of an entry of a verification relationship: a reference, or a method."""
    own_id = item.get("id") if isinstance(item, dict) else item
    return absolute(own_id, did) if isinstance(own_id, str) else None
