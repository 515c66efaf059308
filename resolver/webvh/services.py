"""
The services that every did:webvh has, and the did:web beside it. Pure.

did:webvh v1.0, sections DID URL Resolution and Publishing a Parallel did:web DID.
"""

from resolver.did import Did, parse_did
from resolver.documents.services import with_services
from resolver.methods.webvh import base_url, scid_of, web_did_of
from resolver.results import JsonObject
from wire import encode, read_again

_LINKED_VP_CONTEXT = "https://identity.foundation/linked-vp/contexts/v1"


def implied_services(did: Did) -> tuple[JsonObject, ...]:
    """
    Return the implicit services of a did:webvh; a service of its document with the same id takes their place.

    `#files`: the path of a DID URL is appended to its endpoint. `#whois`: the path `/whois` is its endpoint.
    """
    url = base_url(did)
    files: JsonObject = {"id": f"{did.text}#files", "type": "relativeRef", "serviceEndpoint": f"{url}/"}
    whois: JsonObject = {
        "@context": _LINKED_VP_CONTEXT,
        "id": f"{did.text}#whois",
        "type": "LinkedVerifiablePresentation",
        "serviceEndpoint": f"{url}/whois.vp",
    }
    return files, whois


def parallel_did_web(document: JsonObject) -> JsonObject:
    """
    Return the did:web document to publish as `did.json` beside the log.

    1. The implicit services are added, where the document has none of their id.
    2. `did:webvh:<SCID>:` becomes `did:web:`, wherever it occurs.
    3. The did:webvh comes under alsoKnownAs, without duplicates and without the did:web itself.
    """
    did: Did = parse_did(document["id"])
    text = encode(with_services(document, implied_services(did)))
    moved = text.replace(f"did:webvh:{scid_of(did)}:".encode(), b"did:web:")
    parallel = read_again(moved)
    aliases = parallel.get("alsoKnownAs")
    own = [alias for alias in (aliases if isinstance(aliases, list) else ()) if isinstance(alias, str)]
    names = dict.fromkeys([*own, did.text])
    names.pop(web_did_of(did), None)
    return {**parallel, "alsoKnownAs": list(names)}
