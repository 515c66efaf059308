"""As for the rest of the room."""

from tests.operators.conftest import clock, database

__all__ = ["clock", "database"]
