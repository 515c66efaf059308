"""`touchstone status`: an issuer's day at the terminal, and lists in files."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.commands.terminal import EXIT_CONFLICT, EXIT_FAILED, EXIT_NOT_FOUND, EXIT_USAGE
from statuslist.formats.forms import list_id_of
from tests.server.commands.operating import Operating, Serving
from wire import encode

NUMBERS = count(1)


@pytest.fixture
def badges(operating: Operating, serving: Serving) -> str:
    """A new set that is published."""
    set_id = f"badges{next(NUMBERS)}"
    operating.done("status", "create", set_id, "--purpose", "revocation", "--purpose", "suspension")
    publish(serving)
    return set_id


def failed(operating: Operating, code: int, *arguments: str) -> Result:
    result = operating.run(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    return result


def pem_of(public_key: Any) -> bytes:
    return bytes(public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def publish(serving: Serving) -> None:
    """Publish what waits, as the background of a server does."""
    serving.call(serving.services.status.publisher.publish_dirty())


def write_forms(serving: Serving, set_id: str, folder: Path) -> dict[str, Path]:
    """Save every published form of the set, as somebody who fetched them."""
    lists = serving.services.status.publisher.lists
    files: dict[str, Path] = {}
    for list_id in (set_id, list_id_of(set_id, "revocation"), list_id_of(set_id, "suspension")):
        current = lists.current(list_id)
        assert current is not None
        for form, artefact in current.forms.items():
            files[f"{list_id}/{form}"] = folder / f"{list_id}.{form}"
            files[f"{list_id}/{form}"].write_bytes(artefact.body)
    return files


def test_a_set_is_created_and_listed(operating: Operating, serving: Serving) -> None:
    made = operating.done("status", "create", "pid", "--cadence", "600")

    shown = json.loads(made.stdout)
    assert (shown["id"], shown["cadenceSeconds"], shown["profile"]) == ("pid", 600, "default")
    assert "created the set pid" in made.stderr
    listed = operating.done("status", "list").stdout
    assert "pid\tdefault\trevocation\t0\t131072\t0\tdefault" in listed


def test_the_cadence_of_a_set_is_changed_and_a_profile_that_its_key_does_not_meet_is_refused(
    operating: Operating, badges: str
) -> None:
    changed = json.loads(operating.done("status", "configure", badges, "--cadence", "600").stdout)
    refused = failed(operating, EXIT_CONFLICT, "status", "configure", badges, "--profile", "haip")
    nothing = failed(operating, EXIT_USAGE, "status", "configure", badges)

    assert (changed["id"], changed["cadenceSeconds"], changed["profile"]) == (badges, 600, "default")
    assert "touchstone issuer key add --algorithm P-256" in refused.stderr
    assert "expected --profile, --cadence, or both" in nothing.stderr


def test_an_entry_is_taken_revoked_by_its_name_and_found(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("ada\nbob\n")

    taken = operating.done("status", "allocate", badges, "--format", "dc+sd-jwt", "--references", str(names))
    entries = [json.loads(line) for line in taken.stdout.splitlines()]
    changed = operating.done("status", "set", badges, "revoked", "--reference", "bob", "--reason", "lost")
    again = operating.done("status", "set", badges, "revoked", "--reference", "bob")

    assert [entry["status"]["status_list"]["idx"] for entry in entries] == [
        int(entry["statusListIndex"]) for entry in entries
    ]
    assert changed.stderr == ""
    assert changed.stdout == f"{badges}\t2\n{badges}-revocation\t2\n"
    assert (again.stdout, again.stderr) == ("", "it was so already\n")
    index = entries[1]["statusListIndex"]
    assert operating.done("status", "find", "bob").stdout == f"{badges}\t{index}\tdc+sd-jwt\trevoked\n"
    assert operating.done("status", "find", "ada").stdout.endswith("\tvalid\n")
    assert failed(operating, EXIT_NOT_FOUND, "status", "find", "eve").stderr.strip()


def test_all_entries_of_a_name_are_revoked_and_it_says_so(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("carl\n")
    for wanted in ("dc+sd-jwt", "mso_mdoc"):
        operating.done("status", "allocate", badges, "--format", wanted, "--references", str(names))

    changed = operating.done("status", "set", badges, "revoked", "--reference", "carl")

    assert changed.stderr == "2 entries have that name; all are revoked now\n"
    found = operating.done("status", "find", "carl").stdout.splitlines()
    assert [line.split("\t")[2:] for line in found] == [["dc+sd-jwt", "revoked"], ["mso_mdoc", "revoked"]]


def test_names_that_are_not_utf_8_are_refused(operating: Operating, badges: str, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes(b"ad\xe4\n")

    refused = failed(operating, EXIT_USAGE, "status", "allocate", badges, "--references", str(names))

    assert "expected UTF-8" in refused.stderr


def test_names_are_the_lines_of_the_file_as_other_programs_count_them(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes(b"\xef\xbb\xbfann\r\nben\ncyd\n\n")

    taken = operating.done("status", "allocate", badges, "--references", str(names)).stdout.splitlines()

    for name, entry in zip(("ann", "ben", "cyd"), map(json.loads, taken), strict=True):
        assert operating.done("status", "find", name).stdout.split("\t")[1] == entry["statusListIndex"]


@pytest.mark.parametrize("mark", ["\v", "\f", "\x1c", "\x85", "\u2028", "\r"])
def test_a_name_with_a_mark_that_ends_no_line_is_not_split(
    operating: Operating, badges: str, tmp_path: Path, mark: str
) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes(f"{badges}{mark}by\n".encode())

    operating.run("status", "allocate", badges, "--references", str(names))

    # Whether such a name may be is up to the API.
    assert operating.run("status", "find", badges).exit_code == EXIT_NOT_FOUND


def test_a_blank_line_between_names_is_refused_with_its_number(
    operating: Operating, badges: str, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes(b"ada\n\nbob\n")

    refused = failed(operating, EXIT_USAGE, "status", "allocate", badges, "--references", str(names))

    assert "names.txt, line 2: expected a name, found a blank line" in refused.stderr


def test_a_suspension_is_lifted_and_a_revocation_is_final(
    operating: Operating, serving: Serving, badges: str
) -> None:
    entry = json.loads(operating.done("status", "allocate", badges).stdout)
    index = entry["statusListIndex"]

    operating.done("status", "set", badges, "suspended", index)
    operating.done("status", "set", badges, "resumed", index, "--urgent")

    assert failed(operating, EXIT_USAGE, "status", "set", badges, "revoked").stderr
    failed(operating, EXIT_NOT_FOUND, "status", "set", "nothing", "revoked", index)


def test_an_entry_is_released_and_cannot_be_revoked_then(
    operating: Operating, serving: Serving, badges: str
) -> None:
    index = json.loads(operating.done("status", "allocate", badges).stdout)["statusListIndex"]

    assert operating.done("status", "release", badges, index).stderr == "released\n"
    assert operating.done("status", "release", badges, index).stderr == "it was released already\n"
    failed(operating, EXIT_CONFLICT, "status", "set", badges, "revoked", index)


def test_publish_waits_for_what_was_changed(operating: Operating, serving: Serving, badges: str) -> None:
    index = json.loads(operating.done("status", "allocate", badges).stdout)["statusListIndex"]
    operating.done("status", "set", badges, "revoked", index)

    early = operating.run("status", "publish", badges, "--timeout", "0.3")
    publish(serving)

    assert (early.exit_code, early.stdout) == (6, "")
    assert f"readers get version 1 of {badges}, and not 2 yet" in early.stderr
    assert operating.done("status", "publish", badges).stdout == "2\n"


def test_every_form_is_decoded_and_says_the_same_of_an_entry(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    revoked, suspended = (
        json.loads(operating.done("status", "allocate", badges).stdout)["statusListIndex"] for _ in range(2)
    )
    operating.done("status", "set", badges, "revoked", revoked)
    operating.done("status", "set", badges, "suspended", suspended)
    publish(serving)
    files = write_forms(serving, badges, tmp_path)

    said = {
        name: [
            operating.done("status", "decode", str(path), "--index", index).stdout.strip()
            for index in (revoked, suspended)
        ]
        for name, path in files.items()
    }
    shown = json.loads(operating.done("status", "decode", str(files[f"{badges}/token.cwt"])).stdout)

    assert len(said) == 6
    assert {name: said[name] for name in said if name.startswith(f"{badges}/")} == {
        f"{badges}/token.jwt": ["1", "2"],
        f"{badges}/token.cwt": ["1", "2"],
    }
    assert {tuple(said[name]) for name in said if "revocation" in name} == {("1", "0")}
    assert {tuple(said[name]) for name in said if "suspension" in name} == {("0", "1")}
    assert shown["counts"] == {"0": 131_070, "1": 1, "2": 1}
    assert (shown["verified"], shown["entries"], shown["issuer"]) == (False, 131_072, None)


@pytest.mark.parametrize("body", [b"", b"{}", b"eyJ.a.b", b"\xd2\x84", b"\xff" * 64, b'{"a": 1}'])
def test_what_is_no_list_is_told_so(operating: Operating, tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(body)

    assert "this is no status list" in failed(operating, EXIT_FAILED, "status", "decode", str(file)).stderr


def test_an_index_beyond_the_list_is_told_so(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    file = write_forms(serving, badges, tmp_path)[f"{badges}/token.jwt"]

    beyond = failed(operating, EXIT_USAGE, "status", "decode", str(file), "--index", "131072")

    assert "the last is 131071" in beyond.stderr


def test_a_list_is_verified_with_the_issuers_document_or_key(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path
) -> None:
    files = write_forms(serving, badges, tmp_path)
    document, resolved = tmp_path / "did.json", tmp_path / "resolved.json"
    key, other = tmp_path / "key.pem", tmp_path / "other.pem"
    identities = serving.services.operators.identities
    signer = identities.active_signer("default")
    own = identities.own_document(signer.controller)
    document.write_bytes(encode(own))
    resolved.write_bytes(encode({"didResolutionMetadata": {}, "didDocument": own, "didDocumentMetadata": {}}))
    key.write_bytes(pem_of(signer.public_key))
    other.write_bytes(pem_of(Ed25519PrivateKey.generate().public_key()))

    for file in map(str, files.values()):
        by_document = operating.done("status", "decode", file, "--did-document", str(document))
        by_result = operating.done("status", "decode", file, "--did-document", str(resolved))
        by_key = operating.done("status", "decode", file, "--key", str(key))
        unknown = operating.done("status", "decode", file, "--index", "0")
        refused = failed(
            operating, EXIT_FAILED, "status", "decode", file, "--index", "0", "--key", str(other)
        )

        for shown in (by_document, by_result, by_key):
            assert json.loads(shown.stdout)["verified"] is True
        assert (unknown.stdout, unknown.stderr) == ("0\n", "not verified\n")
        assert "this list does not verify" in refused.stderr
    assert len(files) == 6


@pytest.mark.parametrize("option", ["--did-document", "--key"])
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"id": 1}', b"\xff\xfe", b"-----BEGIN PUBLIC KEY-----"]
)
def test_what_is_no_key_and_no_document_is_told_so(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path, option: str, content: bytes
) -> None:
    file, wrong = write_forms(serving, badges, tmp_path)[f"{badges}/token.jwt"], tmp_path / "wrong"
    wrong.write_bytes(content)

    refused = failed(operating, EXIT_USAGE, "status", "decode", str(file), option, str(wrong))

    assert "wrong: " in refused.stderr


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("CERTIFICATE", "expected PUBLIC KEY, found CERTIFICATE; `openssl x509 -pubkey -noout` prints"),
        ("PRIVATE KEY", "expected PUBLIC KEY, found PRIVATE KEY; `openssl pkey -pubout` prints"),
        ("EC PRIVATE KEY", "expected PUBLIC KEY, found EC PRIVATE KEY"),
    ],
)
def test_what_is_in_the_file_instead_of_a_public_key_is_told(
    operating: Operating, serving: Serving, badges: str, tmp_path: Path, label: str, told: str
) -> None:
    file, wrong = write_forms(serving, badges, tmp_path)[f"{badges}/token.jwt"], tmp_path / "wrong.pem"
    wrong.write_text(f"-----BEGIN {label}-----\nMC4CAQ==\n-----END {label}-----\n")

    refused = failed(operating, EXIT_USAGE, "status", "decode", str(file), "--key", str(wrong))

    assert f"wrong.pem: {told}" in refused.stderr
    assert "MC4CAQ" not in refused.stderr


def test_a_list_is_verified_in_one_way_only(operating: Operating, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    failed(
        operating, EXIT_USAGE, "status", "decode", str(file), "--key", str(file), "--did-document", str(file)
    )
