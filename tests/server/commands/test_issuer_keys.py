"""`touchstone issuer`: keys added, activated, taken back and given up, and what a person is told. In process."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from operators import Issuer, Principal, Role
from operators.issuers.views import AddKey, CreateIssuer
from proofs import read_key_file
from resolver import public_key_of
from server.commands.cli import main
from server.commands.opened import open_parts
from server.database import open_of
from server.settings import load_settings
from tests.issuers import inserting, key_row
from tests.operators.issuers.desk import HOST
from tests.proofs.authorities import Authority
from tests.simulator import World
from wire import Conflict

BOSS = Principal(id="boss", name="boss", issuer_id=None, roles=frozenset({Role.ADMIN}))
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
KEY = r"key-[0-9a-f]{12}"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with a database and keys, and without the sample."""
    monkeypatch.chdir(tmp_path)
    assert _run("init").exit_code == 0
    return tmp_path


def _run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ)


def _issuer(*arguments: str) -> Result:
    done = _run("issuer", *arguments)
    assert done.exit_code == 0, done.stderr
    return done


def _keys(issuer_id: str = "default") -> dict[str, list[str]]:
    """Return what `key list` prints: by state, the last key of it in a line."""
    lines = [line.split("\t") for line in _issuer("key", "list", issuer_id).stdout.splitlines()]
    return {line[1]: line for line in lines}


@pytest.mark.usefixtures("deployment")
def test_a_rotation_is_one_command_which_tells_when_the_key_will_sign() -> None:
    before = _keys()
    done = _issuer("key", "activate", "default")
    after = _keys()

    spare = before["announced"][0]
    assert done.stdout == ""
    assert re.fullmatch(
        rf"{spare} will sign for default from {TIME}, when every verifier can know it;\n"
        r"a running server does that by itself\n",
        done.stderr,
    )
    assert before["announced"][5] == "-"
    assert after["announced"][0] == spare
    assert after["announced"][5] in done.stderr
    assert after["active"] == before["active"]


def test_a_key_is_added_with_what_is_to_be_done_next(deployment: Path) -> None:
    done = _issuer("key", "add", "default", "--algorithm", "P-256")
    key_id = done.stdout.strip()
    row = [line.split("\t") for line in _issuer("key", "list", "default").stdout.splitlines()][-1]

    assert re.fullmatch(KEY, key_id)
    assert done.stderr == (
        f"made the P-256 key {key_id} of default; it is announced\n"
        f"copy var/keys/{key_id}.pem to every other machine that runs this server\n"
        f"then let it sign: touchstone issuer key activate default {key_id}\n"
    )
    assert row[:2] + row[3:] == [key_id, "announced", "P-256", "file", "-"]
    assert (deployment / f"var/keys/{key_id}.pem").exists()


@pytest.mark.usefixtures("deployment")
def test_a_key_that_is_given_up_is_followed_by_the_spare_one_and_a_person_is_told_which() -> None:
    before = _keys()
    lost, spare = before["active"][0], before["announced"][0]
    done = _issuer("key", "compromised", "default", lost, "--since", "2020-01-01T00:00:00Z")
    after = _keys()

    assert done.stderr == (
        f"{lost} of default is given up: what it signed since 2020-01-01T00:00:00Z does not count\n"
        f"{spare} signs for default; lists that the lost key may have signed are signed anew\n"
    )
    assert after["compromised"][:3] == [lost, "compromised", "2020-01-01T00:00:00Z"]
    assert after["active"][0] == spare
    assert lost not in _issuer("document", "default").stdout


@pytest.mark.usefixtures("deployment")
def test_of_a_key_that_never_signed_nothing_is_signed_anew() -> None:
    keys = _keys()
    done = _issuer("key", "compromised", "default", keys["announced"][0])

    assert done.stderr.splitlines()[1] == f"{keys['active'][0]} signs for default"


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize("option", [("--algorithm", "P-256"), ("--custody", "file")])
def test_an_issuer_with_a_did_of_its_own_is_added_without_a_kind_of_keys(option: tuple[str, str]) -> None:
    refused = _run("issuer", "add", "bank", "--did", "did:web:bank.invalid", *option)
    listed = _issuer("list").stdout

    assert refused.exit_code == 2
    assert "`touchstone issuer key add`" in refused.stderr
    assert "bank" not in listed


@pytest.mark.usefixtures("deployment")
def test_without_a_spare_a_person_is_told_what_to_do() -> None:
    keys = _keys()
    retired = _issuer("key", "retire", "default", keys["announced"][0])
    given_up = _issuer("key", "compromised", "default", keys["active"][0])
    added = _issuer("key", "add", "default")

    assert retired.stderr == f"{keys['announced'][0]} of default is retired; it never signed\n"
    assert given_up.stderr.splitlines()[1] == (
        "no key signs for default now: touchstone issuer key add default"
    )
    assert f"{added.stdout.strip()} of default; it is active\n" in added.stderr
    assert "activate" not in added.stderr


