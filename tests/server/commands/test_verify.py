"""`touchstone verify`, and the client that it asks with: each kind of answer has its exit code."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from server.commands.cli import main
from server.commands.terminal import EXIT_AWAY, EXIT_FAILED, EXIT_NO, EXIT_UNKNOWN, EXIT_USAGE
from server.commands.verify import MAX_FILE_BYTES
from tests.process import free_port
from tests.server.commands.operating import run_command
from tests.server.commands.test_api import answers, listening
from tests.server.running import Running, running_in
from verification.client import RequestRefused, VerificationClient, VerificationUnavailable, VerifyBatch

pytestmark = pytest.mark.anyio

LIST = "/status-lists/sample-revocation/credential"
ANYBODYS = ("--policy", "any-issuer")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_in(tmp_path_factory.mktemp("verify")) as opened:
        yield opened


@pytest.fixture
async def token(running: Running, tmp_path: Path) -> Path:
    return await fetched(running, "jwt", tmp_path)


async def fetched(running: Running, form: str, folder: Path) -> Path:
    """Return a file with a list of the server, which is a credential that it signed."""
    file = folder / f"credential.{form}"
    async with httpx.AsyncClient(base_url=running.url) as http:
        file.write_bytes((await http.get(f"{LIST}.{form}")).content)
    return file


async def verified(running: Running, *arguments: str, given: bytes | None = None) -> Result:
    environ = {"TOUCHSTONE_PUBLIC_URL": running.url}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(main, ("verify", *arguments), env=environ, input=given)
    )


def names_and_verdicts(result: Result) -> list[list[str]]:
    return [line.split("\t")[:3] for line in result.stdout.splitlines()]


@pytest.mark.parametrize("form", ["jwt", "json"])
async def test_a_credential_to_rely_on_is_exit_code_0(running: Running, tmp_path: Path, form: str) -> None:
    file = await fetched(running, form, tmp_path)
    result = await verified(running, *ANYBODYS, str(file))
    piped = await verified(running, *ANYBODYS, "-", given=b" " + file.read_bytes() + b"\n")

    assert (result.exit_code, piped.exit_code) == (0, 0), result.stderr
    assert names_and_verdicts(result) == [
        ["authentic", "yes", "signature_valid"],
        ["inTime", "yes", "in_time"],
        ["issuerTrusted", "unknown", "not_defined"],
        ["stillValid", "yes", "no_status_entry"],
    ]
    assert (piped.stdout, result.stderr) == (result.stdout, "")


async def test_no_and_unknown_have_codes_of_their_own(running: Running, token: Path) -> None:
    unknown = await verified(running, str(token))
    too_early = await verified(running, *ANYBODYS, "--at", "2020-01-01T00:00:00Z", str(token))
    changed = bytearray(token.read_bytes())
    changed[len(changed) // 2] ^= 1
    token.write_bytes(changed)
    forged = await verified(running, *ANYBODYS, str(token))

    assert [each.exit_code for each in (unknown, too_early, forged)] == [EXIT_UNKNOWN, EXIT_NO, EXIT_NO]
    assert ["inTime", "no", "not_yet_valid"] in names_and_verdicts(too_early)
    assert names_and_verdicts(forged)[0][:2] == ["authentic", "no"]


async def test_the_whole_answer_is_printed_as_json_and_the_steps_are_told(
    running: Running, token: Path
) -> None:
    told = await verified(running, *ANYBODYS, "--explain", str(token))
    whole = await verified(running, *ANYBODYS, "--explain", "--json", str(token))

    answer = json.loads(whole.stdout)
    assert (answer["rely"], answer["policy"], whole.stderr) == (True, "any-issuer", "")
    assert len(answer["steps"]) == len(told.stderr.splitlines()) == 6
    assert told.stderr.startswith("The credential was read as application/vc+jwt")


async def test_every_option_reaches_the_server(running: Running, token: Path) -> None:
    held = await verified(running, "--nonce", "n", "--audience", "a", str(token))
    alone = await verified(running, "--nonce", "n", str(token))
    stale = await verified(running, "--max-stale", "5", str(token))
    nobody = await verified(running, "--authority", "did:web:nobody.example", "--action", "sell", str(token))
    full = await verified(running, "--evidence", "full", "--policy", "lax", str(token))

    assert ["held", "unknown", "unsupported"] in names_and_verdicts(held)
    assert (alone.exit_code, stale.exit_code) == (EXIT_FAILED, EXIT_FAILED)
    assert "nonce, audience" in alone.stderr and "maxStale" in stale.stderr
    assert nobody.exit_code == EXIT_UNKNOWN
    assert full.exit_code == EXIT_USAGE


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b'{"proof": {}}, "policy": "any-issuer"'])
async def test_what_is_no_json_is_not_sent(running: Running, tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "credential.json"
    file.write_bytes(body)
    result = await verified(running, str(file))

    assert (result.exit_code, result.stdout) == (EXIT_FAILED, "")
    assert "not the JSON that is accepted" in result.stderr


async def test_bytes_are_sent_as_base64url_and_too_many_are_not_sent(
    running: Running, tmp_path: Path
) -> None:
    file = tmp_path / "credential.bin"
    file.write_bytes(b"\xff\x20" * 40)
    some = await verified(running, str(file))
    file.write_bytes(b"\xff" * (MAX_FILE_BYTES + 1))
    many = await verified(running, str(file))

    assert some.exit_code in (EXIT_NO, EXIT_UNKNOWN)
    assert (many.exit_code, many.stdout) == (EXIT_FAILED, "")


EVIL = "\x1b]0;owned\x07\u202e"
TOLD = {"rely": False, "policy": "new", "at": "x", "checkedAt": "x", "steps": [EVIL]}


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        ("200 OK", TOLD | {"verdicts": {"held": {"verdict": "no", "reason": EVIL, "detail": EVIL}}}, EXIT_NO),
        ("200 OK", TOLD | {"verdicts": {}}, EXIT_UNKNOWN),
        ("200 OK", {"rely": True}, EXIT_AWAY),
        ("200 OK", [], EXIT_AWAY),
        ("302 Found", {"rely": True}, EXIT_AWAY),
        ("404 Not Found", {"detail": EVIL}, EXIT_AWAY),
        ("400 Bad Request", {"detail": EVIL}, EXIT_FAILED),
        ("500 Internal Server Error", [], EXIT_AWAY),
    ],
)
def test_no_server_is_obeyed_by_the_terminal_or_taken_for_a_yes(
    tmp_path: Path, status: str, answer: object, code: int
) -> None:
    file = tmp_path / "credential.jwt"
    file.write_text("a.b.c")
    with listening(answers(status, "application/json", json.dumps(answer).encode())) as stranger:
        result = run_command("verify", str(file), TOUCHSTONE_PUBLIC_URL=stranger.url)

    assert result.exit_code == code
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout + result.stderr)


def test_a_server_that_is_away_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "credential.jwt"
    file.write_text("a.b.c")
    result = run_command("verify", str(file), TOUCHSTONE_PUBLIC_URL=f"http://localhost:{free_port()}")

    assert result.exit_code == EXIT_AWAY
    assert "TOUCHSTONE_PUBLIC_URL" in result.stderr


async def test_the_client_tells_of_each_credential_of_a_batch(running: Running, token: Path) -> None:
    batch = VerifyBatch(credentials=[token.read_text(), "no credential"], policy="any-issuer")
    async with VerificationClient(running.url) as client:
        told = await client.verify_all(batch)
        with pytest.raises(RequestRefused) as refused:
            await client.verify_all(VerifyBatch(credentials=[]))

    assert [each.rely for each in told] == [True, False]
    assert refused.value.status == 400


async def test_the_client_refuses_answers_to_another_number_of_questions(token: Path) -> None:
    with listening(answers("200 OK", "application/json", b'{"results": []}')) as stranger:
        async with VerificationClient(stranger.url) as client:
            with pytest.raises(VerificationUnavailable, match="another number"):
                await client.verify_all(VerifyBatch(credentials=[token.read_text()]))
