"""
The entry that points from a credential into a token list: the claim `status`, ours as JSON and as CBOR, and
anyone's as JSON. Pure.

Token Status List (draft-ietf-oauth-status-list-21), sections 6.2 (Referenced Token in JOSE) and 6.3 (in COSE). An
mdoc has it in its Mobile Security Object, under the text key `status` (section 6.3.1; ISO/IEC 18013-5, second
edition), with text keys inside as in JSON.
"""

import msgspec

from credentials.errors import MalformedValue
from credentials.members import Members
from proofs import JsonObject
from wire import encode
from wire.cbor import write_cbor


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    The value of `status_list` in the claim `status`, as read.

    Attributes:
        list_url: `uri`, an absolute URL.
        index: `idx`; perhaps beyond any list.
    """

    list_url: str
    index: int


def token_status(*, list_url: str, index: int) -> JsonObject:
    """Return the value of the claim `status`."""
    return {"status_list": {"idx": index, "uri": list_url}}


def status_in_cbor(status: JsonObject) -> tuple[str, str]:
    """
    Return `token_status` as CBOR: in hex, and in diagnostic notation (RFC 8949, section 8).

    Diagnostic notation is a superset of JSON, so that of maps of text and integers their JSON is it.
    """
    return write_cbor(status).hex(), encode(status).decode()


def read_token_entry(value: object, pointer: str = "/status/status_list") -> TokenEntry:
    """
    Read the value of `status_list`, whose other members are passed over (section 6.2).

    Raises:
        MalformedValue: `idx` is no integer of at least 0, or `uri` no URL.
    """
    entry = Members(value, MalformedValue, pointer)
    index = entry.optional_integer("idx", least=0)
    if index is None:
        raise entry.fault("idx", "an integer of at least 0")
    return TokenEntry(list_url=entry.url("uri"), index=index)
