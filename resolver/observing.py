"""
What we ourselves saw of documents that can change: our observation, never the method's word. Service.

did:web keeps no versions. A verifier of an old signature still asks which keys a DID had then; what an observer
kept answers, in `didResolutionMetadata.observation`, and says what it is.
"""

from resolver.did import Did
from resolver.errors import InvalidDidDocument, NotFound, ResolutionError
from resolver.options import version_time_of
from resolver.results import JsonObject, Resolved, Step
from resolver.sources.source import Finding, Nothing, Observed, Observer
from resolver.webvh.finding import LogFinding
from wire import format_utc, read_again


def observed_in(value: Finding | ResolutionError) -> bytes | Nothing | None:
    """Return what there is to take note of in what a source found; None: it says nothing of the DID's document."""
    if isinstance(value, NotFound):
        return Nothing.NOT_FOUND
    if isinstance(value, InvalidDidDocument):
        return Nothing.REFUSED
    if isinstance(value, ResolutionError):
        return None
    document = getattr(value, "document", None)
    if isinstance(document, bytes):
        return document
    is_refused = isinstance(value, LogFinding) and (value.refusal or value.history.problem) is not None
    return Nothing.REFUSED if is_refused else Nothing.DEACTIVATED


async def observed_resolution(
    observer: Observer, normal: str, did: Did, version_time: str, *, explain: bool = False
) -> Resolved:
    """
    Return the document that we saw at `version_time` of `did`, whose one spelling is `normal`.

    Raises:
        InvalidOptions: the time is none.
        NotFound: we had not seen the DID then, or cannot tell which of two documents it had.

    With `explain` the one step is in the result, or in that error.
    """
    at = version_time_of(version_time) / 1_000_000
    observed = await observer.observed(normal, at)
    document = None if observed is None else read_again(observed.document)
    if observed is None or document is None or document["id"] != did.text:
        missing = NotFound(
            "this server did not see the document of this DID at that time; did:web itself keeps no versions"
        )
        missing.steps = _steps(version_time, "nothing was kept for that time") if explain else ()
        raise missing
    return Resolved(
        did=did.text,
        document=document,
        resolution_metadata={"observation": _observation(observed)},
        made_at=observed.last_seen,
        fresh_until=observed.last_seen,
        steps=_steps(version_time, "a document was kept for that time") if explain else (),
    )


def _steps(version_time: str, found: str) -> tuple[Step, ...]:
    return (Step(step="observations", detail={"versionTime": version_time, "found": found}),)


def _observation(observed: Observed) -> JsonObject:
    return {
        "by": "this resolver; did:web keeps no versions, and its controller vouches for none of this",
        "digest": observed.digest,
        "firstSeen": format_utc(int(observed.first_seen * 1_000_000)),
        "lastSeen": format_utc(int(observed.last_seen * 1_000_000)),
    }
