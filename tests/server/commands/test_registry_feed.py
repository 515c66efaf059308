"""`touchstone registry changes` and `subscriber`: what changed, and who is told."""

import json
from pathlib import Path

import pytest

from tests.server.commands.operating import Operating, Serving

SAMPLE = Path(__file__).parents[3] / "data" / "registry.json"
URL = "https://wallets.example/events"


@pytest.fixture(autouse=True)
def sample(operating: Operating) -> None:
    """Let the registry be the sample."""
    operating.done("registry", "import", str(SAMPLE))


def test_changes_are_printed_one_a_line_with_who_made_them(operating: Operating) -> None:
    lines = operating.done("registry", "changes").stdout.splitlines()
    last = int(lines[-1].split("\t")[0])
    rest = operating.done("registry", "changes", "--since", str(last - 2)).stdout.splitlines()
    authorities = operating.done("registry", "changes", "--kind", "authority").stdout.splitlines()
    fields = lines[0].split("\t")

    assert [int(line.split("\t")[0]) for line in lines] == list(range(1, last + 1))
    assert rest == lines[-2:]
    assert 0 < len(authorities) < len(lines)
    assert len(fields) == 9
    assert (fields[2], fields[7], fields[8]) == ("add", "import", "bootstrap")


def test_changes_are_printed_with_their_facts_as_json(operating: Operating) -> None:
    printed = operating.done("registry", "changes", "--kind", "entity", "--json").stdout
    first, _ = json.JSONDecoder().raw_decode(printed)

    assert (first["kind"], first["fact"]["id"]) == ("entity", first["id"])


def test_more_changes_than_a_page_has_are_all_printed(
    operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = operating.done("registry", "changes").stdout
    monkeypatch.setattr("server.commands.remote.registry_feed.PAGE", 3)

    assert operating.done("registry", "changes").stdout == whole


def test_a_subscriber_is_added_listed_moved_and_removed(operating: Operating, serving: Serving) -> None:
    added = operating.done(
        *("registry", "subscriber", "add", "wallets", URL),
        *("--audience", "wallets", "--kind", "authority", "--since", "1", "--reason", "they asked"),
    )
    listed = operating.done("registry", "subscriber", "list").stdout.split("\t")
    moved = operating.done("registry", "subscriber", "replay", "wallets", "--from", "0")
    removed = operating.done("registry", "subscriber", "remove", "wallets")
    rows = serving.audited("wallets")

    assert added.stderr == f"wallets is told of changes after position 1, at {URL}\n"
    assert (listed[0], listed[1], listed[3], listed[5]) == ("wallets", "1", "0", URL)
    assert moved.stderr == "wallets is told all after position 0\n"
    assert removed.stderr.startswith("wallets is told nothing any more")
    assert operating.done("registry", "subscriber", "list").stdout == ""
    assert [row.action for row in rows] == ["subscriber.add", "subscriber.replay", "subscriber.remove"]
    assert "they asked" in rows[0].detail


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "wallets", "http://wallets.example/", "--audience", "a"), 1),
        (("add", "wallets", "https://127.0.0.1/", "--audience", "a"), 1),
        (("add", "wallets", URL, "--audience", "a", "--since", "999999"), 1),
        (("add", "wallets", URL), 2),
        (("remove", "nobody"), 3),
        (("remove", ".."), 3),
        (("replay", "nobody", "--from", "0"), 3),
        (("replay", "nobody", "--from", "-1"), 2),
    ],
)
def test_what_cannot_be_done_is_told(operating: Operating, arguments: tuple[str, ...], code: int) -> None:
    refused = operating.run("registry", "subscriber", *arguments)

    assert refused.exit_code == code
    assert refused.stderr != ""
    assert operating.done("registry", "subscriber", "list").stdout == ""
