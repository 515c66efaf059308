"""
What a list says, secured: the bytes of one form. Pure.
"""

import msgspec

from proofs import JsonObject, Signer, add_proof, sign_compact
from statuslist.formats.bitstring import multibase
from statuslist.formats.bitstring_credential import status_list_credential
from statuslist.formats.forms import DATA_INTEGRITY, JWT, TOKEN_JWT, FormName, aggregation_url, list_url
from statuslist.formats.profiles import Profile
from statuslist.formats.token_bits import Width
from statuslist.formats.token_list import TokenList, signed_token_cwt, signed_token_jwt
from statuslist.publishing.policy import Policy
from wire import encode


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """
    What all forms of a version of a list say alike.

    Attributes:
        purpose: of a W3C list; None: it is a token list.
        compressed: its bits, in the container of its standard: GZIP or ZLIB.
        valid_from, valid_until: microseconds since 1970, whole seconds.
    """

    list_id: str
    issuer_id: str
    purpose: str | None
    compressed: bytes
    entry_bits: Width
    valid_from: int
    valid_until: int


def secured(said: Said, form: FormName, signer: Signer, policy: Policy, profile: Profile) -> bytes:
    """
    Return the bytes of one form.

    Raises:
        SignerAway: the signer cannot sign just now.
    """
    if form == DATA_INTEGRITY:
        return encode(add_proof(_credential(said, form, signer, policy), signer, policy.transformation))
    if form == JWT:
        return _credential_token(_credential(said, form, signer, policy), signer)
    sign = signed_token_jwt if form == TOKEN_JWT else signed_token_cwt
    return sign(_token_list(said, form, policy), signer, profile.key_name)


def _credential(said: Said, form: FormName, signer: Signer, policy: Policy) -> JsonObject:
    assert said.purpose is not None, "a token list has no forms of the W3C"
    return status_list_credential(
        url=list_url(policy.base_url, said.list_id, form),
        issuer=signer.controller,
        purpose=said.purpose,
        encoded_list=multibase(said.compressed),
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        ttl_ms=policy.ttl_seconds * 1_000,
    )


def _credential_token(document: JsonObject, signer: Signer) -> bytes:
    """
    VC-JOSE-COSE, section 3.1 (Securing with JOSE).

    A token has `iss` beside `issuer`: readers of JWTs in the field (did-jwt) refuse one without.
    """
    payload = encode({"iss": document["issuer"], **document})
    return sign_compact(payload, header={"typ": "vc+jwt", "cty": "vc"}, signer=signer)


def _token_list(said: Said, form: FormName, policy: Policy) -> TokenList:
    return TokenList(
        url=list_url(policy.base_url, said.list_id, form),
        issued_at=said.valid_from,
        expires=said.valid_until,
        ttl_ms=policy.ttl_seconds * 1_000,
        bits=said.entry_bits,
        lst=said.compressed,
        aggregation_uri=aggregation_url(policy.base_url, said.issuer_id),
    )