@pytest.mark.usefixtures("deployment")
def test_show_is_the_issuer_as_operators_see_it_and_document_what_is_served() -> None:
    shown = json.loads(_issuer("show", "default").stdout)
    document = json.loads(_issuer("document", "default").stdout)

    assert (shown["did"], shown["hosted"]) == ("did:web:localhost%3A8000", True)
    assert [key["state"] for key in shown["keys"]] == ["active", "announced"]
    assert document["id"] == shown["did"]
    assert document["verificationMethod"] == [
        method for key in shown["keys"] for method in key["verificationMethods"]
    ]


def test_the_owner_of_a_foreign_document_is_told_what_it_must_list(deployment: Path) -> None:
    did = "did:web:bank.invalid"
    _issuer("add", "bank", "--did", did)
    empty = _issuer("document", "bank")
    added = _issuer("key", "add", "bank")
    key_id = added.stdout.strip()
    printed = _issuer("document", "bank")
    wanted = json.loads(printed.stdout)
    refused = _run("issuer", "key", "activate", "bank")
    public_key = read_key_file(deployment / f"var/keys/{key_id}.pem").public_key()

    assert f"{did} must list it first: touchstone issuer document bank\n" in added.stderr
    assert empty.stderr == "no key of bank is here yet: touchstone issuer key add bank\n"
    assert printed.stderr == f"the owner of {did} adds this to its document, beside what is there\n"
    assert [method["type"] for method in wanted["verificationMethod"]] == ["Multikey", "JsonWebKey"]
    assert [public_key_of(method) for method in wanted["verificationMethod"]] == [public_key] * 2
    assert wanted["assertionMethod"] == [f"{did}#{key_id}", f"{did}#{key_id}-jwk"]
    assert refused.exit_code == 5
    assert f"{key_id} cannot sign for bank yet: the DID cannot be resolved: " in refused.stderr
    assert "`touchstone issuer document bank` prints what its DID document must list" in refused.stderr


@pytest.mark.anyio
@pytest.mark.usefixtures("deployment")
async def test_a_command_looks_at_a_foreign_document_through_the_guard() -> None:
    did = "did:web:bank.example"
    async with World() as world, world.guard() as guard, open_parts(load_settings(), guard) as parts:
        host = world.host("bank.example")
        await parts.operators.issuers.create(BOSS, CreateIssuer(id="bank", did=did))
        added = await parts.issuing.changes.add(BOSS, "bank", AddKey())
        methods = list(added.verification_methods)
        document = {"@context": ["https://www.w3.org/ns/did/v1.1"], "id": did, "verificationMethod": methods}
        host.publish("/.well-known/did.json", document)
        with pytest.raises(Conflict, match="does not list the key under assertionMethod"):
            await parts.issuing.changes.activate(BOSS, "bank", None)
        listing = document | {"assertionMethod": [method["id"] for method in methods]}
        host.publish("/.well-known/did.json", listing)
        activated = await parts.issuing.changes.activate(BOSS, "bank", None)

    assert (activated.key, activated.state) == (added.key, "active")
    assert len(world.requests) == 2


# Certificates.


def _certified(request: bytes, key_file: Path) -> bytes:
    """Return the certificate that an authority makes of a request, and its own, in PEM."""
    asked = x509.load_pem_x509_csr(request)
    private_key = read_key_file(key_file)
    assert asked.is_signature_valid
    assert isinstance(private_key, EllipticCurvePrivateKey)
    extensions = {type(found.value): (found.value, found.critical) for found in asked.extensions}
    period = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=90)}
    root = Authority("Root", **period)
    certificate = root.issue(asked.subject, private_key, extensions=extensions, **period)
    return certificate.public_bytes(Encoding.PEM) + root.certificate.public_bytes(Encoding.PEM)


def test_a_certificate_is_asked_for_and_its_chain_kept_with_the_key(deployment: Path) -> None:
    subject = "CN=Transport Office,O=Ministry,C=NO"
    _issuer("add", "acme", "--algorithm", "P-256")
    key_id = _keys("acme")["active"][0]
    asked = _issuer("csr", "acme", "--subject", subject)
    file = deployment / "chain.pem"
    file.write_bytes(_certified(asked.stdout.encode(), deployment / f"var/keys/{key_id}.pem"))
    kept = _issuer("chain", "import", "acme", key_id, str(file))
    other = _run("issuer", "chain", "import", "acme", _keys("acme")["announced"][0], str(file))
    shown = json.loads(_issuer("show", "acme").stdout)["keys"][0]
    certificate = x509.load_pem_x509_certificate(shown["certificates"].encode())

    assert (asked.stderr, kept.stdout) == ("", "")
    assert re.fullmatch(
        rf"kept the certificates of {key_id} \(1\); the first to end does so {TIME}\n", kept.stderr
    )
    assert shown["certificates"].count("BEGIN CERTIFICATE") == 1
    assert certificate.subject == x509.Name.from_rfc4514_string(subject)
    assert other.exit_code == 1
    assert "expected one certificate of this key" in other.stderr


