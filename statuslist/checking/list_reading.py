"""
A status list of any form, ours or a stranger's, read by what its bytes show it to be; nothing is verified. Pure.

    JSON            a credential with a Data Integrity proof: Bitstring Status List v1.0, Status List 2021
    a compact JWS   the same as vc+jwt, or in the claim `vc` of VC 1.1; a Status List Token by its `typ`
    a COSE_Sign1    a Status List Token as CWT
"""

import msgspec

from credentials.forms.former_jwt import read_former_jwt
from credentials.forms.vc_jwt import read_vc_jwt
from credentials.forms.with_proof import read_with_proof
from credentials.forms.x5c import certificates_of
from credentials.secured import STATUS_LIST_CWT, STATUS_LIST_JWT, VC11_JWT, Secured
from credentials.times import earliest
from proofs import Canonicalize, Jws, MalformedProof, media_type_of_header, read_compact
from proofs.cose import read_sign1, verify_sign1
from proofs.jose import check_signature
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from statuslist.formats.former_credential import FORMER_CREDENTIAL_TYPE, read_former_credential
from statuslist.formats.token_bits import expanded
from statuslist.formats.token_list import (
    TOKEN_JWT,
    TokenList,
    token_list_of_cwt,
    token_list_of_jwt,
)
from wire import read
from wire.json import BYTE_ORDER_MARKS

MAX_LIST_VALUES = 1_000  # JSON values beside the bits, which are one; 256 messages are 769
# What may stand before JSON: white space, and byte order marks, which its reader is to name.
_BEFORE_TEXT = b" \t\r\n\0" + b"".join(BYTE_ORDER_MARKS)
_COSE_SIGN1 = (b"\xd2", b"\x84")  # the tag of a COSE_Sign1, and its array where there is no tag
Content = StatusListCredential | TokenList


class ReadList(msgspec.Struct, frozen=True, kw_only=True):
    """
    A list as read.

    Attributes:
        secured: how it is secured; its issuer is None where the list itself does not say whose it is.
        content: what it says, its bits still compressed.
    """

    secured: Secured
    content: Content


def is_of_a_form(body: bytes) -> bool:
    """Tell whether `read_list` would try to read it."""
    return body[:1] in _COSE_SIGN1 or _is_json(body) or _is_jws(body)


def read_list(
    body: bytes,
    *,
    max_bytes: int,
    max_values: int = MAX_LIST_VALUES,
    canonicalize_rdf: Canonicalize | None = None,
) -> ReadList:
    """
    Read a list.

    Args:
        canonicalize_rdf: as `read_with_proof`.

    Raises:
        MalformedStatusList: what it says complies with no specification of a list.
        JsonError, ProofError, MalformedValue: it is of no form that is read here, or secured in no such way.
    """
    if body[:1] in _COSE_SIGN1:
        return _read_cwt(body, max_bytes)
    if _is_json(body):
        return _of_credential(
            read_with_proof(
                body, max_bytes=max_bytes, max_values=max_values, canonicalize_rdf=canonicalize_rdf
            )
        )
    return _read_jws(body.removesuffix(b"\n").removesuffix(b"\r"), max_bytes, max_values)


def narrowed(found: ReadList, ends: int | None = None) -> Content:
    """
    Return what the list says, valid only while what secures it may be accepted too.

    Args:
        ends: of its key; microseconds since 1970, or None.
    """
    content, secured = found.content, found.secured
    if isinstance(content, TokenList):
        return msgspec.structs.replace(
            content, not_before=secured.not_before, expires=earliest(secured.expires, ends)
        )
    begins = [moment for moment in (content.valid_from, secured.not_before) if moment is not None]
    return msgspec.structs.replace(
        content,
        valid_from=max(begins, default=None),
        valid_until=earliest(content.valid_until, secured.expires, ends),
    )


def period_of(content: Content) -> tuple[int | None, int | None]:
    """Return when a list begins and ends, in microseconds since 1970; None: it does not say."""
    if isinstance(content, TokenList):
        return max(content.issued_at, content.not_before or content.issued_at), content.expires
    return content.valid_from, content.valid_until


