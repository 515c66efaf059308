"""What outsiders found: sound documents that were refused, wrong errors, and what the linter said."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resolver import Fetched, ResolutionError, Resolver
from resolver.__main__ import main
from resolver.binding.representation import present
from resolver.drivers.config import Driver
from resolver.results import Resolved
from tests.resolver.scenes import web
from tests.simulator import canned
from tests.vectors import vectors

pytestmark = pytest.mark.anyio

LEFT_OUT = {"media-type", "null-member", "malformed-alias", "relationships-omitted"}
CASES = vectors("outsiders")
DRIVER = Driver(name="ion", pattern="did:ion:.+", url="https://ion.example")


def of_kind(*kinds: str) -> Any:
    found = [case for case in CASES if case["input"]["kind"] in kinds]
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


class Answering:
    """A driver that has one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = Fetched(
            status=answer["status"],
            headers={"content-type": answer["content-type"]},
            body=msgspec.json.encode(answer["body"]),
        )

    async def __call__(self, url: str, *, accept: str, max_bytes: int, timeout_seconds: float) -> Fetched:
        return self._answer


async def resolution(given: dict[str, Any]) -> Resolved:
    if given["kind"] == "driver":
        driver = Answering(given["driver_answer"])
        async with Resolver(drivers=[DRIVER], fetch_configured=driver) as resolver:
            return await resolver.resolve(given["did"])
    async with web() as (_, host, resolver, _clock):
        if "origin" in given:
            origin = given["origin"]
            typed = {"content_type": origin["content-type"]} if "content-type" in origin else {}
            host.answer(origin["path"], canned(body_of(origin), origin["status"], **typed))
        return await resolver.resolve(given["did"])


def body_of(origin: dict[str, Any]) -> bytes:
    return (
        b64decode(origin["body_base64"]) if "body_base64" in origin else msgspec.json.encode(origin["body"])
    )


@of_kind("did:web", "driver", "resolve")
async def test_what_is_sound_is_resolved_with_a_warning_and_what_is_not_is_refused_for_what_it_is(
    case: dict[str, Any],
) -> None:
    expected = case["expect"]
    try:
        resolved = await resolution(case["input"])
    except ResolutionError as error:
        assert error.type.rpartition("#")[2] == expected.get("error"), error.detail
        assert expected.get("detail", "") in error.detail
        return

    assert "error" not in expected
    assert resolved.document is not None
    told = [warning["code"] for warning in resolved.resolution_metadata.get("warnings", [])]
    warnings = [code for code in told if code in LEFT_OUT]
    assert warnings == expected.get("warnings", warnings)
    assert resolved.document.keys().isdisjoint(expected.get("absent", ()))
    assert resolved.document.keys() >= set(expected.get("present", ()))
    assert resolved.document.get("alsoKnownAs") == expected.get(
        "alsoKnownAs", resolved.document.get("alsoKnownAs")
    )
    assert resolved.metadata == expected.get("metadata", {})
    assert resolved.resolution_metadata.get("verified") is expected.get("verified")


@of_kind("lint")
def test_the_linter_tells_each_cause_once_and_nothing_of_what_is_sound(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, expected = case["input"], case["expect"]
    target = given.get("did") or str(tmp_path / "did.json")
    if "file" in given:
        Path(target).write_text(json.dumps(given["file"]))

    status = main([target, "--lint", "--json"])

    codes = [finding["code"] for finding in json.loads(capsys.readouterr().out)]
    assert (status, codes) == (expected["status"], expected["codes"])


async def test_no_document_that_is_passed_on_has_null_or_a_word_that_was_told_of() -> None:
    for case in CASES:
        if case["input"]["kind"] in ("did:web", "driver") and "error" not in case["expect"]:
            document = (await resolution(case["input"])).document or {}

            assert None not in document.values()
            assert None not in [
                value for method in document.get("verificationMethod", []) for value in method.values()
            ]


async def test_what_was_told_of_a_document_is_told_again_when_it_was_confirmed() -> None:
    """304 has no body to look at, and no media type."""
    document = {"id": "did:web:issuer.example", "keyAgreement": None}
    async with web() as (world, host, resolver, clock):
        host.publish("/.well-known/did.json", document, etag='"1"', content_type="text/plain")
        first = await resolver.resolve(document["id"])
        clock.now += 100_000
        second = await resolver.resolve(document["id"])

    codes = [warning["code"] for warning in second.resolution_metadata["warnings"]]
    assert codes == ["media-type", "null-member"]
    assert second.resolution_metadata == first.resolution_metadata
    assert "if-none-match" in world.requests[-1].headers


async def test_what_was_told_is_in_the_full_result() -> None:
    case = next(case for case in CASES if case["id"] == "web-text-plain")
    resolved = await resolution(case["input"])

    answer = json.loads(present(resolved, None).body)

    (warning,) = answer["didResolutionMetadata"]["warnings"]
    assert (warning["code"], warning["severity"], warning["pointer"]) == ("media-type", "warning", "")
    assert "text/plain" in warning["detail"]
