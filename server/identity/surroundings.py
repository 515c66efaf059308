"""
The server as issuers see it: where their documents are, and what makes their keys.
"""

from contextlib import suppress
from typing import Any

from operators import Issuer, IssuerKey
from operators.issuers.custody import MadeKey
from resolver.did import Did, parse_did
from resolver.errors import InvalidDid
from resolver.methods import COMPUTED, WEB, WEBVH
from resolver.methods.web import authority_of
from resolver.results import DEFAULT_OPTIONS
from server.identity.custody import Custody
from server.identity.documents import methods_of
from server.identity.own import issuer_did
from server.settings import Settings
from wire import BadRequest


class Surroundings:
    """`operators.issuers.custody.Surroundings`, of the settings."""

    def __init__(self, settings: Settings, custody: Custody | None = None) -> None:
        self._settings = settings
        self._custody = custody or Custody(settings)

    def hosted_did(self, issuer_id: str) -> str:
        return issuer_did(self._settings, issuer_id)

    def check_foreign(self, did: str) -> None:
        """
        Raises:
            InvalidDid: it is no DID.
            BadRequest: it is under our host, in whatever spelling; its document is computed from it (did:key,
                did:jwk); or it is another spelling of a did:web or did:webvh: DIDs are compared as strings.
        """
        parsed = parse_did(did)
        if parsed.method in COMPUTED:
            raise BadRequest(
                "the DID is its one key, and its document can list none that is made here; leave it out to have"
                " a DID hosted, or give one whose document its owner writes, such as a did:web or did:webvh",
                pointer="/did",
            )
        if parsed.method == WEB.name and authority_of(parsed) == authority_of(parse_did(self._settings.did)):
            raise BadRequest(
                f"{did} lies under our host, where nobody else can publish it; leave it out to have it hosted",
                pointer="/did",
            )

        if (spelling := _one_spelling(parsed)) != did:
            raise BadRequest(f"one DID shall not be two issuers: spell it {spelling}", pointer="/did")

    def make_key(self, custody: str, algorithm: str) -> MadeKey:
        return self._custody.make(custody, algorithm)

    def methods_of(self, issuer: Issuer, key: IssuerKey) -> tuple[dict[str, Any], ...]:
        return methods_of(issuer, key)


def _one_spelling(did: Did) -> str:
    """Return a DID as its method spells it; as it is where no server can have it: no key of it ever signs."""
    for method in (WEB, WEBVH):
        if did.method == method.name:
            with suppress(InvalidDid):
                return method.question(did, DEFAULT_OPTIONS).did
    return did.text
