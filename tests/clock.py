"""A clock that a test sets."""


class Clock:
    """Seconds, which pass where a test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
