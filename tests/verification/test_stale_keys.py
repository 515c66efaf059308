"""How far out of date may be what says whose a key is, by whichever way the key was found."""

import pytest

from credentials.keys.finding import IssuerKeys
from credentials.keys.found import FoundKey
from credentials.secured import Secured
from resolver import Resolved
from statuslist.checking.account import UNLIMITED
from tests.credentials.sd_jwts import sd_jwt
from tests.statuslist.wing import did_document, signer_for
from verification.apart import Apart, Turns
from verification.authenticity import authenticity

pytestmark = pytest.mark.anyio

SIGNER = signer_for("acme")
FRESH_UNTIL = 1_000.0  # seconds since 1970


async def resolved(did: str) -> Resolved:
    return Resolved(did=did, document=did_document(SIGNER), fresh_until=FRESH_UNTIL, stale=True)


async def found(secured: Secured) -> FoundKey:
    return FoundKey(
        public_key=SIGNER.public_key, id="key-1", by="jwt-vc-issuer", is_stale=True, fresh_until=FRESH_UNTIL
    )


async def no_anchors(*_: object) -> tuple[bytes, ...]:
    return ()


@pytest.mark.parametrize("issuer", [SIGNER.controller, "https://issuer.example"])
@pytest.mark.parametrize(("fresh_at", "reason"), [(999.0, "signature_valid"), (1_001.0, "key_not_known")])
async def test_a_key_counts_as_long_as_its_origin_may_be_away(
    issuer: str, fresh_at: float, reason: str
) -> None:
    keys = IssuerKeys(resolve=resolved, by_metadata=found, anchors=no_anchors)
    header = {} if issuer.startswith("did:") else {"kid": "key-1"}
    token = sd_jwt({"iss": issuer, "vct": "urn:degree"}, SIGNER, header=header)

    apart = Apart(None, Turns().of(""), UNLIMITED)
    told = await authenticity(token, keys, 0, apart, fresh_at=fresh_at)

    assert told.verdict.reason == reason
