"""Routes get the services that they declare, and no others."""

from collections.abc import Callable

import pytest
from litestar import Controller

from wire.routing import over


class Clocked(Controller):
    clock: Callable[[], float]


@pytest.mark.parametrize("services", [{}, {"clokc": float}, {"clock": float, "other": 1}])
def test_a_service_that_is_misspelled_missing_or_too_many_is_told_at_the_start(
    services: dict[str, object],
) -> None:
    with pytest.raises(TypeError, match="clock"):
        over(Clocked, **services)


def test_routes_are_named_as_they_are_written() -> None:
    made = over(Clocked, clock=float)

    assert (made.__module__, made.__name__) == (__name__, "Clocked")
