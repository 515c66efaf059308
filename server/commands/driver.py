"""
The command line of drivers: `touchstone driver`. Data goes to stdout, talk to stderr; exit codes as `cli.py`.
"""

import sys
from typing import TYPE_CHECKING

import click

from server.commands.terminal import fail, note, row, run, say, settings_or_exit

if TYPE_CHECKING:
    from resolver import Resolver
    from resolver.drivers.config import Driver

UPSTREAM_FAILED = 6


@click.group()
def driver() -> None:
    """Check the drivers, which resolve further DID methods."""


@driver.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def driver_check(names: tuple[str, ...]) -> None:
    """
    Resolve the test DIDs of all drivers, or of those named.

    Prints a line each: ok or failed, the driver, the DID, and why. A driver without test DIDs is not asked.
    Exit codes: 0 all resolved, 1 no such driver, 6 one did not.
    """
    from resolver.outbound.trust import trust_of
    from server.settings.drivers import DRIVERS, DRIVERS_FILE, drivers_of

    settings = settings_or_exit()
    drivers = drivers_of(settings)
    if unknown := set(names) - {found.name for found in drivers}:
        fail(f"no driver has the name {min(unknown)!r}")
    if not drivers:
        note(f"there are no drivers; {DRIVERS} and {DRIVERS_FILE} add some")
    chosen = [found for found in drivers if not names or found.name in names]
    ca_file = settings.dangerously_trusted_ca_file
    failed = 0

    async def work() -> None:
        nonlocal failed
        from resolver import Resolver

        trust = trust_of(ca_file) if ca_file else None
        async with Resolver(drivers=drivers, driver_trust=trust) as resolver:
            for found in chosen:
                failed += await _check(resolver, found)

    run(work)
    sys.exit(UPSTREAM_FAILED if failed else 0)


async def _check(resolver: "Resolver", found: "Driver") -> int:
    """Print how each test identifier of a driver fares; return how many failed."""
    from resolver import ResolutionError

    if not found.test_identifiers:
        say(f"{found.name} has no test identifiers")
    failed = 0
    for did in found.test_identifiers:
        try:
            resolved = await resolver.resolve(did)
        except ResolutionError as error:
            failed += 1
            cause = error.members.get("cause")
            row("failed", found.name, did, error.detail + (f" ({cause})" if cause else ""))
            continue
        # An earlier driver may take the DID, and answer in this one's place.
        asked = resolved.resolution_metadata.get("driver")
        failed += asked != found.name
        is_own = "ok" if asked == found.name else "failed"
        row(is_own, found.name, did, *(() if asked == found.name else (f"answered by {asked}",)))
    return failed
