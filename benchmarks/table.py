"""
The results as a table for a terminal. Pure.
"""

from collections.abc import Sequence

from benchmarks.result import Result

HEADINGS = ("name", "value", "unit", "ratio", "rounds", "target", "met", "rival")
_RIGHT = (1, 3, 4, 5)  # columns of numbers


def render(results: Sequence[Result], notes: Sequence[str] = ()) -> str:
    """Return the table, then `notes`, one a line."""
    rows = [HEADINGS, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *notes])


def _cells(result: Result) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[result.met]
    return (
        result.name,
        _number(result.value),
        result.unit,
        "" if result.ratio is None else f"{result.ratio:.2f}",
        "" if result.spread is None else "{:.2f}-{:.2f}".format(*result.spread),
        "" if result.target is None else f"{result.target:g}",
        met,
        result.rival or "",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in _RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
