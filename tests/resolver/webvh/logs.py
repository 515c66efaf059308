"""
Writes did:webvh logs, true ones and forged ones, with real keys; an oracle that shares no code with the product.

    log = Log("issuer.example")
    log.append()                                     # the first entry
    log.append(sign_with=stranger)                   # a forged one
    log.lines, log.did, log.text
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import base58
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
Change = Callable[[Json], Any]

PLACEHOLDER = "{SCID}"
START = datetime(2025, 1, 1, tzinfo=UTC)


class Signer:
    """An Ed25519 key, the same one for the same number."""

    def __init__(self, number: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        raw = self._key.public_key().public_bytes_raw()
        self.multikey = "z" + base58.b58encode(b"\xed\x01" + raw).decode()
        self.did = f"did:key:{self.multikey}"

    @property
    def hash(self) -> str:
        return multihash(self.multikey.encode())

    def proof(self, document: Json, **members: Any) -> Json:
        """Return an eddsa-jcs-2022 proof over `document`; `members` replace those of the signed options."""
        options = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": f"{self.did}#{self.multikey}",
            "created": "2025-01-01T00:00:00Z",
            "proofPurpose": "assertionMethod",
        } | members
        data = b"".join(hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, document))
        return options | {"proofValue": "z" + base58.b58encode(self._key.sign(data)).decode()}


def multihash(data: bytes) -> str:
    return base58.b58encode(b"\x12\x20" + hashlib.sha256(data).digest()).decode()


def nothing(_: Json) -> None: ...


class Log:
    """A log under construction; each entry a minute after the one before."""

    def __init__(self, host: str = "issuer.example", signer: Signer | None = None) -> None:
        self.entries: list[Json] = []
        self.approvals: list[Json] = []
        self.host = host
        self.scid = ""
        self.signer = signer or Signer(1)

    @property
    def did(self) -> str:
        return f"did:webvh:{self.scid}:{self.host}"

    @property
    def text(self) -> bytes:
        return b"".join(json.dumps(entry, separators=(",", ":")).encode() + b"\n" for entry in self.entries)

    @property
    def witness_file(self) -> bytes:
        return json.dumps(self.approvals).encode()

    def append(
        self,
        parameters: Json | None = None,
        *,
        state: Json | None = None,
        time: str | None = None,
        sign_with: Signer | None = None,
        before_hash: Change = nothing,
        before_proof: Change = nothing,
        after: Change = nothing,
        proof: Json | None = None,
    ) -> "Log":
        """
        Append an entry, first or later; a `Change` alters it before it is hashed, signed or published.

        `parameters` replace the defaults of a first entry; None in them leaves one out. `proof` are members of
        the signed proof options.
        """
        number = len(self.entries) + 1
        given = (self._first_parameters() if number == 1 else {}) | (parameters or {})
        entry: Json = {
            "versionId": PLACEHOLDER if number == 1 else self.entries[-1]["versionId"],
            "versionTime": time or format_time(number),
            "parameters": {name: value for name, value in given.items() if value is not ...},
            "state": state or self._state(),
        }
        before_hash(entry)
        if number == 1:
            self.scid = multihash(rfc8785.dumps(entry))
            entry = json.loads(json.dumps(entry).replace(PLACEHOLDER, self.scid))
        entry["versionId"] = f"{number}-{multihash(rfc8785.dumps(entry))}"
        before_proof(entry)
        entry["proof"] = [(sign_with or self.signer).proof(entry, **(proof or {}))]
        after(entry)
        self.entries.append(entry)
        return self

    def approve(self, *witnesses: Signer, version: int = 0) -> "Log":
        """Add the approvals of `witnesses` for a version, by default the newest."""
        version_id = self.entries[version - 1]["versionId"]
        proofs = [witness.proof({"versionId": version_id}) for witness in witnesses]
        self.approvals.append({"versionId": version_id, "proof": proofs})
        return self

    def copy(self) -> "Log":
        """Return a log that goes on from here on its own: a fork."""
        log = Log(self.host, self.signer)
        log.scid = self.scid
        log.entries = json.loads(json.dumps(self.entries))
        log.approvals = json.loads(json.dumps(self.approvals))
        return log

    def _first_parameters(self) -> Json:
        return {"method": "did:webvh:1.0", "scid": PLACEHOLDER, "updateKeys": [self.signer.multikey]}

    def _state(self) -> Json:
        if self.entries:
            return dict(self.entries[-1]["state"])
        return {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": f"did:webvh:{PLACEHOLDER}:{self.host}",
            "verificationMethod": [],
        }


def witnessed(threshold: int, *witnesses: Signer) -> Json:
    """Return the parameter `witness`."""
    return {"witness": {"threshold": threshold, "witnesses": [{"id": witness.did} for witness in witnesses]}}


def format_time(number: int) -> str:
    return (START + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
