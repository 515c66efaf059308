"""
Looks again at whether foreign documents list the keys that sign for them, and raises an alarm where one does not.

Signing goes on meanwhile: a list that is signed with a key that its issuer's document does not list is refused by
every verifier, so that nobody is misled, and all of them hold again as soon as the key is back.
"""

import math
from collections.abc import Callable

from observatory.watching import Watch
from operators import AlarmKind, Issuer, IssuerKey, KeyState, OnState
from resolver import ResolutionError, Resolver
from resolver.sources.web import OutboundBusy
from server.identity.identities import Identities
from server.identity.listing import UNSEEN, faults_of

RETRY_SECONDS = 60.0  # seconds until the next look at a key that is not listed, or at an origin that is away
# Seconds that an origin may be away: verifiers keep documents, and its operator knows before ours that it is down.
UNSEEN_SECONDS = 86_400.0

Foreign = dict[str, tuple[Issuer, list[IssuerKey]]]  # by DID, with the keys that sign or are planned to


class ListingWatch:
    """
    For the holder of the lease.

    Args:
        interval: seconds between two looks at a document; 0: never look.
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told of each key that is not listed.
    """

    def __init__(
        self,
        resolver: Resolver,
        identities: Identities,
        *,
        interval: float,
        clock: Callable[[], float],
        timer: Callable[[], float],
        on_state: OnState,
    ) -> None:
        self._resolver = resolver
        self._identities = identities
        self._retry_seconds = min(RETRY_SECONDS, interval)
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._version: object = None  # Of the rows from which the next two were made.
        self._foreign: Foreign = {}
        self._dids: frozenset[str] = frozenset()
        self._seen_at: dict[str, float] = {}  # When each document was seen, or first looked for.
        self._told: set[str] = set()  # Subjects in alarm, as far as we told.
        self._watch = Watch(
            self._look_at,
            watched=self._watched,
            prefixes=("did:",),
            last_seen=_never,
            interval=interval,
            clock=clock,
            timer=timer,
        )

    async def look(self) -> None:
        """Look at a few documents whose turn it is, each of another host."""
        self._take_rows()
        await self._watch.look()

    def leave(self) -> None:
        """Another process looks, and tells from now on."""
        for subject in list(self._told):
            self._tell(subject, None)

    async def _watched(self) -> frozenset[str]:
        return self._dids

    def _take_rows(self) -> None:
        if self._identities.version == self._version:
            return
        self._version = self._identities.version
        found = ((issuer, list(filter(_signs, keys))) for issuer, keys in self._identities.foreign())
        self._foreign = {issuer.did: (issuer, keys) for issuer, keys in found if keys}
        if self._foreign.keys() != self._dids:
            self._dids = frozenset(self._foreign)
        self._seen_at = {did: at for did, at in self._seen_at.items() if did in self._dids}
        watched = {_subject(key) for _, keys in self._foreign.values() for key in keys}
        for subject in self._told - watched:  # It signs no more: where it is listed is nobody's worry.
            self._tell(subject, None)

    async def _look_at(self, did: str) -> float | None:
        issuer, keys = self._foreign[did]
        self._seen_at.setdefault(did, self._timer())
        try:
            faults = await faults_of(self._resolver, self._clock, issuer, keys)
        except OutboundBusy:
            raise
        except UNSEEN as error:
            self._note_unseen(did, error)
            return self._retry_seconds
        self._seen_at[did] = self._timer()
        for key in self._still_watched(did):
            if key.key_id in faults:
                self._tell(_subject(key), faults[key.key_id])
        return self._retry_seconds if any(faults.values()) else None

    def _note_unseen(self, did: str, error: ResolutionError) -> None:
        """An origin that is away took no key out of its document; an alarm that it did stays as it is."""
        hours = math.floor((self._timer() - self._seen_at.get(did, self._timer())) / 3_600)
        for key in self._still_watched(did):
            if hours * 3_600 >= UNSEEN_SECONDS:
                self._tell(_subject(key), f"{did} could not be resolved for {hours} hours: {error.detail}")

    def _still_watched(self, did: str) -> list[IssuerKey]:
        return self._foreign[did][1] if did in self._foreign else []

    def _tell(self, subject: str, fault: str | None) -> None:
        if fault is None:
            self._told.discard(subject)
        else:
            self._told.add(subject)
        self._on_state(AlarmKind.KEY_NOT_LISTED, subject, fault)


def _signs(key: IssuerKey) -> bool:
    """Tell whether a key signs, or is planned to; what only waits for its owner's document is nothing to report."""
    return key.state is KeyState.ACTIVE or (key.state is KeyState.ANNOUNCED and not key.is_spare)


def _subject(key: IssuerKey) -> str:
    return f"{key.issuer_id}#{key.key_id}"


async def _never(_: frozenset[str]) -> dict[str, int]:
    """Return nothing: each document is looked at within a minute after a start, whatever was seen before it."""
    return {}
