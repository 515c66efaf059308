"""Libraries of others read our status lists as we do: from our server, and from the mirror behind a file server."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.machine import wait_until
from tests.process import Server
from tests.slow.file_server import serving
from tests.slow.issuers import add_issuer
from tests.slow.js_libraries import Refused, run_with_libraries
from tests.slow.published import published, set_bits
from wire import read

pytestmark = pytest.mark.slow

ISSUERS = {"ed25519": "Ed25519", "p256": "P-256"}
FILES = {"application/vc": "credential.json", "application/vc+jwt": "credential.jwt"}
PURPOSES = ("revocation", "suspension")
SUITES = {  # by setting and issuer
    ("eddsa-rdfc-2022", "ed25519"): "eddsa-rdfc-2022",
    ("eddsa-rdfc-2022", "p256"): "ecdsa-rdfc-2019",
    ("eddsa-jcs-2022", "ed25519"): "eddsa-jcs-2022",
    ("eddsa-jcs-2022", "p256"): "ecdsa-jcs-2019",
}


class Asked(NamedTuple):
    """The media type of a list, what a credential carries of it, and the status that we set."""

    form: str
    entry: dict[str, str]
    status: int


@pytest.fixture(params=["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def issuing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server with an issuer for each kind of key, all of which sign with suites of one transformation."""
    deployment = Server(tmp_path, CRYPTOSUITE=request.param)
    deployment.initialise("--sample")
    deployment.start()
    for issuer, algorithm in ISSUERS.items():
        add_issuer(deployment, issuer, algorithm)
    yield deployment
    deployment.kill()


@pytest.mark.parametrize("issuer", ISSUERS)
def test_libraries_of_others_read_what_was_set(issuing: Server, issuer: str) -> None:
    asked = issue(issuing, issuer)

    from_server = statuses(issuing, issuer, asked, issuing.url)
    with serving(mirror_of(issuing)) as folder:
        from_folder = statuses(issuing, issuer, asked, folder)

    assert from_server == from_folder == [of.status for of in asked]
    assert cryptosuite_of(issuing, issuer) == SUITES[issuing.settings["CRYPTOSUITE"], issuer]


def test_libraries_of_others_refuse_a_list_that_was_changed(issuing: Server) -> None:
    """So what they read above, they verified: now one letter of each list is another one."""
    asked = {of.form: [of] for of in issue(issuing, "ed25519")}
    for (of,) in asked.values():
        change_a_letter(mirror_of(issuing) / of.entry["statusListCredential"].removeprefix(f"{issuing.url}/"))

    with serving(mirror_of(issuing)) as folder:
        for of in asked.values():
            with pytest.raises(Refused, match=r"(?i)signature"):
                statuses(issuing, "ed25519", of, folder)


def issue(server: Server, issuer: str) -> list[Asked]:
    """Take entries for both forms, revoke one of each and suspend another; wait until all readers can see that."""
    set_id = f"of-{issuer}"
    server.operator("", {"id": set_id, "purposes": PURPOSES, "issuerId": issuer})
    asked = [of for form in FILES for of in _allocate(server, set_id, form)]
    changes = [
        {member: of.entry[member] for member in ("statusListIndex", "statusPurpose")} | {"status": 1}
        for of in asked
        if of.status
    ]
    server.operator(f"/{set_id}/statuses", {"changes": changes})
    for purpose in PURPOSES:
        indices = {int(of["statusListIndex"]) for of in changes if of["statusPurpose"] == purpose}
        everywhere = functools.partial(_is_everywhere, server, f"{set_id}-{purpose}", indices)
        wait_until(everywhere, f"{purpose} to be published")
    return asked


def statuses(server: Server, issuer: str, asked: Sequence[Asked], served: str) -> list[int]:
    """Return what the libraries read, in the order asked for; lists are fetched from `served`."""
    given = {
        "origin": server.url,
        "served": served,
        "issuer": f"did:web:localhost%3A{server.port}:issuers:{issuer}",
        "asked": [{"form": of.form, "entry": of.entry} for of in asked],
    }
    return [int(status) for status in run_with_libraries("status_lists.mjs", given)]


def cryptosuite_of(server: Server, issuer: str) -> str:
    document = server.get(f"/status-lists/of-{issuer}-revocation/credential.json")
    return str(read(document, max_bytes=1_000_000)["proof"]["cryptosuite"])


def mirror_of(server: Server) -> Path:
    return server.directory / "var/published"


def change_a_letter(list_file: Path) -> None:
    """Change one letter of the list itself, which is what follows `encodedList` or the middle of a token."""
    body = bytearray(list_file.read_bytes())
    named = body.find(b'"encodedList":"')
    place = named + 30 if named >= 0 else len(body) // 2
    body[place] = ord("A") if body[place] != ord("A") else ord("B")
    list_file.write_bytes(body)


def _allocate(server: Server, set_id: str, form: str) -> list[Asked]:
    """Take three entries: the first is to be revoked, the second suspended."""
    allocated = server.operator(f"/{set_id}/allocations", {"count": 3, "mediaType": form})["entries"]
    return [
        Asked(form, entry, int(place == PURPOSES.index(entry["statusPurpose"])))
        for place, credential in enumerate(allocated)
        for entry in credential["credentialStatus"]
    ]


def _is_everywhere(server: Server, list_id: str, indices: set[int]) -> bool:
    """Tell whether the mirror has what the server shows, and that is just these bits."""
    folder = mirror_of(server) / "status-lists" / list_id
    return all(
        (folder / file).exists()
        and (folder / file).read_bytes() == server.get(f"/status-lists/{list_id}/{file}")
        for file in FILES.values()
    ) and indices == set_bits(published(server, list_id))
