"""Status list credentials and entries that the pure tests of `statuslist` share."""

from proofs import JsonObject
from statuslist.formats.bitstring import encode_list, with_statuses
from statuslist.formats.bitstring_credential import status_list_credential
from statuslist.formats.bitstring_entry import status_entry

URL = "https://lists.example/status-lists/7/revocation"
NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z, in microseconds
HOUR = 3_600_000_000  # microseconds
LENGTH = 131_072


def a_list(
    *statuses: tuple[int, int],
    length: int = LENGTH,
    size: int = 1,
    subject: JsonObject | None = None,
    **changes: object,
) -> JsonObject:
    """Return an unsecured list, valid for an hour around `NOW`; a change to None removes the member."""
    document = status_list_credential(
        url=URL,
        issuer="did:web:lists.example",
        purpose="revocation",
        encoded_list=encode_list(with_statuses(length, statuses, size=size)),
        valid_from=NOW - HOUR,
        valid_until=NOW + HOUR,
        ttl_ms=300_000,
    )
    document["credentialSubject"] = without_none({**document["credentialSubject"], **(subject or {})})
    return without_none({**document, **changes})


def an_entry(index: int = 94_567, **changes: object) -> JsonObject:
    """Return an entry that points into `a_list`; a change to None removes the member."""
    return without_none({**status_entry(list_url=URL, index=index, purpose="revocation"), **changes})


def messages(count: int) -> list[JsonObject]:
    """Return a `statusMessage` for `count` statuses."""
    return [{"status": f"0x{status:x}", "message": f"message {status}"} for status in range(count)]


def without_none(members: JsonObject) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}
