"""
`touchstone status create`, `configure`, `list`, `publish`: sets, and waiting until readers see what they say.
"""

import time
from typing import Any
from urllib.parse import quote

import click

from server.commands.remote.api import REASON, OperatorApi, operator_api
from server.commands.terminal import EXIT_AWAY, fail, note, print_json, row, say

SETS = "/operator/status-lists"
POLL_SECONDS = 0.2
SAY_EVERY_SECONDS = 5.0


@click.command()
@click.argument("set_id", metavar="[SET]", required=False)
@click.option(
    "--purpose",
    "purposes",
    type=click.Choice(["revocation", "suspension"]),
    multiple=True,
    default=("revocation",),
    help="What an entry can say; may be repeated.",
)
@click.option("--issuer", "issuer_id", metavar="ISSUER", help="Whose set it is; default: your own issuer.")
@click.option("--length", type=int, default=131_072, show_default=True, help="Entries; fixed for good.")
@click.option("--profile", type=click.Choice(["default", "haip"]), default="default", show_default=True)
@click.option("--cadence", type=int, default=1, show_default=True, help="Seconds between two versions.")
@REASON
def create(set_id: str | None, issuer_id: str | None, length: int, cadence: int, **chosen: Any) -> None:
    """Create a set of status entries, SET, and print it. Without a name it gets one that nobody can guess."""
    from statuslist.entries.requests import CreateSet, SetView

    wanted = CreateSet(id=set_id, issuer_id=issuer_id, length=length, cadence_seconds=cadence, **chosen)
    with operator_api() as api:
        made = api.post(SETS, SetView, wanted)
        say(f"created the set {made.id}; its lists are published within a second")
        print_json(made)


@click.command()
@click.argument("set_id", metavar="SET")
@click.option("--profile", type=click.Choice(["default", "haip"]))
@click.option("--cadence", type=int, help="Seconds between two versions.")
@REASON
def configure(set_id: str, profile: Any, cadence: int | None) -> None:
    """
    Change the profile or the cadence of SET, and print it.

    Under another profile all its lists are signed anew at once.
    """
    from statuslist.entries.requests import ChangeSettings, SetView

    if profile is None and cadence is None:
        raise click.UsageError("expected --profile, --cadence, or both")
    wanted = ChangeSettings(profile=profile, cadence_seconds=cadence)
    with operator_api() as api:
        print_json(api.post(f"{SETS}/{quote(set_id, safe='')}/settings", SetView, wanted))


@click.command("list")
def list_sets() -> None:
    """
    Print every set that you may see.

    One a line, separated by tabs: set, issuer, purposes, entries handed out, entries, version, profile.
    """
    from statuslist.entries.requests import SetPage

    is_any = False
    with operator_api() as api:
        for page in api.pages(SETS, SetPage):
            for found in page.sets:
                is_any = True
                purposes = ",".join(each.status_purpose for each in found.lists)
                numbers = (found.allocated, found.length, found.version)
                row(found.id, found.issuer_id, purposes, *map(str, numbers), found.profile)
    if not is_any:
        note("there is no set that you may see")


@click.command()
@click.argument("set_id", metavar="SET")
@click.option(
    "--version", type=int, help="Wait for this version; default: for all that was changed until now."
)
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds.")
def publish(set_id: str, version: int | None, timeout: float) -> None:
    """
    Wait until the lists of SET that readers get say all that was changed, then print their version.

    Lists are published by themselves, within a second or in the cadence of the set. This only waits for it.
    """
    with operator_api() as api:
        wanted = _wanted(api, set_id) if version is None else version
        row(str(_wait(api, set_id, wanted, timeout)))


def _wanted(api: OperatorApi, set_id: str) -> int:
    return int(_set(api, set_id).wanted_version)


def _set(api: OperatorApi, set_id: str) -> Any:
    from statuslist.entries.requests import SetView

    return api.get(f"{SETS}/{quote(set_id, safe='')}", SetView)


def _wait(api: OperatorApi, set_id: str, wanted: int, timeout: float) -> int:
    began = told_at = time.monotonic()
    while (version := int(_set(api, set_id).version)) < wanted:
        now = time.monotonic()
        if now - began > timeout:
            fail(f"readers get version {version} of {set_id}, and not {wanted} yet", EXIT_AWAY)
        if now - told_at > SAY_EVERY_SECONDS:
            say(f"waiting for version {wanted} of {set_id}; readers get {version}")
            told_at = now
        time.sleep(POLL_SECONDS)
    return version
