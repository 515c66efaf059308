"""
A secured credential to its verified document, where its issuer is a DID. Service.
"""

import asyncio
from functools import partial

import msgspec

from credentials.forms.vc_jwt import read_vc_jwt
from credentials.forms.with_proof import read_with_proof
from credentials.keys.assertion_methods import Resolve, find_did_key
from credentials.secured import VC_JWT, Secured
from credentials.times import check_in_time, earliest
from proofs import Canonicalize
from wire.json import MAX_VALUES


async def verify_secured(
    body: bytes,
    media_type: str,
    *,
    resolve: Resolve,
    now: int,
    max_bytes: int,
    max_values: int = MAX_VALUES,
    canonicalize_rdf: Canonicalize | None = None,
) -> Secured:
    """
    Return the credential in `body` once its signature holds.

    1. Read it.
    2. The key must be the issuer's; otherwise nothing is resolved. Resolve the issuer; find the key under
       assertionMethod.
    3. Verify.
    4. A token must be in its time.

    Args:
        media_type: `VC_JWT` or `VC`.
        resolve: a DID to its resolution.
        now: microseconds since 1970.
        canonicalize_rdf: as `read_with_proof`.

    Raises:
        JsonError: not strict JSON, over `max_bytes`, or over `max_values` JSON values.
        MalformedValue: a claim of a token that shall be a time is none.
        ProofError: a malformed or invalid proof, a key that is not the issuer's, or one past its time.
        TokenOutOfTime: that ProofError, of a token that has expired or is not valid yet.
        ResolutionError: the issuer's DID cannot be resolved.
    """
    read_it = partial(
        read_secured,
        body,
        media_type,
        max_bytes=max_bytes,
        max_values=max_values,
        canonicalize_rdf=canonicalize_rdf,
    )
    secured = await asyncio.to_thread(read_it)  # 1
    key = await find_did_key(secured, resolve, now)  # 2
    await asyncio.to_thread(secured.verify, key.public_key, now)  # 3
    check_in_time(secured, now)  # 4
    return msgspec.structs.replace(secured, expires=earliest(secured.expires, key.ends))


def read_secured(
    body: bytes,
    media_type: str,
    *,
    max_bytes: int,
    max_values: int = MAX_VALUES,
    canonicalize_rdf: Canonicalize | None = None,
) -> Secured:
    """Read a W3C credential without verifying it; raises as `verify_secured`."""
    if media_type == VC_JWT:
        return read_vc_jwt(body, max_bytes=max_bytes, max_values=max_values)
    return read_with_proof(
        body, max_bytes=max_bytes, max_values=max_values, canonicalize_rdf=canonicalize_rdf
    )
