"""
Which certificates of our keys end soon. Pure.
"""

from operators import IssuerKey, KeyState
from proofs import MalformedCertificate
from proofs.certificates import chain_ends
from server.identity.custody import certificates_of
from wire import format_utc

NEAR_END_SECONDS = 30 * 86_400  # seconds; an authority may take weeks to certify a key anew


def why_near_end(key: IssuerKey, now: int) -> str | None:
    """
    Tell what is wrong with the end of a key's certificate chain; None: it has none that matters, or time is left.

    Args:
        now: microseconds since 1970, by the wall clock, which verifiers go by.
    """
    if key.certificates is None or key.state not in (KeyState.ACTIVE, KeyState.ANNOUNCED):
        return None
    try:
        ends = chain_ends(certificates_of(key))
    except (MalformedCertificate, ValueError):
        return "its certificate chain cannot be read; import it again"
    if ends - now > NEAR_END_SECONDS * 1_000_000:
        return None
    return f"its certificate chain {'ended' if ends <= now else 'ends'} on {format_utc(ends)}"
