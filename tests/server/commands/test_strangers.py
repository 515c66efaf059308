"""What commands make of answers of a server that is hostile, wrong, or of another release."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import server.commands.remote.api as api
from tests.server.commands.operating import Operating, run_command
from tests.server.commands.test_api import KEY, Play, answers, listening

EVIL = "\x1b]0;owned\x07\u202e\u2028\x9b2J"
OTHER_KEY = "tsk_zyxwvutsrqpo_" + "s" * 43
AT = "2026-11-30T00:00:00Z"

Ask = Callable[..., Result]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "operator.key"
    path.touch(0o600)
    path.write_text(KEY + "\n")
    return path


@pytest.fixture
def ask(key_file: Path) -> Ask:
    """Run a command against whoever answers so, the last for ever; each answer is a value, or what is played."""

    def run(*command: str, given: Any) -> Result:
        given = given if isinstance(given, list) else [given]
        with listening(*(one if callable(one) else _answer(one) for one in given)) as server:
            return run_command(
                *command,
                TOUCHSTONE_OPERATOR_URL=server.url,
                TOUCHSTONE_OPERATOR_KEY_FILE=str(key_file),
                TOUCHSTONE_KEY_DIR=str(key_file.parent),
            )

    return run


def _answer(value: object) -> Play:
    return answers("200 OK", "application/json", json.dumps(value).encode())


def _approval(**changes: object) -> dict[str, object]:
    plain = {
        "action": "a",
        "scope": "everything",
        "subject": "s",
        "request": {},
        "digest": "d",
        "author": "ada",
    }
    return plain | {"approval": 7, "askedAt": AT, "expiresAt": AT, "state": "approved"} | changes


def _principal(**changes: object) -> dict[str, object]:
    return {"id": "bob", "kind": "service", "madeBy": "ada", "madeAt": AT, "grants": []} | changes


def _key(**changes: object) -> dict[str, object]:
    return {"key": "abcdefghijkl", "principal": "bob", "madeBy": "ada", "createdAt": AT} | changes


def _issuer_key(**changes: object) -> dict[str, object]:
    plain = {"issuerId": "acme", "key": "key-1", "state": "active", "custody": "file", "purpose": "p"}
    return plain | {"announcedAt": AT} | changes


def _issuer(**changes: object) -> dict[str, object]:
    return {"id": "acme", "did": "did:web:a", "hosted": True, "owner": "", "keys": [_issuer_key()]} | changes


WHY = ("--reason", "seen")


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("approval", "approve", "7", *WHY), _approval(action=EVIL, subject=EVIL, author=EVIL)),
        (("approval", "list"), {"approvals": [_approval(subject=EVIL, author=EVIL)]}),
        (("approval", "show", "7"), _approval(request={EVIL: EVIL})),
        (("principal", "show", "bob"), _principal(name=EVIL)),
        (("principal", "list"), {"principals": [_principal(name=EVIL)]}),
        (("key", "revoke", "abcdefghijkl"), _key(revokedAt=AT, replacedBy=EVIL, alsoRevoked=[EVIL])),
        (("key", "list", "bob"), {"keys": [_key(madeBy=EVIL, lastUsed=EVIL)]}),
        (("key", "create", "bob"), {"apiKey": KEY, "key": _key(expiresAt=EVIL)}),
        (("issuer", "add", "acme"), _issuer(did=EVIL, keys=[_issuer_key(key=EVIL)])),
        (("issuer", "show", "acme"), _issuer(owner=EVIL)),
        (("issuer", "list"), {"issuers": [_issuer(owner=EVIL)]}),
        (("issuer", "document", "acme"), {"id": EVIL}),
        (("issuer", "key", "add", "acme"), _issuer_key(key=EVIL, algorithm=EVIL)),
        (("issuer", "key", "activate", "acme"), _issuer_key(key=EVIL)),
        (("issuer", "csr", "acme", "key-1", "--subject", "CN=a"), {
            "issuerId": "acme", "key": "key-1", "certificateRequest": f"-----BEGIN{EVIL}\n"
        }),
        (("alarm", "acknowledge", "7"), {
            "alarm": 7, "kind": EVIL, "subject": EVIL, "reason": "", "since": AT, "lastSeen": AT,
            "runbook": EVIL, "acknowledgedAt": AT, "acknowledgedBy": "ada",
        }),
        (("registry", "show", "did:web:a"), {"name": EVIL}),
        (("cache", "purge", "--all"), {"number": 1, "everywhereBy": EVIL}),
    ],
)  # fmt: skip
def test_no_answer_commands_the_terminal(command: tuple[str, ...], given: object, ask: Ask) -> None:
    done = ask(*command, given=given)

    assert done.exit_code == 0, done.stderr
    assert set(filter(lambda char: not char.isprintable(), done.stdout + done.stderr)) <= {"\n", "\t"}
    assert "owned" in done.stdout + done.stderr


def test_json_for_people_says_what_the_server_said(ask: Ask) -> None:
    astral = f"{EVIL}\U000e0041"
    shown = ask("principal", "show", "bob", given=_principal(name=astral))
    export = answers("200 OK", "application/json", json.dumps({"n": astral}, ensure_ascii=False).encode())
    exported = ask("registry", "export", given=export)

    assert json.loads(shown.stdout)["name"] == astral
    assert json.loads(exported.stdout) == {"n": astral}
    assert exported.stdout.strip().isprintable()


def test_what_is_not_text_is_not_exported(ask: Ask) -> None:
    assert ask("registry", "export", given=answers("200 OK", "application/json", b"\xff")).exit_code == 6


@pytest.mark.parametrize("text", [EVIL, "", f"{KEY}\n", f"{KEY}{EVIL}", OTHER_KEY])
@pytest.mark.parametrize("options", [(), ("--print",)])
def test_what_is_no_key_is_neither_kept_nor_printed(
    text: str, options: tuple[str, ...], ask: Ask, tmp_path: Path
) -> None:
    created = ask("key", "create", "bob", *options, given={"apiKey": text, "key": _key()})
    rotated = ask("key", "rotate", "mnopqrstuvwx", *options, given={"apiKey": text, "key": _key()})

    assert (created.exit_code, rotated.exit_code) == (6, 6)
    assert (created.stdout, rotated.stdout) == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["operator.key"]


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("approval", "approve", "7", *WHY), _approval(approval=8)),
        (("approval", "approve", "7", *WHY), _approval(state="pending")),
        (("approval", "approve", "7", *WHY), _approval(state="rejected")),
        (("approval", "reject", "7", *WHY), _approval()),
        (("approval", "withdraw", "7"), _approval()),
        (("approval", "break-glass", "7", *WHY), _approval()),
        (("principal", "add", "bob"), _principal(id="eve")),
        (("principal", "add", "bob", "--person"), _principal()),
        (("principal", "grant", "bob", "--role", "viewer"), _principal()),
        (("principal", "ungrant", "bob", "--role", "viewer"), _principal(grants=[
            {"scope": "everything", "role": "viewer", "source": "operator", "grantedBy": "a", "grantedAt": AT}
        ])),
        (("principal", "deactivate", "bob"), _principal()),
        (("principal", "deactivate", "bob"), _principal(id="eve", deactivatedAt=AT)),
        (("principal", "reactivate", "bob"), _principal(deactivatedAt=AT)),
        (("principal", "erase", "bob"), _principal(address="bob@example.com")),
        (("key", "create", "bob", "--print"), {"apiKey": KEY, "key": _key(principal="eve")}),
        (("key", "revoke", "abcdefghijkl"), _key()),
        (("key", "revoke", "mnopqrstuvwx"), _key(revokedAt=AT)),
        (("issuer", "add", "bank"), _issuer()),
        (("issuer", "add", "acme", "--did", "did:web:b"), _issuer()),
        (("issuer", "key", "add", "bank"), _issuer_key()),
        (("issuer", "key", "activate", "acme", "key-2"), _issuer_key()),
        (("issuer", "key", "activate", "acme", "key-1"), _issuer_key(state="announced")),
        (("issuer", "key", "retire", "acme", "key-1"), _issuer_key()),
        (("issuer", "key", "compromised", "acme", "key-1"), _issuer_key()),
        (("alarm", "acknowledge", "7"), {
            "alarm": 7, "kind": "k", "subject": "s", "reason": "", "since": AT, "lastSeen": AT, "runbook": "r",
        }),
    ],
)  # fmt: skip
def test_what_was_not_done_is_not_called_done(command: tuple[str, ...], given: object, ask: Ask) -> None:
    done = ask(*command, given=given)

    assert (done.exit_code, done.stdout) == (6, "")
    assert "That is not the operator API" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "pages"),
    [
        (("alarm", "list"), [{"alarms": [], "next": 7}, {"alarms": [], "next": 6}]),
        (("alarm", "list"), [{"alarms": [], "next": 7}, {"alarms": [], "next": 7}]),
        (("principal", "list"), [{"principals": [], "next": "b"}, {"principals": [], "next": "a"}]),
        (("issuer", "list"), [{"issuers": [], "next": "b"}, {"issuers": [], "next": "b"}]),
        (("audit", "export", "--after", "9"), [{"rows": [], "head": 10, "next": 9}]),
    ],
)
def test_pages_go_on(command: tuple[str, ...], pages: list[object], ask: Ask) -> None:
    done = ask(*command, given=pages)

    assert done.exit_code == 6
    assert "a page that does not go on" in done.stderr


def test_pages_end(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_PAGES", 3)
    asked = 0

    def page(connection: Any) -> None:
        nonlocal asked
        asked += 1
        _answer({"principals": [], "next": "a" * asked})(connection)

    done = ask("principal", "list", given=page)

    assert (done.exit_code, asked) == (6, 3)
    assert "over 3 pages" in done.stderr


def test_a_digest_that_is_no_base64_is_a_message(ask: Ask) -> None:
    row = {"position": 1, "digest": "a", "id": 1, "at": 1, "actor": "a", "action": "b", "subject": "c"}
    done = ask("audit", "verify", given={"rows": [row | {"detail": {}}], "head": 1})

    assert done.exit_code == 6
    assert "base64" in done.stderr


@pytest.mark.parametrize(
    "pem", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"]
)
def test_what_are_no_certificates_is_a_message(pem: str, ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    file.write_text("x")
    done = ask(
        *("issuer", "chain", "import", "acme", "key-1", str(file)), given=_issuer_key(certificates=pem)
    )

    assert done.exit_code == 6
    assert "certificates" in done.stderr


def test_a_server_without_the_route_is_of_another_release(operating: Operating, ask: Ask) -> None:
    absent = operating.run("principal", "show", "nobody")
    problem = b'{"title":"Not found","detail":"there is no such resource here; /openapi.json lists them all"}'
    older = ask("alarm", "list", given=answers("404 Not Found", "application/problem+json", problem))
    method = ask("alarm", "list", given=answers("405 Method Not Allowed", "application/problem+json", b"{}"))

    assert absent.exit_code == 3
    assert (older.exit_code, method.exit_code) == (6, 6)
    assert "a server of another release" in older.stderr
    assert "a server of another release" in method.stderr


def test_the_server_says_so_of_a_route_that_it_has_not(
    operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commands.remote.principals.PRINCIPALS", "/operator/of-another-release")
    done = operating.run("principal", "list")

    assert done.exit_code == 6
    assert "a server of another release" in done.stderr


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../alarms", "a\nb", os.fsdecode(b"\xff")])
@pytest.mark.parametrize("command", [("principal", "show"), ("key", "revoke"), ("issuer", "show")])
def test_a_name_that_nothing_can_have_is_not_asked_for(
    name: str, command: tuple[str, ...], key_file: Path
) -> None:
    with listening(_answer({})) as server:
        done = run_command(
            *(*command, name),
            TOUCHSTONE_OPERATOR_URL=server.url,
            TOUCHSTONE_OPERATOR_KEY_FILE=str(key_file),
        )

    assert done.exit_code == 3
    assert server.heard == []


def test_an_argument_that_is_not_utf_8_is_wrong_usage(ask: Ask) -> None:
    done = ask("principal", "add", "bob", "--name", os.fsdecode(b"\xff"), given={})

    assert (done.exit_code, done.stderr) == (2, "touchstone: expected arguments in UTF-8\n")


@pytest.mark.parametrize(
    "command",
    [("break-glass", "--reason", "x"), ("key", "create", "bob"), ("key", "rotate", "abcdefghijkl")],
)
def test_a_secret_goes_to_no_file_named_dash(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = ask(*command, "--file", "-", given={})

    assert done.exit_code == 2
    assert list(Path().iterdir()) == []
