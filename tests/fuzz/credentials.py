"""
Hostile credentials: sound ones of every form, and what somebody without their issuer's key makes of them. Pure,
given randomness.

Whoever means harm has a key, a certificate and a DID of his own, which no registry knows.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credentials.secured import MDOC
from proofs import KeySigner, add_proof
from resolver.keys.jwk import jwk_of
from tests.credentials.sd_jwts import encoded
from tests.fuzz.mdocs import MdocMaker
from tests.fuzz.mutation import Mutator
from tests.verification.issuing import Issuer

REMOTE = "https://contexts.example/v1"  # nobody may ever ask for it
WORDS = (
    "alg", "none", "HS256", "ES256", "EdDSA", "kid", "x5c", "x5u", "jku", "jwk", "crit", "b64", "typ", "vc+jwt",
    "dc+sd-jwt", "iss", "sub", "exp", "nbf", "iat", "vct", "_sd", "_sd_alg", "...", "cnf", "status", "status_list",
    "idx", "uri", "vc", "vp", "issuer", "validFrom", "validUntil", "credentialStatus", "credentialSubject", "proof",
    "proofValue", "proofPurpose", "verificationMethod", "cryptosuite", "DataIntegrityProof", "assertionMethod",
    "eddsa-jcs-2022", "eddsa-rdfc-2022", "ecdsa-jcs-2019", "@context", "@vocab", "@id", "type", "~", ".", "~~",
    "e30", "1e309", "-0", "9" * 400,
)  # fmt: skip
_LINKS = (
    "jku",
    "x5u",
    "$schema",
    "@context",
    "credentialSchema",
    "termsOfUse",
    "refreshService",
    "vct#integrity",
)


class Sound(NamedTuple):
    """A credential that may be relied on, as it is sent, and whose key signed it."""

    form: str
    text: bytes
    issuer: Issuer


class Maker:
    """
    Makes cases of `sound` credentials; the same arguments and random numbers give the same cases.

    Args:
        stranger: an issuer whom nobody trusts.
    """

    def __init__(self, sound: list[Sound], stranger: Issuer, random: Random) -> None:
        self._sound, self._stranger, self._random = sound, stranger, random
        self._mutator = Mutator([each.text for each in sound], WORDS, random)
        mdocs = [each.text for each in sound if each.form == MDOC]
        self._mdocs = MdocMaker(mdocs, stranger.certified, self._mutator.spoilt, random)
        of_tokens = (self._headed, self._headed, self._paid, self._paid, self._swapped)
        self._of_token = of_tokens
        self._of_sd_jwt = (*of_tokens, *[self._disclosed] * 4)
        self._of_json = (self._linked, self._proved, self._proved, self._resigned_json, self._large)

    def case(self) -> bytes:
        """Return a case; some are sound credentials as they are."""
        random = self._random
        if random.random() < 0.4:
            return self._mutator.case()
        sound = random.choice(self._sound)
        if random.random() < 0.01:
            return self._huge(sound)
        if sound.form == MDOC:
            return self._mdocs.case()
        if sound.text.startswith(b"{"):
            return json.dumps(random.choice(self._of_json)(json.loads(sound.text))).encode()
        steps = self._of_sd_jwt if b"~" in sound.text else self._of_token
        return random.choice(steps)(sound)

    def _headed(self, sound: Sound) -> bytes:
        """Change the header, and sign by none, by what the changed header says, or not at all."""
        header, payload, signature, rest = _parts(sound.text)
        fields = _json(header) | self._fields(sound)
        if self._random.random() < 0.3:
            fields.pop(self._random.choice(list(fields)))
        return _token(fields, payload, self._signature(sound, fields, payload, signature), rest)

    def _fields(self, sound: Sound) -> dict[str, Any]:
        random, stranger, issuer = self._random, self._stranger, sound.issuer
        jwk = _jwk_of(stranger.signer)
        choices: tuple[dict[str, Any], ...] = (
            {
                "alg": random.choice(
                    ("none", "None", "NONE", "", None, 1, [], "EdDSA", "ES256", "ES384", "RS256")
                )
            },
            {"alg": random.choice(("HS256", "HS512"))},
            {
                "kid": random.choice(
                    (stranger.signer.verification_method, f"{issuer.did}#", "key-1", "../x", "", 7)
                )
            },
            {"jwk": jwk},
            {"alg": "EdDSA", "jwk": jwk, "kid": issuer.signer.verification_method},
            {"x5c": [base64.b64encode(der).decode() for der in stranger.certified.certificates]},
            {
                "alg": "ES256",
                "x5c": [base64.b64encode(der).decode() for der in stranger.certified.certificates],
            },
            {"x5c": [base64.b64encode(der).decode() for der in issuer.certified.certificates]},
            {random.choice(("jku", "x5u")): REMOTE},
            {"crit": random.choice((["exp"], [], ["b64"], "b64"))},
            {"b64": False, "crit": ["b64"]},
            {
                "typ": random.choice(
                    ("JWT", "vc+jwt", "dc+sd-jwt", "vc+sd-jwt", "kb+jwt", "statuslist+jwt", None, "")
                )
            },
            {"zip": "DEF"},
        )
        return random.choice(choices)

    def _signature(self, sound: Sound, fields: dict[str, Any], payload: str, signature: str) -> str:
        signing = f"{_encoded(fields)}.{payload}".encode()
        secrets = _secrets_of(sound.issuer.signer)
        name = "sha512" if fields.get("alg") == "HS512" else "sha256"
        choices: tuple[Callable[[], str], ...] = (
            lambda: signature,
            lambda: "",
            lambda: encoded(hmac.new(self._random.choice(secrets), signing, name).digest()),
            lambda: encoded(self._stranger.signer.sign(signing)),
            lambda: encoded(self._stranger.certified.sign(signing)),
            lambda: encoded(bytes(64)),
        )
        return self._random.choice(choices)()

    def _paid(self, sound: Sound) -> bytes:
        """Change what it says; the signature stays, or becomes another's."""
        header, payload, signature, rest = _parts(sound.text)
        fields = _json(header)
        changed = self._mutator.json_case(_decoded(payload))
        if self._random.random() < 0.1:
            claims = _json(payload) | {self._random.choice(_LINKS): self._random.choice((REMOTE, [REMOTE]))}
            changed = json.dumps(claims).encode()
        return _token(
            fields, encoded(changed), self._signature(sound, fields, encoded(changed), signature), rest
        )

    def _swapped(self, sound: Sound) -> bytes:
        """Put together parts of two tokens."""
        others = [each.text for each in self._sound if b"." in each.text and not each.text.startswith(b"{")]
        pairs = zip(_parts(sound.text), _parts(self._random.choice(others)), strict=True)
        header, payload, signature, rest = (self._random.choice(pair) for pair in pairs)
        return f"{header}.{payload}.{signature}{rest}".encode()

    def _disclosed(self, sound: Sound) -> bytes:
        """Double, drop, reorder, add and spoil disclosures, and what is behind them."""
        random = self._random
        token, *shown, last = sound.text.decode().split("~")
        others = [each.text.decode().split("~") for each in self._sound if b"~" in each.text]
        match random.randrange(10):
            case 0:
                shown += [random.choice(shown)] * random.choice((1, 1, 1, 900, 3_000)) if shown else []
            case 1:
                shown = [each for each in shown if random.random() < 0.5]
            case 2:
                random.shuffle(shown)
            case 3:
                shown += random.choice(others)[1:-1]
            case 4:
                added = random.choice(("degree", "iss", "vct", "exp", "_sd", "...", "cnf", "new"))
                value = random.choice(("x", 1, None, [REMOTE], {"_sd": ["x"]}))
                shown.insert(0, encoded(json.dumps(["salt", added, value]).encode()))
            case 5:
                many = random.choice((3, 999, 1_001, 5_000))
                shown += [encoded(f'["{place}","n{place}",{place}]'.encode()) for place in range(many)]
            case 6:
                shown.append(encoded(self._nested()))
            case 7:
                last = random.choice(
                    (random.choice(others)[0], random.choice(others)[-1], "x", "a.b.c", "e30.e30.")
                )
            case 8:
                return "~".join([token, *shown]).encode()
            case _:
                shown = [self._mutator.case()[:2_000].decode("latin-1"), *shown]
        return "~".join([token, *shown, last]).encode("latin-1")

    def _linked(self, document: dict[str, Any]) -> dict[str, Any]:
        """Add an address from which something could be fetched."""
        name = self._random.choice(_LINKS)
        context = document["@context"]
        if name == "@context":
            added = self._random.choice(
                (REMOTE, {"@import": REMOTE}, {"@vocab": REMOTE}, {"x": {"@id": REMOTE}})
            )
            return document | {"@context": self._random.choice(([*context, added], [added, *context]))}
        return document | {name: {"id": REMOTE, "type": "X"}}

    def _proved(self, document: dict[str, Any]) -> dict[str, Any]:
        """Change the proof."""
        random, proof = self._random, document["proof"]
        method = self._stranger.signer.verification_method
        choices: tuple[Any, ...] = (
            [proof, proof],
            [proof],
            [],
            proof
            | {"cryptosuite": random.choice(("eddsa-rdfc-2022", "ecdsa-jcs-2019", "bbs-2023", "none", 1))},
            proof | {"verificationMethod": random.choice((method, {"id": method}, REMOTE, "#key-1", None))},
            proof | {"proofPurpose": random.choice(("authentication", "", None, ["assertionMethod"]))},
            proof | {"type": random.choice(("Ed25519Signature2020", "JsonWebSignature2020", "X", None))},
            proof
            | {
                "proofValue": random.choice(
                    ("z", "", "u" + "A" * 86, "z" + "1" * 64, "z" + "2" * 90_000, None)
                )
            },
            proof | {"created": random.choice(("yesterday", "9999-12-31T23:59:59Z", None, 1))},
            proof | {"expires": "2020-01-01T00:00:00Z"},
            proof | {"jwk": _jwk_of(self._stranger.signer), "publicKeyJwk": _jwk_of(self._stranger.signer)},
            proof | {"previousProof": "urn:uuid:1", "domain": "x", "challenge": "y"},
            {name: value for name, value in proof.items() if name != random.choice(list(proof))},
        )
        return document | {"proof": random.choice(choices)}

    def _resigned_json(self, document: dict[str, Any]) -> dict[str, Any]:
        """Sign what somebody else says with the stranger's key, in the name of either."""
        plain = {name: value for name, value in document.items() if name != "proof"}
        signed = add_proof(plain, self._stranger.signer, "jcs")
        if self._random.random() < 0.5:
            signed["proof"]["verificationMethod"] = document["proof"]["verificationMethod"]
        return signed

    def _large(self, document: dict[str, Any]) -> dict[str, Any]:
        """Put in what is dear to read or to canonicalise."""
        random = self._random
        subject = random.choice(
            (
                json.loads(self._nested()),
                [10 ** random.choice((15, 300, 4_000))] * random.choice((1, 500)),
                [9e307] * random.choice((1, 500, 6_000)),
                {f"n{place}": place / 7 for place in range(random.choice((10, 1_000, 6_500)))},
                [{"knows": {"knows": {}}} for _ in range(random.choice((5, 40, 200)))],
            )
        )
        return document | {"credentialSubject": subject}

    def _nested(self) -> bytes:
        depth = self._random.choice((3, 29, 31, 32, 33, 200))
        opening, closing = self._random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return opening * depth + b"1" + closing * depth

    def _huge(self, sound: Sound) -> bytes:
        """Return up to 1 MiB of what is to be read."""
        random = self._random
        size = random.choice((40_000, 300_000, 1_000_000, 1_048_576))
        unit = random.choice(
            (b"~", b".", b"[", b'{"a":', b"9", b"9e307,", b"A", b" ", b"\\u0000", sound.text + b"~")
        )
        filled = (unit * (size // len(unit) + 1))[:size]
        header = sound.text.partition(b".")[0]
        body = random.choice((filled, encoded(filled).encode()[:size]))
        return random.choice(
            (filled, header + b"." + body + b".AAAA", b'{"proof":' + filled, sound.text + filled)
        )


def _parts(text: bytes) -> tuple[str, str, str, str]:
    """Return header, payload and signature of a token, and what is behind it."""
    token, tilde, rest = text.decode().partition("~")
    header, payload, signature = token.split(".")
    return header, payload, signature, tilde + rest


def _token(header: dict[str, Any], payload: str, signature: str, rest: str) -> bytes:
    return f"{_encoded(header)}.{payload}.{signature}{rest}".encode()


def _encoded(value: Any) -> str:
    return encoded(json.dumps(value).encode())


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_decoded(text))
    return found


def _jwk_of(signer: KeySigner) -> dict[str, Any]:
    return dict(jwk_of(signer.public_key))


def _secrets_of(signer: KeySigner) -> list[bytes]:
    """Return what a confused verifier takes for the secret of an HMAC: the public key, in all its spellings."""
    public: Any = signer.public_key
    return [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(_jwk_of(signer)).encode(),
        hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest(),
        b"",
    ]
