"""
Hostile mdocs: issuer data that is changed by somebody without its issuer's key; and what of a changed one is still
what its issuer said. Pure, given randomness.
"""

import base64
from collections.abc import Callable
from random import Random
from typing import Any

import cbor2

from proofs import KeySigner
from tests.credentials.sd_jwts import encoded

X5CHAIN = 33
ALGORITHMS = (-7, -8, -35, -257, 5, 0, None, "ES256", [-7])
_DEAR = (
    b"\x9b" + b"\xff" * 8,
    b"\xbf" * 5_000,
    b"\x81" * 5_000,
    b"\xd8\x18" * 5_000,
    b"\x5f",
    b"\xfb" + bytes(8),
)


class MdocMaker:
    """
    Args:
        sound: issuer data as it is sent, in base64url.
        stranger: signs by a key of his own.
        spoilt: changes bytes.
    """

    def __init__(
        self, sound: list[bytes], stranger: KeySigner, spoilt: Callable[[bytes], bytes], random: Random
    ) -> None:
        self._sound, self._stranger, self._spoilt, self._random = sound, stranger, spoilt, random

    def case(self) -> bytes:
        random = self._random
        data = _decoded(random.choice(self._sound))
        kind = random.random()
        if kind < 0.2:
            return encoded(self._spoilt(data)).encode()
        if kind < 0.25:
            at = random.randrange(len(data))
            return encoded(data[:at] + random.choice(_DEAR) + data[at:]).encode()
        made = cbor2.loads(data)
        random.choice(
            (self._items, self._items, self._header, self._payload, self._signature, self._members)
        )(made)
        return encoded(cbor2.dumps(made)).encode()

    def _items(self, made: dict[str, Any]) -> None:
        """Drop, double, reorder, change and add what is disclosed."""
        random = self._random
        (space, items), *_ = made["nameSpaces"].items()
        match random.randrange(6):
            case 0:
                made["nameSpaces"][space] = items[1:]
            case 1:
                made["nameSpaces"][space] = items * random.choice((2, 2, 900))
            case 2:
                other = cbor2.loads(_decoded(random.choice(self._sound)))
                made["nameSpaces"][space] = [*items, *next(iter(other["nameSpaces"].values()))]
            case 3:
                item = cbor2.loads(items[0].value)
                item[random.choice(list(item))] = random.choice((0, "x", b"x", None, True, [b"x"], {1: 2}))
                made["nameSpaces"][space] = [cbor2.CBORTag(24, cbor2.dumps(item)), *items[1:]]
            case 4:
                made["nameSpaces"]["other"] = items
            case _:
                made["nameSpaces"][space] = [cbor2.CBORTag(24, self._spoilt(items[0].value)), *items[1:]]

    def _header(self, made: dict[str, Any]) -> None:
        """Change the headers, or put certificates of the stranger in."""
        protected, unprotected, *_ = made["issuerAuth"]
        fields = cbor2.loads(protected)
        match self._random.randrange(3):
            case 0:
                fields[1] = self._random.choice(ALGORITHMS)
            case 1:
                unprotected[X5CHAIN] = list(self._stranger.certificates)
            case _:
                where = self._random.choice((fields, unprotected))
                where[self._random.choice((1, 2, 4, 15, 16, X5CHAIN, 34, "x"))] = self._random.choice(
                    (b"", [1], "x", -8)
                )
        made["issuerAuth"][0] = cbor2.dumps(fields)

    def _payload(self, made: dict[str, Any]) -> None:
        """Change what was signed."""
        random = self._random
        mso = cbor2.loads(cbor2.loads(made["issuerAuth"][2]).value)
        name = random.choice(list(mso))
        mso[name] = random.choice(
            (None, 0, "x", "SHA-1", {}, [], {"x": {}}, cbor2.CBORTag(0, "x"), dict(mso))
        )
        if random.random() < 0.3:
            mso.pop(random.choice(list(mso)))
        made["issuerAuth"][2] = cbor2.dumps(cbor2.CBORTag(24, cbor2.dumps(mso)))
        if random.random() < 0.5:
            self._sign(made)

    def _sign(self, made: dict[str, Any]) -> None:
        protected, unprotected, payload, _ = made["issuerAuth"]
        signature = self._stranger.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        made["issuerAuth"] = [protected, unprotected, payload, signature]
        if self._random.random() < 0.5:
            unprotected[X5CHAIN] = list(self._stranger.certificates)

    def _signature(self, made: dict[str, Any]) -> None:
        """Take a part of another's signed data, or sign by the stranger's key."""
        if self._random.random() < 0.3:
            return self._sign(made)
        place = self._random.randrange(4)
        other = cbor2.loads(_decoded(self._random.choice(self._sound)))["issuerAuth"][place]
        made["issuerAuth"][place] = self._random.choice((other, b"", bytes(64), None))
        return None

    def _members(self, made: dict[str, Any]) -> None:
        """Change the whole."""
        name = self._random.choice(("nameSpaces", "issuerAuth", "deviceSigned", 1))
        made[name] = self._random.choice((None, {}, [], [made.get(name)], {"a": made.get(name)}))
        if self._random.random() < 0.3:
            made.pop(name)


def is_said(text: bytes, issued: bytes) -> bool:
    """Tell whether an mdoc was signed as `issued` was, and discloses nothing but what that does."""
    try:
        found, sound = cbor2.loads(_decoded(text)), cbor2.loads(_decoded(issued))
        signed = [(each["issuerAuth"][0], *each["issuerAuth"][2:]) for each in (found, sound)]
        shown, all_shown = (each.get("nameSpaces", {}) for each in (found, sound))
        return signed[0] == signed[1] and all(
            len({item.value for item in items}) == len(items)
            and {item.value for item in items} <= {item.value for item in all_shown.get(space, [])}
            for space, items in shown.items()
        )
    except Exception:  # whatever it is, it is not what was issued
        return False


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
