"""
Does this credential still hold? The validators of both standards over lists of anybody. Service.

Every way out but the last is an exception: no fault, gap or doubt ends in "valid".
"""

import asyncio
import base64
import time
from collections.abc import Callable, Iterable, Sequence

from credentials.data_model import check_holds
from credentials.errors import CredentialNotValid, MalformedValue
from credentials.keys.issuer_metadata import IssuerMetadata
from credentials.secured import VC_JWT
from credentials.times import TokenOutOfTime
from credentials.verifying import verify_secured
from proofs import Canonicalize, MalformedCertificate
from proofs.certificates import read_certificate
from resolver import Fetch, Resolver
from statuslist.checking.account import UNLIMITED, Account, charged
from statuslist.checking.algorithm import StatusResult
from statuslist.checking.entries import AnyEntry, UnsupportedEntry, read_entries, read_held_entry
from statuslist.checking.list_keys import AnchorsOf, Reliance, no_anchors
from statuslist.checking.list_reading import Content
from statuslist.checking.list_source import ListSource, OwnList
from statuslist.checking.outcomes import Relying, evaluated, outcome_of, unsupported
from statuslist.checking.requests import CheckedEntry, EntryCheck, StatusCheck
from statuslist.checking.verified_list import VerifiedList
from statuslist.errors import EntryNotOfList
from statuslist.formats.bitstring_credential import StatusListCredential
from statuslist.formats.bitstring_entry import ENTRY_TYPE, Entry
from statuslist.formats.token_entry import TokenEntry
from statuslist.formats.token_list import TokenList
from wire import BadRequest, JsonError, Refusal, format_utc, parse_utc

MAX_CREDENTIAL_BYTES = 65_536  # 64 KiB; the house's cap on a request body
Outcome = CheckedEntry | Refusal


