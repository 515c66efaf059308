"""Two accounts of an issuer's keys, put together: a key goes forward only, and one is active at most."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from operators import IssuerKey, KeyState
from operators.issuers.joining import OtherKey, joined, with_one_active
from tests.issuers import key_row

PUBLIC = Ed25519PrivateKey.generate().public_key()
UNTIL = 5_000


def key(key_id: str, state: KeyState, **values: Any) -> IssuerKey:
    if state is KeyState.COMPROMISED:
        values.setdefault("compromised_since", 100)
    return msgspec.structs.replace(key_row("acme", key_id, PUBLIC, state), **values)


@pytest.mark.parametrize("other", list(KeyState))
@pytest.mark.parametrize("one", list(KeyState))
def test_the_later_state_holds_whoever_says_it(one: KeyState, other: KeyState) -> None:
    either = joined([key("k", one)], [key("k", other)])["k"]
    turned = joined([key("k", other)], [key("k", one)])["k"]

    states = list(KeyState)
    assert either.state is turned.state is max(one, other, key=states.index)
    assert (either.compromised_since is None) == (either.state is not KeyState.COMPROMISED)


def test_what_only_one_of_them_knows_is_known() -> None:
    known = key("k", KeyState.ACTIVE, signed_until=300, certificates="chain", activated_at=10)
    found = key("k", KeyState.RETIRED, signed_until=200, retired_at=20, announced_at=7, locator="x.pem")
    (both,) = joined([known], [found]).values()

    assert both == msgspec.structs.replace(known, state=KeyState.RETIRED, retired_at=20)


def test_a_key_is_compromised_since_the_earlier_of_both_times() -> None:
    known, found = key("k", KeyState.COMPROMISED), key("k", KeyState.COMPROMISED, compromised_since=50)

    assert joined([known], [found])["k"].compromised_since == 50
    assert joined([found], [known])["k"].compromised_since == 50


def test_a_public_half_that_was_not_known_is_filled_in() -> None:
    nameless = key("k", KeyState.ACTIVE, public_key=None, algorithm=None)

    assert (
        joined([nameless], [key("k", KeyState.ACTIVE)])["k"].public_key
        == key("k", KeyState.ACTIVE).public_key
    )


def test_another_key_of_the_same_id_is_refused() -> None:
    with pytest.raises(OtherKey):
        joined([key("k", KeyState.ACTIVE)], [key("k", KeyState.RETIRED, public_key=b"another")])


def test_of_two_active_keys_the_one_that_was_activated_last_stays_so() -> None:
    first = key("a", KeyState.ACTIVE, activated_at=100, signed_until=9_000)
    second = key("b", KeyState.ACTIVE, activated_at=200)
    third = key("c", KeyState.ACTIVE, activated_at=50)
    spare = key("d", KeyState.ANNOUNCED)
    kept = with_one_active([first, second, third, spare], UNTIL)

    assert [each.state for each in kept] == ["retired", "active", "retired", "announced"]
    assert [each.signed_until for each in kept] == [9_000, None, UNTIL, None]
    assert [each.retired_at for each in kept] == [200, None, 200, None]
    assert with_one_active(kept, UNTIL) == kept
