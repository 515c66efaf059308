"""
The entry that points from a credential into a token list: the claim `status`, as JSON and as CBOR. Pure.

Token Status List (draft-ietf-oauth-status-list-21), sections 6.2 (Referenced Token in JOSE) and 6.3 (in COSE). An
mdoc has it in its Mobile Security Object, under the text key `status` (section 6.3.1; ISO/IEC 18013-5, second
edition), with text keys inside as in JSON.
"""

from proofs import JsonObject
from wire import encode
from wire.cbor import write_cbor


def token_status(*, list_url: str, index: int) -> JsonObject:
    """Return the value of the claim `status`."""
    return {"status_list": {"idx": index, "uri": list_url}}


def status_in_cbor(status: JsonObject) -> tuple[str, str]:
    """
    Return `token_status` as CBOR: in hex, and in diagnostic notation (RFC 8949, section 8).

    Diagnostic notation is a superset of JSON, so that of maps of text and integers their JSON is it.
    """
    return write_cbor(status).hex(), encode(status).decode()
