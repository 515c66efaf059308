"""A node as issuers' keys see it: a database on either engine, a key directory, clocks that a test sets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from operators import Alarms, Issuer, IssuerKey, Role
from operators.approvals.approvals import Approvals
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.views import CreateIssuer
from server.database import MIGRATIONS
from server.identity.identities import Identities
from server.identity.surroundings import Surroundings
from server.identity.upkeep import KeyUpkeep
from server.settings import Settings
from server.vitals.clock import ClockWatch
from storage import Engine, migrate
from tests.actors import acting
from tests.clock import Clock
from tests.databases import Place
from tests.proofs.authorities import Authority

ADMIN = acting("root", Role.ADMINISTRATOR)
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class Node:
    """One of the machines over a database; the key directory is theirs together unless another is given."""

    def __init__(self, place: Place, key_dir: Path) -> None:
        self.settings = Settings(key_dir=str(key_dir), database_url=place.url)
        self.database: Engine = place.open()
        self.clock, self.timer = Clock(NOW), Clock(0.0)
        self.not_listed: str | None = None
        self.signed_anew: list[str] = []
        self.alarms = Alarms(self.database, clock=self.clock)
        self.issuers = Issuers(self.database, surroundings=Surroundings(self.settings), clock=self.clock)
        self.changes = KeyChanges(
            self.database,
            self.issuers,
            document_ttl_seconds=300,
            why_not_listed=self._why_not_listed,
            sign_anew=lambda _, issuer_id: self.signed_anew.append(issuer_id),
            approvals=Approvals(self.database, clock=self.clock),
            clock=self.clock,
        )
        watch = ClockWatch(clock=self.clock, timer=self.timer, on_state=self.alarms.state, node="node")
        self.upkeep = KeyUpkeep(
            self.database,
            self.issuers,
            self.changes,
            clock=self.clock,
            surely_past=watch.surely_past,
            timer=self.timer,
            on_state=self.alarms.state,
        )
        self.identities = Identities(
            self.settings, self.database, clock=self.clock, timer=self.timer, on_state=self.alarms.state
        )

    async def start(self) -> "Node":
        await migrate(self.database, MIGRATIONS)
        await self.alarms.step()
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass, by both clocks."""
        self.clock.now += seconds
        self.timer.now += seconds

    async def create(self, issuer_id: str, did: str | None = None) -> Issuer:
        await self.issuers.create(ADMIN, CreateIssuer(id=issuer_id, did=did))
        found = await self.issuers.find(issuer_id)
        assert found is not None
        return found

    async def keys_of(self, issuer_id: str) -> list[IssuerKey]:
        return await self.database.read(lambda tx: key_store.keys_of(tx, issuer_id))

    async def open_alarms(self) -> list[tuple[str, str, str]]:
        """Return kind, subject and reason of each, as whoever reads the rows sees them."""
        await self.alarms.step()
        return [(view.kind, view.subject, view.reason) for view in (await self.alarms.page(ADMIN)).alarms]

    async def _why_not_listed(self, _issuer: Issuer, _key: IssuerKey) -> str | None:
        return self.not_listed


def chained(ends: float) -> str:
    """Return a chain in PEM whose issuing authority ends at `ends` (seconds since 1970)."""
    end = datetime.fromtimestamp(ends, UTC)
    start = end - timedelta(days=400)
    root = Authority("root", not_before=start, not_after=end + timedelta(days=900))
    issuing = Authority("issuing", root, not_before=start, not_after=end)
    leaf = issuing.leaf(not_before=start, not_after=end + timedelta(days=90))
    return "".join(
        certificate.public_bytes(Encoding.PEM).decode() for certificate in (leaf, issuing.certificate)
    )
