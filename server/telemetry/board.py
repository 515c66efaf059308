"""
What the processes of one node share in memory: metrics, which any of them renders as their sum, and marks.

A slot is written by one process and read by all. A reader may meet a write half done: then what it reads is no
JSON, and it takes what it read there before.
"""

import contextlib
import mmap
import struct

import msgspec

from operators.alarms.model import AlarmView
from storage.mark import SLOT_BYTES as MARK_BYTES
from wire import Fault, Reading

SLOT_BYTES = 131_072  # 128 KiB; the counters of one process take a few
_LENGTH = struct.Struct("<I")


class Snapshot(msgspec.Struct, frozen=True):
    """What one process shares; `requests` are (route, method, status, fault, count), `alarms` are no rows yet."""

    requests: tuple[tuple[str, str, int, Fault, int], ...] = ()
    readings: tuple[Reading, ...] = ()
    alarms: tuple[AlarmView, ...] = ()


class Board:
    """Made before the processes are forked; each of them is given a slot."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._memory = mmap.mmap(-1, slots * SLOT_BYTES)
        # How far each is with what it serves; see `storage.mark`.
        self.list_marks = mmap.mmap(-1, slots * MARK_BYTES)
        self.registry_marks = mmap.mmap(-1, slots * MARK_BYTES)
        self._last: dict[int, Snapshot] = {}

    def put(self, slot: int, snapshot: Snapshot) -> None:
        """Write the slot; a snapshot that does not fit is left out."""
        body = msgspec.json.encode(snapshot)
        if len(body) > SLOT_BYTES - _LENGTH.size:
            return
        at = slot * SLOT_BYTES
        self._memory[at + _LENGTH.size : at + _LENGTH.size + len(body)] = body
        self._memory[at : at + _LENGTH.size] = _LENGTH.pack(len(body))

    def others(self, slot: int) -> list[Snapshot]:
        """Return what is in the slots but one."""
        return [self.get(other) for other in range(self._slots) if other != slot]

    def get(self, slot: int) -> Snapshot:
        """Return what is in a slot, empty at first. A process that was started anew finds its counters there."""
        at = slot * SLOT_BYTES
        (length,) = _LENGTH.unpack(self._memory[at : at + _LENGTH.size])
        body = self._memory[at + _LENGTH.size : at + _LENGTH.size + length]
        with contextlib.suppress(msgspec.DecodeError):
            self._last[slot] = _DECODER.decode(body)
        return self._last.get(slot, Snapshot())


_DECODER = msgspec.json.Decoder(Snapshot)


def merged(snapshots: list[Snapshot]) -> Snapshot:
    """Return the numbers of several processes as those of one."""
    requests: dict[tuple[str, str, int, Fault], int] = {}
    readings: dict[tuple[str, ...], Reading] = {}
    for snapshot in snapshots:
        for route, method, status, fault, count in snapshot.requests:
            key = (route, method, status, fault)
            requests[key] = requests.get(key, 0) + count
        for reading in snapshot.readings:
            known = readings.get(reading.key)
            readings[reading.key] = reading if known is None else _merge(known, reading)
    return Snapshot(
        requests=tuple((*key, count) for key, count in requests.items()), readings=tuple(readings.values())
    )


def _merge(one: Reading, other: Reading) -> Reading:
    values = (one.value, other.value)
    merged_value = {"sum": sum(values), "max": max(values), "min": min(values)}[one.merge]
    return msgspec.structs.replace(one, value=merged_value)
