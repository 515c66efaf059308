"""
The mutator of the fuzzer: bytes to other bytes that may be taken for the real thing. Pure, given randomness.

Two ways: of bytes, which knows nothing of what they mean, and of JSON, which keeps it well-formed and spoils what
it says. Words that matter to the code under test come from the caller.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

MAX_CASE_BYTES = 400_000  # over every cap of ours, so that what is refused for its size is met, too

_ODD_BYTES = b"\x00\x01\x09\x0a\x0d\x20\"#%&'*+,-./0:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xa0\xc0\xe2\xef\xff"
_ODD_TEXTS = (
    "%00", "%2F", "%2f", "%5C", "%2E%2E", "%252E", "%25", "%", "%4", "%zz", "%C0%AF", "%ED%A0%80",
    "%E2%80%8B", "\r\n", "\u00e9", "\u3002", "\uff0e", "\u2028", "\U0001f600", "..", "//", "../", "\\", "@",
    "::", "[::1]", "127.0.0.1", "0x7f.1", "localhost", "xn--", "xn--a", "0", "-1", "1e400",
    "99999999999999999999", "null", "true", '"', "{", "}", "[", "]", "\\u0000", "\\ud800", ";q=0", ";q=",
    ",", "*/*", "\ufeff",
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, -0.0, 2**53 + 1, 2**64, 10**30, "", " ", "\0", "#", "?", "#0", "a" * 300,
    "\u00e9", "\U0001f600", "did:web:other.example", "did:key:z", "https://x.example/", "http://127.0.0.1/",
    [], {}, [[]], [{}], {"": ""}, {"id": 1}, ["a", "a"],
)  # fmt: skip


class Mutator:
    """
    Makes cases of `seeds`, by `words`.

    The same arguments and the same random numbers give the same cases.
    """

    def __init__(self, seeds: Sequence[bytes], words: Sequence[str], random: Random) -> None:
        self._seeds = list(seeds) or [b""]
        self._words = [word.encode("utf-8", "surrogatepass") for word in (*words, *_ODD_TEXTS)]
        self._random = random
        self._steps: tuple[Callable[[bytes], bytes], ...] = (
            self._flipped, self._replaced, self._inserted, self._inserted, self._cut, self._cut,
            self._repeated, self._spliced, self._recased, self._escaped, self._truncated, self._swapped,
        )  # fmt: skip

    def case(self) -> bytes:
        """Return a seed after some steps; one in twenty is a seed as it is."""
        random = self._random
        data = random.choice(self._seeds)
        if random.random() < 0.05:
            return data
        if data.lstrip()[:1] in (b"{", b"[") and random.random() < 0.7:
            data = self.json_case(data)
            if random.random() < 0.8:
                return data
        return self.spoilt(data)

    def spoilt(self, data: bytes) -> bytes:
        """Return `data` after some steps that know nothing of what it means."""
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 5))):
            data = self._random.choice(self._steps)(data)
        return data[:MAX_CASE_BYTES]

    def json_case(self, data: bytes) -> bytes:
        """Return `data` as JSON with values, names or the nesting changed; as it is where it is no JSON."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return data
        for _ in range(self._random.choice((1, 1, 2, 4))):
            value = self._other(value, 0)
        changed = json.dumps(value, ensure_ascii=self._random.random() < 0.3).encode("utf-8", "surrogatepass")
        return changed if len(changed) <= MAX_CASE_BYTES else data

    def _other(self, value: Any, depth: int) -> Any:
        """Go down a random way, and change what is found at its end."""
        random = self._random
        if isinstance(value, dict) and value and random.random() < 0.85:
            name = random.choice(list(value))
            if random.random() < 0.15:
                return {(self._word() if key == name else key): item for key, item in value.items()}
            if random.random() < 0.12:
                return {key: item for key, item in value.items() if key != name}
            if random.random() < 0.1:
                return {**value, self._word(): self._value(value[name])}
            return {**value, name: self._other(value[name], depth + 1)}
        if isinstance(value, list) and value and random.random() < 0.85:
            index = random.randrange(len(value))
            if random.random() < 0.2:
                return [*value, value[index]] * random.choice((1, 1, 1, 40))
            if random.random() < 0.1:
                return value[:index] + value[index + 1 :]
            return [*value[:index], self._other(value[index], depth + 1), *value[index + 1 :]]
        return self._value(value)

    def _value(self, value: Any) -> Any:
        random = self._random
        kind = random.random()
        if kind < 0.35:
            return random.choice(_ODD_VALUES)
        if kind < 0.5:
            return self._word()
        if kind < 0.6:
            for _ in range(random.choice((1, 2, 28, 31, 40))):
                value = [value] if random.random() < 0.5 else {"id": value}
            return value
        if isinstance(value, str):
            changed = random.choice(self._steps)(value.encode("utf-8", "surrogatepass"))
            return changed.decode("utf-8", "replace")
        return [value]

    def _word(self) -> str:
        return self._random.choice(self._words).decode("utf-8", "replace")

    def _at(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._at(data)
        return start, min(len(data), start + self._random.choice((1, 1, 2, 4, 8, 32, 200)))

    def _flipped(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]

    def _replaced(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + bytes([self._random.choice(_ODD_BYTES)]) + data[at + 1 :]

    def _inserted(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self._random.choice(self._words) + data[at:]

    def _cut(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _repeated(self, data: bytes) -> bytes:
        start, end = self._span(data)
        times = self._random.choice((2, 2, 3, 10, 100, 1_000, 9_000))
        times = max(1, min(times, (MAX_CASE_BYTES - len(data)) // max(1, end - start)))
        return data[:start] + data[start:end] * times + data[end:]

    def _spliced(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        return data[: self._at(data)] + other[self._at(other) :]

    def _recased(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[start:end].swapcase() + data[end:]

    def _escaped(self, data: bytes) -> bytes:
        start, end = self._span(data)
        form = self._random.choice(("%%%02x", "%%%02X"))
        return data[:start] + "".join(form % byte for byte in data[start:end]).encode() + data[end:]

    def _truncated(self, data: bytes) -> bytes:
        return data[: self._at(data)]

    def _swapped(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[end:] + data[start:end] + data[:start]
