"""
The JSON Schema (2020-12) of the registry file, generated from its Structs. Pure.

`python -m registry.exports.schema > registry/registry.schema.json` writes it anew; a test compares the two.
"""

import sys
from typing import Any

import msgspec

from registry.file_format import RegistryFile

SCHEMA_URI = "urn:touchstone:registry-file:2"


def json_schema() -> dict[str, Any]:
    """Return the schema as JSON values."""
    schema = msgspec.json.schema(RegistryFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_URI, **schema}


def render_schema() -> bytes:
    """Return the schema as the bytes of `registry.schema.json`."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(render_schema())
