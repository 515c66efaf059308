"""
A network with nothing but canaries, a DNS server that lies, and one honest origin; run by test_canaries.py.

    unshare -rnm python -m tests.slow.canary_network guarded|named|unguarded|checked-then-dialled

Every address is one of loopback's, in a network namespace of its own; `resolv.conf` leads to our DNS server. A
canary listens on every address that a stranger must not make us reach. Prints what was reached, as JSON.
"""

import asyncio
import json
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import trustme

import resolver.outbound.fetch
from resolver import Resolver
from resolver.errors import InternalError
from resolver.outbound.fetch import Guard, GuardLimits
from resolver.outbound.transport import LIFETIME_SECONDS

ORIGINS = ["93.184.216.34", "2606:2800:220:1::1"]
CANARIES = [
    "10.0.0.5", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "168.63.129.16", "169.254.169.254",
    "172.16.0.1", "172.31.255.254", "192.0.0.192", "192.168.1.1", "198.18.0.1", "203.0.113.7", "::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "2001:db8::1", "2002:a00:5::1", "64:ff9b::a00:5",
    "64:ff9b:1::a00:5", "3fff::1", "5f00::1", "2001:0:a00:5::1",
]  # fmt: skip
ODD = ["0.0.0.0", "::", "::ffff:10.0.0.5", "::10.0.0.5", "224.0.0.1", "255.255.255.255"]  # What nobody binds.
LIMITS = GuardLimits(
    host_burst=10_000,
    site_burst=10_000,
    burst=10_000,
    total_seconds=3.0,
    name_seconds=2.0,
    connect_seconds=0.5,
)


def zone() -> dict[str, list[list[str]]]:
    """Return each name with its answers, in turn; the last one stays. A name among them is a CNAME."""
    public = ORIGINS[0]
    names = {f"a{number}.canary.example": [[address]] for number, address in enumerate(CANARIES + ODD)}
    mixed = {f"m{number}.canary.example": [[public, address]] for number, address in enumerate(CANARIES)}
    first = {f"f{number}.canary.example": [[address, public]] for number, address in enumerate(CANARIES)}
    return {
        **names,
        **mixed,
        **first,
        "rebinding.canary.example": [[public], ["10.0.0.5"]],
        "metadata.canary.example": [[public], ["169.254.169.254"]],
        "rebinding6.canary.example": [[ORIGINS[1]], ["fd00:ec2::254"]],
        "alias.canary.example": [["inside.canary.example", "10.0.0.5"]],
        "good.canary.example": [ORIGINS],
    }


class NameServer(asyncio.DatagramProtocol):
    """Answers A and AAAA with a TTL of 0 (RFC 1035, RFC 3596); each kind of question takes its own turns."""

    def __init__(self) -> None:
        self._answers = {(name, kind): list(turns) for name, turns in zone().items() for kind in (1, 28)}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        end = data.index(0, 12)
        question = data[12 : end + 5]
        name, kind = _name(data[12:end]), struct.unpack("!H", data[end + 1 : end + 3])[0]
        turns = self._answers.get((name, kind), [[]])
        answers = turns.pop(0) if len(turns) > 1 else turns[0]
        records = list(_records(name, kind, answers))
        head = data[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0)
        self._transport.sendto(head + question + b"".join(records), address)  # type: ignore[attr-defined]


def _name(labels: bytes) -> str:
    found = []
    while labels:
        found.append(labels[1 : labels[0] + 1].decode().lower())
        labels = labels[labels[0] + 1 :]
    return ".".join(found)


def _wire(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _records(name: str, kind: int, answers: list[str]) -> "list[bytes]":
    """Return the records of `answers` that fit the question; a name among them redirects those after it."""
    records, owner = [], name
    for answer in answers:
        if answer.endswith(".example"):
            target = _wire(answer)
            records.append(_wire(owner) + struct.pack("!HHIH", 5, 1, 0, len(target)) + target)
            owner = answer
            continue
        family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        if (family == socket.AF_INET6) == (kind == 28):
            packed = socket.inet_pton(family, answer)
            records.append(_wire(owner) + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed)
    return records


class Network:
    """The canaries and the origin; `reached` counts connections by the address that was dialled."""

    def __init__(self) -> None:
        self.reached: Counter[str] = Counter()
        authority = trustme.CA()
        self.client_context = ssl.create_default_context()
        authority.configure_trust(self.client_context)
        self._origin_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("*.canary.example").configure_cert(self._origin_context)
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 53))
        for address in CANARIES:
            host = f"{address}%lo" if address.startswith("fe80") else address
            self._servers.append(await asyncio.start_server(self._sing, host, 443))
        for address in ORIGINS:
            server = await asyncio.start_server(self._serve, address, 443, ssl=self._origin_context)
            self._servers.append(server)

    async def _sing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached[writer.get_extra_info("sockname")[0].partition("%")[0]] += 1
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached["origin"] += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                host = head.partition(b"Host: ")[2].partition(b"\r\n")[0].decode()
                body = json.dumps({"id": f"did:web:{host}"}).encode()
                kind = b"content-type: application/json\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n" % (kind, len(body)) + body)


async def resolve_all(network: Network, private_hosts: frozenset[str] = frozenset()) -> dict[str, str]:
    """Resolve every name three times, long after one another; return what came of the last one."""
    now = [0.0]
    outcomes = {}
    guard = Guard(
        limits=LIMITS,
        ssl_context=network.client_context,
        clock=lambda: now[0],
        dangerous_private_hosts=private_hosts,
    )
    async with Resolver(
        fetcher=guard.fetch_stranger, clock=lambda: now[0], timer=lambda: now[0]
    ) as resolving:
        for name in zone():
            for _ in range(3):
                now[0] += 100 * LIFETIME_SECONDS
                try:
                    await resolving.resolve(f"did:web:{name}")
                    outcomes[name] = "resolved"
                except InternalError as error:
                    outcomes[name] = str(error.members.get("cause"))
    await guard.aclose()
    return outcomes


async def check_then_dial(network: Network) -> dict[str, str]:
    """Do what a client without a guard in its dial does: look the name up, check it, and connect by its name."""
    from resolver.outbound.addresses import refuse_address

    outcomes = {}
    for name in zone():
        for _ in range(2):
            found = await asyncio.get_running_loop().getaddrinfo(name, 443, type=socket.SOCK_STREAM)
            outcomes[name] = "refused"
            if found and not any(refuse_address(str(address[0])) for *_, address in found):
                outcomes[name] = "dialled"
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(name, 443)
                    writer.close()
    return outcomes


def prepare() -> None:
    """Give loopback every address, and the resolver of this namespace our name server."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in [*CANARIES, *ORIGINS]:
        if address not in ("127.0.0.1", "::1"):
            prefix = "128" if ":" in address else "32"
            command = ["ip", "address", "add", f"{address}/{prefix}", "dev", "lo"]
            subprocess.run(command + (["nodad"] if ":" in address else []), check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    Path(file.name).chmod(0o644)
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    Path(file.name).unlink()


async def main(mode: str) -> None:
    network = Network()
    await network.open()
    if mode == "unguarded":
        resolver.outbound.fetch.refuse_address = lambda _: None  # type: ignore[assignment]  # The control.
    if mode == "checked-then-dialled":
        outcomes = await check_then_dial(network)
    else:
        outcomes = await resolve_all(network, frozenset(zone() if mode == "named" else ()))
    await asyncio.sleep(0.2)  # What was dialled last is accepted by then.
    print(json.dumps({"outcomes": outcomes, "reached": network.reached}))


if __name__ == "__main__":
    prepare()
    asyncio.run(main(sys.argv[1]))
