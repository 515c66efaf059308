"""The outsider of the slow tests sees each promise broken that it watches, in bytes that are signed as always."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner
from statuslist.entries.requests import MIN_LENGTH, CreateSet
from statuslist.publishing.publication import SignerOf
from tests.databases import SqlitePlace
from tests.statuslist.application import http_of
from tests.statuslist.outsider_proof import PublicKey
from tests.statuslist.watch import Got, Watch
from tests.statuslist.wing import BASE_URL, ROOT, Wing, signer_for

pytestmark = pytest.mark.anyio

FORMS = {
    form: f"{BASE_URL}/status-lists/{list_id}/{form}"
    for list_id, form in (
        ("badges-revocation", "credential.json"),
        ("badges-revocation", "credential.jwt"),
        ("badges", "token.jwt"),
        ("badges", "token.cwt"),
    )
}


class Look(msgspec.Struct):
    """What a look at a node found, to be falsified."""

    told: Any
    answers: dict[str, Got]

    def body(self, form: str) -> bytes:
        return self.answers[FORMS[form]].body

    def swap(self, form: str, body: bytes) -> None:
        self.answers[FORMS[form]] = self.answers[FORMS[form]]._replace(body=body)


def key_of(url: str) -> PublicKey:
    issuer_id = "acme" if ":acme#" in url else "default"
    key = signer_for(issuer_id, url.partition("#")[2]).public_key
    assert isinstance(key, PublicKey)
    return key


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as opened:
        await opened.create("badges", "revocation", "suspension")
        await opened.publisher.publish_dirty()
        yield opened


async def look(wing: Wing) -> Look:
    async with http_of(wing) as http:
        told = (await http.get("/status-lists/changes")).raise_for_status().json()
        answers = {}
        for form in (form for found in told["sets"] for form in found["forms"]):
            answer = await http.get(form["url"], headers={"accept-encoding": "identity"})
            answers[form["url"]] = Got(answer.status_code, answer.headers["etag"], answer.content)
    return Look(told, answers)


async def revoked(wing: Wing) -> Look:
    """Publish a version that revokes one more entry, and suspends it as well."""
    (index,) = await wing.allocate("badges")
    await wing.revoke("badges", index)
    await wing.change("badges", index, "suspension", 1)
    await wing.publisher.publish_dirty()
    return await look(wing)


async def of_another_world(
    directory: Path, signer_of: SignerOf = signer_for, length: int = MIN_LENGTH
) -> Look:
    """The same set of the same issuer, published from a database that does not know what was revoked."""
    async with Wing.open(SqlitePlace(directory / "other.db")) as wing:
        wanted = {
            "id": "badges",
            "issuerId": "acme",
            "purposes": ["revocation", "suspension"],
            "length": length,
        }
        await wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
        wing.publisher = wing.another_publisher(signer_of=signer_of)
        await wing.publisher.publish_dirty()
        return await look(wing)


def watched(wing: Wing, *looks: Look) -> list[str]:
    watch = Watch(key_of, wing.clock)
    for found in looks:
        watch.see("node", found.told, found.answers, wing.clock())
    return watch.failures


async def test_what_is_published_keeps_every_promise(wing: Wing) -> None:
    looks = [await look(wing), await revoked(wing), await revoked(wing)]
    wing.clock.ahead += 86_400 / 2
    await wing.publisher.publish_dirty()
    watch = Watch(key_of, wing.clock)

    for found in (*looks, await look(wing)):
        watch.see("node", found.told, found.answers, 0.0)

    assert watch.failures == []
    assert watch.read == 4 * 6
    assert watch.versions == {"badges": {1, 2, 3, 4}}


@pytest.mark.parametrize("form", FORMS)
async def test_a_form_that_shows_a_revoked_entry_as_valid(wing: Wing, tmp_path: Path, form: str) -> None:
    """Its signature verifies and its version is newer: what a publisher makes that forgot a row."""
    before, after = await revoked(wing), await revoked(wing)
    after.swap(form, (await of_another_world(tmp_path)).body(form))

    failures = watched(wing, before, after)

    assert re.match(f"node: {FORMS[form]} shows [12] entries as valid that were revoked: [0-9]+", failures[0])


async def test_a_version_that_goes_back(wing: Wing) -> None:
    before, after = await look(wing), await revoked(wing)

    failures = watched(wing, after, before)

    assert "node: version 1 of badges came after version 2" in failures


async def test_a_version_whose_bytes_are_not_those_that_were_seen(wing: Wing, tmp_path: Path) -> None:
    failures = watched(wing, await look(wing), await of_another_world(tmp_path, another_key))

    assert "node: version 1 of badges is not the same bytes as before" in failures


def another_key(issuer_id: str, key_id: str) -> KeySigner:
    """Return a signer that says that it is another one."""
    return KeySigner(Ed25519PrivateKey.generate(), signer_for(issuer_id, key_id).verification_method)


@pytest.mark.parametrize("form", FORMS)
async def test_a_signature_that_does_not_verify(wing: Wing, tmp_path: Path, form: str) -> None:
    found = await look(wing)
    found.swap(form, (await of_another_world(tmp_path, another_key)).body(form))

    assert watched(wing, found) == [f"node: {FORMS[form]} has a signature that does not verify"]


@pytest.mark.parametrize("form", FORMS)
async def test_a_list_that_stands_at_the_url_of_another(wing: Wing, form: str) -> None:
    await wing.create("diplomas", "revocation", "suspension")
    await wing.publisher.publish_dirty()
    found = await look(wing)
    other = FORMS[form].replace("badges", "diplomas")
    found.swap(form, found.answers[other].body)

    assert watched(wing, found) == [f"node: {FORMS[form]} says that it is {other}"]


@pytest.mark.parametrize("form", FORMS)
async def test_a_list_of_another_length(wing: Wing, tmp_path: Path, form: str) -> None:
    before, found = await look(wing), await look(wing)
    found.swap(form, (await of_another_world(tmp_path, length=2 * MIN_LENGTH)).body(form))

    failures = watched(wing, before, found)

    assert failures == [f"node: {FORMS[form]} has 262144 entries, where the set has 131072"]


@pytest.mark.parametrize("form", FORMS)
async def test_forms_of_one_version_that_disagree(wing: Wing, form: str) -> None:
    before, after = await look(wing), await revoked(wing)
    after.swap(form, before.body(form))

    assert watched(wing, after)[-1] == "node: the forms of version 2 of badges disagree"


async def test_a_list_that_is_served_past_its_end_or_not_at_all(wing: Wing) -> None:
    late, missing = await look(wing), await look(wing)
    missing.answers[FORMS["token.cwt"]] = Got(404, "", b"")
    absent = watched(wing, missing)
    wing.clock.ahead += 2 * 86_400
    ended = watched(wing, late)

    assert absent == [f"node: {FORMS['token.cwt']} is answered with 404"]
    assert f"node: {FORMS['token.jwt']} was served after its end" in ended
