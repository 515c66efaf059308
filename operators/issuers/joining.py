"""
What two accounts of an issuer's keys say together: the rows of a backup, and what was written down since. Pure.

A key only ever goes forward (see `keys.py`). So of two accounts of one key the one that is further on is the later
one, and nothing has to be known of when they were written.
"""

from collections.abc import Iterable

import msgspec

from operators.issuers.keys import IssuerKey, KeyState

_FORWARD = tuple(KeyState)  # A later state is further on.


class OtherKey(Exception):
    """Two accounts give one key id to different keys; the message names it."""


def joined(known: Iterable[IssuerKey], found: Iterable[IssuerKey]) -> dict[str, IssuerKey]:
    """
    Return every key of an issuer that either account has, by its id, in the later of its states.

    More than one may be active then; see `with_one_active`.

    Raises:
        OtherKey: a key has the same id in both, and is another one.
    """
    keys = {key.key_id: key for key in known}
    for key in found:
        keys[key.key_id] = _later(keys[key.key_id], key) if key.key_id in keys else key
    return keys


def with_one_active(keys: Iterable[IssuerKey], until: int) -> list[IssuerKey]:
    """
    Return the keys of an issuer with one active at most: of several the one that was activated last.

    Args:
        until: when the last of what the others signed may end, as nobody noted it; microseconds since 1970.
    """
    keys = list(keys)
    active = [key for key in keys if key.state is KeyState.ACTIVE]
    last = max(active, key=lambda key: (key.activated_at or 0, key.announced_at, key.key_id), default=None)
    return [key if key is last or key not in active else _followed_by(last, key, until) for key in keys]


def _followed_by(last: IssuerKey | None, key: IssuerKey, until: int) -> IssuerKey:
    assert last is not None, "there is one, since this key is active"
    return msgspec.structs.replace(
        key,
        state=KeyState.RETIRED,
        retired_at=last.activated_at,
        signed_until=max(until, key.signed_until or 0),
    )


def _later(known: IssuerKey, found: IssuerKey) -> IssuerKey:
    """Return one key as the account that is further on has it; what that one does not say, the other may."""
    if None not in (known.public_key, found.public_key) and known.public_key != found.public_key:
        raise OtherKey(f"{known.key_id} is another key there")
    is_further = _FORWARD.index(found.state) >= _FORWARD.index(known.state)
    later, earlier = (found, known) if is_further else (known, found)
    values = msgspec.structs.asdict(later)
    for name, value in msgspec.structs.asdict(earlier).items():
        if values[name] is None:
            values[name] = value
    both = (known.compromised_since, found.compromised_since)
    ends = (known.signed_until, found.signed_until)
    return IssuerKey(
        **values
        | {
            # What a row has for ever, and where its private key is, the rows say.
            "purpose": known.purpose,
            "announced_at": known.announced_at,
            "custody": known.custody,
            "locator": known.locator,
            "compromised_since": min((at for at in both if at is not None), default=None),
            "signed_until": max((at for at in ends if at is not None), default=None),
        }
    )
