"""One server for the tests of a file, for commands that ask the operator API."""

from collections.abc import Iterator

import pytest

from tests.server.commands.operating import Operating, Serving, operating_in


@pytest.fixture(scope="module")
def _operating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operating, Serving]]:
    with operating_in(tmp_path_factory.mktemp("operating")) as both:
        yield both


@pytest.fixture(scope="module")
def operating(_operating: tuple[Operating, Serving]) -> Operating:
    return _operating[0]


@pytest.fixture(scope="module")
def serving(_operating: tuple[Operating, Serving]) -> Serving:
    return _operating[1]
