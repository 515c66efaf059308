"""
Our DID, and those that we host; what we offer under ours.
"""

from typing import Any

from operators import Issuer
from server.settings import Settings

DEFAULT_ISSUER = "default"


def issuer_did(settings: Settings, issuer_id: str) -> str:
    """Return the DID under which we host `issuer_id`; the default issuer is the service itself."""
    return settings.did if issuer_id == DEFAULT_ISSUER else f"{settings.did}:issuers:{issuer_id}"


def is_hosted(settings: Settings, issuer: Issuer) -> bool:
    """Tell whether the document of an issuer is ours to serve: whether it lies at its place under our host."""
    return issuer.did == issuer_did(settings, issuer.id)


def services_of(settings: Settings, did: str) -> tuple[dict[str, Any], ...]:
    """
    Return the services in the document of `did`: in our own, where to ask the trust registry.

    The type, and that the endpoint is what `/authorization` is appended to, are those of the draft on finding a
    TRQP endpoint (trustoverip/tswg-trust-registry-protocol, issue 177, section 4).
    """
    if did != settings.did:
        return ()
    endpoint = f"{settings.public_url}/trqp"
    return ({"id": f"{did}#trqp", "type": "TrustRegistryService", "serviceEndpoint": endpoint},)


class IdentityChanged(Exception):
    """The database was made for another DID than ours; the message names both and says what to do."""


def require_same_identity(settings: Settings, default_issuer: Issuer | None) -> None:
    """
    Refuse to serve a database under another DID than the one it was made for.

    Its lists are signed by that DID, and credentials out there name it: under another one nothing holds.

    Raises:
        IdentityChanged: the default issuer, if there is one yet, has another DID.
    """
    if default_issuer is None or default_issuer.did == settings.did:
        return
    raise IdentityChanged(
        f"the database belongs to {default_issuer.did}, but "
        f"TOUCHSTONE_PUBLIC_URL={settings.public_url} makes us {settings.did}. Set TOUCHSTONE_PUBLIC_URL back to "
        "the URL of that DID; or, to begin anew under this one, name another database and key directory in "
        "TOUCHSTONE_DATABASE_URL and TOUCHSTONE_KEY_DIR, and run `touchstone init`"
    )
