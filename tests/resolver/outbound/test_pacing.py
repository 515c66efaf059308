"""Token buckets by the clock, and the bound on their memory."""

import pytest

from resolver.outbound.pacing import Pacer


def test_a_burst_goes_at_once_and_then_one_at_a_time() -> None:
    pacer = Pacer(rate_per_second=1, burst=5)

    waits = []
    for _ in range(7):
        waits.append(pacer.wait("a", 100.0))
        if waits[-1] == 0.0:
            pacer.take("a", 100.0)

    assert waits == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    pacer = Pacer(rate_per_second=2, burst=2)
    for _ in range(2):
        pacer.take("a", 0.0)

    assert pacer.wait("a", 0.0) == 0.5
    assert pacer.wait("a", 0.5) == 0.0
    for _ in range(2):
        pacer.take("a", 1_000.0)
    assert pacer.wait("a", 1_000.0) == 0.5


def test_keys_do_not_share_a_bucket() -> None:
    pacer = Pacer(rate_per_second=1, burst=1)

    pacer.take("a", 0.0)

    assert (pacer.wait("a", 0.0), pacer.wait("b", 0.0)) == (1.0, 0.0)


def test_full_buckets_are_forgotten_and_empty_ones_are_not() -> None:
    pacer = Pacer(rate_per_second=1, burst=5)

    for number in range(100_000):
        pacer.take(number, now=number / 50)  # 50 hosts a second, as the guard's own budget allows

    assert len(pacer) <= 1_025
    for number in range(2_000):
        pacer.take(("busy", number), now=10_000.0)
    assert len(pacer) >= 2_000


@pytest.mark.parametrize("rate", [0.1, 0.3, 1.0, 3.0, 5.0, 7.0, 1_000.0])
def test_a_burst_is_exactly_as_many_whatever_the_rate(rate: float) -> None:
    pacer = Pacer(rate_per_second=rate, burst=20)
    taken = 0
    while pacer.wait("a", 12_345.678) == 0.0:
        pacer.take("a", 12_345.678)
        taken += 1

    assert taken == 20