def expanded_bits(content: Content) -> bytes:
    """
    Return the list, packed as its standard has it.

    Raises:
        MalformedStatusList: it cannot be expanded.
        StatusListTooLarge: it has over `MAX_LIST_BYTES`; a token list, which has both purposes in it, over twice
            that.
    """
    if isinstance(content, TokenList):
        return expanded(content.lst, max_bytes=2 * MAX_LIST_BYTES)
    return expand_list(content.encoded_list, max_bytes=MAX_LIST_BYTES)


def without_bits(content: Content) -> Content:
    """Return what the list says but for the compressed list itself."""
    if isinstance(content, TokenList):
        return msgspec.structs.replace(content, lst=b"")
    return msgspec.structs.replace(content, encoded_list="")


def _is_json(body: bytes) -> bool:
    return body.lstrip(_BEFORE_TEXT).startswith(b"{")


def _is_jws(body: bytes) -> bool:
    return body.count(b".") == 2  # RFC 7515, section 7.1


def _read_jws(body: bytes, max_bytes: int, max_values: int) -> ReadList:
    jws = read_compact(body, max_bytes=max_bytes)
    if media_type_of_header(jws.header, "typ") == TOKEN_JWT:
        return _of_token_jwt(jws, max_bytes, max_values)
    payload = read(jws.payload, max_bytes=max_bytes, max_values=max_values)
    reads = read_former_jwt if isinstance(payload, dict) and "vc" in payload else read_vc_jwt
    return _of_credential(reads(body, max_bytes=max_bytes, max_values=max_values))


def _of_credential(secured: Secured) -> ReadList:
    types = secured.document.get("type")
    is_former = isinstance(types, list | str) and FORMER_CREDENTIAL_TYPE in types
    reads = read_former_credential if is_former or secured.form == VC11_JWT else read_status_list_credential
    return ReadList(secured=secured, content=reads(secured.document))


def _of_token_jwt(jws: Jws, max_bytes: int, max_values: int) -> ReadList:
    found = token_list_of_jwt(jws, max_bytes=max_bytes, max_values=max_values)
    key_id = jws.header.get("kid")
    if not (key_id is None or isinstance(key_id, str)):
        raise MalformedProof("expected kid as a string")
    secured = Secured(
        form=STATUS_LIST_JWT,
        document={},
        issuer=_issuer(found, key_id, is_certified="x5c" in jws.header),
        key_id=key_id,
        algorithm=jws.algorithm,
        certificates=certificates_of(jws),
        not_before=max(found.issued_at, found.not_before or 0),
        expires=found.expires,
        verify=lambda public_key, _: check_signature(jws, public_key),
    )
    return ReadList(secured=secured, content=found)


def _read_cwt(body: bytes, max_bytes: int) -> ReadList:
    sign1 = read_sign1(body, max_bytes=max_bytes)
    found = token_list_of_cwt(sign1, max_bytes=max_bytes)
    key_id = _text_of(sign1.key_id)

    def verify(public_key: object, _: int) -> None:
        verify_sign1(body, public_key, max_bytes=max_bytes)

    secured = Secured(
        form=STATUS_LIST_CWT,
        document={},
        issuer=_issuer(found, key_id, is_certified=bool(sign1.certificates)),
        key_id=key_id,
        algorithm=sign1.key_algorithm.jose,
        certificates=sign1.certificates,
        not_before=max(found.issued_at, found.not_before or 0),
        expires=found.expires,
        verify=verify,
    )
    return ReadList(secured=secured, content=found)


def _issuer(found: TokenList, key_id: str | None, *, is_certified: bool) -> str | None:
    """Return whose token list it is by its own word: `iss`, or the DID of its key; None: it does not say."""
    if found.issuer is not None or is_certified:
        return found.issuer
    did, _, fragment = (key_id or "").partition("#")
    return did if did.startswith("did:") and fragment else None


def _text_of(key_id: bytes | None) -> str | None:
    try:
        return None if key_id is None else key_id.decode()
    except UnicodeDecodeError:
        raise MalformedProof("expected kid as bytes of UTF-8") from None
