"""
Issuers in a fake web, each known to the registry in another way, and credentials of theirs in every form.

What is wrong with a credential is one of the defects of docs/verify.md; everything else about it is right.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials.keys.crls import Crls
from credentials.keys.issuer_metadata import IssuerMetadata
from proofs import Canonicalize, KeyName, KeySigner, sign_compact
from registry.identifiers import certificate_identifier, key_identifier
from registry.model import Authority, Definition, Identifier, Resource
from resolver import Resolver
from resolver.keys.jwk import jwk_of
from server.wings.verifying import open_verifier
from statuslist.checking.checker import Checker
from statuslist.formats.bitstring import encode_list, with_statuses
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_jwt
from tests.credentials.mdocs import mdoc
from tests.credentials.sd_jwts import sd_jwt
from tests.proofs.authorities import Authority as CertificateAuthority
from tests.proofs.authorities import Extensions, der, key
from tests.registry.told import NOW, Told, a_grant, a_registry, a_state, an_entity
from tests.simulator import World, canned
from tests.statuslist.stranger import PATH, REVOKED, VALID, Stranger, secured
from verification.verifier import Verifier
from wire import format_utc

SECOND = 1_000_000  # microseconds
HOUR = 3_600 * SECOND
SUSPENDED = 9  # an index in the list of suspensions, and in the token list
PASSPORT = Resource(id="Passport", types=("Passport",), vcts=("urn:passport",))
DEGREE = Resource(id="Degree", types=("Degree",), vcts=("urn:degree",), doc_types=("org.example.degree",))
ISSUERS = ("good", "stranger", "suspended", "stolen", "other", "lost")
TOKENS, SUSPENSIONS = "/lists/tokens", "/lists/suspensions"
Changes = dict[str, Any]


class Issuer(Stranger):
    """An issuer with a DID, an https URL and a certificate; the key of the first two is one."""

    def __init__(self, world: World, called: str) -> None:
        self.called = called
        self.private_key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(called.encode()).digest())
        super().__init__(world, f"{called}.example", NOW, self.private_key)
        self.url = f"https://{called}.example/issuer"
        self.key_id = called.encode()  # of the certificate of its authority
        self.root = CertificateAuthority(
            f"{called} root",
            extensions={x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier(self.key_id), False)},
            not_after=_day(300),
        )
        self.certified = self._certified(called)
        jwk = jwk_of(self.signer.public_key) | {"kid": "key-1"}
        metadata = {"issuer": self.url, "jwks": {"keys": [jwk]}}
        self.host.publish("/.well-known/jwt-vc-issuer/issuer", metadata)
        self.publish_lists()

    @property
    def anchor(self) -> Identifier:
        text = base64.b64encode(self.root.der).decode()
        return Identifier(
            value=certificate_identifier(self.root.der), certificate=text, ski=self.key_id.hex()
        )

    def publish_lists(self, *, ends: int = NOW + HOUR, issuer: "Issuer | None" = None) -> None:
        """Serve the lists, by `issuer` where it is another one; `REVOKED` is revoked, `SUSPENDED` suspended."""
        by = issuer or self
        for target, purpose, index in ((PATH, "revocation", REVOKED), (SUSPENSIONS, "suspension", SUSPENDED)):
            url = f"https://{self.host.name}{target}"
            bits = encode_list(with_statuses(131_072, [(index, 1)]))
            document = self.list_document(
                url=url, issuer=by.did, purpose=purpose, encoded_list=bits, valid_until=ends
            )
            self.host.answer(
                target, canned(secured(document, by.signer, "jcs"), 200, content_type="application/vc")
            )
        signers = by.token_signers()
        if by is not self:  # A name within its issuer's metadata names nobody else.
            signers["https"] = by.signer
        for kind, signer in signers.items():
            tokens = TokenList(
                url=self.tokens_url(kind),
                issued_at=NOW - 60 * SECOND,
                expires=ends,
                ttl_ms=300_000,
                bits=2,
                lst=compressed(packed(131_072, [(REVOKED, 1), (SUSPENDED, 2)], 2)),
            )
            token = signed_token_jwt(tokens, signer, "certificates" if kind == "x5c" else "kid")
            self.host.answer(
                f"{TOKENS}/{kind}", canned(token, 200, content_type="application/statuslist+jwt")
            )

    def tokens_url(self, kind: str) -> str:
        return f"https://{self.host.name}{TOKENS}/{kind}"

    def token_signers(self) -> dict[str, KeySigner]:
        """Return who signs token lists, by how the key is found: each as the credentials that point there are."""
        by_metadata = KeySigner(self.private_key, self.signer.verification_method, jws_key_id="key-1")
        return {"did": self.signer, "https": by_metadata, "x5c": self.certified}

    def unpublish_lists(self) -> None:
        for target in (PATH, SUSPENSIONS, *(f"{TOKENS}/{kind}" for kind in self.token_signers())):
            self.host.answer(target, canned(b"", 503))

    def entries(self, index: int) -> list[Changes]:
        """Return the entries of a W3C credential, one for each list."""
        lists = (("revocation", self.list_url), ("suspension", f"https://{self.host.name}{SUSPENSIONS}"))
        return [
            {
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose,
                "statusListIndex": str(index),
                "statusListCredential": url,
            }
            for purpose, url in lists
        ]

    def name_crls(self, *urls: str) -> None:
        """Have a certificate that says that its CRL is at one of these URLs."""
        names = [x509.UniformResourceIdentifier(url) for url in urls]
        points = x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])
        self.certified = self._certified(self.called, {x509.CRLDistributionPoints: (points, False)})

    def certified_as(self, name: str) -> KeySigner:
        """Return who signs with a certificate that names somebody, below the authority of this issuer."""
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
        return self._certified(self.called, {x509.SubjectAlternativeName: (names, False)})

    def _certified(self, called: str, more: Extensions = {}) -> KeySigner:  # noqa: B006
        leaf = self.root.leaf(
            f"{called} leaf",
            extensions={
                x509.SubjectAlternativeName: (
                    x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.url)]),
                    False,
                ),
                x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(self.key_id, None, None), False),
                **more,
            },
            not_after=_day(30),
        )
        return KeySigner(key(f"{called} leaf"), f"{self.did}#leaf", certificates=(der(leaf),))


class Wanted:
    """
    A credential to be made.

    Attributes:
        signer: of the key that signs; None: the issuer's own.
        names_key_of: whose key its header names; None: that of the issuer.
        at: the time that is asked about; None: now.
        status: what stands there of its status; ...: entries for `index`; None: nothing.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.begins, self.ends = NOW - HOUR, NOW + HOUR
        self.index = VALID
        self.at: int | None = None
        self.status: Any = ...
        self.names_key_of = issuer
        self.has_wrong_key = False
        self.is_flipped = False

    def signer(self, kind: str = "did") -> KeySigner:
        named = self.names_key_of.certified if kind == "x5c" else self.names_key_of.signer
        if not self.has_wrong_key:
            return named
        other = key("another") if kind == "x5c" else Ed25519PrivateKey.generate()
        return KeySigner(other, named.verification_method, certificates=named.certificates)

    def w3c(self) -> Changes:
        status = self.issuer.entries(self.index) if self.status is ... else self.status
        return {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential", "Degree"],
            "issuer": self.issuer.did,
            "validFrom": format_utc(self.begins),
            "validUntil": format_utc(self.ends),
            "credentialSubject": {"id": "did:example:holder", "degree": "AAAA"},
        } | ({"credentialStatus": status} if status is not None else {})

    def token_status(self, kind: str) -> Any:
        """Return `status` as tokens and mdocs have it."""
        list_entry = {"status_list": {"idx": self.index, "uri": self.issuer.tokens_url(kind)}}
        return list_entry if self.status is ... else self.status

    def sd_jwt(self, issuer: str, kind: str) -> Changes:
        status = self.token_status(kind)
        return {
            "iss": issuer,
            "vct": "urn:degree",
            "iat": self.begins // SECOND,
            "nbf": self.begins // SECOND,
            "exp": self.ends // SECOND,
        } | ({"status": status} if status is not None else {})


