"""
The verification of one entry after another (did:webvh v1.0, section Read (Resolve)). Pure.

A verification is a generator that stops between its costly parts: whoever runs it decides when others come in.
"""

from typing import Any

import msgspec

from proofs import ProofError
from resolver.did import parse_did
from resolver.errors import ResolutionError
from resolver.methods.webvh import WEBVH, normal_form, scid_of
from resolver.results import JsonObject
from resolver.webvh.entry import Entry, read_entry
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.hashes import PLACEHOLDER, HashedEntry, hash_of, is_multihash_of, scid_of_first
from resolver.webvh.limits import LogLimits
from resolver.webvh.parameters import Parameters, Witness, first_parameters, next_parameters
from resolver.webvh.proof import read_proof, verify_proof
from resolver.webvh.slices import Slices


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """
    An entry that was verified.

    Attributes:
        time: versionTime, in microseconds since 1970.
        did, normal_did: the id of its document, and that in the one spelling of a did:webvh.
        parameters: what is active after it.
        witness: the list that must approve it, or None.
        start, end: where its line is in the log.
    """

    version_id: str
    number: int
    time: int
    did: str
    normal_did: str
    parameters: Parameters
    witness: Witness | None
    start: int
    end: int


def verified_entry(
    line: bytes, start: int, previous: Version | None, scid: str, *, now: int, limits: LogLimits
) -> Slices[Version]:
    """
    Verify a line of the log of `scid`.

    1. It is an entry, and comes after `previous`: number, time.
    2. The parameters are permitted, and nothing follows a deactivation.
    3. The document is this DID's, where it was before or where portability lets it be.
    4. Of the first entry: the SCID. Of each: the hash that chains it to the one before.
    5. Pre-rotation: the keys are those that were announced.
    6. Each proof is by a key that is authorized, and holds.

    Args:
        start: where the line begins in the log.
        previous: the entry before it; None for the first.
        now: microseconds since 1970.

    Raises:
        InvalidLog: one of these does not hold.
    """
    entry = read_entry(line, limits)
    _check_place(entry, previous, now, limits)
    active = _parameters(entry, previous, limits)
    did, normal_did = _check_document(entry.state, previous, scid, active)
    yield
    hashed = _hashed(entry)
    yield
    if previous is None:
        if active.scid != scid or scid_of_first(hashed.under(PLACEHOLDER), scid) != scid:
            raise invalid_log("scid-verification-failed", "the SCID is not that of the first entry")
        yield
    if not is_multihash_of(entry.entry_hash, hashed.digest(previous.version_id if previous else scid)):
        raise invalid_log("hash-chain-broken", f"the hash in version {entry.number} is not that of its entry")
    authorized = _authorized_keys(active, previous)
    signed = hashed.digest(entry.version_id)
    for proof in entry.proofs:
        _check_proof(proof, signed, authorized, now)
        yield
    before = None if previous is None else previous.parameters.witness
    return Version(
        version_id=entry.version_id,
        number=entry.number,
        time=entry.time,
        did=did,
        normal_did=normal_did,
        parameters=active,
        witness=before or active.witness,  # A new list counts from the next entry on; a first one at once.
        start=start,
        end=start + len(line),
    )


def _check_place(entry: Entry, previous: Version | None, now: int, limits: LogLimits) -> None:
    """Steps 3.1 and 4: numbers without a gap, times that rise, none of them ahead of us."""
    expected = 1 if previous is None else previous.number + 1
    if entry.number != expected:
        raise invalid_log("version-mismatch", f"expected version {expected}, found {entry.number}")
    if previous is not None and entry.time <= previous.time:
        raise _out_of_time("versionTime: expected a time after that of the entry before")
    if entry.time > now + limits.clock_skew_seconds * 1_000_000:
        raise _out_of_time("versionTime: the time has not come yet")


def _out_of_time(detail: str) -> InvalidLog:
    return invalid_log("versiontime-format-invalid", detail)


def _parameters(entry: Entry, previous: Version | None, limits: LogLimits) -> Parameters:
    if previous is None:
        return first_parameters(entry.parameters, limits)
    if previous.parameters.deactivated:
        raise invalid_log("deactivated", "an entry follows the one that deactivated the DID")
    return next_parameters(previous.parameters, entry.parameters, limits)


def _check_document(
    state: JsonObject, previous: Version | None, scid: str, active: Parameters
) -> tuple[str, str]:
    """
    Check the `id` of the document, and return it, and its normal form (section DID Portability).

    In every version it has the SCID; host and path change only while `portable`, and the document then names
    the DID before under alsoKnownAs.
    """
    own_id = state.get("id")
    if previous is not None and own_id == previous.did:
        return previous.did, previous.normal_did
    normal_did = _normal_did(own_id, scid) if isinstance(own_id, str) else None
    if not isinstance(own_id, str) or normal_did is None:
        raise invalid_log("did-log-id-mismatch", "the id of the document is not a did:webvh of this SCID")
    if previous is not None:
        if not active.portable:
            raise invalid_log(
                "portability-disabled", "the id of the document changes, and it is not portable"
            )
        also_known_as = state.get("alsoKnownAs")
        if not isinstance(also_known_as, list) or previous.did not in also_known_as:
            raise invalid_log("did-log-id-mismatch", "the DID before the move is not under alsoKnownAs")
    return own_id, normal_did


def _normal_did(text: str, scid: str) -> str | None:
    """Return a DID of this SCID in its one spelling; None for anything else."""
    try:
        did = parse_did(text)
        normal_did = normal_form(did) if did.method == WEBVH.name else None
    except ResolutionError:
        return None
    return normal_did if scid_of(did) == scid else None


def _hashed(entry: Entry) -> HashedEntry:
    try:
        return HashedEntry(entry.parameters, entry.state, entry.version_time)
    except ProofError as error:
        raise invalid_log("invalid-log-entry", f"the entry has no canonical form: {error.detail}") from None


def _authorized_keys(active: Parameters, previous: Version | None) -> tuple[str, ...]:
    """
    Return the keys that may sign the entry (section Authorized Keys).

    The first entry's own; then those of the entry before. Under pre-rotation the entry's own, each of which
    the entry before has announced by its hash.
    """
    if previous is None:
        return active.update_keys
    announced = previous.parameters.next_key_hashes
    if not announced:
        return previous.parameters.update_keys
    if not {hash_of(key.encode()) for key in active.update_keys} <= set(announced):
        raise invalid_log("invalid-parameter", "updateKeys: a key that nextKeyHashes did not announce")
    return active.update_keys


def _check_proof(value: Any, signed: bytes, authorized: tuple[str, ...], now: int) -> None:
    multikey, proof = read_proof(value, now=now)
    if multikey not in authorized:
        raise invalid_log(
            "key-not-authorized-to-update", "the key of a proof is not in the active updateKeys"
        )
    verify_proof(multikey, proof, signed)
