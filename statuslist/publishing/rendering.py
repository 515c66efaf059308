"""
One version of a list: from the statuses of its rows to the signed bytes of each form, checked. Pure.

Same content, signer and time give the same bytes: both proofs are Ed25519 and carry no time of their own.
"""

import hashlib

import msgspec

from proofs import (
    EDDSA_JCS_2022,
    EDDSA_RDFC_2022,
    JsonObject,
    ProofError,
    Signer,
    add_jcs_proof,
    add_rdfc_proof,
    sign_compact,
    verify_compact,
    verify_proof,
)
from statuslist.errors import SelfCheckFailed, StatusListError
from statuslist.formats.bitstring import MAX_LIST_BYTES, cleared_bits, encode_list, expand_list, with_statuses
from statuslist.formats.bitstring_credential import (
    StatusListCredential,
    read_status_list_credential,
    status_list_credential,
)
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MEDIA_TYPES, FormName, list_url
from statuslist.formats.purposes import REVOCATION
from statuslist.formats.tokens import check_in_time, read_token
from statuslist.publishing.artefacts import Artefact, ListContent
from wire import JsonError, encode, etag_of, read

SKEW_SECONDS = 60  # how far a verifier's clock may lag ours; validFrom is back-dated by it
MAX_BODY_BYTES = 16 * 1024 * 1024  # 16 MiB; 2^26 incompressible entries in base64, and the credential around
_ADD_PROOF = {EDDSA_JCS_2022: add_jcs_proof, EDDSA_RDFC_2022: add_rdfc_proof}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """
    How lists are published.

    Attributes:
        base_url: the public URL, without a slash at its end.
        cryptosuite: of the Data Integrity form; `eddsa-rdfc-2022` or `eddsa-jcs-2022`.
        validity_seconds: from signature to `validUntil`. At half of it the list is signed anew.
        ttl_seconds: `ttl`, and how long HTTP caches may keep a list.
    """

    base_url: str
    cryptosuite: str = EDDSA_RDFC_2022
    validity_seconds: int = 86_400  # 24 h: EUDI ARF, Topic 7 allows no longer
    ttl_seconds: int = 300

    @property
    def digest(self) -> str:
        """Tells this policy from others; SHA-256, shortened to 64 bits."""
        return hashlib.sha256(encode(self)).hexdigest()[:16]


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The forms of one version, and the bitstring that each of them must say."""

    content: ListContent
    bits: bytes
    artefacts: tuple[Artefact, ...]


def render(content: ListContent, signer: Signer, policy: Policy, *, now: int) -> Rendered:
    """
    Build every form of the list's version from its rows, never from an older bitstring.

    Bitstring Status List v1.0, sections 3.1 (Generate Algorithm) and 3.3 (Bitstring Generation Algorithm).

    Args:
        now: microseconds since 1970.
    """
    bits = with_statuses(content.length, content.statuses)
    encoded_list = encode_list(bits)
    second = now // 1_000_000 * 1_000_000
    valid_from = second - SKEW_SECONDS * 1_000_000
    valid_until = second + policy.validity_seconds * 1_000_000

    def artefact(form: FormName) -> Artefact:
        document = status_list_credential(
            url=list_url(policy.base_url, content.list_id, form),
            issuer=signer.controller,
            purpose=content.purpose,
            encoded_list=encoded_list,
            valid_from=valid_from,
            valid_until=valid_until,
            ttl_ms=policy.ttl_seconds * 1_000,
        )
        body = _secure(document, form, signer, policy.cryptosuite)
        return Artefact(
            list_id=content.list_id,
            version=content.version,
            form=form,
            media_type=MEDIA_TYPES[form],
            body=body,
            etag=etag_of(body, MEDIA_TYPES[form]),
            valid_from=valid_from,
            valid_until=valid_until,
            policy=policy.digest,
        )

    return Rendered(content=content, bits=bits, artefacts=tuple(artefact(form) for form in MEDIA_TYPES))


def check_rendered(
    rendered: Rendered, previous: bytes | None, signer: Signer, policy: Policy, *, now: int
) -> None:
    """
    Read the bytes as a verifier would, and compare them with the version before.

    1. Each form parses and verifies with the signer's public key.
    2. Its id is its URL, its issuer the signer's, its purpose the list's.
    3. It expands to the bitstring of the rows, of the set's length.
    4. The list is as long as it was, and no revocation is gone.

    Args:
        previous: the Data Integrity form of the published version, or None where there is none.

    Raises:
        SelfCheckFailed: one of these does not hold; the message says which.
    """
    for artefact in rendered.artefacts:
        try:
            credential = _verified(artefact, signer, now)
            bits = expand_list(credential.encoded_list, max_bytes=MAX_LIST_BYTES)
        except (ProofError, StatusListError, JsonError) as error:
            raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: {error}") from error
        url = list_url(policy.base_url, artefact.list_id, _form(artefact))
        expected = (url, signer.controller, (rendered.content.purpose,))
        if (credential.id, credential.issuer, credential.purposes) != expected:
            raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: not its id, issuer and purpose")
        if bits != rendered.bits or len(bits) * 8 != rendered.content.length:
            raise SelfCheckFailed(f"{artefact.list_id} {artefact.form}: not the bitstring of the rows")
    if previous is not None:
        _check_against(previous, rendered)


def _check_against(previous: bytes, rendered: Rendered) -> None:
    before = read_status_list_credential(read(previous, max_bytes=MAX_BODY_BYTES))
    bits = expand_list(before.encoded_list, max_bytes=MAX_LIST_BYTES)
    list_id = rendered.content.list_id
    if len(bits) != len(rendered.bits):
        raise SelfCheckFailed(f"{list_id}: {len(rendered.bits)} bytes, but {len(bits)} were published")
    lost = cleared_bits(bits, rendered.bits)
    if rendered.content.purpose == REVOCATION and lost:
        raise SelfCheckFailed(f"{list_id}: {lost} published revocations are not in the rows any more")


def _secure(document: JsonObject, form: FormName, signer: Signer, cryptosuite: str) -> bytes:
    """
    Return the bytes of one form: Data Integrity, or VC-JOSE-COSE section 3.1 (Securing with JOSE).

    A token has `iss` beside `issuer`: readers of JWTs in the field (did-jwt) refuse one without.
    """
    if form == JWT:
        payload = encode({"iss": document["issuer"], **document})
        return sign_compact(payload, header={"typ": "vc+jwt", "cty": "vc"}, signer=signer)
    return encode(_ADD_PROOF[cryptosuite](document, signer))


def _verified(artefact: Artefact, signer: Signer, now: int) -> StatusListCredential:
    if artefact.form == JWT:
        token = read_token(artefact.body, max_bytes=MAX_BODY_BYTES)
        verify_compact(token.compact, signer.public_key)
        check_in_time(token, now)
        return read_status_list_credential(token.document)
    document = read(artefact.body, max_bytes=MAX_BODY_BYTES)
    verify_proof(document, signer.public_key, now=now)
    return read_status_list_credential(document)


def _form(artefact: Artefact) -> FormName:
    return JWT if artefact.form == JWT else DATA_INTEGRITY
