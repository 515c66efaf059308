"""
A rival: a Litestar application with one route, under uvicorn. `python -m benchmarks.bare_litestar PORT`.
"""

import sys

from litestar import Litestar, get

from benchmarks.bare_asgi import serve


@get("/", sync_to_thread=False)
def hello() -> bytes:
    """Answer with a few bytes."""
    return b"hello"


if __name__ == "__main__":
    serve(Litestar([hello], logging_config=None), int(sys.argv[1]))
