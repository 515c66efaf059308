"""All forms of a version say the same, which is what was asked for: random days, read by an outsider."""

import random
from contextlib import suppress

import pytest

from statuslist.errors import IrreversibleStatus
from tests.databases import Place
from tests.statuslist.outsider import read_form
from tests.statuslist.wing import Wing, signer_for

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]

PURPOSES = [("revocation",), ("suspension",), ("revocation", "suspension")]


@pytest.mark.parametrize("purposes", PURPOSES, ids="+".join)
@pytest.mark.parametrize("seed", range(3))
async def test_all_forms_of_every_version_say_what_was_asked_for(
    place: Place, purposes: tuple[str, ...], seed: int
) -> None:
    chance, key = random.Random(seed), signer_for("acme").public_key
    model: dict[str, set[int]] = {purpose: set() for purpose in ("revocation", "suspension")}
    seen = 0
    async with Wing.open(place) as wing:
        await wing.create("badges", *purposes)
        indexes = await wing.allocate("badges", 12)
        for _ in range(6):
            for _ in range(chance.randrange(6)):
                purpose, index, status = chance.choice(purposes), chance.choice(indexes), chance.randrange(2)
                with suppress(IrreversibleStatus):
                    await wing.change("badges", index, purpose, status)
                    (model[purpose].add if status else model[purpose].discard)(index)
            if chance.random() < 0.3:
                wing.clock.ahead += 86_400 / 2  # Signed anew, and compared with all rows.
            publisher = wing.publisher if chance.random() < 0.7 else wing.another_publisher()
            await publisher.publish_dirty()

            revoked, suspended = model["revocation"], model["suspension"]
            for found in publisher.lists.of_set("badges"):
                for form, artefact in found.forms.items():
                    said = read_form(form, artefact.body, key)  # type: ignore[arg-type]
                    is_token = form.startswith("token")
                    assert said.revoked in (None, revoked)
                    assert said.suspended in (None, suspended - revoked if is_token else suspended)
                    assert said.begins <= wing.clock() < said.ends
                    seen += 1
            assert wing.alarms == {}

    assert seen == 6 * (2 * len(purposes) + 2)