class Checker:
    """
    Checks credentials and their status entries.

    Args:
        resolver: for the keys of issuers that are DIDs.
        fetcher: for the lists of strangers; the guard's `fetch_stranger`.
        own_list: our lists in process (`answers.own_list`).
        metadata: for the keys of issuers with https URLs.
        anchors_of: those that the registry has of a party, for a chain of certificates.
        clock: seconds since 1970; what others say of times is compared with it.
        timer: monotonic seconds; how long a list is kept goes by it.
        canonicalize_rdf: as `read_list`; None: of proofs over RDF only those of plain lists are verified.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        fetcher: Fetch,
        own_list: OwnList,
        metadata: IssuerMetadata,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        anchors_of: AnchorsOf = no_anchors,
        canonicalize_rdf: Canonicalize | None = None,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._metadata = metadata
        self._lists = ListSource(
            resolver=resolver,
            fetcher=fetcher,
            own_list=own_list,
            metadata=metadata,
            anchors_of=anchors_of,
            clock=clock,
            timer=timer,
            canonicalize_rdf=canonicalize_rdf,
        )

    async def check_entries(self, request: EntryCheck, account: Account = UNLIMITED) -> StatusCheck:
        """
        Check entries of a credential that the caller has verified (`credentialVerified: false`).

        Raises:
            Refusal: `account` cannot pay for the lists that must be fetched or expanded; then none is.
            BadRequest: the time is to come.
            MalformedValue: an entry is malformed, or there is none, or more than 8.
            MalformedCertificate: an anchor is no certificate.
            StatusListError, OutboundBudgetExceeded: as `ListSource.get` and `algorithm`. The first entry that fails
                fails the check: part of an answer could be taken for the whole.
        """
        relying = Relying(
            issuer=request.issuer,
            list_issuers=request.list_issuers,
            anchors=_anchors(request.anchors),
            at=None if request.at is None else self._past(parse_utc(request.at)),
        )
        entries = read_entries(request.credential_status, request.status)
        return await self._check(entries, relying, account, credential_verified=False)

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
        relying = Relying(issuer=secured.issuer)
        return await self._check(entries, relying, account, credential_verified=True)

    async def check_held_entries(
        self, values: Iterable[object], relying: Relying, account: Account = UNLIMITED
    ) -> list[Outcome]:
        """
        Check the entries of a credential that was verified here; each has its own outcome.

        Args:
            values: entries as the credential has them: each an object of `credentialStatus`, or the claim `status`,
                which may hold several.

        Returns:
            For each entry, in order, what its list says, or the error that kept it from being read: a
            `MalformedValue`, a `StatusListError`, an `OutboundBudgetExceeded`.

        Raises:
            Refusal: `account` cannot pay for the lists that must be fetched or expanded; then none is.
        """
        entries: list[AnyEntry | MalformedValue] = []
        for value in values:
            try:
                entries += read_held_entry(value)
            except MalformedValue as error:
                entries.append(error)
        return await self._outcomes(entries, relying, account)

    def purge_lists(self) -> None:
        """Forget the verified lists of others; each is fetched, and its issuer's key resolved, anew."""
        self._metadata.purge()
        self._lists.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._lists.aclose()

    async def _check(
        self, entries: Sequence[AnyEntry], relying: Relying, account: Account, *, credential_verified: bool
    ) -> StatusCheck:
        outcomes = await self._outcomes(entries, relying, account)
        results = tuple(_result_of(outcome) for outcome in outcomes)
        return StatusCheck(
            valid=bool(results) and all(result.valid for result in results),
            credential_verified=credential_verified,
            checked_at=format_utc(self._now()),
            results=results,
            reason=next((result.reason for result in results if not result.valid), None),
        )

    async def _outcomes(
        self, entries: Sequence[AnyEntry | MalformedValue], relying: Relying, account: Account
    ) -> list[Outcome]:
        """Return all outcomes in order; what is no refusal is a fault of ours, and raised."""
        urls = {entry.list_url for entry in entries if isinstance(entry, Entry | TokenEntry)}
        self._charge(urls, relying.reliance, account)
        if not entries:
            return []
        outcomes = [self._outcome(entry, relying, account) for entry in entries]
        if len(outcomes) == 1:
            return [await outcomes[0]]  # Most credentials have one entry; a task takes as long as its check.
        return await asyncio.gather(*outcomes)

    def _charge(self, urls: set[str], reliance: Reliance, account: Account) -> None:
        prices = [self._lists.price_of(url, reliance) for url in urls]
        if requests := sum(price.requests for price in prices):
            account.pay(requests)
        if n_bytes := sum(price.n_bytes for price in prices):
            account.compute(n_bytes)

    async def _outcome(self, entry: AnyEntry | MalformedValue, relying: Relying, account: Account) -> Outcome:
        if isinstance(entry, MalformedValue):
            return entry
        if isinstance(entry, UnsupportedEntry):
            return unsupported(entry)
        try:
            found = await self._lists.get(entry.list_url, relying.reliance, account)
            return outcome_of(entry, found, relying, self._evaluate(entry, found, relying.at))
        except Refusal as error:
            # Pointers of these errors lead into the list, hence its URL beside them.
            error.members.setdefault("statusListCredential", entry.list_url)
            return error

    def _evaluate(self, entry: Entry | TokenEntry, found: VerifiedList, at: int | None) -> StatusResult:
        if found.is_own:
            _check_fits(entry, found.content)
        return evaluated(entry, found.content, found.bits, now=self._now(), at=at)

    def _past(self, at: int) -> int:
        if at > self._now():
            raise BadRequest("expected a time that has come", pointer="/at")
        return at

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _result_of(outcome: Outcome) -> CheckedEntry:
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _anchors(certificates: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(_anchor(text, f"/anchors/{place}") for place, text in enumerate(certificates))


def _anchor(text: str, pointer: str) -> bytes:
    try:
        der = base64.b64decode(text, validate=True)
        read_certificate(der)
    except MalformedCertificate as error:
        raise MalformedCertificate(error.detail, pointer=pointer) from None
    except ValueError:
        raise MalformedCertificate("expected the base64 of a certificate in DER", pointer=pointer) from None
    return der


def _check_fits(entry: Entry | TokenEntry, own: Content) -> None:
    """Refuse an entry that says of a list of ours what we did not say when we allocated it."""
    if isinstance(entry, TokenEntry) and isinstance(own, TokenList):
        return
    if not isinstance(entry, Entry) or not isinstance(own, StatusListCredential):
        raise EntryNotOfList("the list is of another standard; send the entry as it was allocated")
    if entry.type != ENTRY_TYPE:
        raise EntryNotOfList(
            f"the list is for entries of the type {ENTRY_TYPE}; send the entry as it was allocated",
            pointer="/credentialStatus/type",
        )
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
