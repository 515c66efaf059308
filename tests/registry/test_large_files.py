"""A registry that no file can hold is neither exported nor replaced whole, and says why; nothing is changed."""

import pytest

from registry import files
from registry.errors import TooManyToList
from registry.imports import planning
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import NOW, a_registry, as_file
from tests.registry.wing import Wing

pytestmark = pytest.mark.anyio


async def test_an_export_of_more_facts_than_a_file_may_have_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_database(place) as database:
        wing = Wing(database, lambda: NOW / 1_000_000)
        await wing.import_file(ADA, as_file(a_registry()))
        facts = (await wing.export()).count(b'"id"')
        monkeypatch.setattr(files, "MAX_FACTS", facts - 1)

        with pytest.raises(TooManyToList, match="GET /trust/changes"):
            await wing.export()


async def test_an_import_that_would_end_more_than_can_be_held_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_database(place) as database:
        wing = Wing(database, lambda: NOW / 1_000_000)
        await wing.import_file(ADA, as_file(a_registry()))
        before = await wing.export()
        monkeypatch.setattr(planning, "MAX_ENDINGS", 1)

        with pytest.raises(TooManyToList, match="change sets"):
            await wing.import_file(ADA, as_file(a_registry(authorizations=[], recognitions=[])))
        assert await wing.export() == before
