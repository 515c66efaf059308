"""
`touchstone registry source`: lists elsewhere that the registry follows. Over the operator API.
"""

from pathlib import Path
from typing import Any

import click

from server.commands.remote.api import REASON, operator_api, segment
from server.commands.terminal import note, print_json, row, say

PATH = "/operator/registry/sources"
MAX_FILE_BYTES = 65_536  # 64 KiB, as the body of the request


@click.group("source")
def registry_source() -> None:
    """Follow lists of trusted entities that others publish."""


@registry_source.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@REASON
def source_add(file: Path) -> None:
    """Follow the source that FILE describes, as JSON; docs/registry.md has an example of each kind."""
    with operator_api() as api:
        from registry.sources.model import SourceView

        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)  # A longer one is refused without the rest of it.
        added = api.send("POST", PATH, SourceView, data)
        say(f"added the source {added.source.id}; `touchstone registry source list` shows what becomes of it")


@registry_source.command("list")
def source_list() -> None:
    """
    Print every source.

    One a line, separated by tabs: id, how many grants it has, until when what it says holds, what is wrong with
    it, and the digest to let pass what is held; `-` where there is none.
    """
    with operator_api() as api:
        from registry.sources.model import SourceList

        found = api.get(PATH, SourceList).sources
        for each in found:
            holds_until, problem = each.holds_until or "-", each.problem or "-"
            row(each.source.id, str(each.grants), holds_until, problem, each.held_sha256 or "-")
        if not found:
            note("the registry follows no source; `touchstone registry source add` adds one")


@registry_source.command("show")
@click.argument("source_id", metavar="SOURCE")
def source_show(source_id: str) -> None:
    """Print all about SOURCE, as JSON: what it says otherwise and is held, and what of it is passed over."""
    with operator_api() as api:
        print_json(api.get(f"{PATH}/{segment(source_id)}", dict[str, Any]))


@registry_source.command("refresh")
@click.argument("source_id", metavar="SOURCE")
@REASON
def source_refresh(source_id: str) -> None:
    """Have SOURCE looked at within seconds."""
    with operator_api() as api:
        from registry.sources.model import SourceView

        looked = api.post(f"{PATH}/{segment(source_id)}/refresh", SourceView)
        api.expect(looked.source.id == source_id, "another source")
        say(f"the source {source_id} is looked at within seconds")


@registry_source.command("pass")
@click.argument("source_id", metavar="SOURCE")
@click.argument("sha256", metavar="SHA256")
@REASON
def source_pass(source_id: str, sha256: str) -> None:
    """Let pass what SOURCE says and what is held; SHA256 is its digest, from `touchstone registry source list`."""
    with operator_api() as api:
        from registry.sources.model import LetPass, SourceView

        passed = api.post(f"{PATH}/{segment(source_id)}/pass", SourceView, LetPass(sha256))
        api.expect(passed.source.id == source_id, "another source")
        say(f"what the source {source_id} said is recorded within seconds, if it still says so")


@registry_source.command("remove")
@click.argument("source_id", metavar="SOURCE")
@REASON
def source_remove(source_id: str) -> None:
    """Follow SOURCE no more: what it grants ends now."""
    with operator_api() as api:
        from registry.sources.model import SourceView

        removed = api.send("DELETE", f"{PATH}/{segment(source_id)}", SourceView, b"")
        api.expect(removed.source.id == source_id, "another source")
        say(f"removed the source {source_id}; {removed.grants} grants of it ended")
