"""
`touchstone init`: what must exist before `touchstone serve` starts, made once and never overwritten.

1. the directories, mode 0700;
2. the database with its schema;
3. the default issuer with its first key, and a spare one (0600 files);
4. the key under which references of status entries are kept (a 0600 file);
5. the bootstrap operator and its API key, written to a 0600 file and never printed;
6. with `--sample`: the sample ecosystem, and a status set with one allocated credential entry to play with.

A crash in between leaves what was made; the next `touchstone init` goes on from there.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from operators import EVERYTHING, Grant, Kind, Principal, Principals, Role
from operators.access.api_key_changes import MAX_DAYS, ApiKeys
from operators.access.principal_changes import PrincipalChanges
from operators.access.views import AskedGrant, CreateKey, CreatePrincipal
from operators.approvals.approvals import Approvals
from operators.issuers.issuers import Issuers
from operators.issuers.views import CreateIssuer
from registry.files import Files as RegistryFiles
from registry.registry import Registry
from server.commands.database.sample_credential import write_sample_credential
from server.database import open_of, prepare
from server.identity.own import DEFAULT_ISSUER, require_same_identity
from server.identity.surroundings import Surroundings
from server.settings import Settings
from server.settings.settings import OPERATOR_KEY_FILE
from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import provide_key
from statuslist.entries.requests import Allocate, AllocatedEntry, ChangeStatuses, CreateSet, StatusChange
from statuslist.entries.sets import StatusSets
from statuslist.errors import ListFull
from storage import Database
from wire import Conflict, ResourceNotFound, encode, format_utc

OPERATOR = "bootstrap"
SAMPLE_SET = "sample"
CHECK_FILE = "sample-check.json"
REVOKE_FILE = "sample-revoke.json"

ACTOR = "touchstone-init"
_OPERATOR = CreatePrincipal(
    id=OPERATOR,
    kind=Kind.SERVICE,
    name="Bootstrap operator",
    grants=(AskedGrant("everything", Role.ADMINISTRATOR), AskedGrant("everything", Role.AUDITOR)),
)
Say = Callable[[str], None]


async def initialise(settings: Settings, *, sample: bool, say: Say) -> None:
    """
    Make what is missing, telling each step through `say`.

    Raises:
        IdentityChanged: the database was made for another DID.
        RegistryFileError: the sample ecosystem is not valid.
        DatabaseUnavailable: the database cannot be made.
    """
    _make_directories(settings)
    database = open_of(settings, create=True)
    try:
        await prepare(database)
        await _make_issuer(settings, database, say)
        await _make_reference_key(settings, database, say)
        await _make_operator(settings, database, say)
        if sample:
            await _make_sample(settings, database, say)
    finally:
        database.close()


def sample_file(own_did: str) -> bytes:
    """
    Return the sample ecosystem: packaged in a wheel, `data/registry.json` in a checkout.

    The service in it is the one of the default settings; `own_did` takes its place.
    """
    packaged = files("server") / "sample" / "registry.json"
    source = packaged if packaged.is_file() else Path(__file__).parents[3] / "data" / "registry.json"
    return source.read_bytes().replace(Settings().did.encode(), own_did.encode())


def operator_key_path(settings: Settings) -> Path:
    """Return the file of the bootstrap operator's API key."""
    return Path(settings.key_dir) / OPERATOR_KEY_FILE


def _make_directories(settings: Settings) -> None:
    for directory in (Path(settings.key_dir), settings.state_dir):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _make_issuer(settings: Settings, database: Database, say: Say) -> None:
    issuers = Issuers(database, surroundings=Surroundings(settings), clock=time.time)
    existing = await issuers.find(DEFAULT_ISSUER)
    require_same_identity(settings, existing)
    if existing is not None:
        return
    made = await issuers.create(_initialiser(), CreateIssuer(id=DEFAULT_ISSUER))
    say(f"created the issuer {DEFAULT_ISSUER}: {settings.did}")
    say(
        f"its signing key and a spare one are in {settings.key_dir}: {', '.join(key.key for key in made.keys)}"
    )


