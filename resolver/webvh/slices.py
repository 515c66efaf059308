"""
Work that stops between its parts, so that others have their turn on the event loop. Pure, but for `in_slices`.
"""

import asyncio
import time
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Slices = Generator[None, None, T]  # stops wherever something else may run; returns a T

SLICE_SECONDS = 0.002  # then others have their turn; the least slice is a part of one entry, 4 ms at worst


async def in_slices(slices: Slices[T], seconds: float = SLICE_SECONDS) -> T:
    """Run to the end, and let others run whenever `seconds` have passed, and once more at the end."""
    began = time.perf_counter()
    while True:
        try:
            next(slices)
        except StopIteration as done:
            result: T = done.value
            await asyncio.sleep(0)
            return result
        if time.perf_counter() - began > seconds:
            await asyncio.sleep(0)
            began = time.perf_counter()