def _with_proof(wanted: Wanted) -> Any:
    made = json.loads(secured(wanted.w3c(), wanted.signer(), "jcs"))
    if wanted.is_flipped:
        made["credentialSubject"]["degree"] = "BAAA"
    return made


def _vc_jwt(wanted: Wanted) -> str:
    payload = json.dumps(wanted.w3c()).encode()
    return _flipped(sign_compact(payload, header={"typ": "vc+jwt"}, signer=wanted.signer()).decode(), wanted)


def _former_jwt(wanted: Wanted) -> str:
    document = wanted.w3c()
    vc = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "type": document["type"],
        "credentialSubject": document["credentialSubject"],
    } | {name: value for name, value in document.items() if name == "credentialStatus"}
    claims = {
        "iss": wanted.issuer.did,
        "nbf": wanted.begins // SECOND,
        "exp": wanted.ends // SECOND,
        "vc": vc,
    }
    payload = json.dumps(claims).encode()
    return _flipped(sign_compact(payload, header={"typ": "JWT"}, signer=wanted.signer()).decode(), wanted)


def _sd_jwt(kind: str) -> Callable[[Wanted], str]:
    def made(wanted: Wanted) -> str:
        issuer = wanted.issuer.did if kind == "did" else wanted.issuer.url
        key_name: KeyName = "certificates" if kind == "x5c" else "kid"
        header = (
            {"kid": "key-1" if wanted.names_key_of is wanted.issuer else "key-2"} if kind == "https" else {}
        )
        token = sd_jwt(
            wanted.sd_jwt(issuer, kind),
            wanted.signer(kind),
            hidden={"degree": "AAAA"},
            header=header,
            key_name=key_name,
        )
        return _flipped(token, wanted)

    return made


