"""What claims grant: the shapes in which identity providers send groups and roles, and shapes that they do not."""

from typing import Any

import pytest

from operators.grants import EVERYTHING, Grant, Role, Scope, ScopeKind
from operators.sign_in.claims import ClaimRule, grants_of, shown_of

ADMINISTRATOR = Grant(EVERYTHING, Role.ADMINISTRATOR)
EDITOR = Grant(Scope(ScopeKind.ISSUER, "acme"), Role.EDITOR)


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        # Keycloak: roles of the realm and of a client, and the mapper of groups.
        ("realm_access.roles", {"realm_access": {"roles": ["offline_access", "touchstone"]}}),
        ("resource_access.api.roles", {"resource_access": {"api": {"roles": ["touchstone"]}}}),
        ("groups", {"groups": ["/staff", "touchstone"]}),
        # Entra ID: app roles. Okta and authentik: groups.
        ("roles", {"roles": ["touchstone"]}),
        # One text in the place of a list, and a namespace with dots in it (Auth0).
        ("role", {"role": "touchstone"}),
        ("https://house.example/roles", {"https://house.example/roles": ["touchstone"]}),
    ],
)
def test_a_claim_grants_what_its_rule_says(claim: str, claims: dict[str, Any]) -> None:
    rules = [ClaimRule(claim, "touchstone", ADMINISTRATOR), ClaimRule(claim, "other", EDITOR)]

    assert grants_of(claims, rules) == {ADMINISTRATOR}


def test_several_rules_add_up() -> None:
    rules = [ClaimRule("groups", "a", ADMINISTRATOR), ClaimRule("groups", "b", EDITOR)]

    assert grants_of({"groups": ["a", "b", "c"]}, rules) == {ADMINISTRATOR, EDITOR}
    assert grants_of({}, rules) == frozenset()


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": "touchstone-admins"},
        {"groups": "a touchstone b"},
        {"groups": "a,touchstone"},
        {"groups": ["TOUCHSTONE"]},
        {"groups": ["touchstone "]},
        {"groups": [["touchstone"]]},
        {"groups": [{"name": "touchstone"}]},
        {"groups": {"touchstone": True}},
        {"groups": {"touchstone": ["touchstone"]}},
        {"groups": True},
        {"groups": None},
        {"Groups": ["touchstone"]},
        {"a": {"groups": ["touchstone"]}},
    ],
    ids=str,
)
def test_nothing_but_the_very_text_grants(claims: dict[str, Any]) -> None:
    assert grants_of(claims, [ClaimRule("groups", "touchstone", ADMINISTRATOR)]) == frozenset()


def test_a_claim_of_the_very_name_comes_before_a_path() -> None:
    claims = {"a.b": ["x"], "a": {"b": ["touchstone"]}}

    assert grants_of(claims, [ClaimRule("a.b", "touchstone", ADMINISTRATOR)]) == frozenset()
    assert grants_of(claims, [ClaimRule("a.b", "x", ADMINISTRATOR)]) == {ADMINISTRATOR}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ann", "Ann"),
        ("Zoë 李", "Zoë 李"),
        (["Ann"], "Ann"),
        (["Ann", "Bo"], None),
        ("a" * 257, None),
        ("a\nb", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_name_is_one_text_that_people_can_read(value: Any, shown: str | None) -> None:
    assert shown_of({"name": value}, "name") == shown
