"""
What was rendered, read as a verifier would and compared with the version before. Pure.
"""

from proofs import ProofError, Signer, verify_compact, verify_proof
from statuslist.errors import SelfCheckFailed, StatusListError
from statuslist.formats.bitstring import MAX_LIST_BYTES, cleared_bits, expand_list
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MAX_FORM_BYTES, FormName, list_url
from statuslist.formats.purposes import REVOCATION
from statuslist.formats.tokens import check_in_time, read_token
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.rendering import Policy, Rendered
from wire import JsonError, read


def check_rendered(
    rendered: Rendered, previous: bytes | None, signer: Signer, policy: Policy, *, now: int
) -> None:
    """
    Read the bytes as a verifier would, and compare them with the version before.

    1. Each form parses and verifies with the signer's public key.
    2. Its id is its URL, its issuer the signer's, its purpose the list's; the signer's key is that of the rows.
    3. It expands to the bitstring of the rows, of the set's length.
    4. The list is as long as it was, and no revocation is gone.

    Args:
        previous: the Data Integrity form of the published version, or None where there is none.

    Raises:
        SelfCheckFailed: one of these does not hold; the message says which.
    """
    if signer.verification_method != f"{signer.controller}#{rendered.content.key_id}":
        raise SelfCheckFailed(
            f"{rendered.content.list_id}: signed by {signer.verification_method}, another key"
        )
    for artefact in rendered.artefacts:
        _check_form(artefact, rendered, signer, policy, now)
    if previous is not None:
        _check_against(previous, rendered)


def _check_form(artefact: Artefact, rendered: Rendered, signer: Signer, policy: Policy, now: int) -> None:
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


def _check_against(previous: bytes, rendered: Rendered) -> None:
    before = read_status_list_credential(read(previous, max_bytes=MAX_FORM_BYTES))
    bits = expand_list(before.encoded_list, max_bytes=MAX_LIST_BYTES)
    list_id = rendered.content.list_id
    if len(bits) != len(rendered.bits):
        raise SelfCheckFailed(f"{list_id}: {len(rendered.bits)} bytes, but {len(bits)} were published")
    lost = cleared_bits(bits, rendered.bits)
    if rendered.content.purpose == REVOCATION and lost:
        raise SelfCheckFailed(f"{list_id}: {lost} published revocations are not in the rows any more")


def _verified(artefact: Artefact, signer: Signer, now: int) -> StatusListCredential:
    if artefact.form == JWT:
        token = read_token(artefact.body, max_bytes=MAX_FORM_BYTES)
        verify_compact(token.compact, signer.public_key)
        check_in_time(token, now)
        return read_status_list_credential(token.document)
    document = read(artefact.body, max_bytes=MAX_FORM_BYTES)
    verify_proof(document, signer.public_key, now=now)
    return read_status_list_credential(document)


def _form(artefact: Artefact) -> FormName:
    return JWT if artefact.form == JWT else DATA_INTEGRITY
