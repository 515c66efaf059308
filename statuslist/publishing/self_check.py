"""
What was rendered, read as a verifier would and compared with the version before. Pure.
"""

import msgspec

from credentials.errors import CredentialError
from credentials.forms.vc_jwt import read_token
from credentials.times import check_in_time
from proofs import ProofError, Signer, read_compact, verify_compact, verify_proof
from proofs.cose import read_sign1, verify_sign1
from proofs.jose import check_signature
from statuslist.errors import SelfCheckFailed, StatusListError
from statuslist.formats.bitstring import MAX_LIST_BYTES, cleared_bits, decode_list, expand
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from statuslist.formats.forms import (
    DATA_INTEGRITY,
    JWT,
    MAX_FORM_BYTES,
    TOKEN_FORMS,
    TOKEN_JWT,
    FormName,
    list_url,
)
from statuslist.formats.purposes import REVOCATION
from statuslist.formats.token_bits import expanded
from statuslist.formats.token_list import TokenList, token_list_of_cwt, token_list_of_jwt
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.policy import Policy
from statuslist.publishing.rendering import ListContent, Rendered
from wire import JsonError, read


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a form says: its own URL, the issuer and purposes where it names them, and its bits, compressed."""

    url: str | None
    issuer: str | None
    purposes: tuple[str, ...]
    entry_bits: int
    compressed: bytes


def check_rendered(
    rendered: Rendered,
    previous: Artefact | None,
    signer: Signer,
    key_id: str | None,
    policy: Policy,
    *,
    now: int,
    before: ListContent | None = None,
) -> None:
    """
    Read the bytes as a verifier would, and compare them with the version before.

    1. Each form parses and verifies with the signer's public key, which is the key of the rows.
    2. It says its URL, the signer as its issuer, and the list's purpose, where its standard has them.
    3. It expands to the bits of the rows, of the set's length; what several carry alike is expanded once.
    4. The list is as long as it was, and no revocation is gone.

    Args:
        previous: a form of the list as it is published; None: there is none.
        before: what the list said before, as far as that is known. If it has the digest of `previous`, it was
            compared with those bytes when they were made; else they are expanded.
        key_id: of the rows.

    Raises:
        SelfCheckFailed: one of these does not hold; the message says which.
    """
    content = rendered.content
    if signer.verification_method != f"{signer.controller}#{key_id}":
        raise SelfCheckFailed(f"{content.list_id}: signed by {signer.verification_method}, another key")
    carried = {_compressed_in(of, content, signer, policy, now): of.form for of in rendered.artefacts}
    for compressed, form in carried.items():
        _check_bits(compressed, form, content)
    if previous is not None:
        _check_against(previous, before, content)


def _compressed_in(
    artefact: Artefact, content: ListContent, signer: Signer, policy: Policy, now: int
) -> bytes:
    """Return the compressed bits of a form that is all that it must be but for them."""
    try:
        found = _verified(artefact, signer, now)
    except (ProofError, CredentialError, JsonError) as error:
        raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: {error}") from error
    is_token = content.purpose is None
    expected = _Said(
        url=list_url(policy.base_url, artefact.list_id, artefact.form),
        issuer=None if is_token else signer.controller,
        purposes=() if content.purpose is None else (content.purpose,),
        entry_bits=content.entry_bits,
        compressed=found.compressed,
    )
    if found != expected:
        other = [name for name in found.__struct_fields__ if getattr(found, name) != getattr(expected, name)]
        raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: its {other[0]} is not that of the rows")
    return found.compressed


def _check_bits(compressed: bytes, form: FormName, content: ListContent) -> None:
    try:
        bits = _expanded(compressed, content.purpose)
    except StatusListError as error:
        raise SelfCheckFailed(f"{content.list_id} {form}: {error}") from error
    if bits != content.bits:
        raise SelfCheckFailed(f"{content.list_id} {form}: its bits are not those of the rows")


def _check_against(previous: Artefact, before: ListContent | None, content: ListContent) -> None:
    bits, entry_bits = _published(previous, before, content.purpose)
    if (len(bits), entry_bits) != (len(content.bits), content.entry_bits):
        raise SelfCheckFailed(f"{content.list_id}: {len(content.bits)} bytes, but {len(bits)} were published")
    if lost := lost_revocations(bits, content):
        raise SelfCheckFailed(f"{content.list_id}: {lost} published revocations are not in the rows any more")


def bits_said(artefact: Artefact) -> bytes:
    """
    Return the bits that a published form says, packed as its standard has it; its signature is not looked at.

    Raises:
        ProofError, StatusListError, JsonError: it cannot be read.
    """
    purpose = None if artefact.form in TOKEN_FORMS else ""
    return _expanded(_read_form(artefact).compressed, purpose)


def _published(previous: Artefact, before: ListContent | None, purpose: str | None) -> tuple[bytes, int]:
    """Return the bits that a published form says, and how many of them an entry has."""
    if before is not None and before.digest == previous.content:
        return before.bits, before.entry_bits
    found = _read_form(previous)
    return _expanded(found.compressed, purpose), found.entry_bits


def lost_revocations(before: bytes, content: ListContent) -> int:
    """Return how many entries are revoked in `before` and not in `content`."""
    if content.purpose is None and content.entry_bits == 2:
        return cleared_bits(_invalid(before), _invalid(content.bits))
    if content.purpose is None:
        return cleared_bits(before, content.bits)
    return cleared_bits(before, content.bits) if content.purpose == REVOCATION else 0


def _invalid(bits: bytes) -> bytes:
    """Return which entries of two bits are 1, INVALID: their lower bit."""
    values = int.from_bytes(bits)
    return (values & ~(values >> 1) & int.from_bytes(b"\x55" * len(bits))).to_bytes(len(bits))


def _expanded(compressed: bytes, purpose: str | None) -> bytes:
    if purpose is None:
        return expanded(compressed, max_bytes=2 * MAX_LIST_BYTES)
    return expand(compressed, max_bytes=MAX_LIST_BYTES)


def _read_form(artefact: Artefact) -> _Said:
    """Read a form that was verified when it was made."""
    if artefact.form == DATA_INTEGRITY:
        return _of_credential(read_status_list_credential(read(artefact.body, max_bytes=MAX_FORM_BYTES)))
    if artefact.form == JWT:
        token = read_token(artefact.body, max_bytes=MAX_FORM_BYTES)
        return _of_credential(read_status_list_credential(token.document))
    if artefact.form == TOKEN_JWT:
        jws = read_compact(artefact.body, max_bytes=MAX_FORM_BYTES)
        return _of_token(token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES))
    found = read_sign1(artefact.body, max_bytes=MAX_FORM_BYTES)
    return _of_token(token_list_of_cwt(found, max_bytes=MAX_FORM_BYTES))


def _verified(artefact: Artefact, signer: Signer, now: int) -> _Said:
    """Read a form as a verifier would: its signature, its times, and what it says."""
    if artefact.form == DATA_INTEGRITY:
        document = read(artefact.body, max_bytes=MAX_FORM_BYTES)
        verify_proof(document, signer.public_key, now=now)
        return _of_credential(read_status_list_credential(document))
    if artefact.form == JWT:
        token = read_token(artefact.body, max_bytes=MAX_FORM_BYTES)
        check_signature(token.jws, signer.public_key)
        check_in_time(token, now)
        return _of_credential(read_status_list_credential(token.document))
    return _of_token(_verified_token_list(artefact, signer, now))


def _verified_token_list(artefact: Artefact, signer: Signer, now: int) -> TokenList:
    if artefact.form == TOKEN_JWT:
        jws = verify_compact(artefact.body, signer.public_key, max_bytes=MAX_FORM_BYTES)
        found = token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES)
    else:
        sign1 = verify_sign1(artefact.body, signer.public_key, max_bytes=MAX_FORM_BYTES)
        found = token_list_of_cwt(sign1, max_bytes=MAX_FORM_BYTES)
    if found.expires is None or not found.issued_at <= now < found.expires:
        raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: it is not in its time")
    return found


def _of_credential(credential: StatusListCredential) -> _Said:
    return _Said(
        url=credential.id,
        issuer=credential.issuer,
        purposes=credential.purposes,
        entry_bits=1,
        compressed=decode_list(credential.encoded_list),
    )


def _of_token(found: TokenList) -> _Said:
    return _Said(
        url=found.url,
        issuer=None,
        purposes=(),
        entry_bits=found.bits,
        compressed=found.lst,
    )
