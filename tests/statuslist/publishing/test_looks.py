"""What a look at the rows costs: as much as changed, however many sets there are."""

from pathlib import Path
from typing import Any

import pytest

from statuslist.publishing.set_versions import changed_sets
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio


async def test_a_look_reads_no_table_from_end_to_end(tmp_path: Path) -> None:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as wing:
        asked = Asked()
        changed_sets(asked, 5)  # type: ignore[arg-type]

        plan = await wing.database.read(
            lambda tx: tx.all(f"EXPLAIN QUERY PLAN {asked.sql}", asked.parameters)
        )

    steps = [row["detail"] for row in plan]
    assert any(step.startswith("SEARCH v USING INDEX set_versions_by_change") for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps


class Asked:
    """Keeps the statement that is asked; there are no rows."""

    def __init__(self) -> None:
        self.sql = ""
        self.parameters: dict[str, Any] = {}

    def all(self, sql: str, parameters: dict[str, Any]) -> list[Any]:
        self.sql, self.parameters = sql, parameters
        return []
