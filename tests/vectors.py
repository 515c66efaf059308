"""The vectors in data/vectors, by the name of their file."""

from pathlib import Path
from typing import Any

import msgspec

_FOLDER = Path(__file__).parent.parent / "data" / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the vectors of `<name>.json`."""
    decoded: dict[str, Any] = msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes())
    return list(decoded["vectors"])
