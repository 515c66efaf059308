"""What strangers may be asked: a host, its domain, its network and everything, each within its share."""

import pytest

from resolver.outbound.budget import Budget, GuardLimits, domain_of
from resolver.outbound.errors import OutboundBudgetExceeded

LIMITS = GuardLimits(host_burst=2, site_burst=3, burst=5)


def granted(budget: Budget, *hosts: str) -> int:
    """Return how many of the requests for `hosts`, one after the other, may go out."""
    return sum(_may(budget, host) for host in hosts)


def _may(budget: Budget, host: str) -> bool:
    try:
        budget.spend_on_host(host)
    except OutboundBudgetExceeded:
        return False
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
    now = [0.0]
    budget = Budget(GuardLimits(), lambda: now[0])
    granted(budget, *["issuer.example"] * 100, *(f"x{number}.issuer.example" for number in range(100)))

    budget.spend_on_host("issuer.example", is_known=True)
    with pytest.raises(OutboundBudgetExceeded) as refused:
        budget.spend_on_host("issuer.example", is_known=True)
    assert not _may(budget, "issuer.example")
    assert 0 < refused.value.retry_after_seconds <= 4


def test_shares_come_back_with_time() -> None:
    now = [0.0]
    budget = Budget(LIMITS, lambda: now[0])
    assert granted(budget, *["a.one.example"] * 3) == 2
    now[0] = 1.0

    assert granted(budget, *["a.one.example"] * 3) == 1


def test_addresses_of_one_network_share_a_budget_however_they_are_spelled() -> None:
    budget = Budget(LIMITS, lambda: 0.0)
    for address in ("93.184.7.1", "93.184.7.255", "64:ff9b::5db8:0707"):
        budget.spend_on_address(address)

    with pytest.raises(OutboundBudgetExceeded) as refused:
        budget.spend_on_address("93.184.7.9")
    budget.spend_on_address("93.184.8.1")

    assert refused.value.headers == {"retry-after": "1"}


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
