"""A registry file that is read in a process of its own is read as it is here."""

import json
import sys
from pathlib import Path

import pytest

from registry import reading
from registry.errors import RegistryFileError
from registry.reading import read_apart, read_here

SAMPLE = (Path(__file__).parents[2] / "data" / "registry.json").read_bytes()
FACTS = 56  # 19 entities, of which two are authorities, 33 grants, and two delegations


def test_the_facts_are_the_same_in_the_same_order() -> None:
    assert read_apart(SAMPLE) == read_here(SAMPLE)
    assert len(read_here(SAMPLE)) == FACTS


def test_a_text_of_any_kind_comes_over_as_it_is() -> None:
    registry = json.loads(SAMPLE)
    registry["entities"][0]["names"]["en"] = '"quoted" \\n \u00e9 \U0001f600'
    data = json.dumps(registry).encode()

    assert read_apart(data) == read_here(data)


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"version": 1, "authorities": 1}', b"[" * 100_000])
def test_every_fault_is_told_as_it_is_here(data: bytes) -> None:
    with pytest.raises(RegistryFileError) as here:
        read_here(data)
    with pytest.raises(RegistryFileError) as apart:
        read_apart(data)

    assert str(apart.value) == str(here.value)
    assert apart.value.members == here.value.members


def test_a_folder_of_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "__init__.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)

    assert len(read_apart(SAMPLE)) == FACTS


def test_a_process_that_fails_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of memory >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))

    with pytest.raises(RuntimeError, match="out of memory"):
        reading.read_apart(SAMPLE)
