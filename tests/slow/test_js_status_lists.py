"""Libraries of others read our status lists as we do: from our server, and from the mirror behind a file server."""

import functools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cbor2
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
LISTS = {  # by the format of a credential, the media type and the file of the list that it refers to
    "application/vc": ("application/vc", "credential.json"),
    "application/vc+jwt": ("application/vc+jwt", "credential.jwt"),
    "dc+sd-jwt": ("application/statuslist+jwt", "token.jwt"),
    "mso_mdoc": ("application/statuslist+cwt", "token.cwt"),
}
PURPOSES = ("revocation", "suspension")
SET_FOR = {PURPOSES[:1]: "narrow", PURPOSES: "wide"}  # its token list has one bit for each entry, or two
MARKED = (PURPOSES[:1], PURPOSES[1:], PURPOSES, ())  # what becomes of each of four entries
SUITES = {  # by setting and issuer
    ("eddsa-rdfc-2022", "ed25519"): "eddsa-rdfc-2022",
    ("eddsa-rdfc-2022", "p256"): "ecdsa-rdfc-2019",
    ("eddsa-jcs-2022", "ed25519"): "eddsa-jcs-2022",
    ("eddsa-jcs-2022", "p256"): "ecdsa-jcs-2019",
}


class Asked(NamedTuple):
    """The media type of a list, what a credential carries of it, and the status that we set."""

    form: str
    entry: dict[str, Any]
    status: int

    @property
    def url(self) -> str:
        return str(self.entry.get("statusListCredential") or self.entry["uri"])


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


@pytest.mark.parametrize("purposes", SET_FOR, ids=SET_FOR.values())
@pytest.mark.parametrize("issuer", ISSUERS)
def test_libraries_of_others_read_what_was_set(
    issuing: Server, issuer: str, purposes: tuple[str, ...]
) -> None:
    asked = issue(issuing, issuer, purposes)

    from_server = statuses(issuing, issuer, asked, issuing.url)
    with serving(mirror_of(issuing)) as folder:
        from_folder = statuses(issuing, issuer, asked, folder)

    assert from_server == from_folder == [of.status for of in asked]
    assert {of.form for of in asked} == {media_type for media_type, _ in LISTS.values()}
    assert cryptosuite_of(issuing, purposes) == SUITES[issuing.settings["CRYPTOSUITE"], issuer]


def test_libraries_of_others_refuse_a_list_that_was_changed(issuing: Server, tmp_path: Path) -> None:
    """
    So what they read above, they verified: now one letter of each list is another one.

    In a copy, since the server would mend its own.
    """
    asked = {of.form: [of] for of in issue(issuing, "ed25519", PURPOSES)}
    copied = Path(shutil.copytree(mirror_of(issuing), tmp_path / "copied"))
    for (of,) in asked.values():
        change_a_letter(copied / of.url.removeprefix(f"{issuing.url}/"))

    with serving(copied) as folder:
        for of in asked.values():
            with pytest.raises(Refused, match=r"(?i)signature"):
                statuses(issuing, "ed25519", of, folder)


def issue(server: Server, issuer: str, purposes: tuple[str, ...]) -> list[Asked]:
    """Take entries of a new set for each format, mark them, and wait until all readers can see that."""
    set_id = SET_FOR[purposes]
    server.operator("", {"id": set_id, "purposes": purposes, "issuerId": issuer})
    asked, changes = [], []
    for format_name, (media_type, _) in LISTS.items():
        taken = {"count": len(MARKED), "format": format_name}
        allocated = server.operator(f"/{set_id}/allocations", taken)["entries"]
        for entry, marked in zip(allocated, MARKED, strict=True):
            asked += _asked(media_type, entry, marked, purposes)
            changes += [
                {"statusListIndex": entry["statusListIndex"], "statusPurpose": purpose, "status": 1}
                for purpose in marked
                if purpose in purposes
            ]
    server.operator(f"/{set_id}/statuses", {"changes": changes})
    for purpose in purposes:
        indices = {int(of["statusListIndex"]) for of in changes if of["statusPurpose"] == purpose}
        everywhere = functools.partial(_is_everywhere, server, set_id, purpose, indices)
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


def cryptosuite_of(server: Server, purposes: tuple[str, ...]) -> str:
    document = server.get(f"/status-lists/{SET_FOR[purposes]}-revocation/credential.json")
    return str(read(document, max_bytes=1_000_000)["proof"]["cryptosuite"])


def mirror_of(server: Server) -> Path:
    return server.directory / "var/published"


def change_a_letter(list_file: Path) -> None:
    """Change one byte of the list itself: behind its name, or in the middle of a JWT."""
    body = bytearray(list_file.read_bytes())
    named = [body.find(name) + len(name) + 15 for name in (b'"encodedList":"', b"\x63lst") if name in body]
    place = named[0] if named else len(body) // 2
    body[place] = ord("A") if body[place] != ord("A") else ord("B")
    list_file.write_bytes(body)


def _asked(
    media_type: str, allocated: Any, marked: tuple[str, ...], purposes: tuple[str, ...]
) -> Iterator[Asked]:
    """Yield what goes into a credential: an entry for each purpose, or one of a token list."""
    for entry in allocated.get("credentialStatus", ()):
        yield Asked(media_type, entry, int(entry["statusPurpose"] in marked))
    status = allocated.get("status")
    if "statusCbor" in allocated:
        status = cbor2.loads(bytes.fromhex(allocated["statusCbor"]["hex"]))
    if status is not None:
        value = 1 if "revocation" in marked else 2 if "suspension" in marked and len(purposes) > 1 else 0
        yield Asked(media_type, status["status_list"], value)


def _is_everywhere(server: Server, set_id: str, purpose: str, indices: set[int]) -> bool:
    """Tell whether the mirror has what the server shows, and that is just these bits."""
    folders = {"credential": f"{set_id}-{purpose}", "token": set_id}
    files = [f"status-lists/{folders[file.partition('.')[0]]}/{file}" for _, file in LISTS.values()]
    mirror = mirror_of(server)
    return all(
        (mirror / file).exists() and (mirror / file).read_bytes() == server.get(f"/{file}") for file in files
    ) and indices == set_bits(published(server, f"{set_id}-{purpose}"))
