"""The published list as its readers see it."""

from statuslist.formats.bitstring import expand_list
from tests.process import Server
from wire import read


def published(server: Server, list_id: str) -> bytes:
    document = read(server.get(f"/status-lists/{list_id}/credential.json"), max_bytes=1_000_000)
    return expand_list(document["credentialSubject"]["encodedList"], max_bytes=1_000_000)


def set_bits(bits: bytes) -> set[int]:
    return {
        8 * position + offset
        for position, byte in enumerate(bits)
        if byte
        for offset in range(8)
        if byte & (0x80 >> offset)
    }
