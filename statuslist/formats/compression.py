"""
What both kinds of list do alike: DEFLATE (RFC 1951), within caps. Pure.
"""

import struct
import zlib

from statuslist.errors import StatusListTooLarge

# Window bits that make zlib expect that container, its checksum and, of GZIP, its length.
GZIP, ZLIB = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS

# RFC 1952, section 2.3: deflate, no flags, no time, no extra flags, unknown system. Written by hand because
# zlib puts the system it was built for there, and the same data shall give the same bytes everywhere.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def deflated(data: bytes) -> bytes:
    """
    Return `data` as raw DEFLATE, the same bytes for the same data and zlib.

    The smaller of run-length and Huffman-only coding. Of 16 KiB in which 1 % of the bits are set, it makes 6 % more
    than level 9, and where 5 % are set 18 % less, in a hundredth of its time (0.1 ms against 8 to 12 ms).

    Where bits are set at random, codes alone win from 1.9 % on, at which runs take a bit and a half for each byte;
    below that nobody tries them.
    """
    runs = _deflate(data, zlib.Z_RLE)
    if len(runs) * 16 <= len(data) * 3:
        return runs
    return min(runs, _deflate(data, zlib.Z_HUFFMAN_ONLY), key=len)


def gzip_member(data: bytes, raw: bytes) -> bytes:
    """Return raw DEFLATE of `data` as one GZIP member (RFC 1952)."""
    return _GZIP_HEADER + raw + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def smaller_gzip(body: bytes) -> bytes | None:
    """
    Return the body of an answer as GZIP, for whoever accepts that; None where it is not smaller.

    Huffman's codes alone: of a list they find what there is to find, the bits that base64 wastes, in less than half
    of the time of level 1, which makes 5 % less of a credential and nothing less of a token.
    """
    member = gzip_member(body, _deflate(body, zlib.Z_HUFFMAN_ONLY))
    return member if len(member) < len(body) else None


def inflated(compressed: bytes, container: int, *, max_bytes: int) -> bytes:
    """
    Expand one stream in its container (`GZIP` or `ZLIB`), with nothing behind it.

    Raises:
        ValueError: it is damaged or incomplete, or something is behind it; the message goes on after "its".
        StatusListTooLarge: it expands to more than `max_bytes`; no more than that was ever expanded.
    """
    name = "GZIP" if container == GZIP else "ZLIB"
    inflater = zlib.decompressobj(container)
    try:
        data = inflater.decompress(compressed, max_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"its {name} data is damaged ({str(error)[:80]})") from None
    if len(data) > max_bytes:
        raise StatusListTooLarge(f"the list expands to more than {max_bytes} bytes")
    if not inflater.eof:
        raise ValueError(f"its {name} data is incomplete")
    if inflater.unused_data:
        raise ValueError(f"there is something behind its {name} data")
    return data


def _deflate(data: bytes, strategy: int) -> bytes:
    deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS, 8, strategy)
    return deflater.compress(data) + deflater.flush()
