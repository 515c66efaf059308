"""
What a driver answered, to a finding or an error. Pure.

A driver answers with a resolution result, of the CCG drafts or of DID Resolution v1, or with a bare document; which
of them is told by the members, since many drivers do not set the media type.

DID Resolution v1, section Proxied DID Resolution: the driver's metadata is passed on unchanged, but for the members
that say something of our own resolution; these are kept apart, as `upstream`.
"""

from typing import Any, NamedTuple

import msgspec

from resolver.did import Did
from resolver.documents.document import MAX_DOCUMENT_VALUES, read_document
from resolver.documents.secrets import refuse_secrets
from resolver.drivers.config import Driver
from resolver.errors import (
    FeatureNotSupported,
    InvalidDid,
    InvalidDidDocument,
    InvalidDidUrl,
    InvalidOptions,
    MethodNotSupported,
    NotFound,
    OriginFailed,
    RepresentationNotSupported,
    ResolutionError,
)
from resolver.lint.omissions import without_omissions
from resolver.results import Fetched, JsonObject
from wire import JsonError, encode, read

MAX_METADATA_BYTES = 16_384  # 16 KiB, of each of the two structures
MAX_DEPTH = 34  # a document of 32 levels, in a result
MAX_VALUES = MAX_DOCUMENT_VALUES + 1_024
_UNAVAILABLE = frozenset({502, 503, 504})
_RESULT_MEMBERS = ("didDocument", "didResolutionMetadata")

# Members of didResolutionMetadata that are ours to say: of our media type, our cache and our trust.
_OURS = frozenset(
    {
        "contentType",
        "driver",
        "verified",
        "stale",
        "staleReason",
        "retrieved",
        "cause",
        "explain",
        "observation",
    }
    | {"warnings", "upstream", "error"}
)

# What a driver may say of a DID and be believed; by the URI of DID Resolution v1 and by the keyword before it.
_BELIEVED: tuple[type[ResolutionError], ...] = (
    NotFound,
    InvalidDid,
    InvalidDidUrl,
    InvalidOptions,
    InvalidDidDocument,
    MethodNotSupported,
    FeatureNotSupported,
    RepresentationNotSupported,
)
_ERRORS: dict[str, type[ResolutionError]] = (
    {kind.type: kind for kind in _BELIEVED}
    | {kind.legacy: kind for kind in _BELIEVED}
    # JavaScript's did-resolver, and drivers that name the HTTP status.
    | {"unsupportedDidMethod": MethodNotSupported, "notSupported": MethodNotSupported}
)
_STATUSES: dict[int, type[ResolutionError]] = {
    400: InvalidDid,
    404: NotFound,
    406: RepresentationNotSupported,
    501: MethodNotSupported,
}
_SAID: dict[type[ResolutionError], str] = {
    NotFound: "knows no such DID",
    InvalidDid: "says that the DID is not valid",
    InvalidDidUrl: "says that the DID is not valid",
    InvalidOptions: "says that an option is not valid",
    InvalidDidDocument: "says that the DID's document is not valid",
    MethodNotSupported: "does not support the method of this DID",
    FeatureNotSupported: "does not support an option",
    RepresentationNotSupported: "has none of the media types that it was asked for",
}


class Parsed(NamedTuple):
    """The JSON of an answer; `result` is None where it is a bare document, or neither."""

    status: int
    body: Any
    result: JsonObject | None


class Told(msgspec.Struct, frozen=True):
    """
    What a driver told of a DID.

    Attributes:
        document: the JSON of its document; None where deactivated.
        metadata: didDocumentMetadata.
        resolution_metadata: what goes into didResolutionMetadata.
        warnings: what was left out of the document (`check_document`).
    """

    document: bytes | None
    metadata: JsonObject
    resolution_metadata: JsonObject
    warnings: tuple[JsonObject, ...] = ()


def is_unavailable(driver: Driver, fetched: Fetched) -> bool:
    """Tell whether a proxy answered that the driver is away; a result with that status is about the DID."""
    return fetched.status in _UNAVAILABLE and parse_answer(driver, fetched).result is None


def parse_answer(driver: Driver, fetched: Fetched) -> Parsed:
    """
    Read the JSON of an answer.

    Raises:
        OriginFailed: it is none, where the status is 200; `cause` is "driver_answer".
    """
    body = _json(driver, fetched)
    is_result = isinstance(body, dict) and "id" not in body and any(name in body for name in _RESULT_MEMBERS)
    return Parsed(fetched.status, body, body if is_result else None)


