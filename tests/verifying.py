"""What a published list says, and whether it verifies: as a stranger sees it, with a resolver of his own."""

import time
from collections.abc import Mapping

from credentials.forms.vc_jwt import read_token
from credentials.secured import VC, VC_JWT
from credentials.verifying import verify_secured
from proofs import ProofError, proof_of, read_compact, verify_compact
from proofs.cose import read_sign1, verify_sign1
from resolver import ResolutionError, Resolver, public_key_of
from resolver.results import Fetched, FetchPlan
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list
from statuslist.formats.forms import JWT, MAX_FORM_BYTES, TOKEN_JWT, FormName
from statuslist.formats.token_bits import expanded
from statuslist.formats.token_list import token_list_of_cwt, token_list_of_jwt
from tests.slow.published import set_bits
from wire import read

JWK_SUFFIX = "-jwk"


def said_by(form: FormName, body: bytes) -> tuple[str, set[int]]:
    """Return the id of the key that signed a list, as the list says, and the entries that are set in it."""
    if form == JWT:
        token = read_token(body, max_bytes=MAX_FORM_BYTES)
        document, method = token.document, token.key_id
    else:
        document = read(body, max_bytes=MAX_FORM_BYTES)
        method = proof_of(document).verification_method
    bits = expand_list(document["credentialSubject"]["encodedList"], max_bytes=MAX_LIST_BYTES)
    return method.partition("#")[2].removesuffix(JWK_SUFFIX), set_bits(bits)


def set_in_token(form: FormName, body: bytes) -> set[int]:
    """Return the entries of a token list of one bit that are set."""
    if form == TOKEN_JWT:
        jws = read_compact(body, max_bytes=MAX_FORM_BYTES)
        found = token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES)
    else:
        found = token_list_of_cwt(read_sign1(body, max_bytes=MAX_FORM_BYTES), max_bytes=MAX_FORM_BYTES)
    assert found.bits == 1
    lst = expanded(found.lst, max_bytes=MAX_LIST_BYTES)
    return {8 * place + bit for place, byte in enumerate(lst) if byte for bit in range(8) if byte >> bit & 1}


def verify_token(form: FormName, body: bytes, document: bytes) -> None:
    """
    Verify a token list with the key of a did.json that its header names.

    Raises:
        ProofError: it does not verify.
    """
    methods = {method["id"]: method for method in read(document, max_bytes=100_000)["verificationMethod"]}
    if form == TOKEN_JWT:
        named = read_compact(body, max_bytes=MAX_FORM_BYTES).header["kid"]
        verify_compact(body, public_key_of(methods[named]), max_bytes=MAX_FORM_BYTES)
    else:
        key_id = read_sign1(body, max_bytes=MAX_FORM_BYTES).key_id
        assert key_id is not None
        verify_sign1(body, public_key_of(methods[key_id.decode()]), max_bytes=MAX_FORM_BYTES)


async def fault_of(form: FormName, body: bytes, document: bytes) -> str | None:
    """Return why a list does not verify with a did.json, past all caches; None: it does."""

    async def fetch(plan: FetchPlan, headers: Mapping[str, str] = {}) -> Fetched:
        return Fetched(status=200, headers={"content-type": "application/did+json"}, body=document)

    async with Resolver(fetcher=fetch) as resolver:
        try:
            await verify_secured(
                body,
                VC_JWT if form == JWT else VC,
                resolve=resolver.resolve,
                now=int(time.time() * 1_000_000),
                max_bytes=MAX_FORM_BYTES,
            )
        except (ProofError, ResolutionError) as error:
            return str(error)
    return None
