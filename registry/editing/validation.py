"""
What an approver should know of the DIDs that a change set gives to entities. Service.

1. Each is resolved: are there keys that may sign for it, and are they good?
2. Did whoever applies show that it is theirs (`challenges.py`)?

Nothing here refuses: whoever approves decides. At most `MAX_DIDS` are resolved, and none for long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from registry.editing.cautions import NewDid
from registry.editing.challenge_store import Challenge
from registry.editing.shapes import Caution
from registry.identifiers import key_identifier
from resolver import Options, OutboundBudgetExceeded, ResolutionError, Resolved, public_key_of
from resolver.documents.members import RELATIONSHIPS, embedded_methods
from resolver.keys.jwk import jwk_of
from wire import format_utc

MAX_DIDS = 50  # DIDs of one change set that are resolved
MAX_KEYS = 8  # keys of one DID that are looked at
AT_ONCE = 8  # DIDs that are resolved at a time
DID_SECONDS = 10.0  # for one of them
WHOLE_IDS = Options(expand_relative_urls=True)

Resolve = Callable[[str, Options], Awaitable[Resolved]]
Met = Callable[[int], Awaitable[dict[str, Challenge]]]


class Checks:
    """
    Looks at change sets.

    Args:
        resolve: a DID, as `Resolver.resolve`.
        met: the challenges of a change set that were met, by the DID.
    """

    def __init__(self, resolve: Resolve, met: Met) -> None:
        self._resolve = resolve
        self._met = met

    async def __call__(self, change_set: int, dids: Sequence[NewDid]) -> tuple[Caution, ...]:
        """Return what an approver should know of the DIDs that are new in a change set."""
        met = await self._met(change_set)
        turns = asyncio.Semaphore(AT_ONCE)
        looked_at = await asyncio.gather(
            *(self._look(each, met.get(each.did), turns) for each in dids[:MAX_DIDS])
        )
        found = [caution for each in looked_at for caution in each]
        if len(dids) > MAX_DIDS:
            detail = f"{len(dids) - MAX_DIDS} more DIDs were not looked at; split the change set"
            found.append(Caution(dids[MAX_DIDS].pointer, "not_looked_at", detail))
        return tuple(found)

    async def _look(self, new: NewDid, met: Challenge | None, turns: asyncio.Semaphore) -> list[Caution]:
        try:
            async with turns, asyncio.timeout(DID_SECONDS):
                resolved = await self._resolve(new.did, WHOLE_IDS)
        except TimeoutError:
            return [_of(new, "does_not_resolve", f"no answer came within {DID_SECONDS:g} seconds")]
        except (ResolutionError, OutboundBudgetExceeded) as error:
            return [_of(new, "does_not_resolve", error.detail)]
        if resolved.document is None:
            return [_of(new, "does_not_resolve", "the DID is deactivated")]
        doubts = [
            _of(new, "doubtful_document", f"{each['code']}: {each['detail']}")
            for each in resolved.resolution_metadata.get("warnings", ())
        ]
        return [*doubts, *_keys(new, resolved.document), _control(new, met)]


def _keys(new: NewDid, document: dict[str, Any]) -> Iterator[Caution]:
    """Yield the thumbprints of the keys that may sign for a DID, and what is wrong with the others."""
    methods = list(_assertion_methods(document))
    if not methods:
        yield _of(new, "no_key", "no key is under `assertionMethod`: nothing can be issued in its name")
    for method in methods[:MAX_KEYS]:
        try:
            key = key_identifier(jwk_of(public_key_of(method)))
            yield _of(new, "signs_with", f"{method['id']} is {key}")
        except (ResolutionError, ValueError) as error:
            why = getattr(error, "detail", str(error))
            yield _of(new, "key_not_acceptable", f"{method['id']}: {why}")


def _assertion_methods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    listed = {each for each in document.get("assertionMethod", ()) if isinstance(each, str)}
    yield from embedded_methods(document, "assertionMethod")
    for name in ("verificationMethod", *RELATIONSHIPS):
        yield from (each for each in embedded_methods(document, name) if each["id"] in listed)


def _control(new: NewDid, met: Challenge | None) -> Caution:
    if met is None or met.met_at is None:
        return _of(new, "control_not_shown", "nobody signed a challenge with a key of this DID")
    return _of(new, "control_shown", f"{met.key} signed a challenge on {format_utc(met.met_at)}")


def _of(new: NewDid, reason: str, detail: str) -> Caution:
    return Caution(new.pointer, reason, detail)
