"""`touchstone driver check` as its user meets it, against a real driver process; and `config show` with drivers."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.driver_process import DriverProcess
from tests.server.commands.test_cli import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def process() -> Iterator[DriverProcess]:
    with DriverProcess() as process:
        yield process


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def drivers(*entries: dict[str, Any]) -> str:
    return json.dumps(list(entries))


def test_a_driver_is_checked_by_its_test_identifiers(terminal: Terminal, process: DriverProcess) -> None:
    good = {
        "name": "good",
        "pattern": "did:example:g.+",
        "url": process.url,
        "test_identifiers": ["did:example:good"],
    }
    bad = {
        "name": "bad",
        "pattern": "did:example:.+",
        "url": process.url,
        "test_identifiers": [
            "did:example:ok",
            "did:example:missing",
            "did:example:garbage",
            "did:example:gx",
        ],
    }
    bare = {"name": "bare", "pattern": "did:other:.+", "url": process.url}
    given = drivers(good, bad, bare)
    one = terminal.run("driver", "check", "good", TOUCHSTONE_DRIVERS=given)
    every = terminal.run("driver", "check", TOUCHSTONE_DRIVERS=given)

    lines = [line.split("\t")[:3] for line in every.stdout.splitlines()]
    assert (one.returncode, one.stdout) == (0, "ok\tgood\tdid:example:good\n")
    assert every.returncode == 6
    assert lines == [
        ["ok", "good", "did:example:good"],
        ["ok", "bad", "did:example:ok"],
        ["failed", "bad", "did:example:missing"],
        ["failed", "bad", "did:example:garbage"],
        ["failed", "bad", "did:example:gx"],
    ]
    assert "answered by good" in every.stdout
    assert "(driver_answer)" in every.stdout
    assert "bare has no test identifiers" in every.stderr


def test_what_cannot_be_checked_is_told(terminal: Terminal) -> None:
    unknown = terminal.run("driver", "check", "nobody")
    faulty = terminal.run("driver", "check", TOUCHSTONE_DRIVERS='[{"pattern":"did:web:.+","url":"http://x"}]')
    nothing = terminal.run("driver", "check")

    assert (unknown.returncode, faulty.returncode, nothing.returncode) == (1, 1, 0)
    assert "no driver has the name 'nobody'" in unknown.stderr
    assert (
        "TOUCHSTONE_DRIVERS: driver 'web': pattern: did:web is resolved by this server itself"
        in faulty.stderr
    )
    assert "Traceback" not in unknown.stderr + faulty.stderr


def test_config_show_with_drivers_is_toml_that_reads_back(terminal: Terminal, tmp_path: Path) -> None:
    entry = {"name": "x", "pattern": 'did:x:["\\w]+', "url": "http://x", "traits": {"a b": [1, True, "é\n"]}}
    shown = terminal.run(
        "config", "show", TOUCHSTONE_DRIVERS=drivers(entry, {**entry, "name": "y", "pattern": "did:y:.+"})
    )
    file = tmp_path / "shown.toml"
    file.write_text(shown.stdout)
    again = terminal.run("config", "show", TOUCHSTONE_CONFIG=str(file))

    assert [found["name"] for found in tomllib.loads(shown.stdout)["drivers"]] == ["x", "y"]
    assert tomllib.loads(shown.stdout)["drivers"][0] == entry
    assert again.stdout == shown.stdout
