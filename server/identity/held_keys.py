"""
The keys that sign in this process: opened, kept, and looked at again.

A key that cannot be read fails the next signature of its issuer alone, and raises an alarm. A key that was read is
kept: where its file is lost or changed later, signing goes on, and the alarm comes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec

from operators import AlarmKind, Issuer, IssuerKey, KeyState, OnState
from proofs import KeyFileError, Signer, SignerAway
from server.identity.custody import Custody
from wire import ResourceNotFound

LOG = logging.getLogger("touchstone.identity")

LOOK_AGAIN_SECONDS = 15.0  # monotonic seconds between two rounds of looks at the keys that we hold
AT_ONCE = 250  # keys: what their looks tell takes the event loop two milliseconds
NEVER = float("-inf")

KeyName = tuple[str, str]  # the id of an issuer, and that of its key


class _Held(msgspec.Struct, frozen=True):
    """A key that signs, and the mark of what it was read from."""

    signer: Signer
    mark: object


class _Found(msgspec.Struct, frozen=True):
    """What became of a key that was looked at: it signs, or why it does not."""

    name: KeyName
    held: _Held | None
    fault: str | None


class HeldKeys:
    """
    Args:
        node: the name of this machine, whose key files are its own.
        timer: monotonic seconds.
        on_state: told of each key that cannot be read, and when it can be again.

    Attributes:
        faults: what is wrong with keys that shall sign here, by issuer and key.
    """

    def __init__(self, custody: Custody, node: str, *, timer: Callable[[], float], on_state: OnState) -> None:
        self.faults: dict[KeyName, str] = {}
        self._custody = custody
        self._node = node
        self._timer = timer
        self._on_state = on_state
        self._wanted: dict[KeyName, tuple[Issuer, IssuerKey]] = {}
        self._held: dict[KeyName, _Held] = {}
        self._changed: dict[KeyName, None] = {}  # Those to look at next, in this order,
        self._missing: dict[KeyName, None] = {}  # those that do not sign,
        self._round: deque[KeyName] = deque()  # and those whose turn comes in this round.
        self._round_began_at = NEVER  # Monotonic seconds.

    def take(self, issuer: Issuer, before: Iterable[IssuerKey], keys: Iterable[IssuerKey]) -> None:
        """Take up an issuer's keys as they are now; the announced and the active are to sign."""
        wanted = {(issuer.id, key.key_id): key for key in keys if _shall_sign(key)}
        for name in {(issuer.id, key.key_id) for key in before} - wanted.keys():
            self._forget(name)
        for name, key in wanted.items():
            _, known = self._wanted.get(name, (issuer, None))
            if known is None or known.certificates != key.certificates:
                self._changed[name] = None
            self._wanted[name] = (issuer, key)

    def _forget(self, name: KeyName) -> None:
        """It shall sign no more: what is wrong with it is over."""
        for known in (self._wanted, self._held, self._changed, self._missing):
            known.pop(name, None)
        if name in self.faults:
            self._tell(name, None)

    async def look(self) -> dict[KeyName, Signer]:
        """Look at keys that are new or do not sign, and at some others; return those that sign now, and did not."""
        fresh: dict[KeyName, Signer] = {}
        names = self._due()
        for begin in range(0, len(names), AT_ONCE):
            found = await asyncio.to_thread(self._look, names[begin : begin + AT_ONCE])
            for one in found:
                if self._note(one) and one.held is not None:
                    fresh[one.name] = one.held.signer
        return fresh

    def _due(self) -> list[KeyName]:
        if not self._round and self._timer() - self._round_began_at >= LOOK_AGAIN_SECONDS:
            self._round_began_at = self._timer()
            self._round.extend(self._wanted)
        some = [self._round.popleft() for _ in range(min(AT_ONCE, len(self._round)))]
        due = dict.fromkeys((*self._changed, *islice(self._missing, AT_ONCE), *some))
        self._changed.clear()
        return list(due)

    def _look(self, names: list[KeyName]) -> list[_Found]:
        """Open each key, unless it is as it was when it was opened; blocks."""
        pairs = ((name, self._wanted.get(name)) for name in names)
        return [self._look_at(name, *pair) for name, pair in pairs if pair is not None]

    def _look_at(self, name: KeyName, issuer: Issuer, key: IssuerKey) -> _Found:
        held = self._held.get(name)
        mark = self._custody.mark_of(key)
        if held is not None and mark is not None and held.mark == mark:
            return _Found(name, held, None)
        try:
            return _Found(name, _Held(self._custody.open(issuer, key), mark), None)
        except (KeyFileError, SignerAway, OSError, ValueError) as error:  # The last of its certificates.
            return _Found(name, held, str(error))

    def _note(self, found: _Found) -> bool:
        """Keep what was found; tell whether the key signs now, and did not before."""
        name = found.name
        if name not in self._wanted:
            return False  # Its row changed meanwhile.
        is_fresh = found.held is not None and name not in self._held
        if found.held is None:
            self._missing[name] = None
        else:
            self._held[name] = found.held
            self._missing.pop(name, None)
        self._tell(name, found.fault)
        return is_fresh

    def _tell(self, name: KeyName, fault: str | None) -> None:
        """Each node has key files of its own: one that can read a key says nothing of another."""
        if fault is not None and name not in self.faults:
            LOG.warning("the key %s of %s cannot sign: %s", name[1], name[0], fault)
        if fault is None:
            self.faults.pop(name, None)
        else:
            self.faults[name] = fault
        self._on_state(AlarmKind.KEY_UNREADABLE, f"{name[0]}#{name[1]} on {self._node}", fault)

    def signer_of(self, issuer_id: str, key_id: str) -> Signer:
        """
        Return what signs with a key of an issuer.

        Raises:
            ResourceNotFound: we do not hold it.
        """
        held = self._held.get((issuer_id, key_id))
        if held is None:
            raise ResourceNotFound(f"the key {key_id} of the issuer {issuer_id!r} is not held here")
        return held.signer


def _shall_sign(key: IssuerKey) -> bool:
    return key.state in (KeyState.ACTIVE, KeyState.ANNOUNCED)
