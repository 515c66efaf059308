"""
`POST /verify` beside a bare ASGI server that reads the same body, and verifies one signature.

The credential is an SD-JWT VC with ten disclosures, signed with ES256 by a did:key that the registry trusts, and
without a status entry: a deployment fetches no list of its own machine.
"""

import asyncio
import http.client
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from benchmarks.hot_answers import in_turns, rates
from benchmarks.http import Captured
from benchmarks.load import GENERATOR, Posts
from benchmarks.processes import Deployment, rival
from benchmarks.result import Result
from proofs import KeySigner
from registry.events import Cause
from registry.known import FactChange
from registry.model import Authority, Definition, Entity, Fact, Grant, Identifier, Resource, kind_of
from registry.registry import Registry
from resolver.keys.multikey import multikey_of
from storage.sqlite import open_sqlite
from tests.credentials.sd_jwts import sd_jwt
from verification.routes import VERIFY_PATH
from verification.verdicts import Verification

ROUNDS = 5
AT_LEAST = 0.5  # of the bare server's rate
RIVAL = f"bare ASGI app on uvicorn: reads the body, verifies one signature, gives as many bytes ({GENERATOR})"
READY = "/.well-known/did.json"
DAY = 86_400  # seconds
VCT = "https://bench.example/degree"


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of `POST /verify`."""
    key = generate_private_key(SECP256R1())
    multikey = multikey_of(key.public_key())
    did = f"did:key:{multikey}"
    token = _credential(did, KeySigner(key, f"{did}#{multikey}"))
    deployment = Deployment(folder / "deployment")
    asyncio.run(_trust(deployment, did))
    body = msgspec.json.encode({"credential": token})
    posts = folder / "posts"
    posts.write_bytes(VERIFY_PATH.encode() + b" " + body + b"\n")
    with deployment.serving(READY) as server:
        captured = _asked(server.port, body)
        (folder / "captured").write_bytes(msgspec.msgpack.encode(captured))
        with rival("bare_verify", folder, str(folder / "captured")) as bare:
            ours, theirs = in_turns([(server, Posts(posts)), (bare, Posts(posts))], ROUNDS)
    return rates("verify_over_http", ours, theirs, RIVAL, at_least=AT_LEAST)


def _credential(did: str, signer: KeySigner) -> str:
    now = int(time.time())
    claims = {"iss": did, "vct": VCT, "iat": now - DAY, "nbf": now - DAY, "exp": now + DAY}
    return sd_jwt(claims, signer, hidden={f"claim_{each}": f"value number {each}" for each in range(10)})


async def _trust(deployment: Deployment, did: str) -> None:
    """Have the registry know, before the server starts, that the issuer may issue."""
    database = open_sqlite(deployment.folder / "var" / "touchstone.db", create=False)
    registry = Registry(database, time.time)
    try:
        await registry.load()
        await registry.edit(lambda *_: _changes(did), lambda *_: None, Cause("bench", "change-set"))
    finally:
        database.close()


def _changes(did: str) -> tuple[FactChange, ...]:
    began = int(time.time() - 365 * DAY) * 1_000_000
    authority = Authority(
        id="bench-authority",
        governance_framework="https://bench.example/rules",
        defines=(Definition(action="issue", resource="Degree"),),
        resources=(Resource(id="Degree", vcts=(VCT,)),),
    )
    grant = Grant(
        id="bench-grant",
        kind="authorization",
        authority_id="bench-authority",
        entity_id="bench-issuer",
        action="issue",
        resource="Degree",
        valid_from=began,
    )
    entities = [
        Entity(id=each, names={"en": each}, identifiers=(Identifier(value=named),))
        for each, named in (("bench-authority", "did:web:bench.example"), ("bench-issuer", did))
    ]
    facts: list[Fact] = [*entities, authority, grant]
    return tuple(FactChange(kind_of(fact), fact.id, fact, "add", began) for fact in facts)


def _asked(port: int, body: bytes) -> Captured:
    """Ask once; the credential must be relied on."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", VERIFY_PATH, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200 or not msgspec.json.decode(content, type=Verification).rely:
        raise RuntimeError(f"the credential is not relied on: {content[:2_000]!r}")
    headers = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() != "date"]
    return Captured(answer.status, headers, content)
