"""
Keys in a PKCS #11 token: made in it, used in it, and never read by us. Client.

Kept out of `proofs` itself: python-pkcs11 is an extra (decision 0027), and takes 80 ms to load. Import this room
where there is a token to use.
"""

from proofs.pkcs11.forms import TokenUri, parse_token_uri
from proofs.pkcs11.token import Token, TokenKey, TokenSigner

__all__ = ["Token", "TokenKey", "TokenSigner", "TokenUri", "parse_token_uri"]
