"""
The keys of an issuer that is an https URL: JWT VC Issuer Metadata, fetched through the guard and kept. Service.

SD-JWT-based Verifiable Credentials (draft-ietf-oauth-sd-jwt-vc-19), section 4. The origin of the URL says which
keys are the issuer's: in `jwks`, or at `jwks_uri`, never both. Where it says nothing, nothing is known of them.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import copy

import msgspec

from credentials.errors import KeyNotKnown
from credentials.keys.found import FoundKey
from credentials.keys.jwk_sets import SetKey, choose_key, read_key_set
from credentials.secured import Secured
from proofs import Algorithm, JsonObject, MalformedProof
from proofs.jose import algorithm_named
from resolver import Fetch, FetchError, FreshnessBounds, UrlRefused, plan_for_url
from resolver.sources.cache import Cache, Entry
from resolver.sources.freshness import cache_headers, lifetime
from wire import JsonError, read

WELL_KNOWN = "/.well-known/jwt-vc-issuer"
MAX_BODY_BYTES = (
    65_536  # 64 KiB, each of the metadata and the key set: 64 keys with their certificates' thumbprints
)
MAX_CACHE_BYTES = 4_194_304  # 4 MiB of JSON
MAX_JSON_VALUES = 2_000
RETRY_SECONDS = 5.0  # how long an origin that failed is not asked again where older keys take the place
_BOUNDS = FreshnessBounds()
_NOT_THERE = (404, 410)  # statuses by which an origin says that there is no metadata
Charge = Callable[[int], None]  # takes a token for each of some requests to strangers


def _nobody_pays(_requests: int) -> None: ...


# Who owes the second request of a load: whoever began it. Of what is loaded behind an answer, nobody does.
_OWE: ContextVar[Charge] = ContextVar("owe", default=_nobody_pays)


class IssuerKeys(msgspec.Struct, frozen=True):
    """What an issuer's metadata says: `document` has the key set in its place, from wherever that came."""

    document: JsonObject
    keys: tuple[SetKey, ...]
    retrieved_at: float


