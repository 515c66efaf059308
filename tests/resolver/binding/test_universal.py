"""What the resolver tells of itself, in the shapes that clients of the Universal Resolver read."""

import pytest

from resolver import Resolver
from resolver.binding.universal import identifiers_to_test, methods_of, properties_of, traits_of
from resolver.drivers.config import Driver
from wire import encode

DRIVERS = (
    Driver(
        name="cheqd",
        pattern="^(did:cheqd:.+)$",
        url="http://driver.internal:8080/1.0/identifiers/$1",
        supports_options=True,
        test_identifiers=("did:cheqd:mainnet:a", "did:cheqd:testnet:b"),
        traits={"updatable": True},
    ),
    Driver(name="two", pattern="did:(?:sov|indy):.+", url="http://driver.internal:8081"),
)
NATIVE = Resolver().planner.native_methods


def test_the_methods_are_ours_and_those_of_the_drivers() -> None:
    methods = methods_of(NATIVE, DRIVERS)

    assert methods == sorted({*NATIVE, "cheqd", "indy", "sov"})
    assert methods == list(Resolver(drivers=DRIVERS).methods)


@pytest.mark.parametrize("did", [did for dids in identifiers_to_test(NATIVE, ()).values() for did in dids])
def test_an_identifier_that_is_named_for_tests_resolves_without_a_network(did: str) -> None:
    resolved = Resolver().resolve_local(did)

    assert resolved is not None
    assert resolved.document is not None


def test_identifiers_for_tests_are_by_method_with_our_own_and_those_of_drivers() -> None:
    found = identifiers_to_test(NATIVE, DRIVERS, ["did:web:own.example"])

    assert found["web"] == ["did:web:own.example"]
    assert found["cheqd"] == ["did:cheqd:mainnet:a", "did:cheqd:testnet:b"]
    assert found["key"]
    assert "sov" not in found


def test_properties_are_by_pattern_and_do_not_tell_where_a_driver_is() -> None:
    properties = properties_of(NATIVE, DRIVERS)

    assert properties["^(did:key:.+)$"] == {"native": True}
    assert properties["^(did:cheqd:.+)$"] == {
        "name": "cheqd",
        "native": False,
        "verified": False,
        "supportsOptions": True,
        "ttlSeconds": 300.0,
    }
    assert b"driver.internal" not in encode(properties)


def test_traits_are_by_pattern() -> None:
    traits = traits_of(NATIVE, DRIVERS)

    assert traits["^(did:key:.+)$"]["updatable"] is False
    assert traits["^(did:web:.+)$"]["updatable"] is True
    assert traits["^(did:cheqd:.+)$"] == {"updatable": True}
    assert traits.keys() == properties_of(NATIVE, DRIVERS).keys()
