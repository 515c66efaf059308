"""
What an outsider holds against a publisher, look by look: each promise about lists that was seen broken.

Reads as `tests.statuslist.outsider` does, and shares no code with what publishes.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature

from tests.statuslist.outsider import Said, read_form, signer_of
from tests.statuslist.outsider_proof import PublicKey


class Got(NamedTuple):
    """An answer: its status, entity tag and body."""

    status: int
    etag: str
    body: bytes


class Watch:
    """
    Compares every look at a node with all looks before.

    Args:
        key_of: the key that a DID URL names; LookupError: nobody has it.
        clock: seconds since 1970.

    Attributes:
        failures: what was broken, once each, for people.
        last: what each form said when it was read last, by its URL.
        versions: the versions of each set that were seen.
        looks: how often it looked.
    """

    def __init__(self, key_of: Callable[[str], PublicKey], clock: Callable[[], float] = time.time) -> None:
        self._key_of = key_of
        self._clock = clock
        self.failures: list[str] = []
        self.looks = 0
        self.last: dict[str, Said] = {}
        self.versions: dict[str, set[int]] = {}
        self._said: dict[tuple[str, str], Said] = {}  # By URL and digest of the body.
        self._newest: dict[tuple[str, str], int] = {}  # By node and set.
        self._shown: dict[tuple[str, str], set[int]] = {}  # The same: which entries were shown as revoked.
        self._tags: dict[tuple[str, int], dict[str, str]] = {}  # By set and version, the tag of each form.
        self._entries: dict[str, int] = {}  # Of the lists of each set.

    @property
    def read(self) -> int:
        """How many different forms were read and verified."""
        return len(self._said)

    def see(self, node: str, told: Any, answers: Mapping[str, Got], asked_at: float) -> None:
        """
        Take one look.

        Args:
            told: the JSON of `/status-lists/changes`.
            answers: what was answered at the URL of each form, after that.
            asked_at: seconds since 1970 by the node's clock, before any of it was asked.
        """
        for found in told["sets"]:
            self._see_version(node, found)
            self._see_forms(node, found, answers, asked_at)
        self.looks += 1

    def _see_version(self, node: str, found: Any) -> None:
        set_id, version = found["setId"], found["version"]
        newest = self._newest.get((node, set_id), 0)
        if version < newest:
            self._fail(f"{node}: version {version} of {set_id} came after version {newest}")
        self._newest[node, set_id] = max(version, newest)
        self.versions.setdefault(set_id, set()).add(version)
        tags = {form["url"]: form["etag"] for form in found["forms"]}
        if self._tags.setdefault((set_id, version), tags) != tags:
            self._fail(f"{node}: version {version} of {set_id} is not the same bytes as before")

    def _see_forms(self, node: str, found: Any, answers: Mapping[str, Got], asked_at: float) -> None:
        set_id = found["setId"]
        said: dict[str, Said] = {}
        for form in found["forms"]:
            url, answer = form["url"], answers[form["url"]]
            if answer.status != 200:
                # Nothing is served past its end, nor before its beginning.
                if datetime.fromisoformat(form["validUntil"]).timestamp() > self._clock():
                    self._fail(f"{node}: {url} is answered with {answer.status}")
                continue
            one = self._read(node, set_id, url, answer.body)
            if one is None:
                continue
            self.last[url] = one
            if one.ends <= asked_at:
                self._fail(f"{node}: {url} was served after its end")
            self._see_bits(node, set_id, url, one)
            if answer.etag == form["etag"]:
                said[url] = one
        if len(said) == len(found["forms"]) and not _agree(list(said.values())):
            self._fail(f"{node}: the forms of version {found['version']} of {set_id} disagree")

    def _read(self, node: str, set_id: str, url: str, body: bytes) -> Said | None:
        known = url, hashlib.sha256(body).hexdigest()
        if known not in self._said:
            form = url.rpartition("/")[2]
            try:
                said = read_form(form, body, self._key_of(signer_of(form, body)))
            except InvalidSignature:
                self._fail(f"{node}: {url} has a signature that does not verify")
                return None
            except (AssertionError, LookupError, ValueError, TypeError) as error:
                self._fail(f"{node}: {url} cannot be read: {error!r}")
                return None
            if said.url != url:
                self._fail(f"{node}: {url} says that it is {said.url}")
            entries = self._entries.setdefault(set_id, said.entries)
            if said.entries != entries:
                self._fail(f"{node}: {url} has {said.entries} entries, where the set has {entries}")
            self._said[known] = said
        return self._said[known]

    def _see_bits(self, node: str, set_id: str, url: str, said: Said) -> None:
        if said.revoked is None:
            return
        shown = self._shown.setdefault((node, set_id), set())
        if cleared := shown - said.revoked:
            self._fail(
                f"{node}: {url} shows {len(cleared)} entries as valid that were revoked: {min(cleared)}"
            )
        shown |= said.revoked

    def _fail(self, failure: str) -> None:
        if failure not in self.failures:
            self.failures.append(failure)


def _agree(said: list[Said]) -> bool:
    """Tell whether the forms of a set say the same; in a token list of both purposes revoked wins."""
    revoked = {frozenset(one.revoked) for one in said if one.revoked is not None}
    suspended = {
        frozenset(one.suspended - (one.revoked or next(iter(revoked), frozenset())))
        for one in said
        if one.suspended is not None
    }
    return len(revoked) <= 1 and len(suspended) <= 1
