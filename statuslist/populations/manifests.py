"""
A signed manifest of each issuer: which lists there are, and of which version at least. Service.

Every list is signed by itself; none says that there is another. Whoever holds all lists of an issuer could be given
all but one, or an old one that has not run out yet. So the process that publishes signs, a few seconds after a
change, which lists there are at a position, and of which version. Nothing is said of entries.

    header   {"typ": "status-list-manifest+jwt", "alg": ..., "kid": ...}
    payload  {"iss": the issuer's DID, "iat", "exp", "position": 41, "lists": {"badges": 7, "badges-revocation": 7}}
"""

import asyncio
from collections.abc import Callable
from functools import partial

from proofs import Signer, SignerAway, sign_compact
from statuslist.populations import rows
from statuslist.populations.rows import Held, Standing
from storage import Database
from wire import Refusal, encode

MANIFEST_TYPE = "status-list-manifest+jwt"
SKEW_SECONDS = 60  # how far a verifier's clock may lag ours, as for lists


class Manifests:
    """
    Signs manifests.

    Args:
        signer_of: the signer of an issuer, by the issuer's id and the key's; may raise.
        validity_seconds: how long a manifest holds; at half of it another is signed.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        signer_of: Callable[[str, str], Signer],
        validity_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._signer_of = signer_of
        self._validity = validity_seconds * 1_000_000
        self._clock = clock

    async def step(self) -> int:
        """Sign a manifest for each issuer whose lists changed, or whose last one is half through."""
        standing = await self._database.read(rows.standings)
        return sum([await self._renew(found) for found in standing if self._is_due(found)])

    def _is_due(self, found: Standing) -> bool:
        is_half_through = self._now() + self._validity // 2 >= found.valid_until
        return found.position > found.manifest_position or is_half_through

    async def _renew(self, found: Standing) -> bool:
        """Sign one; False where the issuer cannot sign just now: the manifest before holds until its end."""
        read = partial(rows.published_of, issuer_id=found.issuer_id)
        key_id, position, lists = await self._database.read(read)
        if key_id is None:
            return False
        try:
            held = await asyncio.to_thread(self._signed, found.issuer_id, key_id, position, lists)
        except (Refusal, SignerAway):
            return False
        return await self._database.write(partial(rows.keep_manifest, held=held, key_id=key_id))

    def _signed(self, issuer_id: str, key_id: str, position: int, lists: dict[str, int]) -> Held:
        signer, second = self._signer_of(issuer_id, key_id), self._now() // 1_000_000
        until = second + self._validity // 1_000_000
        payload = {
            "iss": signer.controller,
            "iat": second - SKEW_SECONDS,
            "exp": until,
            "position": position,
            "lists": lists,
        }
        token = sign_compact(encode(payload), header={"typ": MANIFEST_TYPE}, signer=signer).decode()
        return Held(issuer_id, position, until * 1_000_000, token)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
