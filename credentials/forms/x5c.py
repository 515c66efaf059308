"""
The certificates in the header of a token. Pure.
"""

from proofs import Jws, MalformedProof
from proofs.certificates import decode_x5c


def certificates_of(jws: Jws) -> tuple[bytes, ...]:
    """
    Return `x5c` in DER, the signer's first (RFC 7515, section 4.1.6); () where the header has none.

    Raises:
        MalformedProof: it is no array of strings.
        MalformedCertificate: as `proofs.certificates.decode_x5c`.
    """
    if "x5c" not in jws.header:
        return ()
    found = jws.header["x5c"]
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise MalformedProof("expected x5c as an array of certificates")
    return tuple(decode_x5c(found))
