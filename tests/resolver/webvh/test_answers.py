"""did:webvh over HTTP: status, metadata and errors in both generations of the protocol."""

import json
from typing import Any

import pytest

from resolver import Fetched, FetchPlan, Resolver
from tests.resolver.asking import answer
from tests.resolver.webvh.logs import Log, Signer

pytestmark = pytest.mark.anyio

LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'


def resolver_of(log: Log) -> Resolver:
    async def fetch(plan: FetchPlan, headers: Any) -> Fetched:
        return Fetched(status=200, headers={}, body=log.text)

    return Resolver(fetcher=fetch)


async def ask(log: Log, suffix: str = "", query: bytes = b"", accept: str | None = None) -> Any:
    path = f"/1.0/identifiers/{log.did}{suffix}".encode()
    return await answer(resolver_of(log), path, query, accept)


async def test_a_resolution_has_the_metadata_of_the_method() -> None:
    log = Log().append()

    found = await ask(log)

    result = json.loads(found.body)
    assert found.status == 200
    assert result["didDocument"] == log.entries[0]["state"]
    assert result["didDocumentMetadata"]["ttl"] == "3600"
    assert result["didResolutionMetadata"] == {"contentType": "application/did"}


async def test_a_deactivated_did_is_gone_and_an_older_version_is_there() -> None:
    log = Log().append().append({"deactivated": True})

    gone = await ask(log)
    older = await ask(log, query=b"versionNumber=1")

    assert (gone.status, older.status) == (410, 200)
    assert json.loads(gone.body)["didDocumentMetadata"]["deactivated"] is True
    assert json.loads(older.body)["didDocument"] == log.entries[0]["state"]


async def test_a_forged_log_is_told_in_the_words_of_both_generations() -> None:
    forged = Log().append().append(sign_with=Signer(66))

    current, legacy = await ask(forged), await ask(forged, accept=LEGACY)

    error = json.loads(current.body)["didResolutionMetadata"]["error"]
    assert (current.status, error["type"]) == (500, "https://www.w3.org/ns/did#INVALID_DID_DOCUMENT")
    assert error["problemDetails"] == {
        "type": "https://didwebvh.info/main/resolution-errors/#key-not-authorized-to-update",
        "title": "Key is not authorized to update",
        "detail": "the key of a proof is not in the active updateKeys",
    }
    assert json.loads(legacy.body)["didResolutionMetadata"]["error"] == "invalidDid"


async def test_a_version_before_the_forged_one_is_answered_with_the_problem() -> None:
    forged = Log().append().append(sign_with=Signer(66))

    found = await ask(forged, query=b"versionId=" + forged.entries[0]["versionId"].encode())

    result = json.loads(found.body)
    assert (found.status, result["didDocument"]) == (200, forged.entries[0]["state"])
    assert result["didResolutionMetadata"]["problemDetails"]["title"] == "Key is not authorized to update"


async def test_the_path_of_a_did_url_sends_a_client_to_the_file() -> None:
    log = Log().append()

    found = await ask(log, "/whois", accept="text/uri-list")

    assert (found.status, dict(found.headers)["location"]) == (303, "https://issuer.example/whois.vp")
