"""did:web against what others publish: the cases of web5 and documents of walt.id, over the simulated web."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from resolver import Resolver
from resolver.errors import ResolutionError
from tests.reference import needs_reference, reference
from tests.simulator import World

REFERENCE = reference("did-web")

pytestmark = pytest.mark.anyio

WALT = ["walt-ed25519", "walt-multi-key", "walt-rsa", "walt-secp256k1", "walt-secp256r1"]


def _web5() -> list[Any]:
    path = REFERENCE / "web5-resolve.json"
    return list(msgspec.json.decode(path.read_bytes())["vectors"]) if path.exists() else []


@needs_reference("did-web")
@pytest.mark.parametrize("case", _web5(), ids=lambda case: case["description"])
async def test_a_case_of_web5_has_its_outcome(case: Any) -> None:
    async with (
        World() as world,
        world.guard() as guard,
        Resolver(fetcher=guard.fetch_stranger) as resolver,
    ):
        for url, document in case["input"].get("mockServer", {}).items():
            parts = urlsplit(url)
            world.host(str(parts.hostname)).publish(parts.path, document)
        expected = case["output"]

        if expected["didDocument"] is None:
            with pytest.raises(ResolutionError) as failed:
                await resolver.resolve(case["input"]["didUri"])
            code = expected["didResolutionMetadata"]["error"].lower()
            assert _code(failed.value.type) == code
            return
        resolved = await resolver.resolve(case["input"]["didUri"])
        assert resolved.document == expected["didDocument"]
        assert [f"https://{request.headers['host']}{request.target}" for request in world.requests] == list(
            case["input"]["mockServer"]
        )


def _code(problem_type: str) -> str:
    """Return the older spelling of an error: `notFound` of `.../NOT_FOUND`; in lower case."""
    return problem_type.rpartition("#")[2].replace("_", "").lower()


@needs_reference("did-web")
@pytest.mark.parametrize("name", WALT)
async def test_a_document_of_walt_is_resolved_as_published(name: str) -> None:
    text = (REFERENCE / f"{name}.json").read_text()
    document = msgspec.json.decode(text.replace("localhost%3A<DID_WEB_PORT>", "walt.example%3A8443"))
    async with (
        World() as world,
        world.guard() as guard,
        Resolver(fetcher=guard.fetch_stranger) as resolver,
    ):
        path = document["id"].rpartition(":")[2]
        world.host("walt.example").publish(f"/{path}/did.json", document)

        resolved = await resolver.resolve(document["id"])

        assert resolved.document == document
        assert len(world.requests) == 1
