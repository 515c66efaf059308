"""A real identity provider (npm `oidc-provider`) as a process on loopback, and a person with a browser."""

import base64
import hashlib
import json
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto import jwk

from tests.process import DIE_WITH_US, ROOT, free_port

INSTALLED = ROOT / "var/provider"
AUDIENCE = "https://touchstone.example/operator"
REDIRECT = "http://127.0.0.1/signed-in"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
SCOPES = "openid profile email groups operate"


class Tokens(NamedTuple):
    """What a person got; each a JWT."""

    access: str
    id: str


class IdentityProvider:
    """
    The provider: its people, and its keys, which `rotate` replaces.

    Attributes:
        accounts: the claims of each person, by name.
        seconds: how long its tokens are good.
    """

    def __init__(self, node: str, directory: Path, accounts: dict[str, dict[str, Any]]) -> None:
        self.accounts = accounts
        self.seconds = 300
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.jwks_url = f"{self.issuer}/jwks"
        self._node = node
        self._log = directory / "provider.log"
        self._keys: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None
        self.rotate()

    def rotate(self) -> None:
        """Make new keys, one for each algorithm; the old ones go. Seen after the next start."""
        made = {
            "RS256": rsa.generate_private_key(65_537, 2_048),
            "PS256": rsa.generate_private_key(65_537, 2_048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "ES384": ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": Ed25519PrivateKey.generate(),
        }
        self._keys = [
            json.loads(jwk.JWK.from_pyca(key).export())
            | {"kid": f"{algorithm}-{secrets.token_hex(4)}", "alg": algorithm, "use": "sig"}
            for algorithm, key in made.items()
        ]

    def start(self) -> None:
        settings = {
            "issuer": self.issuer,
            "port": self.port,
            "jwks": {"keys": self._keys},
            "audience": AUDIENCE,
            "accounts": self.accounts,
            "seconds": self.seconds,
            "redirect": REDIRECT,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, self._node, ROOT / "tests/slow/provider.mjs", json.dumps(settings)],
                cwd=INSTALLED,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self._log.read_text()[-2_000:]

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def sign_in(self, account: str, *, algorithm: str = "RS256") -> Tokens:
        """Let a person sign in with the client of an algorithm: OpenID Connect's code flow, with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        client = f"console-{algorithm}"
        with httpx.Client(base_url=self.issuer, trust_env=False, timeout=10) as browser:
            page = _followed(
                browser,
                browser.get(
                    "/auth",
                    params={
                        "client_id": client,
                        "response_type": "code",
                        "redirect_uri": REDIRECT,
                        "scope": SCOPES,
                        "resource": AUDIENCE,
                        "code_challenge": challenge,
                        "code_challenge_method": "S256",
                    },
                ),
            )
            page = _submitted(browser, page, {"prompt": "login", "login": account, "password": "any"})
            page = _submitted(browser, page, {"prompt": "consent"})
            asked = {
                "client_id": client,
                "grant_type": "authorization_code",
                "code": parse_qs(urlsplit(page.headers["location"]).query)["code"][0],
                "redirect_uri": REDIRECT,
                "code_verifier": verifier,
                "resource": AUDIENCE,
            }
            answer = browser.post("/token", data=asked).raise_for_status().json()
        return Tokens(answer["access_token"], answer["id_token"])

    def client_token(self) -> str:
        """Return the access token that a client has for itself (client credentials)."""
        asked = {"grant_type": "client_credentials", "scope": "operate", "resource": AUDIENCE}
        answer = httpx.post(
            f"{self.issuer}/token",
            data=asked,
            auth=("pipeline", "a+secret+of+the+tests%2C+and+of+nobody+else"),
            trust_env=False,
        )
        return str(answer.raise_for_status().json()["access_token"])


def _submitted(browser: httpx.Client, page: httpx.Response, form: dict[str, str]) -> httpx.Response:
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None, page.text[-2_000:]
    return _followed(browser, browser.post(action[1], data=form))


def _followed(browser: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Follow redirects of the provider, up to one that leads back to the client."""
    while answer.is_redirect and not answer.headers["location"].startswith(REDIRECT):
        answer = browser.get(answer.headers["location"])
    return answer
