"""
Where the corpus is asked: both applications in a fake web, at a time that stands still, with keys and random bytes
that are always the same.
"""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.routes import HTTPRoute

from operators import Issuer, KeyState, Role
from proofs import Algorithm, PrivateKey
from resolver.outbound.fetch import GuardLimits
from server.app import operator_app, public_app
from server.commands.database.bootstrap import initialise, operator_key_path
from server.database import MIGRATIONS, open_of
from server.identity import custody
from server.identity.own import issuer_did
from server.services import Services, open_services
from server.settings import Settings
from storage import migrate
from tests.actors import ROOT, Access
from tests.issuers import inserting, key_row
from tests.server.http_corpus.asking import Answered, Case, Raw, ask
from tests.server.running import quiet
from tests.simulator import Host, World

GENEROUS = GuardLimits(host_burst=10_000, site_burst=10_000, burst=10_000)  # but where a case is about them
RATE = 1_000_000.0
START = 1_790_000_000.0  # 2026-09-21T14:13:20Z, within the windows of the sample


class Clock:
    """Seconds since 1970, and monotonic ones; they pass when `pass_` is called."""

    def __init__(self) -> None:
        self._passed = 0.0

    def __call__(self) -> float:
        return START + self._passed

    def timer(self) -> float:
        return 1_000.0 + self._passed

    def pass_(self, seconds: float) -> None:
        self._passed += seconds


def _drawer() -> Callable[[int], bytes]:
    """Return a source of bytes that are the same in each run, and never twice in one."""
    drawn: Counter[int] = Counter()

    def draw(size: int) -> bytes:
        drawn[size] += 1
        return hashlib.shake_256(b"%d of %d" % (drawn[size], size)).digest(size)

    return draw


def _maker(draw: Callable[[int], bytes]) -> Callable[[Algorithm], PrivateKey]:
    """Return what makes keys of such bytes."""

    def make(algorithm: Algorithm) -> PrivateKey:
        secret = draw(32)
        if algorithm is Algorithm.ED25519:
            return Ed25519PrivateKey.from_private_bytes(secret)
        curve = SECP256R1() if algorithm is Algorithm.P256 else SECP384R1()
        return derive_private_key(int.from_bytes(secret[1:]), curve)

    return make


Build = Callable[[World], Mapping[str, Host]]  # fills the fake web; returns the hosts that a step may change


class Scene:
    """
    Both applications and what is behind them.

    Attributes:
        hosts: of the fake web, that a step may change.
        directory: of the deployment.
        keys: API keys by the name that stands for them in a case.
        digests: likewise, of what a step learned from an answer.
        served: route and method of everything that is served.
    """

    def __init__(
        self,
        services: Services,
        hosts: Mapping[str, Host],
        clock: Clock,
        directory: Path,
        keys: dict[str, str],
    ) -> None:
        self.services, self.hosts, self.clock = services, hosts, clock
        self.directory, self.keys = directory, keys
        self.digests: dict[str, str] = {}
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # They take it from the module; asyncio does not run meanwhile.
            patch.setattr(time, "monotonic", clock.timer)
            self.apps: dict[str, Any] = {"public": public_app(services), "operator": operator_app(services)}
        self.served = routes_of(self.apps.values())

    async def ask(self, case: Case) -> Answered:
        filled = tuple((name, self.filled(value)) for name, value in case.headers)
        body = case.body
        for name, digest in self.digests.items():
            body = body.replace(f"<digest of {name}>".encode(), digest.encode())
        return await ask(self.apps[case.listener], case._replace(headers=filled, body=body))

    def filled(self, value: str) -> str:
        for name, key in self.keys.items():
            value = value.replace(f"<key of {name}>", key)
        return value


def routes_of(apps: Iterable[Any]) -> set[tuple[str, str]]:
    """Return route and method of everything that `apps` serve, as the framework inside them has it."""
    inner = [value for app in apps for value in vars(app).values() if isinstance(value, Litestar)]
    assert len(inner) == 2
    return {
        (route.path_format, method)
        for app in inner
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }


Step = Case | Raw | Callable[[Scene], Awaitable[None]]  # what is asked, or done in between


@contextmanager
def _standing_still(clock: Clock) -> Iterator[None]:
    """Hand `clock` and fixed random bytes to what takes them from the standard library; all else has parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock)
        patch.setattr(secrets, "token_bytes", _drawer())
        patch.setattr(custody, "new_key", _maker(_drawer()))
        yield


@asynccontextmanager
async def scene_in(
    directory: Path, build: Build = lambda _: {}, limits: GuardLimits = GENEROUS, **changes: Any
) -> AsyncIterator[Scene]:
    """Make a deployment with the sample and serve it in a fake web that `build` fills."""
    values: dict[str, Any] = {
        "database_url": f"sqlite:///{directory}/var/corpus.db",
        "key_dir": f"{directory}/keys",
        "observe_interval_seconds": 0,
        "rate_hot_per_second": RATE,
        "rate_cpu_per_second": RATE,
        "rate_outbound_per_second": RATE,
        "rate_no_cache_per_second": RATE,
    } | changes
    settings = Settings(**values)
    clock = Clock()
    for number, name in enumerate(("key-1", "acme-1", "key-2", "acme-2", "keyless-2")):
        write_key(Path(settings.key_dir) / f"{name}.pem", number)
    with _standing_still(clock):
        await _issuers(settings)
        await initialise(settings, sample=True, say=quiet)
        keys = {"admin": operator_key_path(settings).read_text().strip(), **await _people(settings, clock)}
        async with (
            World() as web,
            web.guard(limits, clock=clock.timer) as guard,
            open_services(settings, guard=guard, clock=clock, timer=clock.timer) as services,
        ):
            services.health.is_started = True
            yield Scene(services, build(web), clock, directory, keys)


def write_key(path: Path, number: int) -> None:
    """Write the Ed25519 key of a number."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"corpus key %d" % number).digest())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)


async def _issuers(settings: Settings) -> None:
    """Make issuers whose keys are known, each with a spare one, before `initialise` draws keys by lot."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_of(settings, create=True)
    try:
        await migrate(database, MIGRATIONS)
        for issuer_id, prefix in (("default", "key"), ("acme", "acme"), ("keyless", "keyless")):
            keys = [
                key_row(issuer_id, f"{prefix}-1"),
                key_row(issuer_id, f"{prefix}-2", state=KeyState.ANNOUNCED),
            ]
            await database.write(inserting(Issuer(id=issuer_id, did=issuer_did(settings, issuer_id)), *keys))
    finally:
        database.close()


async def _people(settings: Settings, clock: Clock) -> dict[str, str]:
    """Make issuers and principals; return an API key of each, by name."""
    database = open_of(settings)
    try:
        access = Access(database, clock)
        people: dict[str, tuple[str | None, Role]] = {
            "reader": (None, Role.VIEWER),
            "acme-admin": ("acme", Role.ADMINISTRATOR),
            "acme-issuer": ("acme", Role.EDITOR),
            "acme-reader": ("acme", Role.VIEWER),
            "expired": (None, Role.ADMINISTRATOR),
            "revoked": (None, Role.ADMINISTRATOR),
        }
        keys = {}
        for name, (issuer_id, role) in people.items():
            await access.add(name, role, issuer_id=issuer_id)
            if name == "expired":
                keys[name] = await Access(database, lambda: clock() - 60).key(name, seconds=60)
            else:
                keys[name] = await access.key(name)
        await access.keys.revoke(ROOT, keys["revoked"].split("_")[1])
        return keys
    finally:
        database.close()
