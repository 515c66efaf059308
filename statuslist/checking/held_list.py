"""
A list that somebody has at hand, judged with a key or a DID document that they have at hand, too. Pure.

Nothing is fetched. So it is the caller who answers for the key being the issuer's, and for how old it is.
"""

from credentials.keys.assertion_methods import assertion_method
from credentials.times import CLOCK_SKEW
from proofs import JsonObject, MalformedProof, ProofInvalid
from resolver import public_key_of
from statuslist.checking.entries import UnsupportedEntry, read_held_entry
from statuslist.checking.list_reading import ReadList, expanded_bits, narrowed, period_of, read_list
from statuslist.checking.outcomes import checked_entry, evaluated, unsupported
from statuslist.checking.requests import CheckedEntry
from statuslist.formats.forms import MAX_FORM_BYTES
from wire import format_utc


def check_held_list(
    entry: JsonObject,
    body: bytes,
    key: object,
    *,
    issuer: str,
    now: int,
    list_issuers: tuple[str, ...] = (),
) -> list[CheckedEntry]:
    """
    Return what a list says of an entry that a credential has, once the list verifies.

    Args:
        entry: an object of `credentialStatus`, or the claim `status`, each mechanism of which has a result.
        body: the list at the URL that the entry names, of any form.
        key: a public key of the `cryptography` package, or the DID document of the list's issuer.
        issuer: of the credential.
        now: microseconds since 1970.
        list_issuers: whose lists are trusted besides those of `issuer`.

    Raises:
        ProofError, InvalidDidDocument, JsonError: as `verify_with_key` and `verify_with_document`.
        MalformedValue: the entry, or the list, is malformed.
        StatusListError: the list is not that of the entry, is too short, or is not valid now.
    """
    found = _read(body)
    _verify_with(found, key, now)
    content, bits = narrowed(found), expanded_bits(found.content)
    list_issuer = found.secured.issuer or issuer
    return [
        unsupported(one)
        if isinstance(one, UnsupportedEntry)
        else checked_entry(
            one,
            evaluated(one, content, bits, now=now, at=None),
            list_issuer,
            issuer,
            is_trusted=list_issuer in (issuer, *list_issuers),
            ends=period_of(content)[1],
        )
        for one in read_held_entry(entry)
    ]


def verify_with_key(body: bytes, media_type: str, public_key: object, *, now: int) -> None:
    """
    Return if the list was signed with the key, and is in its time.

    Args:
        media_type: one of `MEDIA_TYPES`, that of `body`.
        public_key: a key of the `cryptography` package.
        now: microseconds since 1970.

    Raises:
        ProofError: it was not, or is not.
        StatusListError, JsonError: it is no list.
    """
    _verify_key(_read(body, media_type), public_key, now)


def verify_with_document(body: bytes, media_type: str, did_document: JsonObject, *, now: int) -> None:
    """
    Return if the list was signed with a key that the DID document lets sign, and is in its time.

    A W3C list must name the document's DID as its issuer. A token list need name none, but its key by `kid`.

    Raises:
        ProofError: as `verify_with_key`; or the key is not one of the document's, or not under assertionMethod.
        InvalidDidDocument: the key in it cannot be read.
        StatusListError, JsonError: it is no list.
    """
    _verify_document(_read(body, media_type), did_document, now)


def _read(body: bytes, media_type: str | None = None) -> ReadList:
    is_binary = body[:1] in (b"\xd2", b"\x84")
    found = read_list(body if is_binary else body.strip(), max_bytes=MAX_FORM_BYTES)
    if media_type not in (None, found.secured.form):
        raise MalformedProof(f"expected {media_type}, found {found.secured.form}")
    return found


def _verify_with(found: ReadList, key: object, now: int) -> None:
    if isinstance(key, dict):
        _verify_document(found, key, now)
    else:
        _verify_key(found, key, now)


def _verify_document(found: ReadList, did_document: JsonObject, now: int) -> None:
    secured = found.secured
    if secured.key_id is None:
        raise MalformedProof("the list names its key by certificates only; verify it with the key itself")
    did, _, fragment = secured.key_id.partition("#")
    if not did or did != did_document.get("id") or not fragment:
        raise ProofInvalid("the key that the list names is not one of the DID document's")
    if secured.issuer not in (None, did):
        raise ProofInvalid("the list has another issuer than the DID document's subject")
    method = assertion_method(did_document, did, fragment, now=now)
    _verify_key(found, public_key_of(method), now)


def _verify_key(found: ReadList, public_key: object, now: int) -> None:
    found.secured.verify(public_key, now)
    begins, ends = period_of(narrowed(found))
    if begins is not None and now + CLOCK_SKEW < begins:
        raise ProofInvalid(f"the signature holds, but the list begins only at {format_utc(begins)}")
    if ends is not None and now - CLOCK_SKEW > ends:
        raise ProofInvalid(f"the signature holds, but the list ended at {format_utc(ends)}")
