"""People sign in at a real server with the tokens of a real identity provider, which goes down and comes back."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.process import Server
from tests.slow.identity_provider import ALGORITHMS, AUDIENCE, INSTALLED, IdentityProvider

pytestmark = pytest.mark.slow

ACCOUNTS: dict[str, dict[str, Any]] = {
    "ann": {"name": "Ann", "email": "ann@example.com", "groups": ["touchstone-admins", "staff"]},
    "bo": {"name": "Bo", "email": "bo@example.com", "groups": ["acme"]},
    "cy": {"name": "Cy", "email": "cy@example.com", "groups": ["staff"]},
}
RULES = [
    {"claim": "groups", "value": "touchstone-admins", "role": "administrator", "scope": "everything"},
    {"claim": "groups", "value": "acme", "role": "viewer", "scope": "issuer:acme"},
]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    node = shutil.which("node")
    if node is None or not (INSTALLED / ".installed").exists():
        pytest.skip("no Node.js, or no provider in var/provider: run sh tools/clients.sh")
    found = IdentityProvider(node, tmp_path, ACCOUNTS)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def deployed(tmp_path: Path, provider: IdentityProvider) -> Iterator[Server]:
    deployment = Server(
        tmp_path,
        SIGN_IN_ISSUER=provider.issuer,
        SIGN_IN_JWKS_URL=provider.jwks_url,
        SIGN_IN_AUDIENCE=AUDIENCE,
        SIGN_IN_CLIENT_ID="console-RS256",
        SIGN_IN_GRANTS=msgspec.json.encode(RULES).decode(),
    )
    deployment.initialise("--sample")
    deployment.start()
    yield deployment
    deployment.kill()


def ask(server: Server, token: str, path: str = "/operator/issuers") -> httpx.Response:
    """Ask several times on connections of their own, so that several workers are met; the answers are alike."""
    answers = [
        httpx.get(
            server.operator_url + path,
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=20,
        )
        for _ in range(6)
    ]
    assert len({answer.status_code for answer in answers}) == 1, [answer.text for answer in answers]
    return answers[0]


def test_people_sign_in(provider: IdentityProvider, deployed: Server) -> None:
    for algorithm in ALGORITHMS:
        assert ask(deployed, provider.sign_in("ann", algorithm=algorithm).access).status_code == 200
    ann, bo, cy = (provider.sign_in(name) for name in ("ann", "bo", "cy"))

    me = ask(deployed, ann.access, "/operator/me").json()
    assert ask(deployed, ann.id, "/operator/me").json()["id"] == me["id"]
    person = ask(deployed, ann.access, f"/operator/principals/{me['id']}").json()
    assert (person["kind"], person["name"], person["address"]) == ("person", "Ann", "ann@example.com")
    assert len(ask(deployed, ann.access).json()["issuers"]) > len(ask(deployed, bo.access).json()["issuers"])
    nobody = ask(deployed, cy.access)
    assert nobody.status_code == 403 and "person-" in nobody.json()["detail"]


def test_what_is_not_a_persons_token_for_us_is_refused(provider: IdentityProvider, deployed: Server) -> None:
    refused = {
        "a client for itself": provider.client_token(),
        "an ID token of another client": provider.sign_in("ann", algorithm="ES256").id,
    }
    tokens = provider.sign_in("ann")
    refused["a signature of another token"] = ".".join(
        [*tokens.access.split(".")[:2], tokens.id.split(".")[2]]
    )

    for name, token in refused.items():
        answer = ask(deployed, token)
        assert (name, answer.status_code) == (name, 401)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_who_is_in_stays_in_while_the_provider_is_down(provider: IdentityProvider, deployed: Server) -> None:
    service = deployed.operator_key
    first, second, third = (provider.sign_in("ann") for _ in range(3))
    assert ask(deployed, first.access).status_code == 200
    provider.stop()

    assert ask(deployed, first.access).status_code == 200
    assert ask(deployed, second.access).status_code == 200  # A new token of a key that is known.
    assert ask(deployed, service).status_code == 200
    deployed.terminate()
    deployed.settings["WORKERS"] = "2"
    deployed.start()
    assert ask(deployed, first.access).status_code == 200  # No process knows any key now.
    assert ask(deployed, third.access).status_code == 503
    assert ask(deployed, service).status_code == 200


def test_keys_are_rotated(provider: IdentityProvider, deployed: Server) -> None:
    """A new key is seen a minute after the last time that the provider was asked."""
    old = provider.sign_in("ann")
    assert ask(deployed, old.access).status_code == 200
    provider.stop()
    provider.rotate()
    provider.start()
    new = provider.sign_in("ann")

    assert ask(deployed, new.access).status_code == 401
    time.sleep(61)
    assert ask(deployed, new.access).status_code == 200
    assert ask(deployed, old.access).status_code == 200


def test_a_token_ends(provider: IdentityProvider, deployed: Server) -> None:
    provider.stop()
    provider.seconds = 4
    provider.start()
    token = provider.sign_in("ann").access
    assert ask(deployed, token).status_code == 200
    time.sleep(4.5)

    answer = ask(deployed, token)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "this token has expired"
