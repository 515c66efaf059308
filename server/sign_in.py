"""
Signing in, put together: the provider's keys come from the address in the settings, and from nowhere else.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from operators.sign_in.key_sets import KeySet, ProviderAway
from operators.sign_in.keys import MAX_JWKS_BYTES
from operators.sign_in.sign_in import SignIn
from resolver.keys.jwk import jwk_to_key
from resolver.outbound.configured import ConfiguredFetch
from resolver.outbound.trust import trust_of
from server.settings import Settings
from server.settings.sign_in import provider_of
from storage import Database

FETCH_SECONDS = 5.0  # seconds that a token waits for the provider's keys
_JWKS = "application/jwk-set+json, application/json"  # RFC 7517, section 8.5.2; most send the other


class SigningIn(msgspec.Struct, frozen=True):
    """What lets people in by their tokens, and what is behind it."""

    sign_in: SignIn
    keys: KeySet
    fetcher: ConfiguredFetch

    async def aclose(self) -> None:
        await self.keys.aclose()
        await self.fetcher.aclose()


def open_sign_in(
    settings: Settings, database: Database, *, clock: Callable[[], float], timer: Callable[[], float]
) -> SigningIn | None:
    """Return what signs people in; None where no identity provider is configured. The provider is not asked yet."""
    provider = provider_of(settings)
    if provider is None:
        return None
    ca_file = settings.dangerously_trusted_ca_file
    fetcher = ConfiguredFetch(
        [settings.sign_in_jwks_url.partition("?")[0]],
        contact=settings.public_url,
        ssl_context=trust_of(ca_file) if ca_file else None,
    )
    keys = KeySet(partial(_fetch, fetcher, settings.sign_in_jwks_url), jwk_to_key, timer=timer)
    return SigningIn(SignIn(database, provider, keys, clock=clock, timer=timer), keys, fetcher)


async def _fetch(fetcher: ConfiguredFetch, url: str) -> bytes:
    """Return what is at `url`; raises ProviderAway, or FetchError, where that is no 200 of at most 64 KiB."""
    fetched = await fetcher.fetch_configured(
        url, accept=_JWKS, max_bytes=MAX_JWKS_BYTES, timeout_seconds=FETCH_SECONDS
    )
    if fetched.status != 200:
        raise ProviderAway(f"it answered {fetched.status}, where its keys should be")
    return fetched.body
