"""
What a verified log tells of a DID: which version was asked for, its document, the metadata. Pure.

did:webvh v1.0, sections Read (Resolve), step 11, and Reading did:webvh DID URLs. Where the method and DID
Resolution v1 differ: the id of a document must be the DID that was asked for, also where the DID has moved.
"""

from bisect import bisect_right
from copy import copy

import msgspec

from resolver.did import Did
from resolver.documents.document import check_document
from resolver.errors import InvalidDidDocument, NotFound
from resolver.lint.findings import warnings_of
from resolver.lint.omissions import without_omissions
from resolver.methods.webvh import normal_form
from resolver.options import version_time_of
from resolver.results import JsonObject, Options, Resolved
from resolver.webvh.errors import invalid_log
from resolver.webvh.history import History
from resolver.webvh.parameters import Parameters
from resolver.webvh.services import implied_services
from resolver.webvh.verification import Version
from wire import encode, format_utc, read_again


class LogFinding(msgspec.Struct, frozen=True, kw_only=True):
    """
    A log in the form in which the cache keeps it.

    Attributes:
        history: with one version at least.
        made_at: when the origin gave or confirmed it, seconds since 1970.
        document: the JSON of the newest document; None where the log is invalid, the DID deactivated or the
            document refused.
        refusal: why we do not pass the newest document on.
        warnings: what is doubtful about the newest document, as JSON (`lint.warnings_of`).
    """

    history: History
    made_at: float
    document: bytes | None = None
    refusal: InvalidDidDocument | None = None
    warnings: tuple[JsonObject, ...] = ()

    def resolved(self, did: Did, options: Options) -> Resolved:
        """
        Return the version that was asked for, by default the newest.

        Raises:
            NotFound: no such version, or none at that time.
            InvalidDidDocument: the log is invalid, from that version on or as a whole; the document is one of
                another spelling or place of the DID, or must not be passed on.
        """
        version = selected(self.history, options)
        document, warnings = self._document_of(version, did)
        resolution: JsonObject = {"warnings": list(warnings)} if warnings else {}
        if (problem := self.history.problem) is not None:
            resolution["problemDetails"] = problem.members["problemDetails"]
        return Resolved(
            did=did.text,
            document=document,
            metadata=metadata_of(self.history, version),
            resolution_metadata=resolution,
            made_at=self.made_at,
            implied_services=() if document is None else implied_services(did),
        )

    def _document_of(self, version: Version, did: Did) -> tuple[JsonObject | None, tuple[JsonObject, ...]]:
        """Return the document of a version, and the warnings; of an older one, what was left out of it."""
        if version.did != did.text:
            raise _another_id(version, self.history.versions[-1], did)
        if version.parameters.deactivated:
            return None, ()
        if version is not self.history.versions[-1] or self.history.problem is not None:
            return passed_on(self.history, version)
        if self.document is None:
            raise copy(self.refusal) if self.refusal else AssertionError("neither a document nor a refusal")
        return read_again(self.document), self.warnings


def finding_of(history: History, made_at: float) -> LogFinding:
    """Return the finding; the newest document is checked now, older ones when they are asked for."""
    newest = history.versions[-1]
    if history.problem is not None or newest.parameters.deactivated:
        return LogFinding(history=history, made_at=made_at)
    try:
        document, told = passed_on(history, newest)
    except InvalidDidDocument as error:
        return LogFinding(history=history, made_at=made_at, refusal=copy(error))
    return LogFinding(history=history, made_at=made_at, document=encode(document), warnings=told)


def with_warnings(finding: LogFinding) -> LogFinding:
    """Return the finding with what is doubtful about its newest document; older ones are not looked at."""
    if finding.document is None:
        return finding
    document = read_again(finding.document)
    warnings = warnings_of(document, now=finding.made_at, told=finding.warnings)
    return msgspec.structs.replace(finding, warnings=tuple(warnings))


def passed_on(history: History, version: Version) -> tuple[JsonObject, tuple[JsonObject, ...]]:
    """
    Return the document of a version, and what to tell of what is left out of it.

    Raises:
        InvalidDidDocument: it must not be passed on (`document.check_document`).
    """
    state: JsonObject = read_again(history.log[version.start : version.end])["state"]
    check_document(state, version.did, needs_controllers=False)
    return without_omissions(state)


def selected(history: History, options: Options) -> Version:
    """
    Return the version that the options ask for.

    Raises:
        NotFound: there is none.
        InvalidDidDocument: the log is invalid, and what was asked for is not before the invalid entry.
    """
    versions, found = history.versions, None
    if options.version_id is not None:
        found = next((v for v in versions if v.version_id == options.version_id), None)
    elif options.version_number is not None:
        found = versions[options.version_number - 1] if 1 <= options.version_number <= len(versions) else None
    elif options.version_time is not None:
        return _at(history, options.version_time)
    elif history.problem is None:
        found = versions[-1]
    if found is not None:
        return found
    if history.problem is not None:
        raise copy(history.problem)
    raise NotFound("the DID has no such version")


def metadata_of(history: History, version: Version) -> JsonObject:
    """
    Return didDocumentMetadata: `versionId` and `versionTime` of the version, the rest of the newest valid one.

    Numbers are strings, since DID Resolution has none in metadata.
    """
    newest = history.versions[-1]
    return {
        "versionId": version.version_id,
        "versionTime": format_utc(version.time),
        "created": format_utc(history.versions[0].time),
        "updated": format_utc(newest.time),
        **_next(history, version),
        **_settings(newest.parameters),
    }


def has_had(history: History, did: Did) -> bool:
    """Tell whether a version is of this DID, in one of its spellings."""
    wanted = normal_form(did)
    return any(version.normal_did == wanted for version in history.versions)


def _at(history: History, version_time: str) -> Version:
    """
    Return the version that was the newest at a time.

    Of an invalid log the last valid version has an end that we do not know: at its time or later, it is refused.
    """
    at = version_time_of(version_time)
    index = bisect_right(history.versions, at, key=lambda version: version.time)
    if index == 0:
        raise NotFound("the DID did not exist at that time")
    if index == len(history.versions) and history.problem is not None:
        raise copy(history.problem)
    return history.versions[index - 1]


def _next(history: History, version: Version) -> JsonObject:
    """Return what DID Resolution tells of the version after, where there is one that holds."""
    if version.number == len(history.versions):
        return {}
    after = history.versions[version.number]
    return {"nextUpdate": format_utc(after.time), "nextVersionId": after.version_id}


def _settings(parameters: Parameters) -> JsonObject:
    witness: JsonObject = {}
    if parameters.witness is not None:
        ids = [{"id": f"did:key:{multikey}"} for multikey in parameters.witness.multikeys]
        witness = {"threshold": str(parameters.witness.threshold), "witnesses": ids}
    return {
        "scid": parameters.scid,
        "portable": parameters.portable,
        "deactivated": parameters.deactivated,
        "ttl": str(parameters.ttl),
        "witness": witness,
        "watchers": list(parameters.watchers),
    }


def _another_id(version: Version, newest: Version, did: Did) -> InvalidDidDocument:
    if version.normal_did == normal_form(did):
        return InvalidDidDocument("the document's id is not the DID that was asked for")
    return invalid_log(
        "did-log-id-mismatch",
        "the DID has moved: the document of this version has another id",
        documentId=version.did,
        canonicalId=newest.did,
    )
