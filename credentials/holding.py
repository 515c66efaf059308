"""
Whether a holder showed that a credential is his, for one verifier and one occasion. Pure.

RFC 9901, sections 4.3 and 7.3: a Key Binding JWT, signed with the key that the issuer put into `cnf`.
"""

from credentials.forms.disclosures import HASHES
from credentials.numeric_dates import numeric_date
from credentials.secured import Secured
from credentials.times import CLOCK_SKEW
from proofs import JsonObject, MalformedProof, ProofInvalid, media_type_of_header, read_compact
from proofs.jose import check_signature
from resolver.errors import KeyRefused
from resolver.keys.jwk import jwk_to_key
from wire import read
from wire.base64url import encode_base64url

MAX_BINDING_BYTES = 16_384  # 16 KiB
MAX_AGE = 300 * 1_000_000  # microseconds; five minutes to show what the verifier asked for


class NotHeld(ProofInvalid):
    """The holder did not show it: `reason` says why in a word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def check_held(secured: Secured, *, nonce: str, audience: str, now: int) -> None:
    """
    Return if whoever holds the key of `cnf` signed for this verifier, on this occasion.

    Args:
        secured: verified.
        nonce: what the verifier sent along with its question.
        audience: what the verifier calls itself.
        now: microseconds since 1970.

    Raises:
        NotHeld: nothing is shown; no key to show; another key, credential, verifier, occasion or time.
        MalformedProof, JsonError, MalformedValue: it is no Key Binding JWT.
    """
    if secured.binding is None:
        raise NotHeld("no_binding", "the credential came without a Key Binding JWT")
    jws = read_compact(secured.binding.token, max_bytes=MAX_BINDING_BYTES)
    if media_type_of_header(jws.header, "typ") != "application/kb+jwt":
        raise MalformedProof("expected the header typ kb+jwt in the Key Binding JWT")
    check_signature(jws, _holder_key(secured.document))
    claims = read(jws.payload, max_bytes=MAX_BINDING_BYTES)
    if not isinstance(claims, dict):
        raise MalformedProof("expected the claims of the Key Binding JWT, a JSON object")
    digest = HASHES[secured.binding.hash_name](secured.binding.bound).digest()
    if claims.get("sd_hash") != encode_base64url(digest):
        raise NotHeld(
            "other_credential", "the Key Binding JWT is of another credential, or other disclosures"
        )
    if claims.get("nonce") != nonce:
        raise NotHeld("other_nonce", "the Key Binding JWT is for another occasion")
    if claims.get("aud") != audience:
        raise NotHeld("other_audience", "the Key Binding JWT is for another verifier")
    _check_age(claims, now)


def _holder_key(document: JsonObject) -> object:
    confirmation = document.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(jwk, dict):
        raise NotHeld("no_holder_key", "the credential has no key of a holder (cnf with jwk)")
    try:
        return jwk_to_key(jwk)
    except KeyRefused as error:
        raise NotHeld("no_holder_key", f"the key of the holder was refused: {error}") from None


def _check_age(claims: JsonObject, now: int) -> None:
    issued_at = numeric_date(claims, "iat")
    if issued_at is None:
        raise MalformedProof("expected iat in the Key Binding JWT, in seconds since 1970")
    if not now - MAX_AGE - CLOCK_SKEW <= issued_at <= now + CLOCK_SKEW:
        raise NotHeld("binding_out_of_time", "the Key Binding JWT was made over five minutes ago, or not yet")
