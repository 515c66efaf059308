"""
What goes into a resolution and what comes out of it. Pure.

DID Resolution v1 (Candidate Recommendation of 2026-07-23): resolve(did, options) and dereference(didUrl,
options). Failures are raised (`errors.py`); only `representation.py` turns them into result structures.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

JsonObject = dict[str, Any]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """
    Resolution options, validated; `accept` is not among them: how an answer looks is decided later.

    Attributes:
        expand_relative_urls: make relative DID URLs in the document absolute (`expandRelativeUrls`).
        version_id, version_time, version_number: as asked, at most one; FEATURE_NOT_SUPPORTED with methods that
            cannot tell; the number is did:webvh's.
        no_cache: resolve anew (`noCache`).
        max_stale: how many seconds past freshness the caller takes where the origin does not answer
            (`maxStale`); None: as many as the resolver allows.
        explain: tell the steps taken.
        public_key_format: `publicKeyFormat`, did:key's option, of which every method has two values; None: as the
            method has its keys.
        enable_encryption_key_derivation: did:key's option; derive X25519 from Ed25519.
        enable_experimental_public_key_types: did:key's option; types that no specification settles. None is as
            False, but that False refuses the formats that did:key does not list.
        key_agreement: did:key's `keyAgreement`; "ecdh": keys of NIST curves are for key agreement, too.
        old_suites: documents that we make ourselves have contexts and types of DID v1.0, where no
            `public_key_format` is asked for; never on the wire: a media type asks for it.
        verification_relationship: of dereferencing only (`verificationRelationship`): what is named must be a
            verification method that this relationship of the document lists.
    """

    expand_relative_urls: bool = False
    version_id: str | None = None
    version_time: str | None = None
    version_number: int | None = None
    no_cache: bool = False
    max_stale: int | None = None
    explain: bool = False
    public_key_format: str | None = None
    old_suites: bool = False
    enable_encryption_key_derivation: bool = True
    enable_experimental_public_key_types: bool | None = None
    key_agreement: str | None = None
    verification_relationship: str | None = None

    @property
    def has_version(self) -> bool:
        return (self.version_id, self.version_time, self.version_number) != (None, None, None)


DEFAULT_OPTIONS = Options()


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A step of a load, for `explain`.

    Attributes:
        step: what was done, in two or three words.
        detail: JSON values that everybody may see.
        confidential: ... that only an operator may see, such as the address that was dialled.
    """

    step: str
    detail: JsonObject = {}
    confidential: JsonObject = {}


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """
    A resolution that succeeded, deactivated DIDs included.

    Attributes:
        did: the DID asked for, as it was spelled; equal to `document["id"]`.
        document: the DID document as published, or None where the DID is deactivated.
        metadata: didDocumentMetadata (`deactivated`, `updated`, ...); JSON values, whole-second times.
        resolution_metadata: members for didResolutionMetadata beyond `contentType`.
        made_at: when the document was obtained (seconds since 1970); None: just computed from the DID.
        fresh_until: until when it may be served without asking again; None: no limit (a method whose
            documents cannot change).
        stale: served past `fresh_until`, while or because the origin could not be asked.
        steps: how the answer was come by, where `explain` asked for it.
        implied_services: services that the method gives every DID, unless its document has others of the same ids;
            no part of the document (did:webvh: `#files`, `#whois`).
    """

    did: str
    document: JsonObject | None
    metadata: JsonObject = {}
    resolution_metadata: JsonObject = {}
    made_at: float | None = None
    fresh_until: float | None = None
    stale: bool = False
    steps: tuple[Step, ...] = ()
    implied_services: tuple[JsonObject, ...] = ()

    @property
    def deactivated(self) -> bool:
        return self.document is None


class Dereferenced(msgspec.Struct, frozen=True, kw_only=True):
    """
    A dereferencing that succeeded.

    Attributes:
        did_url: as asked.
        content: the document, the document with the selected services only, or the map inside it that the
            DID URL names; None where deactivated, or where only URLs are named.
        content_metadata: for a document its didDocumentMetadata, else members of its own.
        resolved: the resolution behind it, for freshness.
        urls: the http and https URLs that the DID URL names at service endpoints, if it selects services.
        names_url: a URL is what the DID URL means (`relativeRef`): it is the answer unless a document is
            asked for by its media type.
    """

    did_url: str
    content: JsonObject | None
    content_metadata: JsonObject = {}
    resolved: Resolved
    urls: tuple[str, ...] = ()
    names_url: bool = False


class FetchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """
    A document that must be fetched before the method can go on.

    `host` is an A-label host name, `port` the port to dial, `path` an absolute path, percent-encoded as it
    goes on the wire; the URL is `https://<host>[:port]<path>` and is only ever built from these parts.
    `is_known`: we have had this document, so that the fetch may also use what is reserved for renewals.
    """

    host: str
    port: int
    path: str
    accept: str
    max_bytes: int
    is_known: bool = False

    @property
    def url(self) -> str:
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{self.host}{port}{self.path}"


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an origin answered, within the caps of the plan.

    `headers` have lower-case names.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
