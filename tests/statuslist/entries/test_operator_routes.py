"""The operators' routes, through the SDK client and with raw requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from statuslist.client import (
    Allocate,
    ChangeSettings,
    ChangeStatuses,
    CreateSet,
    FindEntries,
    NamedEntry,
    ReleaseEntries,
    RequestRefused,
    StatusChange,
    StatusListClient,
)
from statuslist.entries.references import ReferenceKey
from tests.databases import SqlitePlace
from tests.statuslist.application import http_of, transport_of
from tests.statuslist.wing import ACME, BASE_URL, OTHER, READER, Wing, change_of
from wire import format_utc

pytestmark = pytest.mark.anyio

SETS = "/operator/status-lists"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "touchstone.db")) as opened:
        yield opened


@pytest.fixture
async def http(wing: Wing) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(wing) as client:
        yield client


async def test_client_creates_allocates_revokes_and_reads(wing: Wing) -> None:
    async with (
        transport_of(wing, ACME) as transport,
        StatusListClient(BASE_URL, api_key="unused", transport=transport) as client,
    ):
        created = await client.create_set(CreateSet(id="badges", purposes=("revocation", "suspension")))
        allocated = await client.allocate("badges", Allocate(count=2, reference="batch 7"))
        index = int(allocated.entries[0].credential_status[0].status_list_index)
        changed = await client.set_statuses("badges", change_of(index))
        entry = await client.get_entry("badges", index)
        page = await client.list_sets()
        shown = await client.get_set("badges")

    assert created.issuer_id == "acme"
    assert changed.versions == {"badges-revocation": 1, "badges": 1}
    assert {status.status_purpose: status.status for status in entry.statuses} == {
        "revocation": 1,
        "suspension": 0,
    }
    assert page.sets == (shown,)
    assert shown.allocated == 2


async def test_client_names_finds_revokes_and_releases_by_reference(wing: Wing, tmp_path: Path) -> None:
    key = ReferenceKey(tmp_path / "references.key")
    key.make()
    named = Wing(wing.database, wing.place, key)
    async with (
        transport_of(named, ACME) as transport,
        StatusListClient(BASE_URL, transport=transport) as client,
    ):
        await client.create_set(CreateSet(id="badges", purposes=("revocation",)))
        wanted = Allocate(count=2, format="mso_mdoc", references=("first", "second"))
        allocated = await client.allocate("badges", wanted, idempotency_key="1")
        again = await client.allocate("badges", wanted, idempotency_key="1")
        found = await client.find(FindEntries(reference="first"))
        change = StatusChange(reference="first", status_purpose="revocation", status=1)
        changed = await client.set_statuses("badges", ChangeStatuses(changes=(change,)))
        second = ReleaseEntries(entries=(NamedEntry(reference="second"),))
        released = await client.release("badges", second, idempotency_key="2")
        shown = await client.add_forms("badges", idempotency_key="3")
        slower = await client.change_settings(
            "badges", ChangeSettings(cadence_seconds=600), idempotency_key="4"
        )
        with pytest.raises(RequestRefused) as refused:
            await client.release("badges", ReleaseEntries(entries=(NamedEntry(reference="first"),)))

    assert allocated == again
    assert [entry.status_list_index for entry in found.entries] == [allocated.entries[0].status_list_index]
    assert (changed.changed, released.released) == (1, 1)
    assert shown.token_list is not None
    assert (shown.cadence_seconds, slower.cadence_seconds) == (1, 600)
    assert (refused.value.status, refused.value.type) == (409, f"{BASE_URL}/problems/entry-in-use")


@pytest.mark.parametrize("index", range(3))
async def test_ten_thousand_references_are_taken_in_one_call(wing: Wing, tmp_path: Path, index: int) -> None:
    """In a body of up to 1 MiB."""
    key = ReferenceKey(tmp_path / "references.key")
    key.make()
    named = Wing(wing.database, wing.place, key)
    await named.create("badges")
    size = (10, 99, 110)[index]
    references = [f"{number:0{size}}" for number in range(10_000)]
    async with http_of(named) as http:
        body = {"count": 10_000, "format": "dc+sd-jwt", "references": references}
        response = await http.post(f"{SETS}/badges/allocations", json=body)
        found = await http.post(
            "/operator/status-entries/find", json={"reference": references[7_777], "issuerId": "acme"}
        )

    if size == 110:
        assert response.status_code == 413
        return
    entries = response.json()["entries"]
    assert (response.status_code, len(entries)) == (201, 10_000)
    assert found.json()["entries"][0]["statusListIndex"] == entries[7_777]["statusListIndex"]


async def test_retry_with_the_same_key_does_nothing_twice(wing: Wing) -> None:
    async with transport_of(wing) as transport, StatusListClient(BASE_URL, transport=transport) as client:
        for _ in range(2):
            await client.create_set(CreateSet(id="badges", purposes=("revocation",)), idempotency_key="1")
        first = await client.allocate("badges", Allocate(), idempotency_key="2")
        second = await client.allocate("badges", Allocate(), idempotency_key="2")

    assert first == second
    assert await wing.count("status_sets") == 1
    assert await wing.count("allocations") == 1


async def test_thousand_changes_with_the_longest_reasons_are_taken_and_one_more_is_refused(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    await wing.create("badges")
    indexes = await wing.allocate("badges", 1_001)
    changes = [
        {"statusListIndex": str(index), "statusPurpose": "revocation", "status": 1, "reason": "r" * 256}
        for index in indexes
    ]

    taken = await http.post(f"{SETS}/badges/statuses", json={"changes": changes[:1_000]})
    refused = await http.post(f"{SETS}/badges/statuses", json={"changes": changes})

    assert (taken.status_code, taken.json()["changed"]) == (200, 1_000)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/changes")


async def test_body_over_a_mebibyte_is_too_large_for_changes(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges")

    response = await http.post(f"{SETS}/badges/statuses", content=b" " * 1_048_577, headers=JSON)

    assert response.status_code == 413


async def test_ten_thousand_entries_are_allocated_in_one_call(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges", "revocation", "suspension")

    response = await http.post(f"{SETS}/badges/allocations", json={"count": 10_000})

    assert response.status_code == 201
    assert len(response.json()["entries"]) == 10_000


async def test_entries_are_ready_for_a_credential(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges")

    response = await http.post(f"{SETS}/badges/allocations", content=b"{}", headers=JSON)

    (entry,) = response.json()["entries"][0]["credentialStatus"]
    assert response.status_code == 201
    assert entry["type"] == "BitstringStatusListEntry"
    assert isinstance(entry["statusListIndex"], str)
    assert entry["id"] == f"{entry['statusListCredential']}#{entry['statusListIndex']}"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purposes": []},
        {"purposes": ["refresh"]},
        {"purposes": ["revocation"], "length": 131_071},
        {"purposes": ["revocation"], "length": 131_073},
        {"purposes": ["revocation"], "length": 2**26 + 8},
        {"purposes": ["revocation"], "length": "131072"},
        {"purposes": ["revocation"], "permutationKey": ""},
        {"purposes": ["revocation"], "id": "No Label"},
    ],
)
async def test_bad_set_is_refused_and_nothing_is_created(
    wing: Wing, http: httpx.AsyncClient, body: object
) -> None:
    response = await http.post(SETS, content=msgspec.json.encode(body), headers=JSON)

    assert response.status_code == 400
    assert await wing.count("status_sets") == 0


@pytest.mark.parametrize(
    "change",
    [
        {"statusListIndex": 1},
        {"statusListIndex": "01"},
        {"statusListIndex": "-1"},
        {"statusListIndex": "1\n"},
        {"statusListIndex": "١"},
        {"statusListIndex": "9999999999"},
        {"status": 2},
        {"status": True},
        {"status": "1"},
        {"statusPurpose": "refresh"},
        {"reason": ""},
        {"other": 1},
    ],
    ids=str,
)
async def test_bad_change_is_refused_and_changes_nothing(
    wing: Wing, http: httpx.AsyncClient, change: dict[str, object]
) -> None:
    index = await wing.set_with_entry("badges")
    good = {"statusListIndex": str(index), "statusPurpose": "revocation", "status": 1}
    body = msgspec.json.encode({"changes": [good, good | change]})

    response = await http.post(f"{SETS}/badges/statuses", content=body, headers=JSON)

    assert response.status_code == 400
    assert await wing.count("statuses") == 0


async def test_taking_back_a_revocation_is_a_conflict(wing: Wing, http: httpx.AsyncClient) -> None:
    index = await wing.set_with_entry("badges")
    await wing.revoke("badges", index)
    body = msgspec.json.encode(change_of(index, "revocation", 0))

    response = await http.post(f"{SETS}/badges/statuses", content=body, headers=JSON)

    assert response.status_code == 409
    assert response.json()["type"] == f"{BASE_URL}/problems/irreversible-status"


async def test_foreign_and_unknown_sets_get_the_same_answer(wing: Wing) -> None:
    index = await wing.set_with_entry("badges")
    async with http_of(wing, OTHER) as http:
        answers = {
            (response.status_code, response.content)
            for set_id in ("badges", "unknown")
            for response in (
                await http.get(f"{SETS}/{set_id}"),
                await http.get(f"{SETS}/{set_id}/statuses/{index}"),
                await http.post(f"{SETS}/{set_id}/allocations", content=b"{}", headers=JSON),
                await http.post(
                    f"{SETS}/{set_id}/statuses", content=msgspec.json.encode(change_of(index)), headers=JSON
                ),
            )
        }

    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


async def test_reader_is_told_that_it_may_only_read(wing: Wing) -> None:
    await wing.create("badges")
    async with (
        transport_of(wing, READER) as transport,
        StatusListClient(BASE_URL, transport=transport) as client,
    ):
        with pytest.raises(RequestRefused) as raised:
            await client.allocate("badges", Allocate())

    assert raised.value.status == 403


@pytest.mark.parametrize("index", ["01", "-1", "x", "1.0", "9999999999"])
async def test_index_in_another_spelling_is_refused(wing: Wing, http: httpx.AsyncClient, index: str) -> None:
    await wing.create("badges")

    response = await http.get(f"{SETS}/badges/statuses/{index}")

    assert response.status_code == 422


async def test_permutation_key_is_never_shown(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges")

    shown = (await http.get(f"{SETS}/badges")).json()

    assert set(shown) == {
        *("id", "issuerId", "length", "allocated", "createdAt", "lists"),
        *("profile", "cadenceSeconds", "version", "wantedVersion", "tokenList"),
    }


async def test_bodies_and_answers_are_in_the_openapi_document(wing: Wing) -> None:
    async with transport_of(wing) as transport:
        application: Any = transport.app
        paths = application.openapi_schema.to_schema()["paths"]

    create, check = paths[SETS]["post"], paths["/status/check"]["post"]
    assert create["requestBody"]["content"]["application/json"]["example"]["length"] == 131_072
    assert "201" in create["responses"]
    assert "application/vc+jwt" in check["requestBody"]["content"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (SETS, {"purposes": ["revocation"], "issuerId": "a\0b"}, "/issuerId"),
        (f"{SETS}/badges/allocations", {"reference": "batch\0"}, "/reference"),
        (f"{SETS}/badges/allocations", {"expiresAt": "\0"}, "/expiresAt"),
        (
            f"{SETS}/badges/statuses",
            {
                "changes": [
                    {"statusListIndex": "1", "statusPurpose": "revocation", "status": 1, "reason": "\n\0"}
                ]
            },
            "/changes/0/reason",
        ),
    ],
)
async def test_a_text_with_nul_is_refused_by_name(
    wing: Wing, http: httpx.AsyncClient, path: str, body: Any, pointer: str
) -> None:
    """PostgreSQL cannot store U+0000: without this it would be a failure of ours."""
    await wing.create("badges")

    response = await http.post(path, content=msgspec.json.encode(body), headers=JSON)

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_a_text_of_two_lines_is_kept(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges")

    response = await http.post(f"{SETS}/badges/allocations", json={"reference": "batch 7\nof the spring"})

    assert response.status_code == 201


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "after=%00", "after=A%20b"])
async def test_a_page_that_cannot_be_is_refused(http: httpx.AsyncClient, query: str) -> None:
    response = await http.get(f"{SETS}?{query}")

    assert response.status_code == 400


@pytest.mark.parametrize(("seconds", "status"), [(-61, 400), (-59, 201), (3_600, 201)])
async def test_an_end_is_at_most_a_minute_in_the_past(
    wing: Wing, http: httpx.AsyncClient, seconds: int, status: int
) -> None:
    await wing.create("badges")
    ends = format_utc(int((wing.clock() + seconds) * 1_000_000))

    response = await http.post(f"{SETS}/badges/allocations", json={"expiresAt": ends})

    assert response.status_code == status
    if status == 400:
        (error,) = response.json()["errors"]
        assert error["pointer"] == "/expiresAt"
        assert "at most a minute in the past" in error["detail"]
        assert ends in error["detail"]


async def test_an_end_that_passed_is_no_reason_to_refuse_a_replay(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    await wing.create("badges")
    body = {"expiresAt": format_utc(int((wing.clock() + 60) * 1_000_000))}
    first = await http.post(f"{SETS}/badges/allocations", json=body, headers={"idempotency-key": "one"})
    wing.clock.ahead += 3_600

    again = await http.post(f"{SETS}/badges/allocations", json=body, headers={"idempotency-key": "one"})

    assert (again.status_code, again.content) == (201, first.content)


async def test_a_body_of_references_is_too_large_by_a_limit_that_is_told(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    await wing.create("badges")
    references = [f"{number:05}".ljust(256, "x") for number in range(10_000)]

    refused = await http.post(
        f"{SETS}/badges/allocations", json={"count": len(references), "references": references}
    )

    assert refused.status_code == 413
    assert "at most 1048576 bytes" in refused.json()["detail"]


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85"])
async def test_a_reference_has_no_control_characters(
    wing: Wing, http: httpx.AsyncClient, character: str
) -> None:
    await wing.create("badges")
    name = f"student{character}4711"
    allocated = await http.post(f"{SETS}/badges/allocations", json={"references": [name]})
    released = await http.post(f"{SETS}/badges/releases", json={"entries": [{"reference": name}]})
    sought = await http.post("/operator/status-entries/find", json={"reference": name})

    pointers = [
        (answer.status_code, answer.json()["errors"][0]["pointer"])
        for answer in (allocated, released, sought)
    ]

    assert pointers == [(400, "/references/0"), (400, "/entries/0/reference"), (400, "/reference")]


async def test_half_a_surrogate_pair_is_no_reference(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("badges")

    refused = await http.post(
        f"{SETS}/badges/allocations", content=b'{"references": ["a\\ud800"]}', headers=JSON
    )

    assert refused.status_code == 400
    assert "half of a surrogate pair" in refused.json()["detail"]


async def test_what_a_reference_and_a_reason_may_be_is_in_the_openapi_document(wing: Wing) -> None:
    async with transport_of(wing) as transport:
        application: Any = transport.app
        described = application.openapi_schema.to_schema()["paths"]

    allocate = described[f"{SETS}/{{set_id}}/allocations"]["post"]["description"]
    change = described[f"{SETS}/{{set_id}}/statuses"]["post"]["description"]
    assert "byte for byte" in allocate
    assert "1 MiB: as many references of 100 bytes fit" in allocate
    assert "must hold no personal data" in change