def _initialiser() -> Principal:
    return Principal(id=ACTOR, grants=frozenset({Grant(EVERYTHING, Role.ADMINISTRATOR)}))


async def _make_reference_key(settings: Settings, database: Database, say: Say) -> None:
    path = settings.reference_key_path
    if await provide_key(database, ReferenceKey(path), anew=True):
        say(f"created the key under which references of status entries are kept: {path} (mode 0600)")


async def _make_operator(settings: Settings, database: Database, say: Say) -> None:
    path = operator_key_path(settings)
    if path.exists():
        return
    principals, approvals = Principals(database, clock=time.time), Approvals(database, clock=time.time)
    changes = PrincipalChanges(database, principals, approvals, clock=time.time)
    with contextlib.suppress(Conflict):  # A crash after this left the row, and no file.
        await changes.create(_initialiser(), _OPERATOR)
    ends = format_utc(int((time.time() + MAX_DAYS * 86_400) * 1_000_000))
    keys = ApiKeys(database, principals, approvals, clock=time.time)
    made = await keys.create(_initialiser(), OPERATOR, CreateKey(expires_at=ends))
    _write_secret(path, made.api_key + "\n")
    say(f"created the operator key, in {path} (mode 0600); it ends {made.key.expires_at}")


def _write_secret(path: Path, text: str) -> None:
    """Write a 0600 file that is either not there or complete."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


async def _make_sample(settings: Settings, database: Database, say: Say) -> None:
    await _import_sample(settings, database, say)
    await _make_sample_set(settings, database, say)


async def _import_sample(settings: Settings, database: Database, say: Say) -> None:
    registry = Registry(database, clock=time.time)
    await registry.load()
    if registry.version == 0:  # Never imported; what an operator emptied stays empty.
        report = await RegistryFiles(registry, database).import_file(
            _initialiser(), sample_file(settings.did)
        )
        say(f"imported the sample ecosystem: {report}")


async def _make_sample_set(settings: Settings, database: Database, say: Say) -> None:
    sets = StatusSets(
        database,
        clock=time.time,
        random_bytes=secrets.token_bytes,
        base_url=settings.public_url,
        on_changed=lambda: None,
    )
    operator = _initialiser()
    with contextlib.suppress(ResourceNotFound):
        await sets.get_set(operator, SAMPLE_SET)
        if (settings.state_dir / REVOKE_FILE).exists():
            return
    with contextlib.suppress(Conflict):  # It is there; its entry or the files below may not be.
        await sets.create_set(
            operator,
            CreateSet(id=SAMPLE_SET, issuer_id=DEFAULT_ISSUER, purposes=("revocation", "suspension")),
            idempotency_key="sample-set",
        )
    try:
        allocated = await sets.allocate(operator, SAMPLE_SET, Allocate(), idempotency_key="sample-entry")
    except ListFull:  # After a restore no set of the backup gives entries any more.
        say(f"the status set {SAMPLE_SET} is closed: there is no sample entry to play with")
        return
    await write_sample_credential(settings, database, allocated.entries[0])
    _write_sample_requests(settings, allocated.entries[0])
    say(f"created the status set {SAMPLE_SET} with one allocated entry")


def _write_sample_requests(settings: Settings, entry: AllocatedEntry) -> None:
    """Write the two request bodies of the quick start: check the sample credential, and revoke it."""
    revocation = entry.credential_status[0]
    change = StatusChange(
        status_list_index=revocation.status_list_index,
        status_purpose="revocation",
        status=1,
        reason="the quick start",
    )
    check = {"issuer": settings.did, "credentialStatus": entry.credential_status}
    directory = settings.state_dir
    (directory / CHECK_FILE).write_bytes(encode(check))
    (directory / REVOKE_FILE).write_bytes(encode(ChangeStatuses(changes=(change,))))
