"""Both forms of our lists name a key of our DID document, in the shape that their verifiers read."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from operators import Issuer
from proofs import create_key_file, sign_compact
from resolver import public_key_of
from server.identity import Identities
from server.settings import Settings


def _identities(directory: Path) -> tuple[Identities, Ed25519PrivateKey]:
    key = create_key_file(directory / "key-1.pem")
    settings = Settings(key_dir=str(directory))
    return Identities(settings, [Issuer(id="default", did=settings.did, key_name="key-1")]), key


def test_the_same_key_stands_in_the_shape_of_each_form(tmp_path: Path) -> None:
    identities, key = _identities(tmp_path)
    signer = identities.signer_of("default")
    document = identities.own_document("did:web:localhost%3A8000")
    assert document is not None
    methods = {method["id"]: method for method in document["verificationMethod"]}

    assert methods[signer.verification_method]["type"] == "Multikey"
    assert methods[signer.jws_key_id]["type"] == "JsonWebKey"
    assert all(public_key_of(method) == key.public_key() for method in methods.values())
    assert set(document["assertionMethod"]) == set(methods)


def test_a_jws_names_the_json_web_key(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)
    signer = identities.signer_of("default")
    head = sign_compact(b"{}", header={"typ": "vc+jwt"}, signer=signer).split(b".")[0]

    assert json.loads(urlsafe_b64decode(head + b"=="))["kid"] == "did:web:localhost%3A8000#key-1-jwk"


def test_a_did_that_is_not_ours_has_no_document_here(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)

    assert identities.own_document("did:web:localhost%3A8001") is None
