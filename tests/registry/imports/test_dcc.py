"""The registry file of the Digital Credentials Consortium."""

import msgspec
import pytest

from registry.errors import RegistryFileError
from registry.imports.dcc import placed_dcc
from registry.imports.terms import Right, Terms
from tests.reference import needs_reference, reference
from tests.registry.imports.reading import AUTHORITY, entities, facts, grants

TERMS = Terms(AUTHORITY, (Right("issue", "AchievementCredential"), Right("status", "AchievementCredential")))
DEFINES = ("issue", "AchievementCredential"), ("status", "AchievementCredential")
NOW = 1_780_272_000_000_000


def file(**issuers: object) -> bytes:
    registry = {f"did:web:{name}.example": issuer for name, issuer in issuers.items()}
    return msgspec.json.encode({"meta": {"created": "2022-10-27T17:57:31+00:00"}, "registry": registry})


def test_each_did_is_an_entity_with_the_rights_that_the_operator_says() -> None:
    items = list(
        placed_dcc(
            file(
                a={"name": "A ", "location": "Cambridge, MA", "url": "https://a.example"},
                b={"name": "B", "url": "http://b.example"},
            ),
            TERMS,
            lambda *_: NOW,
        )
    )

    found = entities(items)
    assert {identifiers: each.names for identifiers, each in found.items()} == {
        ("did:web:a.example",): {"en": "A"},
        ("did:web:b.example",): {"en": "B"},
    }
    assert [[link.href for link in each.links] for each in found.values()] == [["https://a.example"], []]
    assert [(grant.entity_id, grant.action, grant.valid_from) for grant in grants(items)] == [
        ("did:web:a.example", "issue", "2026-06-01T00:00:00Z"),
        ("did:web:a.example", "status", "2026-06-01T00:00:00Z"),
        ("did:web:b.example", "issue", "2026-06-01T00:00:00Z"),
        ("did:web:b.example", "status", "2026-06-01T00:00:00Z"),
    ]
    assert len(facts(items, *DEFINES)) == 6


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b"[]", ""),
        (b"{}", ""),
        (b'{"registry":[]}', "/registry"),
        (file(a={"name": " "}), "/registry/did:web:a.example/name"),
        (file(a={"name": 1}), "/registry/did:web:a.example/name"),
        (file(a={"name": "A"}).replace(b"did:web:a.example", b"did web"), "/registry/did web"),
        (
            b'{"registry":{"did:web:a.example":{"name":"A"},"did:web:a.example":{"name":"A"}}}',
            "/registry/did:web:a.example",
        ),
    ],
)
def test_every_fault_has_its_pointer(data: bytes, pointer: str) -> None:
    with pytest.raises(RegistryFileError) as refused:
        list(placed_dcc(data, TERMS, lambda *_: NOW))

    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@needs_reference("dcc")
def test_the_registry_of_the_sandbox_is_read() -> None:
    data = (reference("dcc") / "registry.json").read_bytes()

    items = list(placed_dcc(data, TERMS, lambda *_: NOW))

    assert len(entities(items)) == len(msgspec.json.decode(data)["registry"]) > 10
    assert len(facts(items, *DEFINES)) == 3 * len(entities(items))
