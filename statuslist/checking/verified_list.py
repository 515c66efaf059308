"""
A status list, from its bytes to what may be believed: proof, key and issuer hold, and it is expanded. Service.
"""

import asyncio

import msgspec

from credentials.errors import MalformedValue
from credentials.keys.assertion_methods import Resolve
from credentials.secured import Secured
from credentials.times import earliest
from credentials.verifying import verify_secured
from proofs import ProofError
from resolver import ResolutionError
from statuslist.errors import StatusVerificationError
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from wire import JsonError

MAX_LIST_VALUES = 1_000  # JSON values beside the bits, which are one; 256 messages are 769


class VerifiedList(msgspec.Struct, frozen=True, kw_only=True):
    """
    A status list credential whose proof holds, and when it was retrieved (seconds since 1970).

    Attributes:
        credential: without its `encodedList`.
        bits: that, expanded once for all checks: it takes 26 ms for the longest list.
        is_own: we publish it, so that an entry that does not fit it is the caller's mistake.
    """

    credential: StatusListCredential
    bits: bytes
    retrieved_at: float
    is_own: bool = False


async def verify_list(
    body: bytes, media_type: str, *, resolve: Resolve, now: float, max_bytes: int
) -> VerifiedList:
    """
    Return the list in `body` once its proof holds.

    Args:
        media_type: `VC_JWT` or `VC`.
        resolve: a DID to its resolution.
        now: seconds since 1970, when it was retrieved.

    Raises:
        MalformedStatusList: it is no status list credential, or its list cannot be expanded.
        StatusListTooLarge: the list expands beyond `MAX_LIST_BYTES`.
        StatusVerificationError: its proof does not hold, or its issuer's key cannot be resolved.
    """
    try:
        secured = await verify_secured(
            body,
            media_type,
            resolve=resolve,
            now=int(now * 1_000_000),
            max_bytes=max_bytes,
            max_values=MAX_LIST_VALUES,
        )
    except (ProofError, ResolutionError, MalformedValue, JsonError) as error:
        raise StatusVerificationError(
            f"the status list does not verify: {error}", pointer=error.pointer or None
        ) from error
    credential = narrowed(secured)
    bits = await asyncio.to_thread(expand_list, credential.encoded_list, max_bytes=MAX_LIST_BYTES)
    kept = msgspec.structs.replace(credential, encoded_list="")
    return VerifiedList(credential=kept, bits=bits, retrieved_at=now)


def narrowed(secured: Secured) -> StatusListCredential:
    """Return the list in `secured`, valid only while what secures it may be accepted too."""
    found = read_status_list_credential(secured.document)
    begins = [moment for moment in (found.valid_from, secured.not_before) if moment is not None]
    return msgspec.structs.replace(
        found,
        valid_from=max(begins, default=None),
        valid_until=earliest(found.valid_until, secured.expires),
    )
