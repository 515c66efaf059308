"""
What a published token list, found after a loss, says in terms of the purposes of its set. Pure.

An entry has one value there: who is revoked is that and nothing else, so that it is not known whether it was
suspended too. Nor does a token name its issuer: it is that of whichever key of ours has signed it.
"""

from collections.abc import Iterator, Mapping, Sequence

from credentials.errors import CredentialError
from proofs import ProofError, read_compact, verify_compact
from proofs.cose import read_sign1, verify_sign1
from statuslist.formats.bitstring import MAX_LIST_BYTES, MINIMUM_ENTRIES
from statuslist.formats.forms import MAX_FORM_BYTES, TOKEN_JWT, is_set_id, list_url
from statuslist.formats.purposes import REVOCATION, SUSPENSION
from statuslist.formats.token_bits import INVALID, SUSPENDED, bits_of_value, expanded
from statuslist.formats.token_list import TokenList, token_list_of_cwt, token_list_of_jwt
from statuslist.publishing.mirror import FoundForm
from statuslist.recovery.found_lists import FoundList, KnownKey, NotOurList
from wire import JsonError


def read_found_tokens(
    found: FoundForm, *, keys: Mapping[str, Sequence[KnownKey]], base_url: str
) -> tuple[FoundList, ...]:
    """
    Return what a published form of a token list says: of revocation, and where it has two bits of suspension.

    Args:
        keys: every key that each issuer ever had, by the issuer's id.

    Raises:
        NotOurList: it is not ours, or damaged.
    """
    if not is_set_id(found.list_id):
        raise NotOurList("no list of ours has that name")
    try:
        named, said = _read(found)
        signers = _signers(found, named, keys)
        lst = expanded(said.lst, max_bytes=2 * MAX_LIST_BYTES)
    except (ProofError, CredentialError, JsonError) as error:
        raise NotOurList("it cannot be read") from error
    if not signers:
        raise NotOurList("no key of ours has signed it")
    if not all(key.is_believed(said.issued_at) for _, key in signers):
        raise NotOurList("the key that has signed it was compromised by then")
    if said.url != list_url(base_url, found.list_id, found.form):
        raise NotOurList("it is another list than its place says")
    if said.bits > 2 or len(lst) * 8 // said.bits < MINIMUM_ENTRIES:
        raise NotOurList("it is not of the width or the length of our lists")
    issuer_id, key = signers[0]
    revoked = bits_of_value(lst, INVALID, said.bits)
    of_purposes = [(REVOCATION, revoked, b"")]
    if said.bits == 2:
        of_purposes.append((SUSPENSION, bits_of_value(lst, SUSPENDED, said.bits), revoked))
    return tuple(
        FoundList(
            set_id=found.list_id,
            purpose=purpose,
            issuer_id=issuer_id,
            key_id=key.key_id,
            bits=bits,
            hidden=hidden,
            valid_from=said.issued_at,
            form=found.form,
            body=found.body,
            version=found.version,
            profile="haip" if named is None else "default",
        )
        for purpose, bits, hidden in of_purposes
    )


def _read(found: FoundForm) -> tuple[str | None, TokenList]:
    """Return the key that the header names, if it names one, and what the list says; nothing is verified."""
    if found.form == TOKEN_JWT:
        jws = read_compact(found.body, max_bytes=MAX_FORM_BYTES)
        kid = jws.header.get("kid")
        return kid if isinstance(kid, str) else None, token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES)
    sign1 = read_sign1(found.body, max_bytes=MAX_FORM_BYTES)
    named = None if sign1.key_id is None else sign1.key_id.decode(errors="replace")
    return named, token_list_of_cwt(sign1, max_bytes=MAX_FORM_BYTES)


def _signers(
    found: FoundForm, named: str | None, keys: Mapping[str, Sequence[KnownKey]]
) -> list[tuple[str, KnownKey]]:
    """Return the keys that can have signed it: one, or the same key under several ids."""
    return [(issuer_id, key) for issuer_id, key in _candidates(named, keys) if _has_signed(key, found)]


def _has_signed(key: KnownKey, found: FoundForm) -> bool:
    try:
        if found.form == TOKEN_JWT:
            verify_compact(found.body, key.public_key, max_bytes=MAX_FORM_BYTES)
        else:
            verify_sign1(found.body, key.public_key, max_bytes=MAX_FORM_BYTES)
    except ProofError:
        return False
    return True


def _candidates(named: str | None, keys: Mapping[str, Sequence[KnownKey]]) -> Iterator[tuple[str, KnownKey]]:
    """Yield the keys that can have signed it: of the DID that the header names, or all where it names none."""
    did = None if named is None else named.partition("#")[0]
    for issuer_id, held in keys.items():
        for key in held:
            if did is None or key.did == did:
                yield issuer_id, key