def _mdoc(wanted: Wanted) -> str:
    named = wanted.names_key_of
    return mdoc(
        key("another") if wanted.has_wrong_key else key(f"{named.called} leaf"),
        named.certified.certificates,
        begins=wanted.begins,
        ends=wanted.ends,
        doc_type="org.example.degree",
        elements={"degree": "AAAA"},
        status=wanted.token_status("x5c"),
        change_items=lambda items: items[0].update(elementValue="BAAA") if wanted.is_flipped else None,
    )


FORMS: dict[str, Callable[[Wanted], Any]] = {
    "application/vc": _with_proof,
    "application/vc+jwt": _vc_jwt,
    "jwt_vc_json": _former_jwt,
    "dc+sd-jwt by DID": _sd_jwt("did"),
    "dc+sd-jwt by metadata": _sd_jwt("https"),
    "dc+sd-jwt by certificates": _sd_jwt("x5c"),
    "mso_mdoc": _mdoc,
}


def _flipped(token: str, wanted: Wanted) -> str:
    """Change one character of the payload of a token, so that it is still JSON: the first digit of a time."""
    if not wanted.is_flipped:
        return token
    header, payload, rest = token.split(".", 2)
    plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    changed = plain.replace(b'"Degree"', b'"DegreE"').replace(b"urn:degree", b"urn:degreE")
    assert changed != plain
    return f"{header}.{base64.urlsafe_b64encode(changed).decode().rstrip('=')}.{rest}"


class Scene:
    """The issuers, the registry, what verifies and what checks, and the web in which all are."""

    def __init__(
        self, issuers: dict[str, Issuer], told: Told, verifier: Verifier, checker: Checker, world: World
    ) -> None:
        self.issuers, self.told, self.verifier, self.checker = issuers, told, verifier, checker
        self.world = world


@asynccontextmanager
async def a_scene(folder: Path, canonicalize_rdf: Canonicalize | None = None) -> AsyncIterator[Scene]:
    """Open issuers, a registry that trusts some of them, and a verifier."""
    async with World() as world, world.guard() as guard:
        issuers = {called: Issuer(world, called) for called in ISSUERS}
        async with a_registry(folder, *_facts(issuers)) as told:
            resolver = Resolver(fetcher=guard.fetch_stranger, clock=_clock)
            metadata = IssuerMetadata(fetcher=guard.fetch_stranger, clock=_clock)
            checker = Checker(
                resolver=resolver,
                fetcher=guard.fetch_stranger,
                own_list=lambda _: None,
                metadata=metadata,
                anchors_of=told.trust.anchors_of,
                clock=_clock,
            )
            crls = Crls(fetcher=guard.fetch_stranger, clock=_clock)
            verifier = open_verifier(
                resolver, metadata, told.trust, checker, crls, clock=_clock, canonicalize_rdf=canonicalize_rdf
            )
            yield Scene(issuers, told, verifier, checker, world)
            await checker.aclose()
            await crls.aclose()
            await metadata.aclose()
            await resolver.aclose()


def _facts(issuers: dict[str, Issuer]) -> list[Any]:
    authority = Authority(
        id="edu",
        governance_framework="https://edu.example/rules",
        defines=tuple(Definition(action="issue", resource=each.id) for each in (DEGREE, PASSPORT)),
        resources=(DEGREE, PASSPORT),
    )
    known = [each for each in ISSUERS if each != "stranger"]
    entities = [an_entity(each, issuers[each].did, issuers[each].url, issuers[each].anchor) for each in known]
    lost = Identifier(
        value=key_identifier(jwk_of(issuers["lost"].signer.public_key)), compromised_since=NOW - 2 * HOUR
    )
    entities.append(an_entity("finder", "did:web:finder.example", lost))
    states = {
        "suspended": (a_state("suspended", "2024-06-01"),),
        "stolen": (a_state("revoked", "2026-01-01", compromised_since=NOW - 2 * HOUR),),
    }
    grants = [a_grant(each, entity_id=each, history=states.get(each, ())) for each in known]
    return [authority, *entities, *grants]


def _clock() -> float:
    return NOW / SECOND


def _day(days: int) -> datetime:
    return datetime.fromtimestamp(NOW // SECOND, UTC) + timedelta(days=days)
