"""
did:webvh, a DID document with a verifiable history on a web server. Pure: which URLs to fetch.

did:webvh v1.0 (DIF; text of August 2026), sections Method-Specific Identifier and The DID to HTTPS Transformation.
The rules on hosts, ports and paths are those of did:web, by the same code. What is fetched is read in
`resolver/webvh/`.
"""

import re

import msgspec

from resolver.did import Did
from resolver.errors import InvalidDid, InvalidOptions
from resolver.methods.method import Method, refuse_public_key_format
from resolver.methods.question import Question
from resolver.methods.web import WEB
from resolver.methods.web import normal_form as web_normal_form
from resolver.options import VERSION_OPTIONS
from resolver.results import DEFAULT_OPTIONS, FetchPlan, Options

LOG, WITNESS = "did.jsonl", "did-witness.json"
MAX_LOG_BYTES = 1_048_576  # 1 MiB; what the Swiss federal resolver takes
MAX_WITNESS_BYTES = 1_048_576

# webvh-did = "did:webvh:" scid ":" domain-segment 1+( "." domain-segment ) [ percent-encoded-port ]
#             *( ":" path-segment )
# scid      = 46(base58-alphabet); of a SHA-256 multihash, the only one that v1.0 permits, the first two are "Qm"
SCID = r"Qm[1-9A-HJ-NP-Za-km-z]{44}"
_MSI = re.compile(rf"({SCID}):(.+)")

_LOG_ACCEPT = "text/jsonl, application/jsonl, application/json;q=0.9, */*;q=0.1"
_WITNESS_ACCEPT = "application/json, */*;q=0.1"


class WebvhMethod(Method):
    """did:webvh; logs are fetched."""

    name = "webvh"

    def plan(self, did: Did, options: Options) -> FetchPlan:
        """
        Return where the log is: `https://<host>[:port]/<path>/did.jsonl`, `/.well-known` where there is no path.

        Raises:
            InvalidDid: no SCID, or a host, port or path segment that did:web refuses as well.
            InvalidOptions: two of versionId, versionTime and versionNumber.
            FeatureNotSupported: publicKeyFormat.
        """
        plan = _web_plan(did)
        if sum(v is not None for v in (options.version_id, options.version_time, options.version_number)) > 1:
            raise InvalidOptions(f"{', '.join(sorted(VERSION_OPTIONS))} exclude one another")
        refuse_public_key_format(options, did.method)
        return _beside(plan, LOG, _LOG_ACCEPT, MAX_LOG_BYTES)

    def question(self, did: Did, options: Options) -> Question:
        """Return what to ask: the log of the DID in its one spelling, whatever the version; raises as `plan`."""
        return Question(normal_form(did), self.plan(did, options).host)


def witness_plan(plan: FetchPlan) -> FetchPlan:
    """Return where the witness proofs of a log are: beside it."""
    return _beside(plan, WITNESS, _WITNESS_ACCEPT, MAX_WITNESS_BYTES)


def scid_of(did: Did) -> str:
    """Return the SCID of a DID that has been planned for."""
    return did.method_specific_id[:46]


def normal_form(did: Did) -> str:
    """
    Return the DID in its one spelling, as `methods.web.normal_form`.

    Raises:
        InvalidDid: as `WebvhMethod.plan`.
    """
    return f"did:webvh:{scid_of(did)}:{web_normal_form(_web_plan(did)).removeprefix('did:web:')}"


def web_did_of(did: Did) -> str:
    """Return the did:web of the same place (section Publishing a Parallel did:web DID)."""
    return "did:web:" + did.method_specific_id[47:]


def base_url(did: Did) -> str:
    """
    Return the URL that the path of a DID URL is appended to: as of the log, but never below `.well-known`.

    Raises:
        InvalidDid: as `WebvhMethod.plan`.
    """
    return _web_plan(did).url.removesuffix("/did.json").removesuffix("/.well-known")


def _web_plan(did: Did) -> FetchPlan:
    """Return the plan of the did:web of the same place, so that the rules on hosts and paths exist once."""
    found = _MSI.fullmatch(did.method_specific_id)
    if found is None:
        raise InvalidDid("did:webvh: expected a SCID of 46 base58 characters, Qm first, and a host after it")
    try:
        return WEB.plan(Did(f"did:web:{found[2]}", "web", found[2]), DEFAULT_OPTIONS)
    except InvalidDid as error:
        raise InvalidDid(f"did:webvh: {error.detail.removeprefix('did:web: ')}") from None


def _beside(plan: FetchPlan, name: str, accept: str, max_bytes: int) -> FetchPlan:
    path = plan.path.rpartition("/")[0]
    return msgspec.structs.replace(plan, path=f"{path}/{name}", accept=accept, max_bytes=max_bytes)


WEBVH = WebvhMethod()
