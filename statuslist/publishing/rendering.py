"""
One version of a list: from the statuses of its rows to the signed bytes of each form. Pure.

Same content, key and time give the same bytes, where the key is in memory: such signatures are deterministic, and
none carries a time of its own.
"""

import hashlib

import msgspec

from proofs import EDDSA_RDFC_2022, SUITES, JsonObject, Signer, Transformation, add_proof, sign_compact
from statuslist.formats.bitstring import encode_list, with_statuses
from statuslist.formats.bitstring_credential import status_list_credential
from statuslist.formats.forms import JWT, MEDIA_TYPES, FormName, list_url
from statuslist.publishing.artefacts import Artefact, ListContent
from wire import encode, etag_of

SKEW_SECONDS = 60  # how far a verifier's clock may lag ours; validFrom is back-dated by it


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """
    How lists are published.

    Attributes:
        base_url: the public URL, without a slash at its end.
        cryptosuite: of the Data Integrity form where the key is of Ed25519; `eddsa-rdfc-2022` or `eddsa-jcs-2022`.
            A key of another kind signs in its own suite, with the same transformation.
        validity_seconds: from signature to `validUntil`. At half of it the list is signed anew.
        ttl_seconds: `ttl`, and how long HTTP caches may keep a list.
    """

    base_url: str
    cryptosuite: str = EDDSA_RDFC_2022
    validity_seconds: int = 86_400  # 24 h: EUDI ARF, Topic 7 allows no longer
    ttl_seconds: int = 300

    @property
    def transformation(self) -> Transformation:
        """How the Data Integrity form becomes the bytes that are signed; the key decides on the rest."""
        return SUITES[self.cryptosuite].transformation

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
    second = now // 1_000_000 * 1_000_000
    said = _Said(
        content=content,
        encoded_list=encode_list(bits),
        valid_from=second - SKEW_SECONDS * 1_000_000,
        valid_until=second + policy.validity_seconds * 1_000_000,
    )
    artefacts = tuple(_artefact(said, form, signer, policy) for form in MEDIA_TYPES)
    return Rendered(content=content, bits=bits, artefacts=artefacts)


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What all forms of a version say alike."""

    content: ListContent
    encoded_list: str
    valid_from: int
    valid_until: int


def _artefact(said: _Said, form: FormName, signer: Signer, policy: Policy) -> Artefact:
    document = status_list_credential(
        url=list_url(policy.base_url, said.content.list_id, form),
        issuer=signer.controller,
        purpose=said.content.purpose,
        encoded_list=said.encoded_list,
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        ttl_ms=policy.ttl_seconds * 1_000,
    )
    body = _secure(document, form, signer, policy.transformation)
    return Artefact(
        list_id=said.content.list_id,
        version=said.content.version,
        form=form,
        media_type=MEDIA_TYPES[form],
        body=body,
        etag=etag_of(body, MEDIA_TYPES[form]),
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        policy=policy.digest,
    )


def _secure(document: JsonObject, form: FormName, signer: Signer, transformation: Transformation) -> bytes:
    """
    Return the bytes of one form: Data Integrity, or VC-JOSE-COSE section 3.1 (Securing with JOSE).

    A token has `iss` beside `issuer`: readers of JWTs in the field (did-jwt) refuse one without.
    """
    if form == JWT:
        payload = encode({"iss": document["issuer"], **document})
        return sign_compact(payload, header={"typ": "vc+jwt", "cty": "vc"}, signer=signer)
    return encode(add_proof(document, signer, transformation))
