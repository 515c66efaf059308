"""
A process that pushes to subscribers until it is killed: `python -m tests.registry.feed.child URL PORT CA KILL`.

It kills itself once KILL tokens were taken, before it can note the last of them; 0: never.
"""

import asyncio
import os
import signal
import socket
import sys
import time

from proofs import Algorithm
from registry.feed.deliveries import Deliveries
from registry.feed.store import Subscriber
from resolver.outbound.fetch import Guard
from resolver.outbound.transport import dial_tcp
from resolver.outbound.trust import trust_of
from server.receivers import Receivers
from storage import open_database
from tests.proofs.documents import SIGNERS


async def main(url: str, port: int, ca_file: str, kill_after: int) -> None:
    async def resolve_name(_: str, __: int) -> list[str]:
        return ["93.184.0.1"]

    async def dial(_: str, __: int) -> socket.socket:
        return await dial_tcp("127.0.0.1", port)

    receivers = Receivers(Guard(resolve_name=resolve_name, dial=dial, ssl_context=trust_of(ca_file)))
    taken = 0

    async def post(subscriber: Subscriber, token: bytes) -> None:
        nonlocal taken
        await receivers.post(subscriber, token)
        taken += 1
        if taken == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    deliveries = Deliveries(
        open_database(url),
        post=post,
        signer=lambda: SIGNERS[Algorithm.ED25519],
        clock=time.time,
        jitter=lambda: 0.0,
        on_state=lambda *_: None,
    )
    while True:
        await deliveries.step()
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
