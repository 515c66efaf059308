"""
The witness proofs of a log: who approved which version, and whether enough did. Pure.

did:webvh v1.0, section Verifying Witness Proofs During Resolution. A proof for a version approves all before it.
One for a version that is not in this log says nothing: else a proof from another log could be replayed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from proofs import canonicalize
from resolver.results import JsonObject
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.limits import LogLimits
from resolver.webvh.parameters import Witness
from resolver.webvh.proof import read_proof, verify_proof
from resolver.webvh.slices import Slices
from resolver.webvh.verification import Version
from wire import JsonError, read

Proofs = dict[str, list[tuple[int, JsonObject]]]  # multikey to version numbers and proofs


def approvals(
    file: bytes, versions: Sequence[Version], *, now: int, limits: LogLimits
) -> Slices[dict[str, int]]:
    """
    Return each witness of `versions` with the number of the last version that it approved.

    Verifies the least: of a witness, proofs from the last version on, up to the first that holds. Proofs that do
    not hold are passed over (the specification: MAY), and so are those of strangers.

    Raises:
        InvalidLog: the file is over a cap, not strict JSON or not of its shape.
    """
    wanted = {multikey for witness in _lists(versions) for multikey in witness.multikeys}
    by_id = {version.version_id: version.number for version in versions}
    found: Proofs = {}
    count = 0
    for item in _items(file, limits):
        proofs = _proofs_in(item)
        count += len(proofs)
        if count > limits.max_witness_proofs:
            raise _malformed(f"the witness file has over {limits.max_witness_proofs} proofs")
        _sort_in(found, proofs, by_id.get(item["versionId"]), wanted)
        yield
    ids = {number: version_id for version_id, number in by_id.items()}
    approved: dict[str, int] = {}
    for multikey, own in found.items():
        for number, proof in sorted(own, key=lambda pair: -pair[0]):
            yield
            if _holds(multikey, proof, ids[number], now):
                approved[multikey] = number
                break
    return approved


def first_unapproved(versions: Sequence[Version], approved: Mapping[str, int]) -> Version | None:
    """Return the first version that fewer of its witnesses approved than its threshold; None: all are approved."""
    up_to = {id(witness): _approved_up_to(witness, approved) for witness in _lists(versions)}
    return next((v for v in versions if v.witness is not None and v.number > up_to[id(v.witness)]), None)


def _lists(versions: Sequence[Version]) -> list[Witness]:
    """Return the witness lists of the versions, each once: most versions share theirs with the one before."""
    lists = {id(version.witness): version.witness for version in versions}
    return [witness for witness in lists.values() if witness is not None]


def _approved_up_to(witness: Witness, approved: Mapping[str, int]) -> int:
    """Return the last version number that enough of a list have approved; 0: none."""
    numbers = sorted((approved.get(multikey, 0) for multikey in witness.multikeys), reverse=True)
    return numbers[witness.threshold - 1]


def unapproved(version: Version) -> InvalidLog:
    """Return the error for a version that too few witnesses approved."""
    return invalid_log(
        "witness-verification-failed", f"too few of its witnesses approved version {version.number}"
    )


def _items(file: bytes, limits: LogLimits) -> Iterator[JsonObject]:
    """Yield the items of the file, each read when it is asked for: the file may be long, an item may not."""
    try:
        _check_size(file, limits)
        for raw in msgspec.json.decode(file, type=list[msgspec.Raw]):
            item = read(bytes(raw), max_bytes=limits.max_line_bytes)
            if not isinstance(item, dict) or not isinstance(item.get("versionId"), str):
                raise _malformed("the witness file: expected a list of objects with a versionId")
            yield item
    except JsonError as error:
        raise _malformed(f"the witness file is not acceptable JSON: {error}") from None
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise _malformed("the witness file: expected a JSON list") from None


def _check_size(file: bytes, limits: LogLimits) -> None:
    """Refuse a file that is too long, or has more objects, or more else between commas, than any honest one."""
    if len(file) > limits.max_witness_bytes:
        raise JsonError(f"over {limits.max_witness_bytes} bytes")
    objects = file.count(b"{")
    if objects > limits.max_witness_proofs + limits.max_entries or file.count(b",") > 16 * objects:
        raise JsonError("more items, proofs or members than can be")


def _proofs_in(item: JsonObject) -> list[JsonObject]:
    proofs = item.get("proof", [])
    if not isinstance(proofs, list) or not all(isinstance(proof, dict) for proof in proofs):
        raise _malformed("the witness file: expected proof as a list of objects")
    return proofs


def _sort_in(found: Proofs, proofs: list[JsonObject], number: int | None, wanted: set[str]) -> None:
    """Sort proofs of a version of this log by who says to have made them; none is verified yet."""
    if number is None:
        return
    for proof in proofs:
        if (multikey := _witness_in(proof)) in wanted:
            found.setdefault(multikey, []).append((number, proof))


def _witness_in(proof: JsonObject) -> str:
    method = proof.get("verificationMethod")
    return method.rpartition("#")[2] if isinstance(method, str) else ""


def _holds(multikey: str, value: JsonObject, version_id: str, now: int) -> bool:
    """Tell whether a proof is this witness's signature over `{"versionId": ...}`, which is all a witness signs."""
    try:
        signer, proof = read_proof(value, now=now)
        verify_proof(multikey, proof, hashlib.sha256(canonicalize({"versionId": version_id})).digest())
    except InvalidLog:
        return False
    return signer == multikey


def _malformed(detail: str) -> InvalidLog:
    return invalid_log("witness-verification-failed", detail)
