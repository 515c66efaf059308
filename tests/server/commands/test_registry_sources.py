"""`touchstone registry source`: lists elsewhere are followed, shown, looked at and removed."""

import json
from pathlib import Path

import pytest

from tests.server.commands.operating import Operating, Serving
from tests.server.http_corpus.sources import ANCHORS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.json"
    file.write_text(json.dumps(ANCHORS))
    return file


def test_a_source_is_added_shown_looked_at_and_removed(
    operating: Operating, serving: Serving, source: Path
) -> None:
    added = operating.done("registry", "source", "add", str(source), "--reason", "agreed with the scheme")
    listed = operating.done("registry", "source", "list").stdout
    looked = operating.done("registry", "source", "refresh", "anchors")
    removed = operating.done("registry", "source", "remove", "anchors")

    assert added.stderr.startswith("added the source anchors; ")
    assert listed.splitlines()[0].split("\t")[:3] == ["anchors", "0", "-"]
    assert looked.stderr.startswith("the source anchors is looked at within seconds")
    assert removed.stderr.startswith("removed the source anchors; 0 grants of it ended")
    assert operating.done("registry", "source", "list").stdout == ""
    assert [row.action for row in serving.audited("anchors")] == [
        "registry.source.add",
        "registry.source.refresh",
        "registry.source.remove",
    ]


def test_a_source_that_is_wrong_is_refused_with_its_place(operating: Operating, source: Path) -> None:
    source.write_text(json.dumps(ANCHORS | {"url": "http://lists.example/"}))

    refused = operating.run("registry", "source", "add", str(source))

    assert refused.exit_code != 0
    assert "/url" in refused.stderr


def test_only_who_may_approve_lets_pass_what_is_held(operating: Operating) -> None:
    refused = operating.run("registry", "source", "pass", "anchors", "0" * 64)

    assert refused.exit_code == 4
    assert "approver" in refused.stderr
