"""`touchstone registry`: a day of an editor and of the person who approves, command by command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from server.commands.remote.registry.change_sets import STATES
from server.commands.remote.registry.code import EXIT_CHANGES
from server.commands.remote.registry.facts import KINDS, fact_of
from tests.registry.test_sample import EDUCATION, RHEINTAL, SAMPLE
from tests.server.commands.operating import Operating, Serving, operating_in

DEGREES = ("issue", "UniversityDegreeCredential")
GRANT = "university-of-rheintal-degrees"
FOREIGN = "engineers-of-collina-licences"  # of another authority


class Desk:
    """Ada edits, Gil for one authority, Bob and Eve approve, Fay may break the glass; each has a key file."""

    def __init__(self, operating: Operating, serving: Serving, keys: Path) -> None:
        self.operating, self.serving, self._keys = operating, serving, keys

    def open(self) -> None:
        roles = {"ada": "editor", "gil": "editor", "fay": "break-glass", "bob": "approver", "eve": "approver"}
        for name in roles:
            self.operating.done("principal", "add", name, "--person", "--address", f"{name}@example.com")
            self.operating.done("key", "create", name, "--file", str(self._keys / name))
        for name, role in roles.items():
            scope = "authority:open-higher-education" if name == "gil" else "everything"
            self.operating.done("principal", "grant", name, "--role", role, "--scope", scope)

    def run(self, name: str, *command: str) -> Result:
        return self.operating.run(*command, TOUCHSTONE_OPERATOR_KEY_FILE=str(self._keys / name))

    def done(self, name: str, *command: str) -> str:
        result = self.run(name, *command)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def proposed(self, *command: str, name: str = "ada") -> str:
        """Run a command that submits a change set; return its number."""
        number, state = self.done(name, "registry", *command).split()
        assert state == "submitted"
        return number

    def approve(self, number: str, name: str = "bob") -> None:
        shown = json.loads(self.done(name, "registry", "change-set", "show", number))
        self.done(name, "approval", "approve", str(shown["approval"]), "--reason", "seen")

    def asked(self, *more: str, entity: str = RHEINTAL) -> list[str]:
        found = self.done("ada", "registry", "check", EDUCATION, entity, *DEGREES, *more)
        return found.strip().split("\t")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with operating_in(tmp_path_factory.mktemp("registry")) as (operating, serving):
        sample = tmp_path_factory.mktemp("sample") / "registry.json"
        sample.write_bytes(SAMPLE)
        operating.done("registry", "import", str(sample))
        desk = Desk(operating, serving, tmp_path_factory.mktemp("keys"))
        desk.open()
        yield desk


def test_the_words_of_the_commands_are_those_of_the_server() -> None:
    """Commands import nothing of the registry, so that they start at once; so the words stand twice."""
    from typing import get_args

    from registry.editing.shapes import State
    from registry.model import FACT_KINDS

    assert set(STATES) == set(get_args(State))
    assert KINDS == FACT_KINDS


def test_members_are_given_as_they_stand_in_a_file() -> None:
    given = (
        *("id=uni", "names.en=University", "names.de=Uni=versität"),
        *("identifiers=did:web:uni.example", "identifiers=https://uni.example", "further=1"),
    )
    fact = fact_of({}, given)

    assert fact == {
        "id": "uni",
        "names": {"en": "University", "de": "Uni=versität"},
        "identifiers": [{"value": "did:web:uni.example"}, {"value": "https://uni.example"}],
        "further": 1,
    }
    assert fact_of(fact, ("names.de=", "identifiers=did:web:new.example", "further=")) == {
        "names": {"en": "University"},
        "identifiers": [{"value": "did:web:new.example"}],
    }


def test_an_issuer_is_added_by_two_people(desk: Desk) -> None:
    entity = desk.proposed(
        *("add", "entity", "id=sonnenfeld", "names.en=University of Sonnenfeld"),
        *("identifiers=https://sonnenfeld.example",),
    )
    alone = desk.run("ada", "approval", "approve", entity, "--reason", "mine")
    desk.approve(entity)
    grant = desk.proposed(
        *("add", "authorization", "id=sonnenfeld-degrees", "authority_id=open-higher-education"),
        *("entity_id=sonnenfeld", "action=issue", "resource=UniversityDegreeCredential"),
        *("valid_from=2026-01-01T00:00:00Z", "--title", "Sonnenfeld may award degrees"),
    )
    before = desk.asked(entity="https://sonnenfeld.example")
    diff = desk.done("bob", "registry", "change-set", "diff", grant)
    desk.approve(grant)
    after = desk.asked(entity="https://sonnenfeld.example")
    listed = desk.done("eve", "registry", "change-set", "list", "--state", "effective")

    assert alone.exit_code == 4
    assert before[:2] == ["no", "not_granted"]
    assert after[:2] == ["yes", "active"]
    assert "+ authorization sonnenfeld-degrees: add from 2026-01-01T00:00:00Z on, late\n" in diff
    assert '    entity_id: "sonnenfeld"\n' in diff
    assert "no (not_granted) -> yes (active)" in diff
    assert f"{grant}\teffective\tada\t" in listed


def test_a_grant_is_suspended_and_resumed_and_its_history_tells_so(desk: Desk) -> None:
    desk.approve(desk.proposed("suspend", GRANT, "--reason", "Its key is looked into."))
    suspended = desk.asked()
    desk.approve(desk.proposed("resume", GRANT))
    resumed = desk.asked()
    history = [line.split("\t") for line in desk.done("eve", "registry", "history", GRANT).splitlines()]
    facts = [
        json.loads(line)["fact"]
        for line in desk.done("eve", "registry", "history", GRANT, "--json").splitlines()
    ]

    assert suspended[:2] == ["no", "suspended"]
    assert "Its key is looked into." in suspended[2]
    assert resumed[0] == "yes"
    assert [(line[1], line[4], line[7], line[8]) for line in history] == [
        ("add", "1", "bootstrap", "import"),
        ("suspend", "2", "ada", "change-set"),
        ("resume", "3", "ada", "change-set"),
    ]
    assert [change["state"] for change in facts[-1]["history"]] == ["suspended", "active"]


def test_a_date_is_corrected_late_and_what_was_known_before_is_answered_as_it_was(desk: Desk) -> None:
    at = ("--at", "2024-06-01T00:00:00Z")
    known_at = json.loads(desk.done("ada", "registry", "check", EDUCATION, RHEINTAL, *DEGREES, "--json"))[
        "at"
    ]
    refused = desk.run("ada", "registry", "update", GRANT, "valid_from=2024-09-01T00:00:00Z")
    number = desk.proposed("update", GRANT, "valid_from=2024-09-01T00:00:00Z", "--correct")
    desk.approve(number)
    now_known = desk.asked(*at)
    then_known = desk.asked(*at, "--known-at", known_at)
    history = desk.done("eve", "registry", "history", GRANT).splitlines()[-1].split("\t")

    assert refused.exit_code == 1
    assert '"correct"' in refused.stderr
    assert now_known[:2] == ["no", "not_yet_valid"]
    assert then_known[:2] == ["yes", "active"]
    assert (history[1], history[6]) == ("correct", "late")


def test_a_change_set_is_taken_back(desk: Desk) -> None:
    number = desk.proposed("revoke", "nordfjord-college-degrees", "--reason", "By mistake.")
    desk.approve(number)
    revoked = desk.asked(entity="nordfjord-college")
    inverse, state = desk.done("ada", "registry", "change-set", "rollback", number, "--submit").split()
    desk.approve(inverse, "eve")
    again = desk.asked(entity="nordfjord-college")

    assert state == "submitted"
    assert revoked[:2] == ["no", "revoked"]
    assert again[0] == "yes"


def test_a_draft_is_talked_about_given_back_edited_and_withdrawn(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    draft = {
        "title": "Suspend Shinonome",
        "operations": [
            {
                "op": "suspend",
                "kind": "authorization",
                "id": "shinonome-university-degrees",
                "reason": "Audit.",
            }
        ],
    }
    file.write_text(json.dumps(draft))
    number, state = desk.done("ada", "registry", "change-set", "new", "-f", str(file)).split()
    desk.done("bob", "registry", "change-set", "comment", number, "Which audit?")
    desk.done("ada", "registry", "change-set", "submit", number)
    given_back = desk.done("bob", "registry", "change-set", "ask", number, "I mean: by whom?").split()
    shown = json.loads(desk.done("ada", "registry", "change-set", "show", number))
    file.write_text(json.dumps(draft | {"title": "Suspend Shinonome: audit of 2026"}))
    edit = ("registry", "change-set", "edit", number, "-f", str(file), "--revision")
    desk.done("ada", *edit, str(shown["revision"]))
    overtaken = desk.run("ada", *edit, str(shown["revision"]))
    comments = desk.done("eve", "registry", "change-set", "comments", number).splitlines()
    withdrawn = desk.done("ada", "registry", "change-set", "withdraw", number).split()
    file.write_text('{"title": 1}')
    wrong = desk.run("ada", "registry", "change-set", "new", "-f", str(file))

    assert state == "draft"
    assert given_back == [number, "needs_information"]
    assert [line.split("\t")[1:] for line in comments] == [
        ["bob", "Which audit?"],
        ["bob", "I mean: by whom?"],
    ]
    assert overtaken.exit_code == 1
    assert withdrawn == [number, "withdrawn"]
    assert wrong.exit_code == 2


def test_validation_tells_what_an_approver_should_know(desk: Desk) -> None:
    number, _ = desk.done(
        *("ada", "registry", "add", "entity", "id=alike", "names.en=Univеrsity of Rheintal"),
        *("identifiers=https://rhe1ntal.example", "valid_until=2046-01-01T00:00:00Z", "--draft"),
    ).split()
    told = [
        line.split("\t")[:2]
        for line in desk.done("bob", "registry", "change-set", "validate", number).splitlines()
    ]

    assert told == [
        ["long_window", "/operations/0/fact/valid_until"],
        ["resembles_another_name", "/operations/0/fact/names/en"],
        ["resembles_another_identifier", "/operations/0/fact/identifiers/0/value"],
    ]


def test_an_emergency_needs_one_person_and_is_loud(desk: Desk) -> None:
    why = ("--reason", "Its key was published.")
    refused = desk.run("ada", "registry", "emergency", "--entity", "kenmare-architects", *why)
    number, state = desk.done("fay", "registry", "emergency", "--entity", "kenmare-architects", *why).split()
    changes = desk.done("eve", "registry", "report", "changes").splitlines()

    assert refused.exit_code == 4
    assert state == "effective"
    assert [line.split("\t")[1:] for line in changes if "\temergency" in line]
    assert desk.serving.audited(number)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_file_that_is_not_there_is_no_change(desk: Desk, tmp_path: Path, command: str) -> None:
    done = [
        desk.run("ada", "registry", command, "-f", str(path)) for path in (tmp_path / "no.json", tmp_path)
    ]

    assert [each.exit_code for each in done] == [1, 1]
    assert done[0].stderr.endswith("no.json is no file that can be read\n")
    assert EXIT_CHANGES != 1


def test_an_editor_of_one_authority_suspends_and_updates_what_is_its_own(desk: Desk) -> None:
    suspended = desk.proposed("suspend", GRANT, "--reason", "An audit.", name="gil")
    updated = desk.proposed("update", GRANT, "review_due=2030-01-01T00:00:00Z", name="gil")
    foreign = desk.run("gil", "registry", "suspend", FOREIGN, "--reason", "An audit.")
    absent = desk.run("gil", "registry", "suspend", "nothing", "--reason", "An audit.")

    assert suspended != updated
    assert (foreign.exit_code, absent.exit_code) == (3, 3)
    assert foreign.stderr == absent.stderr


def test_a_registry_under_version_control_is_planned_and_applied(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text(desk.done("ada", "registry", "export"))
    nothing = desk.run("ada", "registry", "plan", "-f", str(file))
    registry = json.loads(file.read_text())
    for entity in registry["entities"]:
        if entity["id"] == "lagoa-medical-council":
            entity["names"]["en"] = "Medical Council of Lagoa"
    file.write_text(json.dumps(registry))
    planned = desk.run("ada", "registry", "plan", "-f", str(file))
    as_json = json.loads(desk.run("ada", "registry", "plan", "-f", str(file), "--json").stdout)
    version = str(as_json["version"])
    number = desk.proposed("apply", "-f", str(file), "--version", version)
    desk.approve(number)
    again = desk.run("ada", "registry", "apply", "-f", str(file))
    file.write_text(json.dumps(registry).replace("Medical Council of Lagoa", "Lagoa Council"))
    overtaken = desk.run("ada", "registry", "apply", "-f", str(file), "--version", version)
    shown = json.loads(desk.done("ada", "registry", "show", "lagoa-medical-council"))

    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert planned.exit_code == EXIT_CHANGES
    assert "~ entity lagoa-medical-council (revision 1): change from " in planned.stdout
    assert '    names.en: "Lagoa Medical Council" -> "Medical Council of Lagoa"\n' in planned.stdout
    assert as_json["fact_count"] == 1
    assert (again.exit_code, again.stdout) == (0, "")
    assert overtaken.exit_code == 5
    assert shown["entity"]["names"]["en"] == "Medical Council of Lagoa"


def test_an_import_is_tried_without_changing_anything(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    exported = desk.done("ada", "registry", "export")
    file.write_text(exported.replace("2034-01-01", "2035-01-01"))
    tried = desk.done("ada", "registry", "import", str(file), "--dry-run")

    assert '    valid_until: "2034-01-01T00:00:00Z" -> "2035-01-01T00:00:00Z"\n' in tried
    assert desk.done("ada", "registry", "export") == exported


def test_reports_are_printed_for_people_and_for_programs(desk: Desk) -> None:
    access = desk.operating.done("registry", "report", "access").stdout.splitlines()
    approvals = desk.operating.done("registry", "report", "approvals", "--json").stdout.splitlines()
    reviews = desk.done("eve", "registry", "report", "reviews", "--days", "3000").splitlines()
    ends = desk.done("eve", "registry", "report", "ends", "--days", "3000", "--json").splitlines()
    changes = desk.done("eve", "registry", "report", "changes", "--until", "2000-01-01T00:00:00Z")
    wrong = desk.run("eve", "registry", "report", "changes", "--since", "yesterday")

    assert "bob\tperson\tapprover\teverything" in "\n".join(access)
    assert {json.loads(line)["action"] for line in approvals} >= {"registry.apply"}
    assert any(line.split("\t")[1:3] == ["entity", "university-of-rheintal"] for line in reviews)
    assert {json.loads(line)["what"] for line in ends} == {"end", "identifier-end"}
    assert changes == ""
    assert wrong.exit_code == 1
