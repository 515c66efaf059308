"""
The bytes of a credential of any form, read; nothing is verified. Pure.
"""

from collections.abc import Callable

from credentials.errors import UnsupportedForm
from credentials.forms.former_jwt import read_former_jwt
from credentials.forms.mdoc import read_mdoc
from credentials.forms.sd_jwt import read_sd_jwt
from credentials.forms.vc_jwt import read_vc_jwt
from credentials.forms.with_proof import read_with_proof
from credentials.secured import Secured
from proofs import Canonicalize, read_compact
from wire import read
from wire.json import MAX_VALUES

MAX_CREDENTIAL_BYTES = 1_048_576  # 1 MiB

Reader = Callable[..., Secured]


def read_credential(
    body: bytes, *, max_bytes: int = MAX_CREDENTIAL_BYTES, canonicalize_rdf: Canonicalize | None = None
) -> Secured:
    """
    Read a credential by what its bytes show it to be.

    Args:
        canonicalize_rdf: as `read_with_proof`.

    Raises:
        UnsupportedForm: it is of no form that is read here.
        JsonError, ProofError, CredentialError: as the reader of its form.
    """
    text = body.strip(b" \t\r\n")
    if text[:1] == b"{":
        return read_with_proof(
            text, max_bytes=max_bytes, max_values=MAX_VALUES, canonicalize_rdf=canonicalize_rdf
        )
    return _reader_of(text, max_bytes)(text, max_bytes=max_bytes, max_values=MAX_VALUES)


def _reader_of(text: bytes, max_bytes: int) -> Reader:
    if b"~" in text:
        return read_sd_jwt
    if text.count(b".") == 2 and text[:1] != b".":
        return read_former_jwt if _has_vc(text, max_bytes) else read_vc_jwt
    if text[:1] == b"o" and b"." not in text:  # base64url of a map of CBOR with up to three members
        return read_mdoc
    raise UnsupportedForm(
        "expected a credential: JSON with a proof, a vc+jwt, an SD-JWT VC with a ~ at its end, a VC 1.1 as JWT,"
        " or the issuer data of an mdoc"
    )


def _has_vc(text: bytes, max_bytes: int) -> bool:
    """Tell whether a token has the claim `vc`, which VC 1.1 demands and VC 2.0 forbids (VC-JOSE-COSE, 1.1.2.1)."""
    payload = read(
        read_compact(text, max_bytes=max_bytes).payload, max_bytes=max_bytes, max_values=MAX_VALUES
    )
    return isinstance(payload, dict) and "vc" in payload
