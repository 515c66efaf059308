"""
What a status list says, of whichever form its bytes are; nothing is verified. Pure.
"""

from collections import Counter

import msgspec

from credentials.errors import CredentialError
from credentials.forms.vc_jwt import read_token
from proofs import ProofError, read_compact
from proofs.cose import read_sign1
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list, status_at
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from statuslist.formats.forms import (
    DATA_INTEGRITY,
    JWT,
    MAX_FORM_BYTES,
    MEDIA_TYPES,
    TOKEN_CWT,
    TOKEN_JWT,
    FormName,
)
from statuslist.formats.token_bits import expanded, value_at
from statuslist.formats.token_list import TokenList, token_list_of_cwt, token_list_of_jwt
from wire import JsonError, read


class NotAList(ValueError):
    """Bytes that are no status list of a form that we read; the message says why."""


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """
    A status list.

    Attributes:
        url: its `id` or `sub`; issuer: None for a token list, which names none.
        purposes: () for a token list.
        valid_from, valid_until: microseconds since 1970, or None.
        bits: packed as its standard has it, `entry_bits` for each entry.
    """

    media_type: str
    url: str | None
    issuer: str | None
    purposes: tuple[str, ...]
    valid_from: int | None
    valid_until: int | None
    ttl_ms: int | None
    entry_bits: int
    bits: bytes
    is_token: bool

    @property
    def entries(self) -> int:
        return len(self.bits) * 8 // self.entry_bits

    def status_at(self, index: int) -> int:
        """Return the status of an entry; raises RangeError where it lies outside the list."""
        if self.is_token:
            return value_at(self.bits, index, self.entry_bits)  # type: ignore[arg-type]
        return status_at(self.bits, index, size=self.entry_bits)

    def counts(self) -> dict[int, int]:
        """
        Return how many entries have each status that occurs.

        Raises:
            NotAList: entries cross bytes, of which nobody publishes long lists.
        """
        if 8 % self.entry_bits:
            raise NotAList(f"entries of {self.entry_bits} bits are not counted")
        mask, found = (1 << self.entry_bits) - 1, Counter[int]()
        for byte, count in Counter(self.bits).items():
            for shift in range(0, 8, self.entry_bits):
                found[byte >> shift & mask] += count
        return dict(sorted(found.items()))


def decoded(body: bytes) -> Decoded:
    """
    Read a status list: JSON, a compact JWS, or a COSE_Sign1.

    Raises:
        NotAList: it is none of them, is malformed, or has over `MAX_LIST_BYTES`.
    """
    try:
        return _decoded(body)
    except (ProofError, CredentialError, JsonError) as error:
        raise NotAList(str(error)) from None


def _decoded(body: bytes) -> Decoded:
    text = body.strip()
    if text[:1] == b"{":
        document = read(text, max_bytes=MAX_FORM_BYTES)
        return _of_credential(read_status_list_credential(document), DATA_INTEGRITY)
    if text[:3] == b"eyJ":
        jws = read_compact(text, max_bytes=MAX_FORM_BYTES)
        if "statuslist+jwt" in str(jws.header.get("typ", "")).lower():
            return _of_token(token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES), TOKEN_JWT)
        token = read_token(text, max_bytes=MAX_FORM_BYTES)
        return _of_credential(read_status_list_credential(token.document), JWT)
    sign1 = read_sign1(body, max_bytes=MAX_FORM_BYTES)
    return _of_token(token_list_of_cwt(sign1, max_bytes=MAX_FORM_BYTES), TOKEN_CWT)


def _of_credential(found: StatusListCredential, form: FormName) -> Decoded:
    return Decoded(
        media_type=MEDIA_TYPES[form],
        url=found.id,
        issuer=found.issuer,
        purposes=found.purposes,
        valid_from=found.valid_from,
        valid_until=found.valid_until,
        ttl_ms=found.ttl_ms,
        entry_bits=found.status_size or 1,
        bits=expand_list(found.encoded_list, max_bytes=MAX_LIST_BYTES),
        is_token=False,
    )


def _of_token(found: TokenList, form: FormName) -> Decoded:
    return Decoded(
        media_type=MEDIA_TYPES[form],
        url=found.url,
        issuer=None,
        purposes=(),
        valid_from=found.issued_at,
        valid_until=found.expires,
        ttl_ms=found.ttl_ms,
        entry_bits=found.bits,
        bits=expanded(found.lst, max_bytes=2 * MAX_LIST_BYTES),
        is_token=True,
    )
