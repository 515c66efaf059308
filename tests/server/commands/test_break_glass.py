"""`touchstone break-glass`: a way in when there is no other, which everybody hears of."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result

from operators import Kind
from operators.actors.actor_store import Actor, insert_actor, set_active
from server.settings import Settings
from tests.databases import Place
from tests.server.commands.operating import Operating, Serving, operating_in, run_command
from tests.server.running import settings_in


def _opened(settings: Settings, *options: str) -> Result:
    """Run the command on the server's machine."""
    return run_command("break-glass", *options, **_beside(settings))


def _beside(settings: Settings) -> dict[str, str]:
    return {
        "TOUCHSTONE_DATABASE_URL": settings.database_url,
        "TOUCHSTONE_KEY_DIR": settings.key_dir,
        "TOUCHSTONE_PUBLIC_URL": settings.public_url,
        "TOUCHSTONE_BIND": settings.bind,
    }


def test_a_key_of_an_hour_lets_in_where_every_other_is_gone(operating: Operating, serving: Serving) -> None:
    file = operating.key_dir / "way-in.key"
    lost = operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE="/nowhere/my.key")
    opened = _opened(operating.settings, "--reason", "nobody is left", "--file", str(file))
    added = operating.run("issuer", "add", "rescued", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    keys = operating.done("key", "list", "break-glass").stdout.splitlines()

    assert (lost.exit_code, opened.exit_code, opened.stdout, added.exit_code) == (1, 0, "", 0), opened.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in opened.stderr
    public_id = file.read_text().split("_")[1]
    assert [line.split("\t")[0] for line in keys] == [public_id]
    assert f"touchstone key revoke {public_id}" in opened.stderr
    assert serving.audited("rescued")[0].actor == "break-glass"


def test_it_is_audited_with_its_reason_and_raises_an_alarm(operating: Operating, serving: Serving) -> None:
    file = operating.key_dir / "told.key"
    _opened(operating.settings, "--reason", "the key is lost, ticket 7", "--file", str(file))
    public_id = file.read_text().split("_")[1]
    row = serving.audited("break-glass")[-1]
    alarms = operating.done("alarm", "list").stdout

    assert (row.action, row.actor) == ("break-glass.open", "touchstone-cli")
    assert json.loads(row.detail)["why"] == "the key is lost, ticket 7"
    assert json.loads(row.detail)["key"] == public_id
    assert f"break-glass\tthe key {public_id} of break-glass\t" in alarms
    assert "administers everything for an hour: the key is lost, ticket 7\n" in alarms


def test_the_key_and_its_grant_end_after_an_hour(operating: Operating, serving: Serving) -> None:
    file = operating.key_dir / "hour.key"
    _opened(operating.settings, "--reason", "x", "--file", str(file))
    serving.later(3_599)
    in_time = operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    serving.later(3_601)
    late = operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    shown = json.loads(operating.done("principal", "show", "break-glass").stdout)
    serving.later(0)

    assert (in_time.exit_code, late.exit_code) == (0, 4)
    assert shown["grants"] == []


def test_it_can_be_narrowed_to_issuers_that_exist(operating: Operating) -> None:
    operating.done("issuer", "add", "tenant")
    file = operating.key_dir / "narrow.key"
    nobody = _opened(operating.settings, "--reason", "x", "--file", str(file), "--issuer", "nobody")
    is_left = file.exists()
    opened = _opened(operating.settings, "--reason", "x", "--file", str(file), "--issuer", "tenant")
    own = operating.run("issuer", "show", "tenant", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    foreign = operating.run("issuer", "show", "default", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))

    assert (nobody.exit_code, is_left) == (3, False)
    assert (opened.exit_code, own.exit_code, foreign.exit_code) == (0, 0, 3)


def test_who_had_deactivated_the_principal_is_overruled(operating: Operating, serving: Serving) -> None:
    file = operating.key_dir / "again.key"
    _opened(operating.settings, "--reason", "x")
    serving.call(
        serving.services.database.write(lambda tx: set_active(tx, "break-glass", False, by="x", at=1))
    )
    opened = _opened(operating.settings, "--reason", "x", "--file", str(file))
    listed = operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))

    assert (opened.exit_code, listed.exit_code) == (0, 0)


