"""
Does this credential still hold? The validator of Bitstring Status List v1.0 over lists of anybody. Service.

Every way out but the last is an exception: no fault, gap or doubt ends in "valid".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from credentials.data_model import check_holds
from credentials.errors import CredentialNotValid, MalformedValue
from credentials.secured import VC_JWT
from credentials.times import TokenOutOfTime
from credentials.verifying import verify_secured
from resolver import Fetch, Resolver
from statuslist.checking.account import UNLIMITED, Account, charged
from statuslist.checking.algorithm import evaluate
from statuslist.checking.entries import read_entries
from statuslist.checking.list_source import ListSource, OwnList
from statuslist.checking.requests import CheckedEntry, EntryCheck, StatusCheck, reason_of
from statuslist.checking.verified_list import VerifiedList
from statuslist.errors import EntryNotOfList
from statuslist.formats.bitstring_credential import StatusListCredential
from statuslist.formats.bitstring_entry import Entry
from wire import JsonError, Refusal, format_utc

MAX_CREDENTIAL_BYTES = 65_536  # 64 KiB; the house's cap on a request body


class Checker:
    """
    Checks credentials and their status entries.

    Args:
        resolver: for the keys of issuers.
        fetcher: for the lists of strangers; the guard's `fetch_stranger`.
        own_list: our lists in process (`answers.own_list`).
        clock: seconds since 1970; what others say of times is compared with it.
        timer: monotonic seconds; how long a list is kept goes by it.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        fetcher: Fetch,
        own_list: OwnList,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._lists = ListSource(
            resolver=resolver, fetcher=fetcher, own_list=own_list, clock=clock, timer=timer
        )

    async def check_entries(self, request: EntryCheck, account: Account = UNLIMITED) -> StatusCheck:
        """
        Check entries of a credential that the caller has verified (`credentialVerified: false`).

        Raises:
            Refusal: `account` cannot pay for the lists that must be fetched or expanded; then none is.
            MalformedValue: an entry is malformed, or there is none, or more than 8.
            StatusListError, OutboundBudgetExceeded: as `ListSource.get` and `algorithm.evaluate`. The first entry
                that fails fails the check: part of an answer could be taken for the whole.
        """
        trusted = frozenset({request.issuer, *request.list_issuers})
        entries = read_entries(request.credential_status)
        return await self._check(entries, request.issuer, trusted, account, credential_verified=False)

    async def check_credential(self, token: bytes, account: Account = UNLIMITED) -> StatusCheck:
        """
        Verify a whole credential (`application/vc+jwt`), then check its entries.

        Nothing is fetched for the status before signature, shape and validity period of the credential hold.

        Raises:
            ProofError, ResolutionError: the credential does not verify.
            MalformedValue: it is not a VCDM 2.0 credential with status entries.
            CredentialNotValid: it has expired, or is not valid yet.
            Refusal, StatusListError, OutboundBudgetExceeded: as `check_entries`; so for the issuer's DID document.
        """
        now, resolve = self._now(), charged(self._resolver, account.pay)
        try:
            secured = await verify_secured(
                token, VC_JWT, resolve=resolve, now=now, max_bytes=MAX_CREDENTIAL_BYTES
            )
        except JsonError as error:
            raise MalformedValue(f"the credential is not the JSON we accept: {error}") from None
        except TokenOutOfTime as error:
            raise CredentialNotValid(error.detail, pointer=error.pointer) from None
        check_holds(secured.document, now)
        entries = read_entries(secured.document.get("credentialStatus"))
        assert secured.issuer is not None, "its key was found to be its issuer's"
        trusted = frozenset({secured.issuer})
        return await self._check(entries, secured.issuer, trusted, account, credential_verified=True)

    def purge_lists(self) -> None:
        """Forget the verified lists of others; each is fetched, and its issuer's key resolved, anew."""
        self._lists.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._lists.aclose()

    async def _check(
        self,
        entries: list[Entry],
        issuer: str,
        trusted: frozenset[str],
        account: Account,
        *,
        credential_verified: bool,
    ) -> StatusCheck:
        self._charge({entry.list_url for entry in entries}, account)
        results = await _all_or_first_error(
            self._check_entry(entry, issuer, trusted, account) for entry in entries
        )
        return StatusCheck(
            valid=bool(results) and all(result.valid for result in results),
            credential_verified=credential_verified,
            checked_at=format_utc(self._now()),
            results=tuple(results),
            reason=next((result.reason for result in results if not result.valid), None),
        )

    def _charge(self, urls: set[str], account: Account) -> None:
        prices = [self._lists.price_of(url) for url in urls]
        if requests := sum(price.requests for price in prices):
            account.pay(requests)
        if n_bytes := sum(price.n_bytes for price in prices):
            account.compute(n_bytes)

    async def _check_entry(
        self, entry: Entry, issuer: str, trusted: frozenset[str], account: Account
    ) -> CheckedEntry:
        try:
            found = await self._lists.get(entry.list_url, account)
            if found.is_own:
                _check_fits(entry, found.credential)
            result = evaluate(entry, found.credential, found.bits, now=self._now())
        except Refusal as error:
            # Pointers of these errors lead into the list, hence its URL beside them.
            error.members.setdefault("statusListCredential", entry.list_url)
            raise
        reason = reason_of(result.purpose, result.status, is_trusted=found.credential.issuer in trusted)
        return CheckedEntry(
            status=result.status,
            purpose=result.purpose,
            valid=reason is None,
            issuer_bound=found.credential.issuer == issuer,
            status_list_credential=entry.list_url,
            status_list_index=str(entry.index),
            list_issuer=found.credential.issuer,
            list_retrieved_at=format_utc(int(found.retrieved_at * 1_000_000)),
            list_valid_until=_valid_until(found),
            message=result.message,
            reason=reason,
        )

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


async def _all_or_first_error(awaitables: Iterable[Awaitable[CheckedEntry]]) -> tuple[CheckedEntry, ...]:
    """Await all at once; of several errors raise the first in order, not the first in time."""
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return tuple(result for result in results if isinstance(result, CheckedEntry))


def _check_fits(entry: Entry, own: StatusListCredential) -> None:
    """Refuse an entry that says of a list of ours what we did not say when we allocated it."""
    if entry.purpose not in own.purposes:
        raise EntryNotOfList(
            f"the list is for {' and '.join(own.purposes)}; send the entry as it was allocated",
            pointer="/credentialStatus/statusPurpose",
        )
    if entry.size != (own.status_size or 1):
        raise EntryNotOfList(
            "the list has entries of another size; send the entry as it was allocated",
            pointer="/credentialStatus/statusSize",
        )


def _valid_until(found: VerifiedList) -> str | None:
    valid_until = found.credential.valid_until
    return format_utc(valid_until) if valid_until is not None else None
