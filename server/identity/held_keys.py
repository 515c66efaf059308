"""
The keys that sign in this process: opened, kept, and looked at again.

A key that cannot be read fails the next signature of its issuer alone, and raises an alarm. A key that was read is
kept: where its file is lost or changed later, signing goes on, and the alarm comes. A retired key of which nobody
could tell yet what it is (see `IssuerKey`) is looked for as well, as long as what it signed is valid.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

import msgspec

from operators import AlarmKind, Issuer, IssuerKey, KeyState, OnState
from proofs import KeyFileError, Signer, SignerAway
from server.identity.custody import Custody, spki_of
from storage.threads import run_aside

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
        clock: seconds since 1970; what keys signed ends by it.
        timer: monotonic seconds.
        on_state: told of each key that cannot be read, and when it can be again.

    Attributes:
        faults: what is wrong with keys that shall sign here, by issuer and key.
    """

    def __init__(
        self,
        custody: Custody,
        node: str,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float],
        on_state: OnState,
    ) -> None:
        self.faults: dict[KeyName, str] = {}
        self._custody = custody
        self._node = node
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._wanted: dict[KeyName, tuple[Issuer, IssuerKey]] = {}
        self._held: dict[KeyName, _Held] = {}
        self._changed: dict[KeyName, None] = {}  # Those to look at next, in this order,
        self._missing: dict[KeyName, None] = {}  # those that do not sign,
        self._round: deque[KeyName] = deque()  # and those whose turn comes in this round.
        self._round_began_at = NEVER  # Monotonic seconds.

    def take(self, issuer: Issuer, before: Iterable[IssuerKey], keys: Iterable[IssuerKey]) -> None:
        """Take up an issuer's keys as they are now."""
        now = self._now()
        wanted = {(issuer.id, key.key_id): key for key in keys if _is_wanted(key, now)}
        for name in {(issuer.id, key.key_id) for key in before} - wanted.keys():
            self._forget(name)
        for name, key in wanted.items():
            _, known = self._wanted.get(name, (issuer, None))
            if known is None or known.certificates != key.certificates:
                self._changed[name] = None
            self._wanted[name] = (issuer, key)
            if name in self._held and not _fits(self._held[name], key):
                del self._held[name]
                self._changed[name] = None

    def _forget(self, name: KeyName) -> None:
        """It is wanted no more: what is wrong with it is over."""
        for known in (self._wanted, self._held, self._changed, self._missing):
            known.pop(name, None)
        if name in self.faults:
            self._tell(name, None)

    async def look(self) -> dict[KeyName, Signer]:
        """Look at keys that are new or do not sign, and at some others; return those that sign now, and did not."""
        fresh: dict[KeyName, Signer] = {}
        names = self._due()
        for begin in range(0, len(names), AT_ONCE):
            # A look that hangs keeps nobody waiting, not even the end of the process.
            found = await run_aside(partial(self._look, names[begin : begin + AT_ONCE]))
            for one in found:
                if self._note(one) and one.held is not None:
                    fresh[one.name] = one.held.signer
        return fresh

    def _due(self) -> list[KeyName]:
        if not self._round and self._timer() - self._round_began_at >= LOOK_AGAIN_SECONDS:
            self._round_began_at = self._timer()
            self._let_go()
            self._round.extend(self._wanted)
        some = [self._round.popleft() for _ in range(min(AT_ONCE, len(self._round)))]
        due = dict.fromkeys((*self._changed, *islice(self._missing, AT_ONCE), *some))
        self._changed.clear()
        return list(due)

    def _look(self, names: list[KeyName]) -> list[_Found]:
        """Open each key, unless it is as it was when it was opened; blocks."""
        pairs = ((name, self._wanted.get(name)) for name in names)
        return [self._look_at(name, *pair) for name, pair in pairs if pair is not None]

    def _let_go(self) -> None:
        """Look no more for retired keys of which all that they signed has ended."""
        now = self._now()
        for name in [name for name in self._missing if not _is_wanted(self._wanted[name][1], now)]:
            self._forget(name)

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
        _, key = self._wanted[name]
        held, before = found.held, self._held.get(name)
        if held is None or (held is not before and not _fits(held, key)):
            self._missing[name] = None
        else:
            self._held[name] = held
            self._missing.pop(name, None)
        self._tell(name, found.fault)
        return before is None and name in self._held

    def _tell(self, name: KeyName, fault: str | None) -> None:
        """Each node has key files of its own: one that can read a key says nothing of another."""
        if fault is not None and name not in self.faults:
            LOG.warning("the key %s of %s cannot sign: %s", name[1], name[0], fault)
        if fault is None:
            self.faults.pop(name, None)
        else:
            self.faults[name] = fault
        self._on_state(AlarmKind.KEY_UNREADABLE, f"{name[0]}#{name[1]} on {self._node}", fault)

    def find(self, name: KeyName) -> Signer | None:
        """Return what signs with a key; None: we do not hold it."""
        held = self._held.get(name)
        return None if held is None else held.signer

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _is_wanted(key: IssuerKey, now: int) -> bool:
    """Tell whether a key shall sign, or is to tell what it is, so that what it signed verifies."""
    if key.state is KeyState.RETIRED:
        return key.public_key is None and key.is_published(now)
    return key.state in (KeyState.ACTIVE, KeyState.ANNOUNCED)


def _fits(held: _Held, key: IssuerKey) -> bool:
    """Tell whether what was opened is the key; another node may have told what it is since then."""
    return key.public_key in (None, spki_of(held.signer.public_key))
