"""
What published lists, found after a loss of the database, say of the statuses that were lost. Pure.

A list counts only if it is ours: its signature verifies with a key that its issuer has or ever had, unless the key
was compromised by then, and its id is the URL of that very list and form. That it has expired, or that the key is
used no more, does not matter here: what it revoked stays revoked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from credentials.errors import CredentialError
from proofs import JsonObject, ProofError, read_compact, verify_compact, verify_proof
from statuslist.formats.bitstring import MAX_LIST_BYTES, MINIMUM_ENTRIES, expand_list
from statuslist.formats.bitstring_credential import StatusListCredential, read_status_list_credential
from statuslist.formats.forms import (
    JWT,
    MAX_FORM_BYTES,
    TOKEN_FORMS,
    FormName,
    is_set_id,
    list_id_of,
    list_url,
    token_list_id_of,
)
from statuslist.formats.profiles import ProfileName
from statuslist.formats.purposes import PURPOSES, REVOCATION
from statuslist.publishing.mirror import FoundForm
from wire import JsonError, read


class NotOurList(Exception):
    """Bytes that claim to be a list of ours and are not, or not one that we can use; the message says why."""


class FoundList(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one list said last.

    Attributes:
        issuer_id: of the issuer that signed it, and `key_id`: with which of its keys.
        bits: most significant bit first; for a revocation list the union of all that was found.
        valid_from: microseconds since 1970, of the newest that was found.
        version: its version; None where that was not written beside it, as by releases before 0.3.
        form, body: that newest one.
        merged_version: the highest of those that were merged into it; 0: none is known.
        hidden: the entries of which it cannot say anything; b"": it says all. A token list tells of no suspension
            of who is revoked.
        profile: that of the set, as a token list has it; None: no token list was found.
    """

    set_id: str
    purpose: str
    issuer_id: str
    key_id: str
    bits: bytes
    valid_from: int
    form: FormName
    body: bytes
    version: int | None = None
    merged_version: int = 0
    hidden: bytes = b""
    profile: ProfileName | None = None

    @property
    def highest_version(self) -> int:
        """The highest of all that were found, be they newer by their times or not; 0: none is known."""
        return max(self.merged_version, self.version or 0)

    @property
    def list_id(self) -> str:
        """The id of the W3C list that says so, or would."""
        return list_id_of(self.set_id, self.purpose)

    @property
    def source_id(self) -> str:
        """The id of the list that was found."""
        return token_list_id_of(self.set_id) if self.form in TOKEN_FORMS else self.list_id

    def is_newer_than(self, other: "FoundList") -> bool:
        """Compare by version, which no clock moves; by `validFrom` only where a version is not known."""
        if self.version is not None and other.version is not None:
            return self.version > other.version
        return self.valid_from > other.valid_from

    @property
    def length(self) -> int:
        return len(self.bits) * 8


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """
    The public half of a key that an issuer has, or ever had.

    Attributes:
        did: of the issuer.
        key_id: the fragment of its verification method.
        public_key: a key of the `cryptography` package.
        compromised_since: microseconds since 1970; what is dated later may be anybody's. None: it is not.
    """

    did: str
    key_id: str
    public_key: object
    compromised_since: int | None = None

    def is_believed(self, valid_from: int | None) -> bool:
        """Tell whether it vouches for a list that is dated so; for none without a date once it is compromised."""
        if self.compromised_since is None:
            return True
        return valid_from is not None and valid_from < self.compromised_since


def read_found(
    found: FoundForm, *, keys: Mapping[str, Sequence[KnownKey]], base_url: str, now: int
) -> FoundList:
    """
    Return what a published form of a list says.

    Args:
        keys: every key that each issuer ever had, by the issuer's id.
        now: microseconds since 1970.

    Raises:
        NotOurList: it is not ours, or damaged.
    """
    list_id, form, body = found.list_id, found.form, found.body
    set_id, _, purpose = list_id.rpartition("-")
    if not is_set_id(set_id) or purpose not in PURPOSES:
        raise NotOurList("no list of ours has that name")
    try:
        document = _document(form, body)
        credential = read_status_list_credential(document)
        issuer_id, key = _signed_by(found, document, credential, keys, now)
        bits = expand_list(credential.encoded_list, max_bytes=MAX_LIST_BYTES)
    except (ProofError, CredentialError, JsonError) as error:
        raise NotOurList("it cannot be read") from error
    if credential.id != list_url(base_url, list_id, form):
        raise NotOurList("it is another list than its place says")
    if credential.purposes != (purpose,) or len(bits) * 8 < MINIMUM_ENTRIES:
        raise NotOurList("it is not of the purpose or the length of our lists")
    return FoundList(
        set_id=set_id,
        purpose=purpose,
        issuer_id=issuer_id,
        key_id=key.key_id,
        bits=bits,
        valid_from=credential.valid_from or 0,
        form=form,
        body=body,
        version=found.version,
    )


