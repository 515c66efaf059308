"""What is wrong with a registry file, as tests look at it."""

from typing import Any

import pytest

from registry import RegistryFileError, read_registry_file
from tests.registry.examples import as_file


def faults_in(data: bytes) -> list[tuple[str, int, str]]:
    """Return the faults of a file that has some, as pointer, line and detail."""
    with pytest.raises(RegistryFileError) as caught:
        read_registry_file(data)
    return [(fault.pointer, fault.line, fault.detail) for fault in caught.value.faults]


def places_in(registry: dict[str, Any]) -> list[str]:
    """Return the pointers at fault, having checked that each line is the one that the value is on."""
    data = as_file(registry)
    faults = faults_in(data)
    lines = data.decode().splitlines()
    for pointer, line, _ in faults:
        name = pointer.rpartition("/")[2]
        if pointer and not name.isdigit():
            assert f'"{name}"' in lines[line - 1]
    return [pointer for pointer, _, _ in faults]
