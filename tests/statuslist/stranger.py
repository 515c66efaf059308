"""
An issuer elsewhere: its DID document and its status lists in the fake web, wrong in one way where a test asks.
"""

import hashlib
from typing import Any

import base58
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner, PrivateKey, Transformation, add_proof, canonicalize, sign_compact
from statuslist.formats.bitstring import encode_list, with_statuses
from statuslist.formats.bitstring_credential import CREDENTIALS_V2, status_list_credential
from statuslist.formats.bitstring_entry import status_entry
from statuslist.formats.forms import MEDIA_TYPES, TokenForm
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_cwt, signed_token_jwt
from tests.simulator import Host, World, canned
from tests.statuslist.wing import did_document

REVOKED, VALID = 7, 8  # indexes of every list below
PATH = "/lists/1"


class Stranger:
    """A did:web issuer on a host of its own; its list is at `list_url`."""

    def __init__(self, world: World, name: str, now: int, key: PrivateKey | None = None) -> None:
        self.host: Host = world.host(name)
        self.did = f"did:web:{name}"
        self.list_url = f"https://{name}{PATH}"
        self.signer = KeySigner(key or Ed25519PrivateKey.generate(), f"{self.did}#key-1")
        self.now = now
        self.publish_did(did_document(self.signer))

    def publish_did(self, document: dict[str, Any]) -> None:
        self.host.publish("/.well-known/did.json", document)

    def list_document(self, *, length: int = 131_072, **overrides: Any) -> dict[str, Any]:
        """Return an unsecured list credential, valid for an hour, with `REVOKED` set."""
        values: dict[str, Any] = {
            "url": self.list_url,
            "issuer": self.did,
            "purpose": "revocation",
            "encoded_list": encode_list(with_statuses(length, [(REVOKED, 1)])),
            "valid_from": self.now - 60_000_000,
            "valid_until": self.now + 3_600_000_000,
            "ttl_ms": 300_000,
        }
        return status_list_credential(**values | overrides)

    def publish_list(
        self,
        document: dict[str, Any] | None = None,
        *,
        signer: KeySigner | None = None,
        form: str = "jcs",
        **headers: str,
    ) -> None:
        """Serve a list in a form as of `secured`; `headers` (`content_type="..."`) go over those of the form."""
        body = secured(document or self.list_document(), signer or self.signer, form)
        content_type = "application/vc+jwt" if form == "jwt" else "application/vc"
        self.serve(body, **({"content_type": content_type} | headers))

    def token_list(self, *, values: dict[int, int] | None = None, **changes: Any) -> TokenList:
        """Return a token list of two bits, valid for an hour, with `REVOKED` at 1."""
        statuses = {REVOKED: 1} if values is None else values
        members: dict[str, Any] = {
            "url": self.list_url,
            "issued_at": self.now - 60_000_000,
            "expires": self.now + 3_600_000_000,
            "ttl_ms": 300_000,
            "bits": 2,
        } | changes
        lst = compressed(packed(members.pop("length", 1_024), statuses.items(), members["bits"]))
        return TokenList(**{"lst": lst} | members)

    def publish_token_list(
        self,
        form: TokenForm = "token.jwt",
        token_list: TokenList | None = None,
        *,
        signer: KeySigner | None = None,
        **headers: str,
    ) -> None:
        """Serve a token list as JWT or CWT, its key named by a DID URL."""
        signed = signed_token_jwt if form == "token.jwt" else signed_token_cwt
        body = signed(token_list or self.token_list(), signer or self.signer)
        self.serve(body, **({"content_type": MEDIA_TYPES[form]} | headers))

    def claim(self, index: int = VALID, **changes: Any) -> dict[str, Any]:
        """Return the claim `status` of a token."""
        return {"status_list": {"idx": index, "uri": self.list_url} | changes}

    def serve(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.host.answer(PATH, canned(body, status, **headers))

    def entry(self, index: int = VALID, **overrides: Any) -> dict[str, Any]:
        return status_entry(list_url=self.list_url, index=index, purpose="revocation") | overrides

    def credential(self, *entries: dict[str, Any], **overrides: Any) -> dict[str, Any]:
        """Return an unsecured credential of this issuer with status entries."""
        return {
            "@context": [CREDENTIALS_V2],
            "type": ["VerifiableCredential"],
            "issuer": self.did,
            "credentialSubject": {"id": "did:example:holder"},
            "credentialStatus": list(entries) or [self.entry()],
        } | overrides


def secured(document: dict[str, Any], signer: KeySigner, form: str) -> bytes:
    """Return a credential with a proof over JSON ("jcs") or over RDF ("rdfc"), or as a JWT ("jwt")."""
    if form == "jwt":
        return vc_jwt(document, signer)
    transformation: Transformation = "jcs" if form == "jcs" else "rdfc"
    return msgspec.json.encode(add_proof(document, signer, transformation))


def vc_jwt(document: dict[str, Any], signer: KeySigner, **header: Any) -> bytes:
    """Return a credential as application/vc+jwt."""
    return sign_compact(
        msgspec.json.encode(document), header={"typ": "vc+jwt", "cty": "vc"} | header, signer=signer
    )


def jcs_secured_until(document: dict[str, Any], signer: KeySigner, expires: str) -> bytes:
    """Return a credential with an eddsa-jcs-2022 proof that expires (vc-di-eddsa, section 3.3)."""
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": signer.verification_method,
        "proofPurpose": "assertionMethod",
        "expires": expires,
        "@context": document["@context"],
    }
    hashed = b"".join(hashlib.sha256(canonicalize(part)).digest() for part in (options, document))
    proof_value = "z" + base58.b58encode(signer.sign(hashed)).decode()
    return msgspec.json.encode(document | {"proof": options | {"proofValue": proof_value}})
