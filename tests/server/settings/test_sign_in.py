"""The identity provider in the settings: what it needs, what is wrong with it, and what claims grant."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from operators.grants import EVERYTHING, Grant, Role, Scope, ScopeKind
from server.settings import Settings, SettingsError, load_settings
from server.settings.drivers import tables_of
from server.settings.sign_in import provider_of

RULE = {"claim": "groups", "value": "admins", "role": "administrator", "scope": "everything"}
OTHER = {"claim": "realm_access.roles", "value": "a", "role": "editor", "scope": "issuer:acme"}
GIVEN = {
    "TOUCHSTONE_SIGN_IN_ISSUER": "https://id.example/realms/house",
    "TOUCHSTONE_SIGN_IN_JWKS_URL": "https://id.example/realms/house/certs?v=1",
    "TOUCHSTONE_SIGN_IN_AUDIENCE": "https://touchstone.example",
    "TOUCHSTONE_SIGN_IN_GRANTS": json.dumps([RULE, OTHER]),
}


def faults_of(**changed: str) -> list[str]:
    given = GIVEN | {f"TOUCHSTONE_SIGN_IN_{name}": value for name, value in changed.items()}
    with pytest.raises(SettingsError) as wrong:
        load_settings({name: value for name, value in given.items() if value})
    return wrong.value.faults


def test_nobody_signs_in_without_settings() -> None:
    assert provider_of(Settings()) is None


@pytest.mark.parametrize("where", ["file", "environment"])
def test_the_provider_and_its_rules_are_read(tmp_path: Path, where: str) -> None:
    file = tmp_path / "touchstone.toml"
    texts = {name.removeprefix("TOUCHSTONE_").lower(): text for name, text in GIVEN.items()}
    rules = texts.pop("sign_in_grants")
    lines = [f"{name} = {json.dumps(text)}" for name, text in texts.items()]
    file.write_text("\n".join([*lines, *tables_of(json.loads(rules), "sign_in_grants")]))

    provider = provider_of(
        load_settings(GIVEN if where == "environment" else {"TOUCHSTONE_CONFIG": str(file)})
    )

    assert tomllib.loads(file.read_text())["sign_in_grants"] == [RULE, OTHER]
    assert provider is not None
    assert provider.accepted.issuer == GIVEN["TOUCHSTONE_SIGN_IN_ISSUER"]
    assert [(rule.claim, rule.value, rule.grant) for rule in provider.rules] == [
        ("groups", "admins", Grant(EVERYTHING, Role.ADMINISTRATOR)),
        ("realm_access.roles", "a", Grant(Scope(ScopeKind.ISSUER, "acme"), Role.EDITOR)),
    ]


@pytest.mark.parametrize("missing", ["ISSUER", "JWKS_URL", "AUDIENCE"])
def test_what_belongs_together_is_set_together(missing: str) -> None:
    (fault,) = faults_of(**{missing: ""})

    assert fault.endswith("set all three, or none")


def test_rules_without_a_provider_grant_nothing_and_are_told() -> None:
    with pytest.raises(SettingsError, match="set all three, or none"):
        load_settings({"TOUCHSTONE_SIGN_IN_GRANTS": json.dumps([RULE])})


@pytest.mark.parametrize("name", ["ISSUER", "JWKS_URL"])
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://id.example/realms/house", "Plain http is for loopback only"),
        ("http://10.0.0.1/", "Plain http is for loopback only"),
        ("ftp://id.example/", "expected https://host"),
        ("id.example", "expected https://host"),
        ("https://ID.example/", "the host in lower case"),
        ("https://user:word@id.example/", "expected https://host"),
        ("https://id.example/#a", "expected https://host"),
        ("https://id.example/a b", "expected https://host"),
        ("https://id.example/a/../b", "expected https://host"),
        ("https://id.example:65536/", "expected https://host"),
        ("https://id.example?a#b", "expected https://host"),
        ("https://id.example/" + "a" * 3_000, "expected https://host"),
    ],
    ids=lambda text: text[:30],
)
def test_the_provider_is_reached_over_https(name: str, url: str, told: str) -> None:
    (fault,) = faults_of(**{name: url})

    assert fault.startswith(f"TOUCHSTONE_SIGN_IN_{name}: ")
    assert told in fault
    assert len(fault) < 500


def test_only_the_address_of_the_keys_has_a_query() -> None:
    (fault,) = faults_of(ISSUER="https://id.example/?v=1")

    assert fault.startswith("TOUCHSTONE_SIGN_IN_ISSUER: expected https://host[:port][/path], ")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_a_provider_on_loopback_may_speak_http(host: str) -> None:
    url = {
        "TOUCHSTONE_SIGN_IN_ISSUER": f"http://{host}/",
        "TOUCHSTONE_SIGN_IN_JWKS_URL": f"http://{host}/jwks",
    }

    assert provider_of(load_settings(GIVEN | url)) is not None


@pytest.mark.parametrize("name", ["AUDIENCE", "CLIENT_ID", "NAME_CLAIM", "ADDRESS_CLAIM"])
def test_texts_have_a_length(name: str) -> None:
    (fault,) = faults_of(**{name: "a" * 2_049})

    assert fault == f"TOUCHSTONE_SIGN_IN_{name}: expected up to 2048 characters without control characters"


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({}, "entry 2: expected claim, value, role, scope, each a text, and nothing else"),
        (RULE | {"more": "a"}, "entry 2: expected claim, value, role, scope, each a text, and nothing else"),
        (
            RULE | {"value": ["a"]},
            "entry 2: expected claim, value, role, scope, each a text, and nothing else",
        ),
        (RULE | {"value": ""}, "entry 2: expected claim, value, role, scope, each a text, and nothing else"),
        (RULE | {"role": "admin"}, "entry 2: expected role as one of viewer, "),
        (
            RULE | {"scope": "acme"},
            "entry 2: scope: expected everything, issuer:<id> or authority:<id>, found 'acme'",
        ),
        (RULE | {"scope": "issuer:"}, "entry 2: scope: expected everything, issuer:<id> or authority:<id>"),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_told_by_its_number(rule: dict[str, Any], told: str) -> None:
    (fault,) = faults_of(GRANTS=json.dumps([RULE, rule]))

    assert fault.startswith(f"TOUCHSTONE_SIGN_IN_GRANTS: {told}")


@pytest.mark.parametrize("text", ["{", "[1]", '"groups"', "{}"])
def test_rules_are_a_list_of_tables(text: str) -> None:
    (fault,) = faults_of(GRANTS=text)

    assert fault.startswith("TOUCHSTONE_SIGN_IN_GRANTS: expected")
    assert "a list of tables" in fault
