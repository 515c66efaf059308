"""Whoever holds all lists of an issuer: what it is told changed, what it is given, and what the issuer signed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from proofs import verify_compact
from statuslist.formats.forms import DATA_INTEGRITY, TOKEN_CWT
from statuslist.populations.manifests import MANIFEST_TYPE, Manifests
from tests.databases import Place
from tests.statuslist.application import http_of
from tests.statuslist.wing import BASE_URL, ISSUERS, Wing, signer_for
from wire.base64url import decode_base64url

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        await opened.create("badges", "revocation", "suspension")
        await opened.create("diplomas", issuer_id="default")
        await opened.publisher.publish_dirty()
        yield opened


@pytest.fixture
async def http(wing: Wing) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(wing) as client:
        yield client


def manifests_of(wing: Wing) -> Manifests:
    return Manifests(wing.database, signer_of=signer_for, validity_seconds=86_400, clock=wing.clock)


async def told(http: httpx.AsyncClient, path: str) -> Any:
    return (await http.get(f"/status-lists/{path}")).raise_for_status().json()


async def test_the_aggregation_names_both_forms_of_each_token_list_of_the_issuer(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    await wing.create("second")
    await wing.publisher.publish_dirty()

    named = await told(http, "aggregation/acme")

    forms = ("token.jwt", "token.cwt")
    urls = {f"{BASE_URL}/status-lists/{set_id}/{form}" for set_id in ("badges", "second") for form in forms}
    assert set(named["status_lists"]) == urls
    assert (await http.get("/status-lists/aggregation/nobody")).status_code == 404


async def test_a_mirror_is_told_of_what_was_published_since_and_not_of_what_waits(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    first = await told(http, "changes")
    (index,) = await wing.allocate("badges")
    await wing.revoke("badges", index)
    waiting = await told(http, f"changes?since={first['next']}")
    await wing.publisher.publish_dirty()

    changed = await told(http, f"changes?since={first['next']}")

    assert {found["setId"] for found in first["sets"]} == {"badges", "diplomas"}
    assert (waiting["sets"], waiting["next"]) == ([], first["next"])
    assert [(found["setId"], found["version"]) for found in changed["sets"]] == [("badges", 2)]
    assert str(index) not in {str(value) for found in changed["sets"] for value in found.values()}
    assert (await told(http, "changes?issuer=default"))["sets"][0]["setId"] == "diplomas"


@pytest.mark.parametrize("path", ["changes", "bundle/acme"])
async def test_a_position_that_nothing_has_is_refused_with_what_to_do(
    http: httpx.AsyncClient, path: str
) -> None:
    last = (await told(http, "changes"))["next"]

    refused = await http.get(f"/status-lists/{path}?since={last + 1}")

    assert (await http.get(f"/status-lists/{path}?since={last}")).status_code == 200
    assert refused.status_code == 410
    assert refused.json()["type"].endswith("/problems/position-unknown")
    for part in (f"up to {last},", f"found {last + 1}", "begin again without `since`"):
        assert part in refused.json()["detail"]


@pytest.mark.parametrize("path", ["changes?issuer=nobody", "changes?issuer=", "bundle/nobody"])
async def test_an_issuer_that_has_no_list_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    missing = await http.get(f"/status-lists/{path}")

    assert missing.status_code == 404
    assert missing.json()["detail"] == "there is no issuer of that id that has published a list"


async def test_a_position_that_another_node_gave_is_not_refused(wing: Wing, http: httpx.AsyncClient) -> None:
    other = wing.another_publisher()
    await wing.revoke("badges", (await wing.allocate("badges"))[0])
    await other.publish_dirty()
    since = other.lists.last_position

    asked = await told(http, f"changes?since={since}")

    assert since > wing.publisher.lists.last_position
    assert (asked["sets"], asked["next"]) == ([], since)


async def test_who_asks_again_for_the_same_gets_no_bytes(http: httpx.AsyncClient) -> None:
    first = await http.get("/status-lists/changes")

    again = await http.get("/status-lists/changes", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


async def test_the_issuer_signs_which_lists_there_are_and_of_which_version(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    (index,) = await wing.allocate("badges")
    await wing.change("badges", index, "suspension", 1)
    await wing.publisher.publish_dirty()
    assert await manifests_of(wing).step() == 2

    bundle = await told(http, "bundle/acme")

    jws = verify_compact(bundle["manifest"].encode(), signer_for("acme").public_key)
    payload = msgspec.json.decode(jws.payload)
    assert jws.header["typ"] == MANIFEST_TYPE
    assert payload["iss"] == ISSUERS["acme"]
    assert payload["position"] == bundle["next"]
    assert payload["lists"] == {"badges": 2, "badges-revocation": 1, "badges-suspension": 2}
    assert {found["listId"]: found["version"] for found in bundle["lists"]} == {
        "badges-revocation": 1,
        "badges-suspension": 2,
    }
    assert await manifests_of(wing).step() == 0


async def test_a_bundle_has_the_bytes_that_are_served_one_by_one(wing: Wing, http: httpx.AsyncClient) -> None:
    current = wing.publisher.lists.current

    json = await told(http, "bundle/acme")
    cwt = await told(http, f"bundle/acme?form={TOKEN_CWT}")

    for found in json["lists"]:
        assert found["body"].encode() == current(found["listId"]).forms[DATA_INTEGRITY].body  # type: ignore[union-attr]
    (found,) = cwt["lists"]
    assert decode_base64url(found["body"]) == current("badges").forms[TOKEN_CWT].body  # type: ignore[union-attr]


async def test_a_bundle_since_has_only_what_was_published_since(wing: Wing, http: httpx.AsyncClient) -> None:
    await wing.create("second")
    await wing.publisher.publish_dirty()
    first = await told(http, "bundle/acme")

    assert {found["listId"] for found in first["lists"]} > {"badges-revocation", "second-revocation"}
    assert (await told(http, f"bundle/acme?since={first['next']}"))["lists"] == []
    await wing.revoke("second", (await wing.allocate("second"))[0])
    await wing.publisher.publish_dirty()
    changed = await told(http, f"bundle/acme?since={first['next']}")
    assert [found["listId"] for found in changed["lists"]] == ["second-revocation"]


async def test_large_bundles_come_in_parts_each_of_whole_sets(
    wing: Wing, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statuslist.populations.answers.MAX_BYTES", 3_000)
    for number in range(5):
        await wing.create(f"set-{number}", "revocation", "suspension")
    await wing.publisher.publish_dirty()
    found: list[str] = []
    since, more = 0, True
    while more:
        part = await told(http, f"bundle/acme?since={since}")
        found += [each["listId"] for each in part["lists"]]
        since, more = part["next"], part["more"]

    assert len(found) == len(set(found)) == 12


async def test_a_manifest_is_signed_again_at_half_of_its_life_and_with_another_key(wing: Wing) -> None:
    manifests = manifests_of(wing)
    await manifests.step()
    wing.clock.ahead += 86_400 / 2 + 60
    assert await manifests.step() == 2
    await wing.publisher.publish_dirty()
    await manifests.step()

    await wing.rotate(await wing.announce("acme", "second"))
    await wing.publisher.publish_dirty()

    assert await manifests.step() == 1
    row = await wing.database.read(
        lambda tx: tx.one("SELECT token FROM list_manifests WHERE issuer_id = 'acme'")
    )
    assert row is not None
    verify_compact(row["token"].encode(), signer_for("acme", "second").public_key)


@pytest.mark.parametrize("value", ["1e3", "1.0", "-0", "+1", "%201", "01", "1_0", "%D9%A1", "", "x"])
async def test_a_position_has_one_spelling(http: httpx.AsyncClient, value: str) -> None:
    refused = await http.get(f"/status-lists/changes?since={value}")

    assert refused.status_code == 400
    assert refused.json()["detail"].startswith("since: expected a whole number such as 100, found ")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("changes?since=0&since=1", "since: expected once, found 2 times"),
        ("bundle/acme?form=token.jwt&form=token.jwt", "form: expected once, found 2 times"),
        ("aggregation/acme?since=0", "expected no query, found 'since'"),
        ("aggregation/acme?x=1&x=1", "expected no query, found 'x'"),
        (
            "bundle/acme?form=x",
            "expected one of credential.json, credential.jwt, token.jwt, token.cwt, found 'x'",
        ),
    ],
)
async def test_what_is_wrong_with_a_query_is_told(http: httpx.AsyncClient, path: str, told: str) -> None:
    refused = await http.get(f"/status-lists/{path}")

    assert refused.status_code == 400
    assert told in refused.json()["detail"]
