"""
Whether a foreign DID document lists a key that we hold for its issuer, as it is now.
"""

from typing import Any

from operators import Issuer, IssuerKey
from resolver import Options, ResolutionError, Resolver, public_key_of
from server.identity.documents import method_ids
from server.identity.documents import public_key_of as public_half_of
from statuslist.checking.secured import find_assertion_method

_FROM_THE_ORIGIN = Options(no_cache=True)

JsonObject = dict[str, Any]


async def why_not_listed(resolver: Resolver, issuer: Issuer, key: IssuerKey) -> str | None:
    """
    Ask the origin, past all caches, for the issuer's document.

    Returns:
        None where it lists the key under assertionMethod in both shapes, as Multikey and as JsonWebKey; else a
        sentence that says what is missing, for the owner of the document.
    """
    try:
        document = (await resolver.resolve(issuer.did, _FROM_THE_ORIGIN)).document
    except ResolutionError as error:
        return f"the DID cannot be resolved: {error.detail}"
    if document is None:
        return "the DID is deactivated"
    faults = (_fault(document, issuer, key, method_id) for method_id in method_ids(issuer.did, key.key_id))
    return next((fault for fault in faults if fault is not None), None)


def _fault(document: JsonObject, issuer: Issuer, key: IssuerKey, method_id: str) -> str | None:
    method = find_assertion_method(document, issuer.did, method_id.partition("#")[2])
    if method is None:
        return f"{method_id} is not under assertionMethod"
    try:
        is_same = public_key_of(method) == public_half_of(key)
    except ResolutionError as error:
        return f"{method_id}: {error.detail}"
    return None if is_same else f"{method_id} is another key"
