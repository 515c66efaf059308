"""
A checker between our own wing and the fake web, with an issuer there; its clock can be turned.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from credentials.keys.issuer_metadata import IssuerMetadata
from resolver import GuardLimits, Resolver
from statuslist.checking.account import UNLIMITED, Account
from statuslist.checking.checker import Checker
from statuslist.checking.requests import EntryCheck, StatusCheck
from tests.credentials.rdf.credentials import in_process
from tests.databases import SqlitePlace
from tests.simulator import World
from tests.statuslist.application import application_of
from tests.statuslist.stranger import Stranger
from tests.statuslist.wing import BASE_URL, ISSUERS, Wing, did_document, signer_for
from wire import encode

QUICK = GuardLimits(host_rate_per_second=1_000.0, host_burst=1_000)


class House:
    """
    A checker between our own wing and the fake web.

    `anchors` are the certificates of the registry, in DER, by whoever registered them, whatever is asked about.
    """

    def __init__(self, wing: Wing, world: World) -> None:
        self.anchors: dict[str, list[bytes]] = {}
        self.wing = wing
        self.world = world
        self.now = int(wing.clock() * 1_000_000)
        self.issuer = Stranger(world, "issuer.example.com", self.now)
        self.checker: Checker

    async def anchors_of(self, party: str, _chain: Sequence[bytes], _at: int) -> Sequence[bytes]:
        return self.anchors.get(party, ())

    async def check(
        self,
        entry: Any,
        issuer: str | None = None,
        *list_issuers: str,
        account: Account = UNLIMITED,
        at: str | None = None,
    ) -> StatusCheck:
        request = EntryCheck(
            credential_status=entry, issuer=issuer or self.issuer.did, list_issuers=list_issuers, at=at
        )
        return await self.checker.check_entries(request, account)

    async def check_claim(
        self, status: Any, issuer: str | None = None, account: Account = UNLIMITED, **members: Any
    ) -> StatusCheck:
        """Check the claim `status` of a token."""
        request = EntryCheck(status=status, issuer=issuer or self.issuer.did, **members)
        return await self.checker.check_entries(request, account)

    async def post(self, body: bytes, content_type: str = "application/json") -> httpx.Response:
        """Ask `POST /status/check` over HTTP."""
        transport = httpx.ASGITransport(application_of(self.wing, self.checker))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            return await http.post("/status/check", content=body, headers={"content-type": content_type})

    async def post_json(self, body: dict[str, Any]) -> httpx.Response:
        return await self.post(encode(body))

    async def post_entries(self, *entries: Any) -> httpx.Response:
        return await self.post_json({"issuer": self.issuer.did, "credentialStatus": entries})

    def requests(self) -> list[str]:
        return [request.host + request.target for request in self.world.requests]


@asynccontextmanager
async def open_house(directory: Path) -> AsyncIterator[House]:
    """Yield a house whose database lies in `directory`."""
    documents = {did: did_document(signer_for(issuer_id)) for issuer_id, did in ISSUERS.items()}
    async with AsyncExitStack() as stack:
        wing = await stack.enter_async_context(Wing.open(SqlitePlace(directory / "touchstone.db")))
        world = await stack.enter_async_context(World())
        guard = await stack.enter_async_context(world.guard(QUICK))
        resolver = await stack.enter_async_context(
            Resolver(
                fetcher=guard.fetch_stranger,
                own_document=documents.get,
                clock=wing.clock,
                timer=wing.clock.timer,
            )
        )
        metadata = IssuerMetadata(fetcher=guard.fetch_stranger, clock=wing.clock, timer=wing.clock.timer)
        stack.push_async_callback(metadata.aclose)
        house = House(wing, world)
        house.checker = Checker(
            resolver=resolver,
            fetcher=guard.fetch_stranger,
            own_list=wing.own_list,
            metadata=metadata,
            anchors_of=house.anchors_of,
            canonicalize_rdf=in_process,
            clock=wing.clock,
            timer=wing.clock.timer,
        )
        stack.push_async_callback(house.checker.aclose)
        yield house
