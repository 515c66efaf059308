"""
The registry as a registry file: one file for each registry, byte for byte. Pure.
"""

import msgspec

from registry.file_format import file_of
from registry.model import Fact


def export_registry(facts: list[Fact]) -> bytes:
    """
    Return facts as a registry file (JSON, UTF-8, two spaces of indent), every list in order.

    Importing it again changes nothing, and exporting that gives the same bytes.
    """
    compact = msgspec.json.encode(file_of(facts), order="deterministic")
    return msgspec.json.format(compact, indent=2) + b"\n"
