"""
Values kept within a number of bytes, so that a flood of new keys evicts nothing that is used. Pure.

Segmented LRU (Karedla, Love and Wherry, 1994): a new key is on probation; asked for again it is protected. What
goes first is the key on probation that was used longest ago. The protected part has at most three quarters of the
bytes; its own oldest goes back on probation, for one more chance.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """
    A bounded mapping.

    Args:
        max_bytes: bound on the sum of `size_of` over all keys and values; a value over it is not kept.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[K, V], int]) -> None:
        self._max_bytes = max_bytes
        self._max_protected = max_bytes * 3 // 4
        self._size_of = size_of
        self._probation: OrderedDict[K, V] = OrderedDict()
        self._protected: OrderedDict[K, V] = OrderedDict()
        self._protected_bytes = 0
        self.bytes_held = 0

    def get(self, key: K) -> V | None:
        """Return the value and count the use; None where there is none."""
        if key in self._protected:
            self._protected.move_to_end(key)
            return self._protected[key]
        value = self._probation.pop(key, None)
        if value is not None:
            self._protect(key, value)
        return value

    def peek(self, key: K) -> V | None:
        """Return the value without counting a use."""
        return self._protected.get(key, self._probation.get(key))

    def put(self, key: K, value: V) -> None:
        """Keep `value`; a key that was protected stays so."""
        was_protected = key in self._protected
        self.pop(key)
        size = self._size_of(key, value)
        if size > self._max_bytes:
            return
        self.bytes_held += size
        if was_protected:
            self._protect(key, value)
        else:
            self._probation[key] = value
        while self.bytes_held > self._max_bytes:
            segment = self._probation or self._protected
            self.pop(next(iter(segment)))

    def pop(self, key: K) -> V | None:
        """Forget `key`; return what was kept."""
        value = self._probation.pop(key, None)
        if value is None and (value := self._protected.pop(key, None)) is not None:
            self._protected_bytes -= self._size_of(key, value)
        if value is not None:
            self.bytes_held -= self._size_of(key, value)
        return value

    def __iter__(self) -> Iterator[K]:
        yield from self._probation
        yield from self._protected

    def __len__(self) -> int:
        return len(self._probation) + len(self._protected)

    def _protect(self, key: K, value: V) -> None:
        self._protected[key] = value
        self._protected_bytes += self._size_of(key, value)
        while self._protected_bytes > self._max_protected and len(self._protected) > 1:
            oldest, demoted = self._protected.popitem(last=False)
            self._protected_bytes -= self._size_of(oldest, demoted)
            self._probation[oldest] = demoted
