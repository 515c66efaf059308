"""Every form with every single defect: the verdicts of the table in docs/verify.md, and no yes with a defect."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process import ROOT
from tests.statuslist.stranger import REVOKED
from tests.verification.issuing import FORMS, HOUR, NOW, SUSPENDED, Scene, Wanted, a_scene
from verification.requests import VerifyRequest
from verification.verdicts import NAMES, REASONS
from wire import format_utc

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs/verify.md").read_text()
Defect = Callable[[Wanted, Scene], None]


def table() -> dict[str, dict[str, str]]:
    """Return the rows of the table: by defect, the reason of each verdict."""
    rows = PAGE.partition("| defect |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    none = cells[0][1:]
    return {
        defect: {
            name: usual if reason == "as above" else reason
            for name, reason, usual in zip(NAMES, reasons, none, strict=False)
        }
        for defect, *reasons in cells
    }


def _change(**changes: object) -> Defect:
    def made(wanted: Wanted, _: Scene) -> None:
        for name, value in changes.items():
            setattr(wanted, name, value)

    return made


def _of(issuer: str) -> Defect:
    def made(wanted: Wanted, scene: Scene) -> None:
        wanted.issuer = wanted.names_key_of = scene.issuers[issuer]

    return made


def _key_of_another(wanted: Wanted, scene: Scene) -> None:
    wanted.names_key_of = scene.issuers["other"]


def _other_list(wanted: Wanted, scene: Scene) -> None:
    wanted.issuer.publish_lists(issuer=scene.issuers["other"])


def _ended_list(wanted: Wanted, _: Scene) -> None:
    wanted.issuer.publish_lists(ends=NOW - HOUR // 2)


DEFECTS: dict[str, Defect] = {
    "none": _change(),
    "flipped byte": _change(is_flipped=True),
    "wrong key": _change(has_wrong_key=True),
    "key of another issuer": _key_of_another,
    "expired": _change(begins=NOW - 2 * HOUR, ends=NOW - HOUR // 2),
    "not yet valid": _change(begins=NOW + HOUR // 2),
    "revoked": _change(index=REVOKED),
    "suspended": _change(index=SUSPENDED),
    "revoked after `at`": _change(index=REVOKED, at=NOW - HOUR // 2),
    "unknown issuer": _of("stranger"),
    "suspended issuer": _of("suspended"),
    "issuer compromised": _of("stolen"),
    "list unreachable": lambda wanted, _: wanted.issuer.unpublish_lists(),
    "list expired": _ended_list,
    "list of another issuer": _other_list,
    "unsupported type": _change(status={"type": "NobodyKnowsEntry"}),
    "no status entry": _change(status=None),
}
# A chain that leads to nobody whom the registry knows is not known to be anybody's.
CHAINS = {
    "unknown issuer": {"authentic": "key_not_known"} | dict.fromkeys(NAMES[1:4], "not_authentic"),
    "list of another issuer": {"stillValid": "list_not_read"},
}


# An mdoc has no issuer but him whose certificate it is, so it is the other one's, with a list of somebody else.
MDOCS = CHAINS | {"key of another issuer": table()["none"] | {"stillValid": "list_not_read"}}
EXCEPTIONS = {"dc+sd-jwt by certificates": CHAINS, "mso_mdoc": MDOCS}


def expected(form: str, defect: str) -> dict[str, str]:
    return table()[defect] | EXCEPTIONS.get(form, {}).get(defect, {})


def test_the_table_is_of_the_defects_that_are_tried() -> None:
    assert list(table()) == list(DEFECTS)


def test_the_page_lists_every_reason() -> None:
    rows = PAGE.partition("| verdict | reason | means |")[2].partition("\n\n")[0].splitlines()[2:]
    listed: set[tuple[str, str, str]] = set()
    name = ""
    for row in rows:
        first, reasons, means, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        name = first.strip("`") or name
        listed |= {(name, reason, means.strip("`")) for reason in re.findall(r"`(\w+)`", reasons)}

    assert listed == {
        (name, reason, means)
        for name, reasons in REASONS.items()
        for reason, means in reasons.items()
        if reason != "not_authentic" or name == "inTime"
    }


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("form", FORMS)
async def test_each_form_with_each_defect_has_the_verdicts_of_the_table(
    tmp_path: Path, form: str, defect: str
) -> None:
    async with a_scene(tmp_path) as scene:
        wanted = Wanted(scene.issuers["good"])
        DEFECTS[defect](wanted, scene)
        at = None if wanted.at is None else format_utc(wanted.at)
        told = await scene.verifier.verify(VerifyRequest(credential=FORMS[form](wanted), at=at))

    assert {name: each.reason for name, each in told.verdicts.items()} == expected(form, defect), told
    assert told.rely == (defect in ("none", "no status entry"))
