"""
What the dearest of what strangers publish costs to read: lists, tokens, logs, witness files.

`-s` prints what each case took.
"""

from typing import Any

import pytest

from credentials.forms.vc_jwt import read_token
from proofs import canonicalize
from resolver.webvh.entry import read_entry
from resolver.webvh.limits import DEFAULT_LIMITS
from resolver.webvh.witnesses import approvals
from statuslist.checking.checker import MAX_CREDENTIAL_BYTES
from statuslist.checking.list_fetching import MAX_LIST_BODY_BYTES
from statuslist.checking.list_reading import MAX_LIST_VALUES
from tests.fuzz.answers import DID
from tests.fuzz.costs import ACCEPTED_MS, base64url, many, milliseconds, names
from wire import read

pytestmark = pytest.mark.slow


def _list(inner: str) -> bytes:
    return f'{{"issuer":"{DID}","credentialSubject":{inner}}}'.encode()


def _bits(count: int) -> str:
    return '"encodedList":"u' + "H4sI" * (count // 4) + '"'


def _in_list(text: str, count: int, rest: str = "") -> bytes:
    return _list(f'{{{_bits(1_000_000)},"a":[{",".join([text] * count)}]{rest}}}')


_LONG = 2_096_000  # bytes, nearly 2 MiB
LISTS: dict[str, bytes] = {
    "2 MiB of bits": _list(f"{{{_bits(_LONG)}}}"),
    "2 MiB of small objects": _list(f"[{','.join(['{}'] * 690_000)}]"),
    "2 MiB of dear numbers": _list(f"[{','.join(['9e307'] * 345_000)}]"),
    "990 dear numbers beside bits": _in_list("9e307", 980),
    "980 objects beside bits": _in_list('{"a":1}', 480),
    "980 numbers of 309 digits beside bits": _in_list("7" * 309, 980),
    "2 MiB of letters that are escaped": _list('"' + "\\u00e9" * (_LONG // 6) + '"'),
    "2 MiB of escaped quotes": _list('"' + '\\"' * (_LONG // 2) + '"'),
    "2 MiB of escaped backslashes": _list('"' + "\\\\" * (_LONG // 2) + '"'),
    "2 MiB of escapes and letters": _list('"' + "a\\n" * (_LONG // 3) + '"'),
    "2 MiB of escapes beside a fraction": _list('{"b":0.5,"a":"' + "a\\n" * (_LONG // 3) + '"}'),
    "2 MiB of backslashes beside a name in Greek": _list('{"β":1,"a":"' + "\\\\" * (_LONG // 2) + '"}'),
    "2 MiB of white space": _list("[1" + " " * _LONG + "]"),
    "2 MiB of empty texts": _list('""' * (_LONG // 2)),
    "2 MiB of colons": _list("[" + ":" * _LONG),
    "2 MiB of opening brackets": _list("[" * _LONG),
    "2 MiB of closing brackets": _list("[" * 40 + "]" * _LONG),
    "2 MiB of half surrogates": _list('"' + "\\ud83d" * (_LONG // 6) + '"'),
    "2 MiB of pairs, and a half one": _list('"' + "\\ud83d\\ude00" * (_LONG // 12) + '\\ud83d"'),
    "400 long names": _list("{" + ",".join(f'"{number:0>5000}":1' for number in range(400)) + "}"),
    "a member twice": _list('{"a":1,' + _bits(1_000_000) + ',"a":1}'),
    "a member twice beside escapes": _list('{"a":1,"b":"' + "a\\n" * (_LONG // 3) + '","a":1}'),
    "wells": _list("[" + ",".join(["[" * 28 + "]" * 28] * 30) + "]"),
}


@pytest.mark.parametrize("name", LISTS)
def test_no_list_costs_more_than_ten_milliseconds_at_once(name: str, slowness: float) -> None:
    """A thread reads it, then makes its canonical form; whoever waits for the interpreter gets it in between."""
    body = LISTS[name]
    document: Any = None

    def read_it() -> None:
        nonlocal document
        document = read(body, max_bytes=MAX_LIST_BODY_BYTES, max_values=MAX_LIST_VALUES)

    spent = {"read": milliseconds(read_it), "canonical form": milliseconds(lambda: canonicalize(document))}
    print(f"{name:>44}: " + ", ".join(f"{step} {value:.2f} ms" for step, value in spent.items()))

    assert len(body) <= MAX_LIST_BODY_BYTES
    assert (
        max(spent.values()) <= 2 * ACCEPTED_MS * slowness
    )  # Some calls of C each, none of which is half of it.


def _token(header: str, payload: str) -> bytes:
    return b".".join([base64url(header), base64url(payload), base64url("s" * 64)])


TOKENS: dict[str, bytes] = {
    "a header of dear numbers": _token('{"alg":"EdDSA",' + many("9e307", 1_300) + "}", "{}"),
    "a header of objects": _token('{"alg":"EdDSA",' + many("{}", 2_600) + "}", "{}"),
    "a payload of dear numbers": _token('{"alg":"EdDSA","kid":"a"}', "{" + many("9e307", 8_000) + "}"),
    "a payload of 900 dear numbers": _token('{"alg":"EdDSA","kid":"a"}', "{" + many("9e307", 900) + "}"),
    "a payload of objects": _token('{"alg":"EdDSA","kid":"a"}', "{" + many("{}", 16_000) + "}"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_no_token_costs_more_than_ten_milliseconds_to_read(name: str, slowness: float) -> None:
    spent = milliseconds(lambda: read_token(TOKENS[name], max_bytes=MAX_CREDENTIAL_BYTES))
    print(f"{spent:8.2f} ms  {name}")

    assert len(TOKENS[name]) <= MAX_CREDENTIAL_BYTES
    assert spent <= ACCEPTED_MS * slowness


def _line(state: str) -> bytes:
    members = (
        f'"versionId":"1-Qm{"Q" * 44}","versionTime":"2026-01-01T00:00:00Z","parameters":{{}},"proof":[{{}}]'
    )
    return f'{{{members},"state":{{{state}}}}}'.encode()


LINES: dict[str, bytes] = {
    "2,000 dear numbers": _line(many("9e307", 2_000)),
    "2,000 fractions": _line(many("1.234", 2_000)),
    "5,400 dear numbers": _line(many("9e307", 5_400)),
    "10,800 objects": _line(many("{}", 10_800)),
    "3,800 names": _line(names(3_800)),
    "600 names in Greek": _line(",".join(f'"β{number}":0' for number in range(1_000))),
    "16,000 brackets": _line('"a":' + "[" * 24 + ",".join(["[]"] * 6_000) + "]" * 24),
}


@pytest.mark.parametrize("name", LINES)
def test_no_line_of_a_log_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    def run() -> None:
        canonicalize(read_entry(LINES[name], DEFAULT_LIMITS).state)

    spent = milliseconds(run)
    print(f"{spent:8.2f} ms  {name}")

    assert len(LINES[name]) <= DEFAULT_LIMITS.max_line_bytes
    assert spent <= ACCEPTED_MS * slowness


def _witness_file(item: str, count: int) -> bytes:
    return f"[{','.join([item] * count)}]".encode()


WITNESSES: dict[str, bytes] = {
    "1 MiB of dear numbers": _witness_file("9e307", 174_000),
    "dear numbers in 6,000 items": _witness_file("{" + ",".join(["9e307"] * 15) + "}", 6_000),
    "items of 32 KiB of dear numbers": _witness_file(
        '{"versionId":"a","proof":[' + "9e307," * 5_400 + "{}]}", 16
    ),
    "6,000 items": _witness_file("{}", 6_000),
    "5,500 items of 16 members": _witness_file("{" + names(14) + f',"{"a" * 60}":0}}', 5_500),
    "1 MiB of letters": _witness_file(f'{{"versionId":"{"a" * 30_000}"}}', 34),
    "one item of 1 MiB": _witness_file(f'{{"versionId":"{"a" * 1_000_000}"}}', 1),
}


@pytest.mark.parametrize("name", WITNESSES)
def test_no_step_through_a_witness_file_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    """The first step looks through all of it, and reads an item; each further one reads another."""

    def run() -> None:
        next(approvals(WITNESSES[name], (), now=0, limits=DEFAULT_LIMITS), None)

    spent = milliseconds(run)
    print(f"{spent:8.2f} ms  {name}")

    assert len(WITNESSES[name]) <= DEFAULT_LIMITS.max_witness_bytes
    assert spent <= ACCEPTED_MS * slowness
