"""What a published list says, and whether it verifies: as a stranger sees it, with a resolver of his own."""

import time
from collections.abc import Mapping

from proofs import ProofError, proof_of
from resolver import ResolutionError, Resolver
from resolver.results import Fetched, FetchPlan
from statuslist.checking.secured import VC, VC_JWT, verify_secured
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list
from statuslist.formats.forms import JWT, MAX_FORM_BYTES, FormName
from statuslist.formats.tokens import read_token
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
