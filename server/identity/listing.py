"""
Whether a foreign DID document lists a key that we hold for its issuer, as it is now.

What counts is what a verifier reads there: `statuslist.checking` asks the same of a method.
"""

from collections.abc import Callable, Iterable

from credentials.keys.assertion_methods import assertion_method
from operators import Issuer, IssuerKey
from proofs import ProofInvalid
from resolver import Options, ResolutionError, Resolver, public_key_of
from resolver.errors import HostNotFound, InternalError
from server.identity.documents import JsonObject, methods_of
from server.identity.documents import public_key_of as public_half_of

# Nothing kept: a document that cannot be fetched now was not seen now, however good a stale copy is for others.
_FROM_THE_ORIGIN = Options(no_cache=True)

# The origin could not be asked, which says nothing of the document.
UNSEEN = (InternalError, HostNotFound)

Faults = dict[str, str | None]  # by key id; None: the key is listed


async def why_not_listed(
    resolver: Resolver, clock: Callable[[], float], issuer: Issuer, key: IssuerKey
) -> str | None:
    """
    Ask the origin, past all caches, for the issuer's document.

    Args:
        clock: seconds since 1970.

    Returns:
        None where it lists the key under assertionMethod in both shapes, as Multikey and as JsonWebKey; else a
        sentence that says what is missing, for the owner of the document.
    """
    try:
        faults = await faults_of(resolver, clock, issuer, (key,))
    except UNSEEN as error:
        return f"the DID cannot be resolved: {error.detail}"
    return faults[key.key_id]


async def faults_of(
    resolver: Resolver, clock: Callable[[], float], issuer: Issuer, keys: Iterable[IssuerKey]
) -> Faults:
    """
    Ask the origin, as `why_not_listed`, once for several keys of an issuer.

    Raises:
        InternalError, HostNotFound: it could not be asked (`UNSEEN`).
    """
    try:
        document = (await resolver.resolve(issuer.did, _FROM_THE_ORIGIN)).document
    except UNSEEN:
        raise
    except ResolutionError as error:
        return {key.key_id: f"the DID cannot be resolved: {error.detail}" for key in keys}
    if document is None:
        return {key.key_id: "the DID is deactivated" for key in keys}
    now = int(clock() * 1_000_000)
    return {key.key_id: _fault(document, issuer, key, now) for key in keys}


def _fault(document: JsonObject, issuer: Issuer, key: IssuerKey, now: int) -> str | None:
    """Return what the first of the key's two methods lacks."""
    wanted = methods_of(issuer, key)
    if not wanted:
        return "the key is not known yet: the file that holds it could not be read"
    return next(
        filter(None, (_fault_of_method(document, issuer, key, method, now) for method in wanted)), None
    )


def _fault_of_method(
    document: JsonObject, issuer: Issuer, key: IssuerKey, wanted: JsonObject, now: int
) -> str | None:
    name, fragment = wanted["id"], wanted["id"].partition("#")[2]
    try:
        method = assertion_method(document, issuer.did, fragment, now=now)
        if method.get("type") != wanted["type"]:
            return f"{name} is no {wanted['type']}"
        if public_key_of(method) != public_half_of(key):
            return f"{name} is another key"
    except (ProofInvalid, ResolutionError) as error:
        return f"{name}: {error.detail}"
    return None
