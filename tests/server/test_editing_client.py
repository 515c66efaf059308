"""The client of change sets lives a change set's life, over HTTP."""

import socket
from collections.abc import Iterator

import pytest

from registry.editing.client import (
    Draft,
    EditingClient,
    EditingUnavailable,
    EditRefused,
    Operation,
    Suspension,
)
from tests.registry.editing.test_challenges import Holder
from tests.server.commands.operating import Operating, operating_in

pytestmark = pytest.mark.anyio

GRANT = "university-of-rheintal-degrees"


@pytest.fixture(scope="module")
def operating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operating]:
    with operating_in(tmp_path_factory.mktemp("client"), sample=True) as (operating, _):
        yield operating


def suspending(reason: str) -> Draft:
    operation = Operation(op="suspend", kind="authorization", id=GRANT, reason=reason)
    return Draft(title="An audit", operations=[operation])


def editor_of(operating: Operating) -> EditingClient:
    return EditingClient(operating.url, api_key=operating.key_file.read_text().strip())


async def test_a_change_set_is_drafted_edited_looked_at_submitted_and_taken_back(
    operating: Operating,
) -> None:
    async with editor_of(operating) as editor:
        drafted = await editor.draft(suspending("an audit"), idempotency_key="once")
        again = await editor.draft(suspending("an audit"), idempotency_key="once")
        edited = await editor.edit(drafted.number, drafted.revision, suspending("the audit of 2026"))
        with pytest.raises(EditRefused) as overtaken:
            await editor.edit(drafted.number, drafted.revision, suspending("another"))
        said = await editor.comment(drafted.number, "Which one?")
        validation = await editor.validate(drafted.number)
        difference = await editor.differ(drafted.number)
        effective = await editor.submit(drafted.number, revision=edited.revision)
        inverse = await editor.roll_back(drafted.number)
        shown = await editor.show(inverse.number)
        withdrawn = await editor.withdraw(inverse.number)
        page = await editor.page(state="effective")

    assert again == drafted
    assert overtaken.value.status == 412
    assert [each.text for each in said.comments] == ["Which one?"]
    assert validation.warnings == ()
    assert [(each.op, each.id) for each in difference.facts] == [("suspend", GRANT)]
    assert "no (suspended)" in {answer.after for answer in difference.answers}
    assert effective.state == "effective"
    assert (shown.inverse_of, shown.operations[0].op) == (drafted.number, "resume")
    assert withdrawn.state == "withdrawn"
    assert [each.number for each in page.change_sets] == [drafted.number]


async def test_a_refusal_has_its_status_its_type_and_its_pointers(operating: Operating) -> None:
    wrong = Draft(title="Nothing", operations=[Operation(op="add", kind="authorization", id=GRANT)])
    async with editor_of(operating) as editor:
        with pytest.raises(EditRefused) as invalid:
            await editor.draft(wrong)
        with pytest.raises(EditRefused) as forbidden:
            await editor.suspend_at_once(Suspension(reason="now", ids=[GRANT]))

    assert invalid.value.status == 422
    assert invalid.value.type.endswith("/problems/invalid-change-set")
    assert [each["pointer"] for each in invalid.value.problem["errors"]] == ["/operations/0/fact"]
    assert forbidden.value.status == 403


async def test_whoever_has_the_key_of_a_did_shows_that_it_is_theirs(operating: Operating) -> None:
    holder = Holder()
    entity = {"id": "sonnenfeld", "names": {"de": "Sonnenfeld"}, "identifiers": [{"value": holder.did}]}
    adding = Draft(title="Sonnenfeld", operations=[Operation(op="add", kind="entity", fact=entity)])
    async with editor_of(operating) as editor:
        drafted = await editor.draft(adding)
        before = await editor.validate(drafted.number)
        (challenge,) = (await editor.challenge(drafted.number)).challenges
        met = await editor.meet(drafted.number, challenge.id, holder.sign(challenge.challenge))
        after = await editor.validate(drafted.number)

    assert met.key == holder.thumbprint
    assert [each.reason for each in before.warnings] == ["signs_with", "control_not_shown"]
    assert [each.reason for each in after.warnings] == ["signs_with", "control_shown"]
    assert holder.thumbprint in after.warnings[1].detail


async def test_a_server_that_is_away_has_an_error_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with EditingClient(f"http://127.0.0.1:{port}", api_key="x") as editor:
        with pytest.raises(EditingUnavailable):
            await editor.show(1)
