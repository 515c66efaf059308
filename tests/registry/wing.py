"""The registry's services over one database, put together as the server does."""

from collections.abc import Callable
from typing import Any

from registry import Answering, Files, Registry
from registry.reading import ReadFile, read_here
from storage import Database
from tests.registry.told import SERVICE


class Wing:
    """One process's registry, with what answers from it and what imports into it."""

    def __init__(
        self, database: Database, clock: Callable[[], float], *, read_file: ReadFile = read_here, **more: Any
    ) -> None:
        self.registry = Registry(database, clock, **more)
        self.files = Files(self.registry, database, read_file=read_file)
        self.answering = Answering(self.registry, SERVICE)
        self.import_file = self.files.import_file
        self.export = self.files.export
        self.page = self.files.page
        self.profile = self.files.profile
        self.load = self.registry.load
        self.follow = self.registry.follow
        self.authorization = self.answering.authorization
        self.recognition = self.answering.recognition

    @property
    def version(self) -> int:
        return self.registry.version
