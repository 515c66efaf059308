"""
The certificate of the quick start, signed by the service itself, and the question whether to rely on it.
"""

import time

from proofs import sign_compact
from server.identity.identities import Identities
from server.identity.own import DEFAULT_ISSUER
from server.settings import Settings
from statuslist.entries.requests import AllocatedEntry
from storage import Database
from wire import encode, format_utc

VERIFY_FILE = "sample-verify.json"
CERTIFICATE_FILE = "sample-certificate.jwt"
SAMPLE_TYPE = "CourseCompletionCredential"  # that the sample ecosystem lets the service issue
_YEAR = 365 * 86_400 * 1_000_000  # microseconds


async def write_sample_credential(settings: Settings, database: Database, entry: AllocatedEntry) -> None:
    """Write a certificate with the entry, signed, and the body of `POST /verify` that asks about it."""
    identities = Identities(settings, database)
    await identities.refresh()
    now = int(time.time() * 1_000_000)
    certificate = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", SAMPLE_TYPE],
        "issuer": settings.did,
        "validFrom": format_utc(now),
        "validUntil": format_utc(now + _YEAR),
        "credentialSubject": {"name": "Ada Lovelace"},
        "credentialStatus": entry.credential_status,
    }
    signer = identities.active_signer(DEFAULT_ISSUER)
    token = sign_compact(encode(certificate), header={"typ": "vc+jwt"}, signer=signer).decode()
    (settings.state_dir / CERTIFICATE_FILE).write_text(token)
    (settings.state_dir / VERIFY_FILE).write_bytes(encode({"credential": token}))
