"""
From a change of a status to the signed bytes of a list, in process and without commits.

The list has 131,072 entries, of which 1 % are revoked, and one purpose. Each publication takes one change into the
bits that are kept, and makes and checks the forms that are asked for, as the publisher does. CPU time.
"""

import random
import time
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.result import Result, compared
from proofs import KeySigner
from statuslist.formats.bitstring import compress, with_statuses
from statuslist.formats.forms import (
    DATA_INTEGRITY,
    FORM_NAMES,
    JWT,
    TOKEN_CWT,
    TOKEN_FORMS,
    TOKEN_JWT,
    FormName,
)
from statuslist.formats.token_bits import compressed, token_bits
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.policy import Policy
from statuslist.publishing.projections import Projection
from statuslist.publishing.rendering import ListContent, lists_of, render
from statuslist.publishing.self_check import check_rendered
from statuslist.publishing.set_versions import SetContent

LENGTH = 131_072  # entries
SET = 1_310  # of them are revoked at first
CHANGES = 100  # of a round, and as many to warm up
ROUNDS = 7
UNIT = "publications/CPU s"
CEILING = "per form one compression, one signature, one verification"
AT_LEAST_OF_CEILING = 0.5
# What is signed of each form: two digests, or all but the signature; about as many bytes as there are.
SIGNED = {DATA_INTEGRITY: bytes(64), JWT: bytes(4_300), TOKEN_JWT: bytes(3_800), TOKEN_CWT: bytes(2_100)}
KEY_ID = "key-1"
BASE_URL = "https://bench.example"


def measure() -> list[Result]:
    """Return the rate of all four forms, with the self-check and without, beside the ceiling of the same run."""
    rounds = [_round() for _ in range(ROUNDS)]
    checked, unchecked, ceiling = zip(*rounds, strict=True)
    return [
        compared("publish_all_forms_checked", checked, ceiling, UNIT, CEILING, at_least=AT_LEAST_OF_CEILING),
        compared("publish_all_forms_unchecked", unchecked, ceiling, UNIT, CEILING),
    ]


def _round() -> tuple[float, float, float]:
    changes = drawn()
    return (
        rate(changes, FORM_NAMES, checked=True),
        rate(changes, FORM_NAMES, checked=False),
        _ceiling(changes),
    )


class Changes(msgspec.Struct, frozen=True):
    """The entries that are revoked at first, and those that are revoked after them, one by one."""

    at_first: Sequence[int]
    then: Sequence[int]


def drawn() -> Changes:
    """Draw different entries at random: for a list of its own, to warm up with and to be measured with."""
    indices = random.sample(range(LENGTH), SET + 2 * CHANGES)
    return Changes(indices[:SET], indices[SET:])


def rate(changes: Changes, forms: Sequence[FormName], *, checked: bool) -> float:
    """Return publications of these forms for each second of CPU time."""
    publishing = Publishing(changes.at_first, forms, checked=checked)
    publishing.publish(changes.then[:CHANGES])
    before = time.process_time()
    publishing.publish(changes.then[CHANGES:])
    return CHANGES / (time.process_time() - before)


class Publishing:
    """A set of one purpose, with a key in memory, and what of it was published last."""

    def __init__(self, revoked: Sequence[int], forms: Sequence[FormName], *, checked: bool) -> None:
        self._signer = KeySigner(Ed25519PrivateKey.generate(), f"did:web:bench.example#{KEY_ID}")
        self._policy = Policy(base_url=BASE_URL)
        self._forms = forms
        self._checked = checked
        self._content = _content(revoked, has_tokens=not set(forms).isdisjoint(TOKEN_FORMS))
        self._projection = Projection(self._content, self._content.statuses or ())
        self._published: dict[str, Artefact] = {}

    def publish(self, indices: Sequence[int]) -> None:
        """Revoke one entry after another, and publish after each."""
        for index in indices:
            self._content = msgspec.structs.replace(
                self._content, version=self._content.version + 1, changes=(("revocation", index, 1),)
            )
            before = {of.list_id: of for of in lists_of(self._content, self._projection)}
            self._projection.advance(self._content)
            for content in lists_of(self._content, self._projection):
                wanted = _Wanted(**msgspec.structs.asdict(content), wanted=self._forms)
                self._publish_list(wanted, before[content.list_id])

    def _publish_list(self, content: "_Wanted", before: ListContent) -> None:
        published = self._published.get(content.list_id)
        if not content.forms or (published is not None and published.content == content.digest):
            return
        now = time.time_ns() // 1_000
        rendered = render(content, self._signer, self._policy, now=now)
        if self._checked:
            check_rendered(rendered, published, self._signer, KEY_ID, self._policy, now=now, before=before)
        self._published[content.list_id] = rendered.artefacts[0]


class _Wanted(ListContent, frozen=True, kw_only=True):
    """A list in some of its forms."""

    wanted: Sequence[FormName]

    @property
    def forms(self) -> tuple[FormName, ...]:
        return tuple(form for form in super().forms if form in self.wanted)


def _content(revoked: Sequence[int], *, has_tokens: bool) -> SetContent:
    """Return a set as its rows have it when it is published first."""
    return SetContent(
        set_id="bench",
        version=1,
        published_version=0,
        floor_version=0,
        issuer_id="bench",
        key_id=KEY_ID,
        profile="default",
        has_tokens=has_tokens,
        purposes=("revocation",),
        length=LENGTH,
        last_event=0,
        statuses=tuple(("revocation", index, 1) for index in revoked),
        changes=(),
    )


def _ceiling(changes: Changes) -> float:
    """Return the rate of whoever compresses, signs and verifies for each form, and does nothing else."""
    key = Ed25519PrivateKey.generate()
    public_key = key.public_key()
    bits = bytearray(with_statuses(LENGTH, ((index, 1) for index in changes.at_first)))
    before = time.process_time()
    for index in changes.then[:CHANGES]:
        bits[index >> 3] |= 0x80 >> (index & 7)
        packed = {compress: bytes(bits), compressed: token_bits(bytes(bits), None)}
        for form, message in SIGNED.items():
            compressing = compressed if form in TOKEN_FORMS else compress
            compressing(packed[compressing])
            public_key.verify(key.sign(message), message)
    return CHANGES / (time.process_time() - before)