def told_of(driver: Driver, parsed: Parsed) -> Told:
    """
    Return what an answer tells; its document is yet to be checked (`check_document`).

    1. An error in a result is that error, whatever the status.
    2. Without a result the status tells: 404, 406, 410, 501, 400.
    3. A deactivated DID has no document: by status 410, or by its metadata.

    Raises:
        OriginFailed: the answer cannot be used, and says nothing of the DID; `cause` is "driver_answer", or
            "driver_failed".
        ResolutionError: the driver says so of the DID.
    """
    _raise_error(driver, parsed)
    result = parsed.result
    metadata = _metadata(driver, result, "didDocumentMetadata")
    marked = _marked(driver, _metadata(driver, result, "didResolutionMetadata"))
    if parsed.status == 410 or metadata.get("deactivated") is True:
        return Told(None, metadata | {"deactivated": True}, marked)
    document = parsed.body if result is None else result.get("didDocument")
    if not isinstance(document, dict) or not document:
        raise _unusable(driver, "has no DID document")
    return Told(encode(document), metadata, marked)


def check_document(driver: Driver, did: Did, told: Told) -> Told:
    """
    Check the document as a stranger's: its id is the DID, it holds no private key. Return it as it is passed on.

    Raises:
        InvalidDidDocument: it must not be passed on.
    """
    if told.document is None:
        return told
    try:
        received = read_document(told.document, did.text)
    except InvalidDidDocument as error:
        raise InvalidDidDocument(error.detail, driver=driver.name) from None
    document, warnings = without_omissions(received)
    if not warnings:
        return told
    return msgspec.structs.replace(told, document=encode(document), warnings=warnings)


def _json(driver: Driver, fetched: Fetched) -> Any:
    """Return the JSON of the body; None where it is none and the status says enough."""
    try:
        return read(fetched.body, max_bytes=driver.max_bytes, max_depth=MAX_DEPTH, max_values=MAX_VALUES)
    except JsonError as error:
        if fetched.status != 200:
            return None
        raise _unusable(driver, f"is not acceptable JSON: {error}") from None


def _raise_error(driver: Driver, parsed: Parsed) -> None:
    metadata = {} if parsed.result is None else parsed.result.get("didResolutionMetadata")
    error = metadata.get("error") if isinstance(metadata, dict) else None
    kind = None
    if error is not None:
        name = error.get("type") if isinstance(error, dict) else error
        kind = _ERRORS.get(name) if isinstance(name, str) else None
    elif parsed.status in (200, 410):
        return
    else:
        kind = _STATUSES.get(parsed.status)
    if kind is None:
        raise OriginFailed(
            f"the driver {driver.name} failed",
            cause="driver_failed",
            originStatus=parsed.status,
            driver=driver.name,
        )
    raise kind(f"the driver {driver.name} {_SAID[kind]}", driver=driver.name)


def _metadata(driver: Driver, result: JsonObject | None, name: str) -> JsonObject:
    """
    Return a structure of metadata as the driver gave it, but for members that are null: they say nothing.

    Raises:
        OriginFailed: not an object, over `MAX_METADATA_BYTES`, or `deactivated` is no boolean.
        InvalidDidDocument: there is a secret key in it.
    """
    metadata = {} if result is None else result.get(name)
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or len(encode(metadata)) > MAX_METADATA_BYTES:
        raise _unusable(driver, f"has a {name} that is no object, or over {MAX_METADATA_BYTES} bytes")
    metadata = {member: value for member, value in metadata.items() if value is not None}
    if not isinstance(metadata.get("deactivated", False), bool):
        raise _unusable(driver, f"has a {name} whose `deactivated` is neither true nor false")
    try:
        refuse_secrets(metadata)
    except InvalidDidDocument:
        raise InvalidDidDocument(f"{name} has a private key", driver=driver.name) from None
    return metadata


def _marked(driver: Driver, metadata: JsonObject) -> JsonObject:
    """Return the driver's metadata marked as the driver's word."""
    passed = {name: value for name, value in metadata.items() if name not in _OURS}
    upstream = {name: value for name, value in metadata.items() if name in _OURS - {"error"}}
    marked: JsonObject = {**passed, "driver": driver.name, "verified": False}
    return marked | {"upstream": upstream} if upstream else marked


def _unusable(driver: Driver, what: str) -> OriginFailed:
    return OriginFailed(
        f"the answer of the driver {driver.name} {what}", cause="driver_answer", driver=driver.name
    )
