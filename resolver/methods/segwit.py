"""
Addresses of native segregated witness: whether a text is one. Pure.

BIP 173 (Bech32) and BIP 350 (Bech32m, for witness versions above 0).
"""

import re
from collections.abc import Iterable

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
# BIP 173: one case throughout, the version, a witness program of 2 to 40 bytes, six characters of checksum.
_TEXT = re.compile(rf"1([{_ALPHABET}]{{11,71}})")
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
_CHECKSUM_CHARS = 6
_MAX_VERSION = 16


def is_segwit_address(text: str, network: str) -> bool:
    """Tell whether `text` is an address of `network` ("bc": Bitcoin): its form, its program and its checksum."""
    text = text.lower() if text.isupper() else text
    found = _TEXT.fullmatch(text.removeprefix(network)) if text.startswith(network) else None
    if found is None:
        return False
    digits = [_ALPHABET.index(character) for character in found[1]]
    version, program = digits[0], digits[1:-_CHECKSUM_CHARS]
    expanded = [*(ord(c) >> 5 for c in network), 0, *(ord(c) & 31 for c in network), *digits]
    return _is_program(version, program) and _checksum(expanded) == (_BECH32M if version else _BECH32)


def _is_program(version: int, digits: list[int]) -> bool:
    """Tell whether digits of five bits are whole bytes, as many as the version takes (BIP 141)."""
    length, padding = divmod(5 * len(digits), 8)
    if padding >= 5 or digits[-1] & ((1 << padding) - 1):
        return False
    return length in (20, 32) if version == 0 else version <= _MAX_VERSION and 2 <= length <= 40


def _checksum(digits: Iterable[int]) -> int:
    checksum = 1
    for digit in digits:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ digit
        for position, generator in enumerate(_GENERATORS):
            checksum ^= generator if top >> position & 1 else 0
    return checksum
