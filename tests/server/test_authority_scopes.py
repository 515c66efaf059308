"""Which authority of the registry the scope of a grant means."""

from pathlib import Path

import pytest

from server.wings.registry import authority_id
from tests.registry.told import EDU, UNI, a_registry, an_authority, an_entity, at

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("edu", "edu"),
        (EDU, "edu"),
        ("later", "later"),
        ("uni", None),
        (UNI, None),
        ("nobody", None),
        ("did:web:nobody.example", None),
        (":", None),
        ("a b\u00e9:%", None),
    ],
)
async def test_an_authority_is_meant_by_its_id_or_an_identifier(
    tmp_path: Path, reference: str, found: str | None
) -> None:
    later = an_authority("later", valid_from=at("2030-01-01"))
    async with a_registry(tmp_path, an_entity("later", "did:web:later.example"), later) as told:
        meant = authority_id(told.registry, reference)

    assert meant == found
