"""
Restores of random pasts: whatever was found, in whichever form, the restored lists contradict nothing of it.

What the forms say is read by an outsider, and what must come of it is reckoned from that, entry by entry.
"""

import random
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from statuslist.errors import IrreversibleStatus
from statuslist.formats.forms import TOKEN_FORMS
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.mirror import FoundForm
from statuslist.publishing.set_versions import begin
from statuslist.recovery.epoch import EpochReport, open_epoch
from statuslist.recovery.found_lists import FoundList, gather, read_found
from statuslist.recovery.found_token_lists import read_found_tokens
from storage.sqlite_backup import back_up
from tests.actors import acting
from tests.databases import SqlitePlace
from tests.statuslist.outsider import Said, read_form
from tests.statuslist.recovery.test_recovery import known
from tests.statuslist.wing import BASE_URL, ISSUERS, Wing, signer_for

pytestmark = pytest.mark.anyio

PURPOSES = [("revocation",), ("revocation", "suspension"), ("suspension",)]
ROUNDS = 6
SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))]
KEYS = {issuer_id: [known(signer_for(issuer_id))] for issuer_id in ISSUERS}


class Seen(NamedTuple):
    """A form that readers were given, and what it says."""

    found: FoundForm
    said: Said

    @property
    def version(self) -> int:
        assert self.found.version is not None
        return self.found.version


class Backup(NamedTuple):
    """A copy of the database; its rows have all that version `begun` says. None: it has no set."""

    path: Path
    begun: int | None


def backup_at(path: Path) -> Backup:
    begun = SqlitePlace(path).query("SELECT begun_version FROM set_versions")
    return Backup(path, int(begun[0][0]) if begun else None)


def said_by(artefact: Artefact) -> Said:
    return read_form(artefact.form, artefact.body, signer_for("acme").public_key)


def seen_of(wing: Wing) -> list[Seen]:
    return [
        Seen(FoundForm(list_id=found.list_id, form=form, body=each.body, version=each.version), said_by(each))
        for found in wing.publisher.lists.of_set("badges")
        for form, each in found.forms.items()
    ]


class Past:
    """The past of one set: every form that was served, and backups of its rows at all times."""

    def __init__(self, directory: Path, purposes: Sequence[str], chance: random.Random) -> None:
        self.seen: list[Seen] = []
        self.backups: list[Backup] = []
        self.positions: list[int] = []
        self._directory, self._purposes, self._chance = directory, purposes, chance
        self._place = SqlitePlace(directory / "then.db")

    async def happen(self) -> None:
        async with Wing.open(self._place) as wing:
            self._back_up()
            await wing.create("badges", *self._purposes)
            indexes = await wing.allocate("badges", 8)
            for _ in range(ROUNDS):
                await self._change(wing, self._some_changes(indexes))
                self._back_up()
                if self._chance.random() < 0.8:
                    await wing.publisher.publish_dirty()
                    self.seen += [each for each in seen_of(wing) if each not in self.seen]
                    await self._change_while_published(wing, self._some_changes(indexes))
            self.positions = [position for position, _ in wing.publisher.lists.since(0)]

    def _some_changes(self, indexes: Sequence[int]) -> list[tuple[int, str, int]]:
        return [
            (self._chance.choice(indexes), self._chance.choice(self._purposes), self._chance.randrange(2))
            for _ in range(self._chance.randrange(4))
        ]

    async def _change(self, wing: Wing, changes: Iterable[tuple[int, str, int]]) -> None:
        for change in changes:
            with suppress(IrreversibleStatus):
                await wing.change("badges", *change)

    async def _change_while_published(self, wing: Wing, changes: Sequence[tuple[int, str, int]]) -> None:
        """Change statuses, and have a backup with them that has the last version as begun, not as published."""
        before = SqlitePlace(self.backups[-1].path)
        await self._change(wing, changes)
        async with Wing.open(before) as beside:
            published = beside.publisher.lists.version_of_set("badges")
            await beside.database.write(lambda tx: begin(tx, "badges", published))
            await self._change(beside, changes)
        self.backups[-1] = backup_at(before.path)

    def _back_up(self) -> None:
        path = self._directory / f"backup-{len(self.backups)}.db"
        back_up(self._place.path, path)
        self.backups.append(backup_at(path))

    def some(self) -> list[Seen]:
        """Return what is found after a loss: of each form none, or some version of it, or two."""
        kept: list[Seen] = []
        for key in sorted({(each.found.list_id, each.found.form) for each in self.seen}):
            versions = [each for each in self.seen if (each.found.list_id, each.found.form) == key]
            kept += self._chance.sample(versions, min(len(versions), self._chance.choice([0, 1, 1, 2])))
        self._chance.shuffle(kept)
        return kept


