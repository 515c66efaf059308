"""
Commands in this process, beside a server of their own on another machine: they know its URL and have a key file.

    operating.run("alarm", "list").stdout
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from server.commands.cli import main
from tests.process import Server


class Operating:
    """Whoever types commands; nothing of the deployment is theirs but a copy of the key."""

    def __init__(self, server: Server, key_file: Path) -> None:
        self.server = server
        self.environment = {
            "TOUCHSTONE_OPERATOR_URL": server.operator_url,
            "TOUCHSTONE_OPERATOR_KEY_FILE": str(key_file),
            "TOUCHSTONE_DATABASE_URL": "sqlite:////nowhere/touchstone.db",
            "TOUCHSTONE_KEY_DIR": "/nowhere",
        }

    def run(self, *arguments: str, **environ: str) -> Result:
        """Run a command; `environ` is set beside what it needs."""
        return run_command(*arguments, **self.environment | environ)


def run_command(*arguments: str, **environ: str) -> Result:
    """Run a command in this process, with these variables."""
    return CliRunner().invoke(main, arguments, env=environ)


@contextmanager
def operating_in(directory: Path, *init: str, **settings: str) -> Iterator[Operating]:
    """Serve from `directory`, with these settings beside the usual, until the end."""
    deployment, elsewhere = directory / "deployment", directory / "elsewhere"
    deployment.mkdir()
    elsewhere.mkdir()
    server = Server(deployment, **settings)
    server.initialise(*init)
    key_file = elsewhere / "mine.key"
    key_file.touch(0o600)
    key_file.write_text(server.operator_key + "\n")
    try:
        server.start()
        yield Operating(server, key_file)
    finally:
        server.kill()
