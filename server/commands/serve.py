"""
`touchstone serve`: the listeners, then what must be there, then the processes; and what is said once they answer.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import msgspec

from server.commands.terminal import fail, run, say, settings_or_exit
from server.settings import Settings

if TYPE_CHECKING:
    from server.node.process import Sockets

_STANDS_FOR = {
    ("localhost", "127.0.0.1"),
    ("localhost", "::1"),
}  # a name, and what a client may find under it


@click.command()
@click.option("--init-sample", is_flag=True, help="First do what `touchstone init --sample` does.")
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    default=None,
    help="Processes that answer requests; 0: one per core.",
)
def serve(init_sample: bool, workers: int | None) -> None:
    """Run the server, until SIGTERM. Run `touchstone init` first, which creates what it needs."""
    from server.node.node import serve_node
    from server.settings.outbound import warn_of_dangers
    from server.telemetry.counters import configure_logging

    settings = settings_or_exit()
    count = (settings.workers if workers is None else workers) or len(os.sched_getaffinity(0))
    with bound_or_exit(settings) as sockets:  # A port that is taken is told before anything is made.
        configure_logging(settings.log_level)
        warn_of_dangers(settings)
        if init_sample:
            _make_sample(settings)
        _refuse_open_key(settings)
        run(lambda: _look_at_own_key(settings))
        code = serve_node(settings, sockets, count, run, lambda: announce(settings, sockets, count))
    sys.exit(code)


@contextmanager
def bound_or_exit(settings: Settings) -> Iterator["Sockets"]:
    """Bind both listeners; where one cannot be bound, or cannot listen later, exit with the setting to change."""
    from server.node.process import BindError, bind_sockets

    try:
        with closing(bind_sockets(settings)) as sockets:
            yield sockets
    except BindError as error:
        fail(str(error))


def _make_sample(settings: Settings) -> None:
    from server.commands.database.bootstrap import initialise

    run(lambda: initialise(settings, sample=True, say=say))


def _refuse_open_key(settings: Settings) -> None:
    """Whoever reads the operator key may do everything; it may be gone, but not open to others."""
    from server.commands.database.bootstrap import operator_key_path

    path = operator_key_path(settings)
    if path.exists() and path.stat().st_mode & 0o077:
        fail(f"{path}: others may read this key; run: chmod 600 {path}")


async def _look_at_own_key(settings: Settings) -> None:
    """
    Say at the start, before there are processes, where our own signing key is unsafe or gone.

    We serve all the same: reads need no key, and an alarm is raised as for every other issuer.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    from operators.issuers.key_store import keys_of
    from operators.issuers.keys import active_key
    from operators.store import find_issuer
    from proofs import KeyFileError, SignerAway
    from server.commands.database.opened import open_database
    from server.identity.custody import Custody
    from server.identity.own import DEFAULT_ISSUER, require_same_identity

    async with open_database(settings) as database:
        own = await database.read(lambda tx: find_issuer(tx, DEFAULT_ISSUER))
        require_same_identity(settings, own)
        signing = active_key(await database.read(lambda tx: keys_of(tx, DEFAULT_ISSUER)))
        if own is None or signing is None:
            return
        try:
            Custody(settings).open(own, signing)
        except (KeyFileError, SignerAway, OSError) as error:
            say(f"warning: the lists of the issuer {own.id} cannot be signed: {error}")


def announce(settings: Settings, sockets: "Sockets", workers: int) -> None:
    """Say where the server answers, with commands to try where there is the sample."""
    from server.commands.database.bootstrap import CHECK_FILE, operator_key_path
    from server.node.process import url_of

    url = _own_url(settings, url_of(sockets.public))
    processes = "1 process answers" if workers == 1 else f"{workers} processes answer"
    say(f"Touchstone is ready: {url} ({processes} requests)")
    if url != settings.public_url:
        say(f"Others know it as {settings.public_url} (TOUCHSTONE_PUBLIC_URL), which must lead here")
    say(f"What you can ask: {url}/docs")
    say(f"For operators: {url_of(sockets.operator)}, with the API key in {operator_key_path(settings)}\n")
    if (check := settings.state_dir / CHECK_FILE).exists():
        _suggest(settings, url, check)


def _own_url(settings: Settings, bound_url: str) -> str:
    """Return the URL at which this very server answers; at the public one a proxy may, or another program."""
    public, bound = urlsplit(settings.public_url), urlsplit(bound_url)
    is_host = public.hostname == bound.hostname or (public.hostname, bound.hostname) in _STANDS_FOR
    is_direct = public.scheme == "http" and (public.port or 80) == bound.port and is_host
    return settings.public_url if is_direct else bound_url


def _suggest(settings: Settings, url: str, check: Path) -> None:
    """Print a command for each of the three questions, about the sample; `check` is the body of the third."""
    from server.commands.database.sample_credential import VERIFY_FILE

    is_json = "-H 'Content-Type: application/json'"
    question = msgspec.json.encode(sample_question(settings)).decode()
    say(f"Which keys does the sample's issuer have?\n  curl {url}/1.0/identifiers/{settings.did}\n")
    say(f"May it issue course certificates?\n  curl {url}/trqp/authorization {is_json} -d '{question}'\n")
    say(f"Is the sample's certificate still valid?\n  curl {url}/status/check {is_json} -d @{check}\n")
    if (verify := check.with_name(VERIFY_FILE)).exists():
        say(f"All at once: may I rely on it?\n  curl {url}/verify {is_json} -d @{verify}\n")


def sample_question(settings: Settings) -> dict[str, str]:
    """Return a TRQP question that the sample ecosystem answers with yes."""
    return {
        "entity_id": settings.did,
        "authority_id": "did:web:education.example",
        "action": "issue",
        "resource": "CourseCompletionCredential",
    }
