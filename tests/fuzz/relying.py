"""
Hostile credentials put to `POST /verify`'s own steps, in a fake web: what may be relied on is what was issued.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials.secured import MDOC
from proofs import KeySigner
from resolver.keys.jwk import jwk_of
from server.canonicalizer import Canonicalizer
from tests.credentials.rdf.credentials import EXAMPLES, V2, signed
from tests.credentials.sd_jwts import bound, sd_jwt
from tests.fuzz.costs import slowness_now
from tests.fuzz.credentials import Maker, Sound
from tests.fuzz.mdocs import is_said
from tests.verification.issuing import FORMS, NOW, SECOND, Issuer, Scene, Wanted, a_scene
from verification.requests import VerifyRequest, read_verify_request
from wire import Refusal, encode

MAX_CPU_MS = 100.0  # of this process, its fake web included, on a machine as fast as that of the figures
HANG_SECONDS = 30.0  # by the clock on the wall, on a machine that does much else
_REPEATS = 3  # a case over it is run again: only what is slow each time is slow
_SPACE = b" \t\r\n"  # around a credential, which no issuer signs
NONCE, AUDIENCE = "n-1", "https://verifier.example"


class Failure(msgspec.Struct, frozen=True):
    case: bytes
    reason: str


class Report(msgspec.Struct):
    """What a run found; `relied_on` counts cases that were sound after all."""

    cases: int = 0
    relied_on: int = 0
    worst_ms: float = 0.0
    failures: list[Failure] = []


class Hostile:
    """
    Args:
        scene: the issuers, and what verifies.
        sound: what may be relied on.
    """

    def __init__(self, scene: Scene, sound: list[Sound]) -> None:
        self.scene, self.sound = scene, sound
        self._asked = 0  # names that the world was asked for, as far as they were looked at
        self._tokens = {each.text for each in sound}
        documents = [json.loads(each.text) for each in sound if each.text.startswith(b"{")]
        self._documents = {_spelled(each) for each in documents}

    async def run(self, cases: int, seed: int, *, max_failures: int = 20) -> Report:
        """Run so many cases; the same seed gives the same ones."""
        maker = Maker(self.sound, self.scene.issuers["stranger"], Random(seed))
        report = Report()
        while report.cases < cases and len(report.failures) < max_failures:
            await self.run_case(maker.case(), report)
        return report

    async def run_case(self, case: bytes, report: Report) -> None:
        report.cases += 1
        reason, spent_ms = await self._checked(case, report)
        for _ in range(_REPEATS):
            if reason or spent_ms <= MAX_CPU_MS:
                break
            reason, again_ms = await self._checked(case, report)
            spent_ms = min(spent_ms, again_ms)
        if not reason and spent_ms > MAX_CPU_MS and spent_ms > MAX_CPU_MS * slowness_now():
            reason = f"{spent_ms:.1f} ms of CPU"
        report.worst_ms = max(report.worst_ms, spent_ms)
        if reason:
            report.failures.append(Failure(case, reason))

    async def _checked(self, case: bytes, report: Report) -> tuple[str, float]:
        """Return what is wrong, "" where nothing is, and the CPU milliseconds of the verification."""
        body = body_of(case)
        began = time.process_time()
        try:
            async with asyncio.timeout(HANG_SECONDS):
                request = read_verify_request(body, "application/json")
                told = await self.scene.verifier.verify(request)
                encode(told)
        except Refusal as error:
            spent_ms = (time.process_time() - began) * 1_000
            return f"status {error.status}" if error.status >= 500 else self._fetched_too_much(), spent_ms
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:300]}", 0.0
        spent_ms = (time.process_time() - began) * 1_000
        if told.rely and not self.is_sound(request):
            return "relied on", spent_ms
        report.relied_on += told.rely
        return self._fetched_too_much(), spent_ms

    def is_sound(self, request: VerifyRequest) -> bool:
        """Tell whether it says what an issuer said, and nothing else."""
        credential = request.credential
        if isinstance(credential, dict):
            return self._is_sound_document(credential)
        text = credential.encode().strip(_SPACE)
        if text in self._tokens:
            return True
        if text.startswith(b"{"):
            return self._is_sound_document(json.loads(text))
        return request.nonce is None and any(
            is_said(text, each.text) if each.form == MDOC else _is_part(text, each.text)
            for each in self.sound
        )

    def _is_sound_document(self, document: dict[str, Any]) -> bool:
        return _spelled(document) in self._documents

    def _fetched_too_much(self) -> str:
        """Tell of a request for what only a document points at."""
        new = self.scene.world.resolutions[self._asked :]
        self._asked += len(new)
        return "a context was fetched" if any(host == "contexts.example" for host, _ in new) else ""


def body_of(case: bytes) -> bytes:
    """Return the request: JSON as it is, all else as text. What a holder signed is asked for where it is there."""
    credential = case if case.startswith(b"{") else json.dumps(case.decode("latin-1")).encode()
    options = b""
    if case.rpartition(b"~")[2].count(b".") == 2 and b"~" in case:
        options = f',"nonce":"{NONCE}","audience":"{AUDIENCE}"'.encode()
    return b'{"credential":' + credential + options + b"}"


def _is_part(text: bytes, issued: bytes) -> bool:
    """Tell whether it is an SD-JWT as issued, with all or some of its disclosures, in whatever order."""
    token, *shown = text.split(b"~")
    of_issuer, *all_shown = issued.split(b"~")
    is_shown = len(set(shown)) == len(shown) and set(shown[:-1]) <= set(all_shown[:-1])
    return token == of_issuer and shown[-1:] == [b""] and is_shown


def _spelled(document: dict[str, Any]) -> str:
    """Return JSON in one spelling: members in order, numbers as doubles, and where RDF is signed, sets as sets."""
    proof = _one(document.get("proof"))
    is_rdf = isinstance(proof, dict) and "rdfc" in str(proof.get("cryptosuite"))
    said = _doubles(document | {"proof": proof})
    issuer = said.get("issuer")
    if is_rdf and isinstance(issuer, dict) and issuer.keys() == {"id"}:
        said["issuer"] = issuer["id"]  # by its context, the same IRI
    return json.dumps(_sets(said) if is_rdf else said, sort_keys=True)


def _sets(value: Any) -> Any:
    """Return what JSON-LD makes of it: an array is a set, one of it is as good as it alone, and null is nothing."""
    if isinstance(value, dict):
        return {name: _sets(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        found = {json.dumps(_sets(each), sort_keys=True): _sets(each) for each in value if each is not None}
        return next(iter(found.values())) if len(found) == 1 else [found[each] for each in sorted(found)]
    return value


def _doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _doubles(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_doubles(each) for each in value]
    return float(value) + 0.0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _one(proof: Any) -> Any:
    """Return the proof of a set of one, which says the same (VC Data Integrity, section 2.1)."""
    return proof[0] if isinstance(proof, list) and len(proof) == 1 else proof


def sound_credentials(scene: Scene) -> list[Sound]:
    """Return credentials of every form by two issuers."""
    issuers = (scene.issuers["good"], scene.issuers["other"])
    made = [_sound(form, issuer) for issuer in issuers for form in FORMS]
    return [*made, *(_over_rdf(issuer) for issuer in issuers), _held(issuers[0])]


def _sound(form: str, issuer: Issuer) -> Sound:
    made = FORMS[form](Wanted(issuer))
    return Sound(form, made.encode() if isinstance(made, str) else encode(made), issuer)


def _over_rdf(issuer: Issuer) -> Sound:
    document = Wanted(issuer).w3c() | {"@context": [V2, EXAMPLES]}
    made = signed(document, signer=issuer.signer)
    return Sound("application/vc over RDF", encode(made), issuer)


def _held(issuer: Issuer) -> Sound:
    """Return an SD-JWT VC with two disclosures, and what its holder signed for `AUDIENCE`."""
    holder = KeySigner(Ed25519PrivateKey.generate(), "did:example:holder#key")
    claims = Wanted(issuer).sd_jwt(issuer.did, "did") | {"cnf": {"jwk": jwk_of(holder.public_key)}}
    presented = sd_jwt(claims, issuer.signer, hidden={"degree": "AAAA", "name": {"given": "Ada"}})
    shown = bound(presented, holder, nonce=NONCE, aud=AUDIENCE, iat=NOW // SECOND)
    return Sound("dc+sd-jwt held", shown.encode(), issuer)


@asynccontextmanager
async def hostile_in(folder: Path) -> AsyncIterator[Hostile]:
    """Open a scene with sound credentials, and a process for RDF."""
    canonicalizer = Canonicalizer()
    try:
        async with a_scene(folder, canonicalizer) as scene:
            yield Hostile(scene, sound_credentials(scene))
    finally:
        await asyncio.to_thread(canonicalizer.close)
