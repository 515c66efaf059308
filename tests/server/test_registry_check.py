"""A damaged index of the registry is shown in `/readyz`, and does not make it fail."""

from pathlib import Path

import pytest

from registry.index.file import IndexFile
from server.readiness import registry_check
from tests.registry.told import a_grant, a_registry

pytestmark = pytest.mark.anyio


async def test_a_damaged_index_is_shown_until_it_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    async with a_registry(tmp_path, a_grant(), index_path=path) as told:
        before = registry_check(told.registry)
        file = IndexFile(path)
        file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()
        path.write_bytes(bytes(path.stat().st_size))
        damaged = registry_check(told.registry)
        await told.registry.follow()
        after = registry_check(told.registry)

    assert before.ok
    assert (damaged.ok, damaged.needed) == (False, False)
    assert after == before
