"""
DID URL dereferencing: what a DID URL names in the document that was resolved. Pure.

DID Resolution v1, section DID URL Dereferencing, which it marks "at risk": hence a file of its own.
Done: the document itself, and fragments (CID v1.0, section 3.4). Services and paths: issue 4.
"""

from resolver.did import DidUrl, parse_parameters
from resolver.document import maps_of
from resolver.errors import FeatureNotSupported, NotFound
from resolver.results import Dereferenced, JsonObject, Resolved

# DID Resolution v1, section DID Parameters. Those of the first row have been options of the resolution.
_VERSION_PARAMETERS = frozenset({"versionId", "versionTime", "versionNumber"})
_SERVICE_PARAMETERS = frozenset({"service", "serviceType", "relativeRef"})


def dereference(resolved: Resolved, did_url: DidUrl) -> Dereferenced:
    """
    Dereference a DID URL, given the resolution of its DID with its version parameters.

    1. A deactivated DID has no content, whatever the DID URL names.
    2. Parameters that select services: not yet. A path, or any other parameter: nothing is there, since none
       of our methods gives it a meaning.
    3. No fragment: the document, with its metadata. A fragment: the map that has it as id.

    Raises:
        InvalidDidUrl: the query is malformed.
        FeatureNotSupported: `service`, `serviceType` or `relativeRef`.
        NotFound: a path, an unknown parameter, or a fragment that is no id in the document.
    """
    parameters = parse_parameters(did_url.query).keys() - _VERSION_PARAMETERS
    if resolved.document is None:
        return Dereferenced(
            did_url=did_url.text, content=None, content_metadata=resolved.metadata, resolved=resolved
        )
    if parameters & _SERVICE_PARAMETERS:
        raise FeatureNotSupported("the parameters service, serviceType and relativeRef are not supported yet")
    if did_url.path or parameters:
        raise NotFound("the DID's method gives no meaning to a path or to this parameter")
    if did_url.fragment is None:
        return Dereferenced(
            did_url=did_url.text,
            content=resolved.document,
            content_metadata=resolved.metadata,
            resolved=resolved,
        )
    content = _map_with_id(resolved.document, did_url.did.text, did_url.fragment)
    return Dereferenced(did_url=did_url.text, content=content, resolved=resolved)


def _map_with_id(document: JsonObject, did: str, fragment: str) -> JsonObject:
    """Return the first map whose id is the fragment, relative or absolute (CID, Fragment Resolution)."""
    wanted = (f"#{fragment}", f"{did}#{fragment}")
    for found in maps_of(document):
        if found.get("id") in wanted:
            return found
    raise NotFound("the DID document has nothing with this fragment as its id")
