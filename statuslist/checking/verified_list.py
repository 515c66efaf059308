"""
A status list that was read, to what may be believed: proof, key and issuer hold, and it is expanded. Service.
"""

import asyncio

import msgspec

from credentials.errors import CredentialError
from credentials.keys.found import FoundKey
from credentials.times import check_in_time
from proofs import ProofError
from resolver import ResolutionError
from statuslist.checking.account import Charge
from statuslist.checking.list_keys import ListKeys, Reliance, named_by
from statuslist.checking.list_reading import (
    Content,
    ReadList,
    expanded_bits,
    narrowed,
    period_of,
    without_bits,
)
from statuslist.errors import StatusListError, StatusVerificationError
from wire import JsonError

# What is wrong with a list's proof, its issuer or its form.
NOT_VERIFIED = (ProofError, ResolutionError, CredentialError, JsonError)


class VerifiedList(msgspec.Struct, frozen=True, kw_only=True):
    """
    A status list whose proof holds.

    Attributes:
        content: what it says, without its bits.
        bits: the list, expanded once for all checks: it takes 26 ms for the longest list.
        issuer: whose it is: a DID or an https URL; None: certificates say so.
        key: that signed it.
        retrieved_at: seconds since 1970.
        is_own: we publish it, so that an entry that does not fit it is the caller's mistake.
    """

    content: Content
    bits: bytes
    issuer: str | None
    key: FoundKey
    retrieved_at: float
    is_own: bool = False

    @property
    def ends(self) -> int | None:
        """When it may be relied on no more, in microseconds since 1970."""
        return period_of(self.content)[1]


async def verify_list(
    found: ReadList,
    *,
    keys: ListKeys,
    reliance: Reliance,
    charge: Charge,
    now: float,
    retrieved_at: float,
    bits: bytes | None = None,
) -> VerifiedList:
    """
    Return a list once its proof holds.

    1. Its key must be its issuer's; otherwise nothing is asked.
    2. Verify. What secures it must be in its time.
    3. Expand it.

    Args:
        charge: takes a token for each DID, issuer's metadata and key set that must be asked for.
        now, retrieved_at: seconds since 1970.
        bits: the list expanded, where that was done before.

    Raises:
        StatusVerificationError: its proof does not hold, or its issuer's key cannot be told.
        MalformedStatusList, StatusListTooLarge: it cannot be expanded.
    """
    at = int(now * 1_000_000)
    try:
        key = await keys.find(found.secured, reliance, at, charge)  # 1
        await asyncio.to_thread(found.secured.verify, key.public_key, at)  # 2
        check_in_time(found.secured, at)
    except NOT_VERIFIED as error:
        raise not_verified(error) from error
    if bits is None:
        bits = await asyncio.to_thread(expanded_bits, found.content)  # 3
    return VerifiedList(
        content=without_bits(narrowed(found, key.ends)),
        bits=bits,
        issuer=named_by(found.secured, reliance).issuer,
        key=key,
        retrieved_at=retrieved_at,
    )


def not_verified(error: Exception) -> StatusListError:
    """Return what is wrong with a list as an error of status lists."""
    if isinstance(error, StatusListError):
        return error
    pointer = getattr(error, "pointer", None) or None
    return StatusVerificationError(f"the status list does not verify: {error}", pointer=pointer)
