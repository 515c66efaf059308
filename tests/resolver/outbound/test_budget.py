"""What strangers may be asked: a host, its domain, its network and everything, each within its share."""

import pytest

from resolver.outbound.budget import Budget, GuardLimits, domain_of
from resolver.outbound.errors import OutboundBudgetExceeded

LIMITS = GuardLimits(
    host_burst=2,
    host_rate_per_second=1.0,
    site_burst=3,
    site_rate_per_second=5.0,
    burst=5,
    rate_per_second=50.0,
)


def granted(budget: Budget, *hosts: str, is_known: bool = False) -> int:
    """Return how many of the requests for `hosts`, one after the other, may go out at once."""
    return sum(_may(budget, host, is_known) for host in hosts)


def _may(budget: Budget, host: str, is_known: bool) -> bool:
    if any(seconds > 0 for _, seconds in budget.waits(host, is_known=is_known)):
        return False
    budget.take(host, is_known=is_known)
    return True


def test_a_host_its_domain_and_all_have_a_share_each() -> None:
    budget = Budget(LIMITS, lambda: 0.0)

    assert granted(budget, *["a.one.example"] * 5) == 2
    assert granted(budget, *["b.one.example"] * 5) == 1
    assert granted(budget, "a.two.example", "b.two.example", "c.two.example") == 2


def test_what_a_busy_host_or_domain_is_refused_costs_the_others_nothing() -> None:
    budget = Budget(LIMITS, lambda: 0.0)
    granted(budget, *["a.one.example"] * 100)
    granted(budget, *(f"x{number}.one.example" for number in range(100)))

    assert granted(budget, "a.two.example", "b.two.example") == 2


def test_a_quarter_is_reserved_for_what_is_known() -> None:
    budget = Budget(GuardLimits(), lambda: 0.0)

    assert granted(budget, *["issuer.example"] * 1_000) == 50
    assert granted(budget, *["issuer.example"] * 1_000, is_known=True) == 12
    assert granted(budget, "issuer.example") == 0
    assert 0 < max(seconds for _, seconds in budget.waits("issuer.example", is_known=True)) <= 4


def test_shares_come_back_with_time() -> None:
    now = [0.0]
    budget = Budget(LIMITS, lambda: now[0])
    assert granted(budget, *["a.one.example"] * 3) == 2
    now[0] = 1.0

    assert granted(budget, *["a.one.example"] * 3) == 1


def test_addresses_of_one_network_share_a_budget_however_they_are_spelled() -> None:
    budget = Budget(LIMITS, lambda: 0.0)
    for address in ("93.184.7.1", "93.184.7.255", "64:ff9b::5db8:0707"):
        assert budget.reserve_address(address, patience_seconds=0.0) == 0.0

    with pytest.raises(OutboundBudgetExceeded) as refused:
        budget.reserve_address("93.184.7.9", patience_seconds=0.1)

    assert refused.value.headers == {"retry-after": "1"}
    assert budget.reserve_address("93.184.8.1", patience_seconds=0.0) == 0.0


def test_who_waits_for_a_network_has_the_token_that_comes_next() -> None:
    budget = Budget(LIMITS, lambda: 0.0)
    waits = [budget.reserve_address("93.184.7.1", patience_seconds=1.0) for _ in range(5)]
    known = budget.reserve_address("93.184.7.1", is_known=True, patience_seconds=0.0)

    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.2, 0.4])
    assert known == 0.0


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("issuer.example", "issuer.example"),
        ("a.b.c.issuer.example", "issuer.example"),
        ("a.issuer.co.uk", "issuer.co.uk"),
        ("issuer.co.uk", "issuer.co.uk"),
        ("a.issuer.de", "issuer.de"),
        ("a.bbc.uk", "bbc.uk"),
        ("user.github.io", "github.io"),
        ("a.user.github.io", "github.io"),
    ],
)
def test_the_domain_of_a_host_is_its_last_two_labels_or_three_where_a_country_has_two(
    host: str, domain: str
) -> None:
    assert domain_of(host) == domain
