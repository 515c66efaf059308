"""The table of requirements and tests names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(test_\w+)\.(test_\w+)`")


def test_every_test_in_the_table_of_requirements_exists() -> None:
    named = _NAMED.findall((ROOT / "docs/status-lists-conformance.md").read_text())
    texts: dict[str, str] = {}
    for room in ("statuslist", "server", "slow"):
        for path in (ROOT / "tests" / room).rglob("*.py"):
            texts[path.stem] = texts.get(path.stem, "") + path.read_text()

    missing = [f"{file}.{test}" for file, test in named if f"def {test}(" not in texts.get(file, "")]
    assert missing == []
    assert len(named) > 50
