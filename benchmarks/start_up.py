"""
Start to first answer, and resident memory after it, of one worker; beside a Litestar application with one route.
"""

from pathlib import Path

from benchmarks.hot_answers import RESOLVE_PATH
from benchmarks.machine import resident_mib
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result, compared

ROUNDS = 5
RIVAL = "bare Litestar app on uvicorn"


def measure(folder: Path) -> list[Result]:
    """Start both in turns; time runs from the spawn to the first 200."""
    deployment = Deployment(folder)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with deployment.serving(RESOLVE_PATH) as server:
            ours.append(_seen(server))
        with rival("bare_litestar", folder) as server:
            theirs.append(_seen(server))
    names = (("start_to_first_answer", "s"), ("resident_memory", "MiB"))
    return [
        compared(name, [seen[n] for seen in ours], [seen[n] for seen in theirs], unit, RIVAL)
        for n, (name, unit) in enumerate(names)
    ]


def _seen(server: Running) -> tuple[float, float]:
    return server.started_in, resident_mib(server.pid)
