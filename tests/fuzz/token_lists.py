"""Status List Tokens from strangers: read alike when written again, or refused in words; expanded within caps."""

import msgspec

from credentials.errors import CredentialError
from proofs import Algorithm, MalformedProof
from proofs.cose import read_sign1, sign1
from proofs.jose import MAX_JWS_BYTES, read_compact, sign_compact
from statuslist.errors import StatusListError
from statuslist.formats.token_bits import compressed, expanded, packed, value_at
from statuslist.formats.token_list import (
    TOKEN_CWT,
    TokenList,
    signed_token_cwt,
    signed_token_jwt,
    token_list_of_cwt,
    token_list_of_jwt,
)
from tests.proofs.documents import SIGNERS
from wire import JsonError

MAX_BYTES = 65_536
_SIGNER = SIGNERS[Algorithm.ED25519]
_LIST = TokenList(
    url="https://a.example/1",
    issued_at=1_000_000,
    expires=2_000_000,
    ttl_ms=3_000,
    bits=2,
    lst=compressed(packed(64, [(7, 1)], 2)),
    aggregation_uri="https://a.example/all",
)
JWT_PAYLOADS = [read_compact(signed_token_jwt(_LIST, _SIGNER), max_bytes=MAX_BYTES).payload]
CWT_PAYLOADS = [read_sign1(signed_token_cwt(_LIST, _SIGNER), max_bytes=MAX_BYTES).payload]


def jwt_list(data: bytes) -> None:
    """The claims of a JWT, signed by whoever means harm."""
    token = sign_compact(data, header={"typ": "statuslist+jwt"}, signer=_SIGNER)
    jws = read_compact(token, max_bytes=MAX_JWS_BYTES)
    try:
        found = token_list_of_jwt(jws, max_bytes=MAX_BYTES)
    except (JsonError, CredentialError) as error:
        assert 0 < len(str(error)) < 400
        return
    written = read_compact(signed_token_jwt(_in_seconds(found), _SIGNER), max_bytes=MAX_JWS_BYTES)
    _check(found, token_list_of_jwt(written, max_bytes=MAX_JWS_BYTES))


def cwt_list(data: bytes) -> None:
    """The claims of a CWT, signed by whoever means harm."""
    token = read_sign1(sign1(data, _SIGNER, protected={16: TOKEN_CWT}), max_bytes=MAX_JWS_BYTES)
    try:
        found = token_list_of_cwt(token, max_bytes=MAX_BYTES)
    except (MalformedProof, CredentialError) as error:
        assert 0 < len(str(error)) < 400
        return
    written = read_sign1(signed_token_cwt(_in_seconds(found), _SIGNER), max_bytes=MAX_JWS_BYTES)
    _check(found, token_list_of_cwt(written, max_bytes=MAX_JWS_BYTES))


def _in_seconds(found: TokenList) -> TokenList:
    """Return a list as one of ours, whose `ttl` is a number of whole seconds."""
    return msgspec.structs.replace(found, ttl_ms=None if found.ttl_ms is None else found.ttl_ms + 1_000)


def _check(found: TokenList, again: TokenList) -> None:
    assert (found.url, found.bits, found.lst) == (again.url, again.bits, again.lst)
    assert found.issued_at // 1_000_000 == again.issued_at // 1_000_000
    assert (found.expires is None) == (again.expires is None)
    try:
        lst = expanded(found.lst, max_bytes=MAX_BYTES)
    except StatusListError:
        return
    assert len(lst) <= MAX_BYTES
    if lst:
        assert 0 <= value_at(lst, len(lst) * 8 // found.bits - 1, found.bits) < 1 << found.bits
