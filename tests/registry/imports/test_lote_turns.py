"""What several services say of one identifier, against a look at each time; and the grants that come of it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from registry.imports.lote.turns import Turns, best_of, turns_of, windows_of
from registry.model import FINAL, Grant, State, StateChange, standing_at
from wire import parse_utc

SECOND = 1_000_000
STATES: tuple[State | None, ...] = (None, "superseded", "revoked", "suspended", "active")  # the best one last
TURNS = st.dictionaries(st.integers(0, 30), st.sampled_from(STATES), max_size=8).map(
    lambda said: turns_of((since * SECOND, state) for since, state in sorted(said.items()))
)


def at(turns: Turns, time: int) -> State | None:
    """Return the state at a time, looked for from the beginning."""
    state: State | None = None
    for since, then in turns:
        if since <= time:
            state = then
    return state


@given(st.lists(TURNS, min_size=1, max_size=4))
def test_the_best_state_counts_at_each_time(several: list[Turns]) -> None:
    best = best_of(several)

    for second in range(32):
        time = second * SECOND
        assert at(best, time) == max((at(turns, time) for turns in several), key=STATES.index)
    assert all(one[1] != other[1] for one, other in itertools.pairwise(best))


@given(TURNS)
def test_at_each_time_one_grant_is_in_the_state_that_is_listed(turns: Turns) -> None:
    grants = [
        Grant(
            id=f"g{number}",
            kind="authorization",
            authority_id="a",
            entity_id="e",
            action="issue",
            resource="PID",
            valid_from=parse_utc(valid_from),
            valid_until=None if valid_until is None else parse_utc(valid_until),
            history=tuple(StateChange(state=each.state, since=parse_utc(each.since)) for each in history),
        )
        for number, (valid_from, valid_until, history) in enumerate(windows_of(turns))
    ]

    for second in range(32):
        phases = [standing_at(grant, second * SECOND).phase for grant in grants]
        said = at(turns, second * SECOND)
        in_force = [phase for phase in phases if phase in ("active", "suspended")]
        assert in_force == ([said] if said is not None and said not in FINAL else [])