class IssuerMetadata:
    """
    Finds keys of issuers; one per process, used on one event loop.

    What an origin says is kept within the bounds on documents of DIDs; where it does not answer, keys that it gave
    before serve on, marked as stale, for as long as those bounds allow.

    Args:
        fetcher: a plan to what its origin answered; the guard's `fetch_stranger`.
        clock: seconds since 1970.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        *,
        fetcher: Fetch,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        bounds: FreshnessBounds = _BOUNDS,
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._bounds = bounds
        self._cache: Cache[str, IssuerKeys | KeyNotKnown] = Cache(
            self._load,
            max_bytes=MAX_CACHE_BYTES,
            clock=clock,
            timer=timer,
            key_bytes=len,
            retry_seconds=RETRY_SECONDS,
            excused=(_NotHad,),
        )

    def would_ask(self, issuer: str) -> bool:
        """Tell whether `find_key` would ask a stranger now; one question, though the key set may be a second."""
        return issuer.startswith("https://") and self._cache.would_load(issuer)

    async def find(
        self, secured: Secured, *, charge: Charge = _nobody_pays, owe: Charge = _nobody_pays
    ) -> FoundKey:
        """
        Return the key of the issuer, an https URL, that shall have signed a credential; raises as `find_key`.

        Args:
            charge: takes a token before a stranger is asked; what it raises is passed on.
            owe: takes one for the key set, where it turns out to be elsewhere.

        Raises:
            MalformedProof: it is no token; a proof names its key by another URL.
        """
        if secured.algorithm is None or secured.issuer is None:
            raise MalformedProof(
                "expected a token of an issuer with an https URL, not a Data Integrity proof"
            )
        algorithm = algorithm_named(secured.algorithm)
        if self.would_ask(secured.issuer):
            charge(1)
        token = _OWE.set(owe)
        try:
            return await self.find_key(secured.issuer, secured.key_id, algorithm)
        finally:
            _OWE.reset(token)

    async def find_key(self, issuer: str, key_id: str | None, algorithm: Algorithm) -> FoundKey:
        """
        Return the key of `issuer` that shall have signed.

        Args:
            issuer: `iss` as it is, an https URL.
            key_id: `kid` of the header; None where it has none.
            algorithm: of the header's `alg`.

        Raises:
            KeyNotKnown: the metadata cannot be fetched, or is not such as section 4 asks for; so where `issuer` is
                no https URL that we fetch.
            ProofInvalid: no key of the metadata is meant, or more than one.
        """
        look = await self._cache.look(issuer)
        found = look.entry.value
        if isinstance(found, KeyNotKnown):
            raise copy(found)
        key = choose_key(found.keys, key_id, algorithm)
        return FoundKey(
            public_key=key.public_key,
            id=key.id or issuer,
            by="jwt-vc-issuer",
            document=found.document,
            retrieved_at=found.retrieved_at,
            is_stale=look.is_stale,
            fresh_until=look.entry.fresh_until,
        )

    def purge(self) -> None:
        """Forget all keys; each issuer is asked anew."""
        self._cache.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._cache.aclose()

    async def _load(
        self, issuer: str, _known: Entry[IssuerKeys | KeyNotKnown] | None
    ) -> Entry[IssuerKeys | KeyNotKnown]:
        """Load what an issuer says; that it says nothing we can read is kept, for a short time, as well."""
        try:
            document, headers = await self._get(metadata_url(issuer))
            check_metadata(document, issuer)
            if "jwks_uri" in document:
                _OWE.get()(1)
                key_set, _ = await self._get(document["jwks_uri"])
                document = {**document, "jwks": key_set}
            keys = await asyncio.to_thread(_keys_of, document)
        except _NotHad:
            raise
        except KeyNotKnown as error:
            return Entry(value=copy(error), fresh_until=self._clock() + self._bounds.negative_seconds)
        return self._kept(IssuerKeys(document, keys, self._clock()), headers)

    def _kept(self, found: IssuerKeys, headers: Mapping[str, str]) -> Entry[IssuerKeys | KeyNotKnown]:
        fresh_until = found.retrieved_at + lifetime(headers, self._bounds)
        return Entry(
            value=found,
            fresh_until=fresh_until,
            revalidate_until=fresh_until + self._bounds.revalidate_seconds,
            stale_until=fresh_until + self._bounds.stale_seconds,
            value_bytes=len(msgspec.json.encode(found.document)),
        )

    async def _get(self, url: str) -> tuple[JsonObject, Mapping[str, str]]:
        try:
            plan = plan_for_url(url, accept="application/json", max_bytes=MAX_BODY_BYTES)
            fetched = await self._fetcher(plan, {})
        except UrlRefused as error:
            raise KeyNotKnown(f"the issuer's metadata is not fetched: {error.detail}") from None
        except FetchError as error:
            raise _NotHad(
                f"the issuer's metadata cannot be fetched: {error.detail}", headers=error.headers
            ) from None
        if fetched.status != 200:
            kind = KeyNotKnown if fetched.status in _NOT_THERE else _NotHad
            raise kind(f"the origin of the issuer's metadata answered {fetched.status}")
        try:
            document = read(fetched.body, max_bytes=MAX_BODY_BYTES, max_values=MAX_JSON_VALUES)
        except JsonError as error:
            raise KeyNotKnown(f"the issuer's metadata is not the JSON we accept: {error}") from None
        if not isinstance(document, dict):
            raise KeyNotKnown("expected the issuer's metadata as a JSON object")
        return document, cache_headers(fetched.headers)


class _NotHad(KeyNotKnown):
    """The origin could not be asked: what it said before may go on."""


def metadata_url(issuer: str) -> str:
    """
    Return where the metadata of an issuer is (section 4): the well-known path between host and path.

    Raises:
        KeyNotKnown: the issuer is no https URL, or has a query or a fragment.
    """
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.partition("/")
    if scheme != "https" or not host or not {"?", "#"}.isdisjoint(issuer):
        raise KeyNotKnown("expected the issuer as an https URL without query and fragment")
    return f"https://{host}{WELL_KNOWN}{(slash + path).removesuffix('/')}"


def check_metadata(document: JsonObject, issuer: str) -> None:
    """
    Raises:
        KeyNotKnown: `issuer` is another, to the letter, or not one of `jwks` and `jwks_uri` is there (section 4.2).
    """
    if document.get("issuer") != issuer:
        raise KeyNotKnown("the metadata is that of another issuer than the one that was asked for")
    if ("jwks" in document) == ("jwks_uri" in document):
        raise KeyNotKnown("expected either jwks or jwks_uri in the issuer's metadata")
    if "jwks_uri" in document and not isinstance(document["jwks_uri"], str):
        raise KeyNotKnown("expected jwks_uri of the issuer's metadata as a URL")


def _keys_of(document: JsonObject) -> tuple[SetKey, ...]:
    try:
        return read_key_set(document["jwks"])
    except ValueError as error:
        raise KeyNotKnown(f"jwks of the issuer's metadata: {error}") from None
