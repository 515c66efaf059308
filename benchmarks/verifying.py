"""
Whole checks of SD-JWT VCs in process, beside what nobody can leave out: the signature, and decoding the JSON.

The credential is signed with ES256, has ten disclosures, and no holder shows it. At hand are the document of its
issuer's DID, the key in it, its status list, and the registry's verdicts of the last ten seconds; beside it, the
same without a status entry. The issuer's web is the fake one of the tests. CPU time of this process.

Then checks at half the highest rate, each begun when it is due (an open loop), while 5 % of the lists end: wall
time, since whoever asks waits for it. The load, and the web that serves the lists, are in the same process.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.machine import wait_until_idle
from benchmarks.result import Result, compared, fact, within
from proofs import KeySigner
from proofs.algorithms import in_der
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_jwt
from tests.credentials.sd_jwts import sd_jwt
from tests.simulator import Script, canned
from tests.statuslist.stranger import VALID
from tests.statuslist.wing import did_document
from tests.verification.issuing import HOUR, NOW, SECOND, Issuer, Wanted, a_scene
from verification.requests import VerifyRequest
from verification.verifier import Verifier
from wire.base64url import decode_base64url

ROUNDS = 7
CHECKS = 300  # in a round
RIVAL = "cryptography verifies the signature, base64 and msgspec decode header, payload and disclosures"
AT_LEAST = 0.5  # of the rival's rate: twice the time
LISTS, ENDING = 100, 5
ENDS_AFTER = 2 * SECOND  # microseconds; from then on each of the five is fetched for every so long
LOAD_SECONDS = 8.0
P999_MS = 20.0


def measure(folder: Path) -> list[Result]:
    """Return checks a CPU second, and what the slowest take while lists end."""
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Result]:
    async with a_scene(folder) as scene:
        web = _Lists(scene.issuers["good"])
        bare, listed = web.credential(None), web.credential(0)
        credentials = [web.credential(number) for number in range(LISTS)]
        return [
            await _beside_rival("verify_sd_jwt_without_status", scene.verifier, bare, web.key),
            await _beside_rival("verify_sd_jwt", scene.verifier, listed, web.key),
            *await _while_lists_end(scene.verifier, credentials, web),
        ]


class _Lists:
    """An issuer with a P-256 key, and status lists of whose fetches the overlaps are counted."""

    def __init__(self, issuer: Issuer) -> None:
        self.key = generate_private_key(SECP256R1())
        self._issuer = issuer
        issuer.signer = KeySigner(self.key, f"{issuer.did}#key-1")
        issuer.publish_did(did_document(issuer.signer))
        self.fetched: Counter[str] = Counter()
        self.overlaps = 0
        self._under_way: set[str] = set()
        for number in range(LISTS):
            issuer.host.answer(_target(number), self._watched(self._list(number), _target(number)))

    def credential(self, number: int | None) -> str:
        """Return a credential with ten disclosures, and its status in a list; None: without."""
        wanted = Wanted(self._issuer)
        url = None if number is None else f"https://{self._issuer.host.name}{_target(number)}"
        wanted.status = None if url is None else {"status_list": {"idx": VALID, "uri": url}}
        hidden = {f"claim_{each}": f"value number {each}" for each in range(10)}
        return sd_jwt(wanted.sd_jwt(self._issuer.did, "did"), self._issuer.signer, hidden=hidden)

    def _list(self, number: int) -> bytes:
        made = TokenList(
            url=f"https://{self._issuer.host.name}{_target(number)}",
            issued_at=NOW - 60 * SECOND,
            expires=NOW + (ENDS_AFTER if number < ENDING else HOUR),
            ttl_ms=300_000,
            bits=1,
            lst=compressed(packed(131_072, [], 1)),
        )
        return signed_token_jwt(made, self._issuer.signer)

    def _watched(self, body: bytes, target: str) -> Script:
        answer = canned(body, 200, content_type="application/statuslist+jwt")

        async def script(request: Any, writer: asyncio.StreamWriter) -> None:
            self.overlaps += target in self._under_way
            self._under_way.add(target)
            self.fetched[target] += 1
            await asyncio.sleep(0.005)
            await answer(request, writer)
            self._under_way.discard(target)

        return script


def _target(number: int) -> str:
    return f"/lists/bench/{number}"


async def _beside_rival(name: str, verifier: Verifier, token: str, key: EllipticCurvePrivateKey) -> Result:
    request = VerifyRequest(credential=token)
    told = await verifier.verify(request)
    if not told.rely:
        raise RuntimeError(f"the credential is not relied on: {told.verdicts}")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CHECKS):
            await verifier.verify(request)
        middle = time.process_time()
        for _ in range(CHECKS):
            _bare(token, key)
        ours.append(CHECKS / (middle - began))
        theirs.append(CHECKS / (time.process_time() - middle))
    return compared(name, ours, theirs, "checks/CPU s", RIVAL, at_least=AT_LEAST)


def _bare(token: str, key: EllipticCurvePrivateKey) -> None:
    """Do what nobody can leave out: nothing is compared, looked up or refused."""
    jws, *disclosures, _ = token.encode().split(b"~")
    signed, _, signature = jws.rpartition(b".")
    key.public_key().verify(in_der(decode_base64url(signature)), signed, ECDSA(SHA256()))
    for part in (*signed.split(b"."), *disclosures):
        msgspec.json.decode(decode_base64url(part))


async def _while_lists_end(verifier: Verifier, credentials: Sequence[str], web: _Lists) -> list[Result]:
    asked = [VerifyRequest(credential=each) for each in credentials]
    await asyncio.to_thread(wait_until_idle)  # A neighbour that takes the core is in every delay.
    for each in asked:
        await verifier.verify(each)
    began = time.perf_counter()
    for each in asked * 10:
        await verifier.verify(each)
    highest = 10 * len(asked) / (time.perf_counter() - began)
    before = web.fetched.total()
    delays = await _open_loop(verifier, cycle(asked), highest / 2)
    if web.fetched.total() == before:
        raise RuntimeError("no list ended")
    return [
        fact("verify_open_loop_rate", [len(delays) / LOAD_SECONDS], "checks/s"),
        fact("verify_lists_fetched_in_the_loop", [web.fetched.total() - before], "lists"),
        within("verify_p999_while_lists_end", [quantiles(delays, n=1_000)[-1]], "ms", P999_MS),
        within("verify_lists_fetched_twice_at_once", [web.overlaps], "lists", 0),
    ]


async def _open_loop(verifier: Verifier, asked: Iterator[VerifyRequest], rate: float) -> list[float]:
    """Begin a check each time that one is due; return how many milliseconds after that each was done."""
    delays: list[float] = []

    async def check(request: VerifyRequest, due: float) -> None:
        if not (await verifier.verify(request)).rely:
            raise RuntimeError("a credential is not relied on")
        delays.append((time.perf_counter() - due) * 1_000)

    began, number = time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while (now := time.perf_counter() - began) < LOAD_SECONDS:
            while number / rate <= now:
                group.create_task(check(next(asked), began + number / rate))
                number += 1
            await asyncio.sleep(0)
    return delays
