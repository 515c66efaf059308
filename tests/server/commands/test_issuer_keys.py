"""`touchstone issuer`: keys added, activated, taken back and given up, and what a person is told."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from operators import Issuer
from proofs import read_key_file
from resolver import public_key_of
from tests.issuers import inserting, key_row
from tests.proofs.authorities import Authority
from tests.server.commands.operating import Operating, Serving

TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
KEY = r"key-[0-9a-f]{12}"
NOW = datetime.now(UTC).replace(microsecond=0)


class Acme:
    """An issuer of one test, on the server of all, and whoever types commands about it."""

    def __init__(self, operating: Operating, issuer_id: str) -> None:
        self.operating = operating
        self.id = issuer_id

    def key(self, action: str, *arguments: str) -> Result:
        """Run `touchstone issuer key`, which must succeed."""
        return self.operating.done("issuer", "key", action, self.id, *arguments)

    def keys(self) -> dict[str, list[str]]:
        """Return what `key list` prints: by state, the last key of it in a line."""
        lines = [line.split("\t") for line in self.key("list").stdout.splitlines()]
        return {line[1]: line for line in lines}


@pytest.fixture
def acme(operating: Operating, request: pytest.FixtureRequest) -> Acme:
    """A hosted issuer with a key that signs and a spare one, both on P-256."""
    issuer_id = "acme-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    operating.done("issuer", "add", issuer_id, "--algorithm", "P-256")
    return Acme(operating, issuer_id)


def test_a_rotation_is_one_command_which_tells_when_the_key_will_sign(acme: Acme) -> None:
    before = acme.keys()
    done = acme.key("activate")
    after = acme.keys()

    spare = before["announced"][0]
    assert done.stdout == ""
    assert re.fullmatch(
        rf"{spare} will sign for {acme.id} from {TIME}, when every verifier can know it;\n"
        r"a running server does that by itself\n",
        done.stderr,
    )
    assert before["announced"][5] == "-"
    assert after["announced"][0] == spare
    assert after["announced"][5] in done.stderr
    assert after["active"] == before["active"]


def test_a_key_is_added_with_what_is_to_be_done_next(acme: Acme) -> None:
    done = acme.key("add", "--algorithm", "P-384")
    key_id = done.stdout.strip()
    row = [line.split("\t") for line in acme.key("list").stdout.splitlines()][-1]

    assert re.fullmatch(KEY, key_id)
    assert done.stderr == (
        f"made the P-384 key {key_id} of {acme.id}; it is announced\n"
        f"its file is {key_id}.pem, in the key directory of the machine that answers at {acme.operating.url},"
        " or of one behind it where that is a load balancer\n"
        "copy it to every other machine that runs this server\n"
        f"then let it sign: touchstone issuer key activate {acme.id} {key_id}\n"
    )
    assert row[:2] + row[3:] == [key_id, "announced", "P-384", "file", "-"]
    assert (acme.operating.key_dir / f"{key_id}.pem").exists()


def test_a_key_that_is_given_up_is_followed_by_the_spare_one_and_a_person_is_told_which(acme: Acme) -> None:
    before = acme.keys()
    lost, spare = before["active"][0], before["announced"][0]
    done = acme.key("compromised", lost, "--since", "2020-01-01T00:00:00Z")
    after = acme.keys()

    assert done.stderr == (
        f"{lost} of {acme.id} is given up: what it signed since 2020-01-01T00:00:00Z does not count\n"
        f"{spare} signs for {acme.id}; lists that the lost key may have signed are signed anew\n"
    )
    assert after["compromised"][:3] == [lost, "compromised", "2020-01-01T00:00:00Z"]
    assert after["active"][0] == spare
    assert lost not in acme.operating.done("issuer", "document", acme.id).stdout


def test_of_a_key_that_never_signed_nothing_is_signed_anew(acme: Acme) -> None:
    keys = acme.keys()
    done = acme.key("compromised", keys["announced"][0])

    assert done.stderr.splitlines()[1] == f"{keys['active'][0]} signs for {acme.id}"


@pytest.mark.parametrize("option", [("--algorithm", "P-256"), ("--custody", "file")])
def test_an_issuer_with_a_did_of_its_own_is_added_without_a_kind_of_keys(
    option: tuple[str, str], operating: Operating
) -> None:
    refused = operating.run("issuer", "add", "kindless", "--did", "did:web:kindless.invalid", *option)
    listed = operating.done("issuer", "list").stdout

    assert refused.exit_code == 2
    assert "`touchstone issuer key add`" in refused.stderr
    assert "kindless" not in listed


def test_without_a_spare_a_person_is_told_what_to_do(acme: Acme) -> None:
    keys = acme.keys()
    retired = acme.key("retire", keys["announced"][0])
    given_up = acme.key("compromised", keys["active"][0])
    added = acme.key("add")

    assert retired.stderr == f"{keys['announced'][0]} of {acme.id} is retired; it never signed\n"
    assert given_up.stderr.splitlines()[1] == (
        f"no key signs for {acme.id} now: touchstone issuer key add {acme.id}"
    )
    assert f"{added.stdout.strip()} of {acme.id}; it is active\n" in added.stderr
    assert "activate" not in added.stderr


def test_show_is_the_issuer_as_operators_see_it_and_document_what_is_served(operating: Operating) -> None:
    shown = json.loads(operating.done("issuer", "show", "default").stdout)
    document = json.loads(operating.done("issuer", "document", "default").stdout)

    assert (shown["did"], shown["hosted"]) == (operating.settings.did, True)
    assert [key["state"] for key in shown["keys"]] == ["active", "announced"]
    assert document["id"] == shown["did"]
    assert document["verificationMethod"] == [
        method for key in shown["keys"] for method in key["verificationMethods"]
    ]


def test_every_issuer_is_listed_over_as_many_pages_as_it_takes(acme: Acme) -> None:
    for number in range(101):
        acme.operating.done("issuer", "add", f"many-{number:03}", "--did", f"did:web:m{number}.invalid")
    lines = [line.split("\t") for line in acme.operating.done("issuer", "list").stdout.splitlines()]

    assert [line[0] for line in lines if line[0].startswith("many-")] == [f"many-{n:03}" for n in range(101)]
    assert [
        acme.id,
        f"{acme.operating.settings.did}:issuers:{acme.id}",
        acme.keys()["active"][0],
        "",
    ] in lines
    assert ["many-000", "did:web:m0.invalid", "-", ""] in lines


def test_the_owner_of_a_foreign_document_is_told_what_it_must_list(operating: Operating) -> None:
    did = "did:web:bank.invalid"
    operating.done("issuer", "add", "bank", "--did", did)
    empty = operating.done("issuer", "document", "bank")
    added = operating.done("issuer", "key", "add", "bank")
    key_id = added.stdout.strip()
    printed = operating.done("issuer", "document", "bank")
    wanted = json.loads(printed.stdout)
    refused = operating.run("issuer", "key", "activate", "bank")
    public_key = read_key_file(operating.key_dir / f"{key_id}.pem").public_key()

    assert f"{did} must list it first: touchstone issuer document bank\n" in added.stderr
    assert empty.stderr == "no key of bank is here yet: touchstone issuer key add bank\n"
    assert printed.stderr == f"the owner of {did} adds this to its document, beside what is there\n"
    assert [method["type"] for method in wanted["verificationMethod"]] == ["Multikey", "JsonWebKey"]
    assert [public_key_of(method) for method in wanted["verificationMethod"]] == [public_key] * 2
    assert wanted["assertionMethod"] == [f"{did}#{key_id}", f"{did}#{key_id}-jwk"]
    assert refused.exit_code == 5
    assert f"{key_id} cannot sign for bank yet: the DID cannot be resolved: " in refused.stderr
    assert "`touchstone issuer document bank` prints what its DID document must list" in refused.stderr


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


def test_a_certificate_is_asked_for_and_its_chain_kept_with_the_key(acme: Acme, tmp_path: Path) -> None:
    subject = "CN=Transport Office,O=Ministry,C=NO"
    keys = acme.keys()
    key_id, spare = keys["active"][0], keys["announced"][0]
    asked = acme.operating.done("issuer", "csr", acme.id, "--subject", subject)
    file = tmp_path / "chain.pem"
    pem = _certified(asked.stdout.encode(), acme.operating.key_dir / f"{key_id}.pem")
    file.write_bytes("subject=Øl\n".encode("latin-1") + pem)
    kept = acme.operating.done("issuer", "chain", "import", acme.id, key_id, str(file))
    other = acme.operating.run("issuer", "chain", "import", acme.id, spare, str(file))
    shown = json.loads(acme.operating.done("issuer", "show", acme.id).stdout)["keys"][0]
    certificate = x509.load_pem_x509_certificate(shown["certificates"].encode())

    assert (asked.stderr, kept.stdout) == ("", "")
    assert re.fullmatch(
        rf"kept the certificates of {key_id} \(1\); the first to end does so {TIME}\n", kept.stderr
    )
    assert shown["certificates"].count("BEGIN CERTIFICATE") == 1
    assert certificate.subject == x509.Name.from_rfc4514_string(subject)
    assert other.exit_code == 1
    assert "expected one certificate of this key" in other.stderr


def test_a_request_is_signed_where_the_key_is_and_audited(acme: Acme, serving: Serving) -> None:
    spare = acme.keys()["announced"][0]
    asked = acme.operating.done("issuer", "csr", acme.id, spare, "--subject", "CN=a")
    (row,) = serving.audited(f"{acme.id}#{spare}")

    assert x509.load_pem_x509_csr(asked.stdout.encode()).is_signature_valid
    assert (row.action, row.actor) == ("issuer-key.request-certificate", "bootstrap")


def test_what_no_authority_certifies_is_told(operating: Operating) -> None:
    ed25519 = operating.run("issuer", "csr", "default", "--subject", "CN=a")
    operating.done("issuer", "add", "unnamed", "--algorithm", "P-256")
    unnamed = operating.run("issuer", "csr", "unnamed", "--subject", "me")
    operating.done("issuer", "add", "keyless", "--did", "did:web:keyless.invalid")
    keyless = operating.run("issuer", "csr", "keyless", "--subject", "CN=a")

    assert (ed25519.exit_code, ed25519.stdout) == (1, "")
    assert "expected a key on P-256 or P-384, found Ed25519" in ed25519.stderr
    assert (unnamed.exit_code, keyless.exit_code) == (1, 3)
    assert keyless.stderr == "touchstone: no key signs for keyless now; name one\n"


# What is refused.


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("show nobody", 3),
        ("document nobody", 3),
        ("key list nobody", 3),
        ("key add nobody", 3),
        ("key activate ACME key-0", 3),
        ("key activate ACME ACTIVE", 5),
        ("key retire ACME ACTIVE", 5),
        ("key compromised ACME key-0", 3),
        ("key compromised ACME ACTIVE --since tomorrow", 1),
        ("key compromised ACME ACTIVE --since 2999-01-01T00:00:00Z", 1),
        ("key add ACME --custody pkcs11", 5),
        ("key add ACME --algorithm RSA", 2),
        ("csr ACME key-0 --subject CN=a", 3),
        ("csr ACME", 2),
        ("chain import ACME ACTIVE missing.pem", 2),
        ("chain import ACME ACTIVE EMPTY", 1),
        ("key activate ACME ../activate", 3),
    ],
)
def test_what_is_refused_has_a_code_of_its_own_and_changes_nothing(
    acme: Acme, tmp_path: Path, command: str, code: int
) -> None:
    (tmp_path / "empty").write_text("")
    active = acme.keys()["active"][0]
    before = acme.operating.done("issuer", "show", acme.id).stdout
    words = {"ACME": acme.id, "ACTIVE": active, "EMPTY": str(tmp_path / "empty")}
    done = acme.operating.run("issuer", *(words.get(word, word) for word in command.split()))

    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert done.stderr
    assert acme.operating.done("issuer", "show", acme.id).stdout == before


def test_a_time_that_is_none_is_told_by_its_option(acme: Acme) -> None:
    active = acme.keys()["active"][0]
    done = acme.operating.run("issuer", "key", "compromised", acme.id, active, "--since", "tomorrow")

    assert done.stderr.startswith("touchstone: --since: ")


def test_a_key_of_an_older_release_is_told_as_such_until_a_server_has_read_it(
    operating: Operating, serving: Serving, tmp_path: Path
) -> None:
    (tmp_path / "chain.pem").write_text("")
    old = Issuer(id="old", did=f"{operating.settings.did}:issuers:old")
    serving.call(serving.services.database.write(inserting(old, key_row("old", "old-1"))))
    document = operating.run("issuer", "document", "old")
    chain = operating.run("issuer", "chain", "import", "old", "old-1", str(tmp_path / "chain.pem"))
    listed = operating.done("issuer", "key", "list", "old").stdout.split("\t")

    assert (document.exit_code, document.stdout, chain.exit_code) == (5, "", 5)
    assert "a server that can read its file notes what it is" in document.stderr
    assert "a server that can read its file notes what it is" in chain.stderr
    assert listed[3] == "-"


def test_a_key_file_that_is_gone_is_told_by_name(acme: Acme) -> None:
    file = acme.operating.key_dir / f"{acme.keys()['active'][0]}.pem"
    file.unlink()
    done = acme.operating.run("issuer", "csr", acme.id, "--subject", "CN=a")

    assert done.exit_code == 6
    assert f"{file}: no such key file; put it back from its backup" in done.stderr
