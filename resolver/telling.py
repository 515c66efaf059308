"""
What a resolution tells of itself: how fresh it is, that it is stale, and, where asked, the steps taken. Pure.
"""

from copy import copy

import msgspec

from resolver.did import Did
from resolver.errors import ResolutionError
from resolver.results import JsonObject, Options, Resolved, Step
from resolver.sources.cache import Look, State
from resolver.sources.source import Finding
from wire import format_utc


def resolved_from(did: Did, options: Options, look: Look[Finding | ResolutionError]) -> Resolved:
    """
    Return the resolution that a kept entry stands for, with its freshness, and what is to be told of it.

    Raises:
        ResolutionError: that is what was kept, or the finding has no answer for this spelling or version.
    """
    found = look.entry.value
    try:
        if isinstance(found, ResolutionError):
            raise found
        resolved = found.resolved(did, options)
    except ResolutionError as error:
        raise own_copy(error, _steps(look), options) from None
    metadata = resolved.resolution_metadata
    if look.is_stale:
        metadata = metadata | _stale_metadata(resolved, look)
    return msgspec.structs.replace(
        resolved,
        made_at=None if resolved.made_at is None else resolved.made_at + look.clock_step,
        fresh_until=look.entry.fresh_until + look.clock_step,
        stale=look.is_stale,
        resolution_metadata=metadata,
        steps=_steps(look) if options.explain else (),
    )


def _stale_metadata(resolved: Resolved, look: Look[Finding | ResolutionError]) -> JsonObject:
    metadata: JsonObject = {"staleReason": look.state.value}
    if resolved.made_at is not None:
        metadata["retrieved"] = format_utc(int(resolved.made_at * 1_000_000))
    if isinstance(look.failure, ResolutionError) and "cause" in look.failure.members:
        metadata["cause"] = look.failure.members["cause"]
    return metadata


def _steps(look: Look[Finding | ResolutionError]) -> tuple[Step, ...]:
    cache: JsonObject = {"state": look.state.value}
    if look.state is not State.LOADED and isinstance(
        made_at := getattr(look.entry.value, "made_at", None), float
    ):
        cache["retrieved"] = format_utc(int(made_at * 1_000_000))
    cache["freshUntil"] = format_utc(int((look.entry.fresh_until + look.clock_step) * 1_000_000))
    return (Step(step="cache", detail=cache), *look.entry.steps)


def own_copy(error: ResolutionError, steps: tuple[Step, ...], options: Options) -> ResolutionError:
    """Return the caller's own error: a shared one would collect everybody's traceback."""
    own = copy(error)
    own.steps = steps if options.explain else ()
    return own


def explained(resolved: Resolved, options: Options) -> Resolved:
    """Return a computed resolution with its one step, where `explain` asks for it."""
    if not options.explain:
        return resolved
    return msgspec.structs.replace(resolved, steps=(Step(step="computed from the DID"),))