def check_owner(found: Sequence[FoundList], owners: Mapping[str, tuple[str, int]]) -> None:
    """
    Refuse a list that is not its set's, so that no other issuer's takes the place of what was published.

    Args:
        owners: of each set that is known the id of its issuer, and its length in entries.

    Raises:
        NotOurList: it is signed by another issuer than that of its set, or has another length.
    """
    for each in found:
        if (each.issuer_id, each.length) != owners.get(each.set_id, (each.issuer_id, each.length)):
            raise NotOurList("its set is of another issuer or length")


def merge(known: FoundList | None, found: FoundList) -> FoundList:
    """
    Return the two as one: a revocation that either has, a suspension as the newer one has it.

    Of two that are equally old the one that says all counts, or else the one found first. What the newer one cannot
    say is as the older one has it. Of lists of different length, or issuers, the newer one counts alone, and from
    the other it has no more than that its version was used.
    """
    if known is None:
        return found
    newest, older = (found, known) if _counts_before(found, known) else (known, found)
    if older.highest_version > newest.highest_version:
        newest = msgspec.structs.replace(newest, merged_version=older.highest_version)
    if (known.issuer_id, known.length) != (found.issuer_id, found.length):
        return newest
    newest = msgspec.structs.replace(newest, profile=newest.profile or older.profile)
    if newest.purpose != REVOCATION:
        return _completed(newest, older)
    union = int.from_bytes(known.bits) | int.from_bytes(found.bits)
    return msgspec.structs.replace(newest, bits=union.to_bytes(len(newest.bits)))


def _counts_before(found: FoundList, known: FoundList) -> bool:
    if found.is_newer_than(known):
        return True
    return bool(known.hidden) and not found.hidden and not known.is_newer_than(found)


def _completed(newest: FoundList, older: FoundList) -> FoundList:
    """Return a list with what it cannot say as the older one has it."""
    if not newest.hidden:
        return newest
    known = int.from_bytes(older.bits) & int.from_bytes(newest.hidden)
    hidden = int.from_bytes(newest.hidden) & int.from_bytes(older.hidden)
    return msgspec.structs.replace(
        newest,
        bits=(int.from_bytes(newest.bits) | known).to_bytes(len(newest.bits)),
        hidden=hidden.to_bytes(len(newest.bits)) if hidden else b"",
    )


def gather(
    forms: Iterable[FoundForm],
    read_one: Callable[[FoundForm], Sequence[FoundList]],
    on_stranger: Callable[[str], None],
) -> dict[str, FoundList]:
    """Return what was found of each W3C list, by its id; what is not ours is told to `on_stranger` and ignored."""
    newest: dict[str, FoundList] = {}
    for form in forms:
        try:
            for found in read_one(form):
                newest[found.list_id] = merge(newest.get(found.list_id), found)
        except NotOurList as error:
            on_stranger(f"{form.list_id}/{form.form} is ignored: {error}")
    return newest


def set_indexes(bits: bytes) -> set[int]:
    """Return the indexes whose bit is set; the most significant bit of the first byte is index 0."""
    return {
        8 * position + offset
        for position, byte in enumerate(bits)
        if byte
        for offset in range(8)
        if byte & 0x80 >> offset
    }


def _document(form: FormName, body: bytes) -> JsonObject:
    payload = read_compact(body, max_bytes=MAX_FORM_BYTES).payload if form == JWT else body
    document = read(payload, max_bytes=MAX_FORM_BYTES)
    if not isinstance(document, dict):
        raise NotOurList("it is no credential")
    return document


def _signed_by(
    found: FoundForm,
    document: JsonObject,
    credential: StatusListCredential,
    keys: Mapping[str, Sequence[KnownKey]],
    now: int,
) -> tuple[str, KnownKey]:
    """Return the issuer who signed what was found, and whom it names, and with which key."""
    signers = [
        (issuer_id, key)
        for issuer_id, held in keys.items()
        for key in held
        if key.did == credential.issuer and _has_signed(key, found, document, now)
    ]
    if not signers:
        raise NotOurList("no key of ours has signed it")
    if not all(key.is_believed(credential.valid_from) for _, key in signers):
        raise NotOurList("the key that has signed it was compromised by then")
    return signers[0]


def _has_signed(key: KnownKey, found: FoundForm, document: JsonObject, now: int) -> bool:
    try:
        if found.form == JWT:
            verify_compact(found.body, key.public_key)
        else:
            verify_proof(document, key.public_key, now=now)
    except ProofError:
        return False
    return True
