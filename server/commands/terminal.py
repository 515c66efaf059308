"""
What every command shares: talk on stderr, exit codes, the settings, and an event loop whose refusals are messages.
"""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from server.settings import Settings, SettingsError, load_settings
from wire import Refusal

ACTOR = "touchstone-cli"
EXIT_FAILED = 1
EXIT_BY_STATUS = {404: 3, 409: 5, 502: 6, 503: 6, 504: 6}


def say(message: str) -> None:
    """Tell the person at the terminal something; never data."""
    click.echo(message, err=True)


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Tell why, and exit."""
    say(f"touchstone: {message}")
    sys.exit(code)


def settings_or_exit() -> Settings:
    """Read the settings, or exit with every fault found."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error))


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work`; what it refuses becomes a message and an exit code."""
    import uvloop

    from proofs.errors import KeyFileError
    from server.identity import IdentityChanged

    try:
        uvloop.run(work())
    except Refusal as error:
        fail(str(error), EXIT_BY_STATUS.get(error.status, EXIT_FAILED))
    except (KeyFileError, IdentityChanged) as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # Nobody reads on, as behind `| head`: click ends quietly.
    except OSError as error:
        fail(f"{error.filename or 'the system'}: {error.strerror or error}")