@pytest.mark.usefixtures("deployment")
def test_what_no_authority_certifies_is_told() -> None:
    ed25519 = _run("issuer", "csr", "default", "--subject", "CN=a")
    _issuer("add", "acme", "--algorithm", "P-256")
    unnamed = _run("issuer", "csr", "acme", "--subject", "me")
    _issuer("add", "bank", "--did", "did:web:bank.invalid")
    keyless = _run("issuer", "csr", "bank", "--subject", "CN=a")

    assert (ed25519.exit_code, ed25519.stdout) == (1, "")
    assert "expected a key on P-256 or P-384, found Ed25519" in ed25519.stderr
    assert (unnamed.exit_code, keyless.exit_code) == (1, 3)
    assert keyless.stderr == "touchstone: no key signs for bank now; name one\n"


# What is refused.


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("show nobody", 3),
        ("document nobody", 3),
        ("key list nobody", 3),
        ("key add nobody", 3),
        ("key activate default key-0", 3),
        ("key activate default ACTIVE", 5),
        ("key retire default ACTIVE", 5),
        ("key compromised default key-0", 3),
        ("key compromised default ACTIVE --since tomorrow", 1),
        ("key compromised default ACTIVE --since 2999-01-01T00:00:00Z", 1),
        ("key add default --custody pkcs11", 5),
        ("key add default --algorithm RSA", 2),
        ("csr default key-0 --subject CN=a", 3),
        ("csr default", 2),
        ("chain import default ACTIVE missing.pem", 2),
        ("chain import default ACTIVE touchstone.toml", 1),
    ],
)
def test_what_is_refused_has_a_code_of_its_own_and_changes_nothing(
    deployment: Path, command: str, code: int
) -> None:
    (deployment / "touchstone.toml").write_text("")
    active = _keys()["active"][0]
    before = _issuer("show", "default").stdout
    done = _run("issuer", *command.replace("ACTIVE", active).split())

    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr
    assert _issuer("show", "default").stdout == before


@pytest.mark.parametrize("command", ["key activate default", "key add default", "add acme"])
@pytest.mark.usefixtures("deployment")
def test_an_issuer_of_another_server_is_not_changed_by_mistake(command: str) -> None:
    done = _run("issuer", *command.split(), TOUCHSTONE_PUBLIC_URL="https://vc.example")

    assert done.exit_code == 1
    assert "TOUCHSTONE_PUBLIC_URL back" in done.stderr


def test_a_key_of_an_older_release_is_told_as_such_until_a_server_has_read_it(deployment: Path) -> None:
    (deployment / "chain.pem").write_text("")
    database = open_of(load_settings())
    asyncio.run(
        database.write(inserting(Issuer(id="old", did=f"{HOST}:issuers:old"), key_row("old", "old-1")))
    )
    database.close()
    document = _run("issuer", "document", "old")
    chain = _run("issuer", "chain", "import", "old", "old-1", "chain.pem")

    assert (document.exit_code, document.stdout, chain.exit_code) == (1, "", 5)
    assert "a server that can read its file notes what it is" in document.stderr
    assert "a server that can read its file notes what it is" in chain.stderr
    assert _keys("old")["active"][3] == "-"


def test_a_key_file_that_is_gone_is_told_by_name(deployment: Path) -> None:
    (deployment / f"var/keys/{_keys()['active'][0]}.pem").unlink()
    done = _run("issuer", "csr", "default", "--subject", "CN=a")

    assert done.exit_code == 1
    assert "put it back from its backup" in done.stderr


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize(
    "arguments",
    [("add", "acme"), ("key", "add", "default"), ("key", "activate", "default"), ("show", "default")],
)
def test_settings_of_another_did_change_nothing(arguments: tuple[str, ...]) -> None:
    elsewhere = _run("issuer", *arguments, TOUCHSTONE_PUBLIC_URL="https://vc.example")

    assert elsewhere.exit_code == 1
    assert "the database belongs to did:web:localhost%3A8000" in elsewhere.stderr
    assert _run("issuer", "list").stdout.count("\n") == 1
    assert list(_keys()) == ["active", "announced"]