def test_a_reason_is_asked_for_and_no_file_is_overwritten(operating: Operating, tmp_path: Path) -> None:
    file = tmp_path / "there.key"
    file.write_text("mine")
    before = operating.done("key", "list", "break-glass").stdout
    unsaid = _opened(operating.settings)
    torn = [_opened(operating.settings, "--reason", text) for text in ("a\nb", "\x1b[2J", "x" * 501)]
    refused = _opened(operating.settings, "--reason", "x", "--file", str(file))

    assert (unsaid.exit_code, refused.exit_code) == (2, 5)
    assert [one.exit_code for one in torn] == [2, 2, 2]
    assert file.read_text() == "mine"
    assert operating.done("key", "list", "break-glass").stdout == before


@pytest.mark.parametrize(
    ("kind", "made_by", "why"),
    [
        (Kind.PERSON, "touchstone-cli", "a person"),
        (Kind.SERVICE, "acme-admin", "acme-admin made the principal"),
    ],
)
def test_a_principal_of_that_name_that_is_not_its_own_gets_no_key(
    tmp_path: Path, kind: Kind, made_by: str, why: str
) -> None:
    """Whoever made one, when the name was free, may have kept a key that wakes up."""
    actor = Actor(id="break-glass", kind=kind, name="Glass", made_by=made_by, made_at=1)
    with operating_in(tmp_path) as (operating, serving):
        serving.call(serving.services.database.write(lambda tx: insert_actor(tx, actor)))
        refused = _opened(operating.settings, "--reason", "x")

    assert refused.exit_code == 5
    assert why in refused.stderr
    assert list(operating.key_dir.glob("break-glass*")) == []


def test_who_has_an_earlier_key_of_it_gets_nothing_by_a_new_one(
    operating: Operating, serving: Serving
) -> None:
    """Neither by the key of before, nor by one that it made, which ends when it does."""
    first, second = (operating.key_dir / f"{name}-opened.key" for name in ("first", "second"))
    made, longer = (operating.key_dir / f"{name}-made.key" for name in ("kept", "longer"))
    _opened(operating.settings, "--reason", "x", "--file", str(first))
    by_first = {"TOUCHSTONE_OPERATOR_KEY_FILE": str(first)}
    kept = operating.run("key", "create", "break-glass", "--file", str(made), **by_first)
    refused = operating.run(
        *("key", "create", "break-glass", "--file", str(longer), "--expires", "2027-06-01T00:00:00Z"),
        **by_first,
    )
    before, after = (
        operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(made)),
        _opened(operating.settings, "--reason", "y", "--file", str(second)),
    )
    serving.later(1)
    late = [
        operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
        for file in (first, made, second)
    ]
    serving.later(0)

    assert (kept.exit_code, refused.exit_code) == (0, 4), refused.stderr
    assert (before.exit_code, after.exit_code) == (0, 0)
    assert [one.exit_code for one in late] == [4, 4, 0]


def test_it_works_on_either_engine(place: Place, tmp_path: Path) -> None:
    environment = _beside(settings_in(tmp_path)) | {"TOUCHSTONE_DATABASE_URL": place.url}
    made = run_command("init", **environment)
    opened = [run_command("break-glass", "--reason", "x", **environment) for _ in range(2)]
    grants = place.query("SELECT ended_at IS NULL FROM grants WHERE principal_id = 'break-glass' ORDER BY id")
    alarms = place.query("SELECT kind FROM alarms")

    assert made.exit_code == 0, made.stderr
    assert [done.exit_code for done in opened] == [0, 0]
    assert [bool(row[0]) for row in grants] == [False, False, True, True]
    assert [row[0] for row in alarms] == ["break-glass"] * 2


def test_it_works_while_no_server_runs_and_the_next_one_knows(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    too_early = _opened(settings, "--reason", "x")
    run_command("init", **_beside(settings))
    opened = _opened(settings, "--reason", "x")
    (file,) = Path(settings.key_dir).glob("break-glass-*.key")
    with operating_in(tmp_path, public_url=settings.public_url, bind=settings.bind) as (operating, _):
        listed = operating.run("alarm", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))

    assert (too_early.exit_code, opened.exit_code) == (6, 0)
    assert "touchstone init" in too_early.stderr
    assert "break-glass" in listed.stdout
