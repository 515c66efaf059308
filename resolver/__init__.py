"""
DIDs: which keys does this DID have? A library that works without the server.

    async with Resolver() as resolver:
        resolved = await resolver.resolve("did:web:example.com")

Importing it loads neither a web framework nor an HTTP client: httpx comes with the first fetch.
"""

from resolver.did import Did, DidUrl, parse_did, parse_did_url
from resolver.errors import (
    FeatureNotSupported,
    InternalError,
    InvalidDid,
    InvalidDidDocument,
    InvalidDidUrl,
    InvalidOptions,
    InvalidRelationship,
    InvalidVerificationMethod,
    MethodNotSupported,
    NotFound,
    RepresentationNotSupported,
    ResolutionError,
)
from resolver.keys.multikey import public_key_of
from resolver.options import options_of
from resolver.outbound.errors import FetchError, OutboundBudgetExceeded, UrlRefused
from resolver.outbound.fetch import Fetch, Guard, GuardLimits, plan_for_url
from resolver.resolution import Resolver
from resolver.results import (
    DEFAULT_OPTIONS,
    Dereferenced,
    Fetched,
    FetchPlan,
    JsonObject,
    Options,
    Resolved,
)
from resolver.sources.freshness import FreshnessBounds
from resolver.spelling import read_spelling

__all__ = [
    "DEFAULT_OPTIONS",
    "Dereferenced",
    "Did",
    "DidUrl",
    "FeatureNotSupported",
    "Fetch",
    "FetchError",
    "FetchPlan",
    "Fetched",
    "FreshnessBounds",
    "Guard",
    "GuardLimits",
    "InternalError",
    "InvalidDid",
    "InvalidDidDocument",
    "InvalidDidUrl",
    "InvalidOptions",
    "InvalidRelationship",
    "InvalidVerificationMethod",
    "JsonObject",
    "MethodNotSupported",
    "NotFound",
    "Options",
    "OutboundBudgetExceeded",
    "RepresentationNotSupported",
    "ResolutionError",
    "Resolved",
    "Resolver",
    "UrlRefused",
    "options_of",
    "parse_did",
    "parse_did_url",
    "plan_for_url",
    "public_key_of",
    "read_spelling",
]
