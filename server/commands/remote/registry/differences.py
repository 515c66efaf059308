"""
What a change set would change, or a file: printed for people.

    + authorization university-of-rheintal-courses
        action: "issue"
    ~ entity university-of-rheintal (revision 3)
        names.en: "University of Rheintal" -> "Rheintal University"
    ! ...   as ~, and something else is said of the past
    - recognition ...   it ends
    ? did:web:rheintal.example issue UniversityDegreeCredential, says did:web:education.example: yes -> no
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from server.commands.terminal import printable, say

if TYPE_CHECKING:
    from registry.editing.shapes import ChangedAnswer, ChangedFact, Difference

_SIGNS = {"add": "+", "end": "-", "void": "-", "revoke": "-", "suspend": "-", "resume": "+"}
Leaves = dict[str, Any]


def print_difference(found: "Difference") -> None:
    """Print what changes, fact by fact, then the questions that are answered otherwise."""
    for fact in found.facts:
        for line in _fact_lines(fact):
            click.echo(printable(line))
    for answer in found.answers:
        click.echo(printable(_answer_line(answer)))
    if (more := found.fact_count - len(found.facts)) > 0:
        say(f"and {more} facts more")
    if found.answers and not found.is_complete:
        say("these are not all answers that become others")


def _fact_lines(fact: "ChangedFact") -> Iterator[str]:
    sign = "!" if fact.op == "correct" else _SIGNS.get(fact.op, "~")
    revision = "" if fact.revision is None else f" (revision {fact.revision})"
    late = ", late" if fact.is_late else ""
    yield f"{sign} {fact.kind} {fact.id}{revision}: {fact.op} from {fact.effective_at} on{late}"
    before, after = _leaves(fact.before), _leaves(fact.after)
    for name in dict.fromkeys((*before, *after)):
        if name != "id" and before.get(name) != after.get(name):
            yield f"    {name}: {_told(name, before, after)}"


def _told(name: str, before: Leaves, after: Leaves) -> str:
    old, new = (None if name not in side else _json(side[name]) for side in (before, after))
    if old is None:
        return str(new)
    return f"{old} -> {'nothing' if new is None else new}"


def _answer_line(answer: "ChangedAnswer") -> str:
    return (
        f"? {answer.entity} {answer.action} {answer.resource}, says {answer.authority},"
        f" on {answer.time}: {answer.before} -> {answer.after}"
    )


def _leaves(value: Any, name: str = "") -> Leaves:
    """Return the parts of a fact that have no parts, by their place."""
    if isinstance(value, dict):
        parts = {f"{name}.{key}" if name else key: each for key, each in value.items()}
    elif isinstance(value, list):
        parts = {f"{name}[{index}]": each for index, each in enumerate(value)}
    else:
        return {} if value is None else {name: value}
    return {place: leaf for key, each in parts.items() for place, leaf in _leaves(each, key).items()}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
