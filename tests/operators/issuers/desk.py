"""Issuers and the changes of their keys over a database, with real keys in files, and who may ask for what."""

from pathlib import Path

from operators import Issuer, IssuerKey, Role
from operators.approvals.approvals import Approvals
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.views import AddKey, CreateIssuer, IssuerView
from server.identity.surroundings import Surroundings
from server.settings import Settings
from storage import Engine, Transaction, read_audit
from storage.audit import AuditRow
from tests.actors import acting
from tests.clock import Clock

TTL_SECONDS = 300
OVERLAP_SECONDS = 2 * TTL_SECONDS
HOST = "did:web:localhost%3A8000"  # of the default settings
BANK = "did:web:bank.example"


ADMIN = acting("boss", Role.ADMINISTRATOR)
OTHERS = (
    acting("reader", Role.VIEWER),
    acting("of-all", Role.EDITOR),
    acting("acme-issuer", Role.EDITOR, issuer_id="acme"),
)


class Desk:
    """
    Attributes:
        listed: ids of the keys that the documents of foreign issuers list.
        looked: at each look at the document of bank, the states of its keys then.
        signed_anew: ids of the issuers whose lists were to be signed anew, in the order of the calls.
    """

    def __init__(
        self, database: Engine, clock: Clock, key_dir: Path, approvals: Approvals | None = None
    ) -> None:
        self.database, self.clock, self.key_dir = database, clock, key_dir
        self.listed: set[str] = set()
        self.signed_anew: list[str] = []
        self.looked: list[dict[str, str]] = []
        self.issuers = Issuers(
            database, surroundings=Surroundings(Settings(key_dir=str(key_dir))), clock=clock
        )
        self.approvals = approvals or Approvals(database, clock=clock)
        self.changes = KeyChanges(
            database,
            self.issuers,
            document_ttl_seconds=TTL_SECONDS,
            why_not_listed=self._why_not_listed,
            sign_anew=self._sign_anew,
            approvals=self.approvals,
            clock=clock,
        )
        self.approvals.doers |= self.changes.doers()

    async def hosted(self) -> tuple[str, str]:
        """Add the issuer acme; return the ids of its keys: the one that signs, and the spare one."""
        made = await self.issuers.create(ADMIN, CreateIssuer(id="acme", owner="ACME"))
        first, spare = sorted(made.keys, key=lambda key: key.state)
        return first.key, spare.key

    async def foreign(self, *, keys: int = 1) -> list[str]:
        """Add the issuer bank with a DID of its own; return the ids of its keys, in the order of their making."""
        await self.issuers.create(ADMIN, CreateIssuer(id="bank", did=BANK))
        return [await self.add("bank") for _ in range(keys)]

    async def add(self, issuer_id: str = "acme", wanted: AddKey = AddKey()) -> str:  # noqa: B008 (frozen)
        """Add a key, a second after what was before; return its id."""
        self.clock.now += 1
        return (await self.changes.add(ADMIN, issuer_id, wanted)).key

    async def activate_due(self) -> int:
        return await self.changes.succession.activate_due(actor=acting("upkeep"), past=self.clock())

    async def states(self, issuer_id: str = "acme") -> dict[str, str]:
        """Return the state of each key."""
        return {key.key: key.state.value for key in (await self.show(issuer_id)).keys}

    async def show(self, issuer_id: str = "acme") -> IssuerView:
        return await self.issuers.show(ADMIN, issuer_id)

    async def row(self, key_id: str, issuer_id: str = "acme") -> IssuerKey:
        found = await self.database.read(lambda tx: key_store.find_key(tx, issuer_id, key_id))
        assert found is not None
        return found

    async def audited(self) -> list[AuditRow]:
        return await self.database.read(read_audit)

    def files(self) -> set[str]:
        return {path.stem for path in self.key_dir.iterdir()}

    async def _why_not_listed(self, issuer: Issuer, key: IssuerKey) -> str | None:
        self.looked.append(await self.states(issuer.id))
        return None if key.key_id in self.listed else f"{issuer.did} does not list it"

    def _sign_anew(self, tx: Transaction, issuer_id: str) -> None:
        self.signed_anew.append(issuer_id)
