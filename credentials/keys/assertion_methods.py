"""
The keys of a DID that may sign credentials. Service: it has the DID resolved by whom it is handed.

Whoever signs must be who the document says: the key's DID URL lies under the issuer's DID, and the issuer's
document lists it under assertionMethod (VC Data Integrity 1.0, section 4.5; VC-JOSE-COSE, section 4.1).
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from itertools import chain

from credentials.errors import KeyNotIssuers
from credentials.keys.found import FoundKey
from credentials.secured import Secured
from credentials.times import earliest
from proofs import JsonObject, ProofInvalid, parse_date_time_stamp
from resolver import Resolved, public_key_of
from resolver.documents.members import RELATIONSHIPS, embedded_methods
from resolver.keys.multikey import PublicKey
from wire import encode
from wire.json import read_again

Resolve = Callable[[str], Awaitable[Resolved]]
MAX_KEPT_BYTES = 1_024  # of a verification method whose key is kept; one with an RSA key has some 600


async def find_did_key(secured: Secured, resolve: Resolve, now: int) -> FoundKey:
    """
    Return the key of a DID that shall have signed a credential, once the DID's document says that it may.

    Args:
        resolve: a DID to its resolution; it is not asked where the key is not one of the issuer's.
        now: microseconds since 1970.

    Raises:
        ProofInvalid: the key is not one of the issuer's, or as `assertion_method`.
        ResolutionError: the issuer's DID cannot be resolved, or the key not be read.
    """
    did, _, fragment = (secured.key_id or "").partition("#")
    if did != secured.issuer or not fragment:
        raise KeyNotIssuers("the key is not one of the credential's issuer")
    resolved = await resolve(did)
    if resolved.document is None:
        raise KeyNotIssuers("the issuer's DID is deactivated")
    method = assertion_method(resolved.document, did, fragment, now=now)
    return FoundKey(
        public_key=_key_of(method),
        id=f"{did}#{fragment}",
        by="did",
        ends=_end_of(method),
        document=resolved.document,
        retrieved_at=resolved.made_at,
        is_stale=resolved.stale,
        fresh_until=resolved.fresh_until,
    )


def assertion_method(document: JsonObject, did: str, fragment: str, *, now: int) -> JsonObject:
    """
    Return the verification method `did#fragment` that may sign for `did` at `now`, microseconds since 1970.

    Raises:
        ProofInvalid: it is not under assertionMethod, has another controller than the DID, or has ended; or
            `expires` or `revoked` is no time.
    """
    method = _find_assertion_method(document, did, fragment)
    if method is None:
        raise KeyNotIssuers("the issuer's DID document does not list the key under assertionMethod")
    if method.get("controller") not in (did, ""):  # "" is relative to the DID: DID v1.1, section 3.2.2
        raise KeyNotIssuers("the key is controlled by another than the issuer")
    ends = _end_of(method)
    if ends is not None and ends <= now:
        raise KeyNotIssuers("the issuer's key has expired or was revoked")
    return method


def _key_of(method: JsonObject) -> PublicKey:
    """Return the key of a method; raises as `public_key_of`. To check one takes as long as to verify with it."""
    text = encode(method)
    return _kept_key(text) if len(text) <= MAX_KEPT_BYTES else public_key_of(method)


@lru_cache(maxsize=1_024)  # some 3 MiB; by all that the method says, so that it is as good as the method
def _kept_key(method: bytes) -> PublicKey:
    return public_key_of(read_again(method))


def _end_of(method: JsonObject) -> int | None:
    """Return when a verification method ends (Controlled Identifiers v1.0, section 2.2); None: never."""
    try:
        moments = [method[name] for name in ("expires", "revoked") if method.get(name) is not None]
        return earliest(*(parse_date_time_stamp(moment) for moment in moments))
    except TypeError:
        raise ProofInvalid("expires or revoked of the issuer's key is no string") from None
    except ValueError as error:
        raise ProofInvalid(f"expires or revoked of the issuer's key: {error}") from None


def _find_assertion_method(document: JsonObject, did: str, fragment: str) -> JsonObject | None:
    """
    Return the verification method `did#fragment` if it stands, or is named, under assertionMethod.

    A reference names a method of the document wherever that is embedded (Controlled Identifiers v1.0, section 3.3).
    """
    wanted = (f"#{fragment}", f"{did}#{fragment}")
    listed = [
        item.get("id") if isinstance(item, dict) else item for item in _array(document.get("assertionMethod"))
    ]
    if not any(own_id in wanted for own_id in listed):
        return None
    properties = ("verificationMethod", *RELATIONSHIPS)
    methods = chain.from_iterable(embedded_methods(document, name) for name in properties)
    return next((method for method in methods if method.get("id") in wanted), None)


def _array(value: object) -> list[object]:
    return value if isinstance(value, list) else []