def gathered(forms: Iterable[FoundForm], now: int) -> dict[str, FoundList]:
    def read_one(form: FoundForm) -> Sequence[FoundList]:
        if form.form in TOKEN_FORMS:
            return read_found_tokens(form, keys=KEYS, base_url=BASE_URL)
        return (read_found(form, keys=KEYS, base_url=BASE_URL, now=now),)

    return gather(forms, read_one, pytest.fail)


async def restored(wing: Wing, kept: Sequence[Seen]) -> EpochReport:
    """Do what `touchstone db restore` does to the rows, and publish."""
    at = int(wing.clock() * 1_000_000)
    found = gathered((each.found for each in kept), at)
    report = await wing.database.write(
        lambda tx: open_epoch(
            tx, found, random_bytes=secrets.token_bytes, operator=acting("test"), at=at, readable=ISSUERS
        )
    )
    await wing.publisher.load()
    await wing.publisher.publish_dirty()
    assert wing.publisher.failed == 0
    return report


def rows(place: SqlitePlace, purpose: str) -> set[int]:
    return {
        index
        for (index,) in place.query(
            f"SELECT entry_index FROM statuses WHERE purpose = '{purpose}' AND value = 1"
        )
    }


def newest_suspensions(backup: Backup, before: set[int], kept: Sequence[Seen]) -> set[int]:
    """Return who is suspended as the newest has it that speaks of it; the rows have all that was begun."""
    told = [(each.version, each.said.suspended) for each in kept if each.said.suspended is not None]
    return max([(backup.begun or 0, before), *told], key=lambda one: one[0])[1]


@pytest.mark.parametrize("purposes", PURPOSES, ids="+".join)
@pytest.mark.parametrize("seed", SEEDS)
async def test_what_any_form_says_outlasts_the_loss(
    tmp_path: Path, purposes: tuple[str, ...], seed: int
) -> None:
    chance = random.Random(f"{seed} {purposes}")
    past = Past(tmp_path, purposes, chance)
    await past.happen()
    for _ in range(4):
        await _restore_one(past, chance)


async def _restore_one(past: Past, chance: random.Random) -> None:
    backup, kept = past.backups[0] if chance.random() < 0.3 else chance.choice(past.backups), past.some()
    place = SqlitePlace(backup.path.with_name(f"{secrets.token_hex(4)}.db"))
    back_up(backup.path, place.path)
    before = {purpose: rows(place, purpose) for purpose in ("revocation", "suspension")}
    async with Wing.open(place) as wing:
        await restored(wing, kept)
        served = {each.found.form: each for each in seen_of(wing)}
        forms = seen_of(wing)
        positions = [position for position, _ in wing.publisher.lists.since(0)]

    revoked, suspended = rows(place, "revocation"), rows(place, "suspension")
    assert revoked == before["revocation"].union(*(each.said.revoked or set() for each in kept))
    assert suspended - revoked == newest_suspensions(backup, before["suspension"], kept) - revoked
    assert all(each.said.revoked in (None, revoked) for each in forms)
    assert all(each.said.suspended in (None, suspended, suspended - revoked) for each in forms)
    assert all(each.version > max(other.version for other in past.seen) for each in forms)
    assert all(position > max(past.positions) for position in positions)
    if backup.begun is None:
        assert served.keys() & set(TOKEN_FORMS) == {
            form for form in TOKEN_FORMS if any(each.found.form in TOKEN_FORMS for each in kept)
        }
