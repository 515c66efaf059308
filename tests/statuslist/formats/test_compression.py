"""What both kinds of list do alike: how lists are compressed."""

import random
import zlib

import pytest

from statuslist.formats.compression import deflated

STRATEGIES = (zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY)


def deflate(data: bytes, strategy: int) -> bytes:
    deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS, 8, strategy)
    return deflater.compress(data) + deflater.flush()


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.015, 0.018, 0.02, 0.022, 0.05, 0.2, 0.5, 1])
@pytest.mark.parametrize("size", [0, 1, 16_384, 65_536])
def test_a_list_is_compressed_in_the_smaller_of_both_ways(size: int, share: float) -> None:
    data = bytearray(size)
    for index in random.Random(14).sample(range(size * 8), int(size * 8 * share)):
        data[index >> 3] |= 0x80 >> (index & 7)

    found = deflated(bytes(data))

    assert len(found) == min(len(deflate(bytes(data), strategy)) for strategy in STRATEGIES)
    assert zlib.decompress(found, -zlib.MAX_WBITS) == data
