"""
What every command shares: talk on stderr, exit codes, the settings, and an event loop whose refusals are messages.
"""

import select
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from server.settings import Settings, SettingsError, load_settings
from wire import Refusal

STDOUT = 1  # the file descriptor
ACTOR = "touchstone-cli"
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_NOT_ALLOWED = 4
EXIT_CONFLICT = 5
EXIT_AWAY = 6
EXIT_NO = 7
EXIT_UNKNOWN = 8
EXIT_BY_STATUS = {
    401: EXIT_NOT_ALLOWED,
    403: EXIT_NOT_ALLOWED,
    404: EXIT_NOT_FOUND,
    409: EXIT_CONFLICT,
    502: EXIT_AWAY,
    503: EXIT_AWAY,
    504: EXIT_AWAY,
}


def say(message: str) -> None:
    """Tell the person at the terminal something, in lines; never data."""
    click.echo("\n".join(map(printable, message.split("\n"))), err=True)


def note(message: str) -> None:
    """Tell a person that there is nothing to print; a job that mails what it hears is told nothing."""
    if sys.stderr.isatty():
        say(message)


def row(*fields: str) -> None:
    """Print a line of data, its fields separated by tabs."""
    click.echo("\t".join(map(printable, fields)))


def printable(text: str) -> str:
    """Return a text of others without what a terminal would obey, and in one line."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def print_json(value: object) -> None:
    """Print data as JSON, for people to read."""
    import msgspec

    click.echo(escaped(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def escaped(text: str) -> str:
    """Return a JSON text that says the same, with all that a terminal might obey as `\\uXXXX`."""
    return "\n".join(line if line.isprintable() else "".join(map(_escape, line)) for line in text.split("\n"))


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def read_file(file: Path, max_bytes: int) -> bytes:
    """Return what a file has, - for standard input; end the command where that is too much."""
    with click.open_file(str(file), "rb") if str(file) != "-" else sys.stdin.buffer as opened:
        body = bytes(opened.read(max_bytes + 1))
    if len(body) > max_bytes:
        fail(f"{printable(str(file))} has over {max_bytes} bytes")
    return body


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

    with told():
        uvloop.run(work())


@contextmanager
def told() -> Iterator[None]:
    """Make a message and an exit code of what is refused inside."""
    from proofs.errors import KeyFileError, SignerAway
    from server.identity.own import IdentityChanged

    try:
        yield
    except Refusal as error:
        fail(str(error), EXIT_BY_STATUS.get(error.status, EXIT_FAILED))
    except (KeyFileError, IdentityChanged) as error:
        fail(str(error))
    except SignerAway as error:
        fail(str(error), EXIT_AWAY)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _is_unread(STDOUT):
            raise  # As behind `| head`: click ends quietly.
        fail(f"{error.filename or 'the system'}: {error.strerror or error}")


def _is_unread(descriptor: int) -> bool:
    """Tell whether what is written there is a pipe, or a socket, whose reader is gone."""
    poll = select.poll()
    poll.register(descriptor, 0)  # Of what is wrong poll tells always.
    return bool(poll.poll(0))
