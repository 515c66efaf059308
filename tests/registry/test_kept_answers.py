"""An answer that was given before is given again only while it is, byte for byte, what would be worked out."""

import json
from pathlib import Path

import pytest

from registry import NotDefined
from registry.answering import Answering
from registry.asking.standing import Finding
from registry.asking.trqp_answers import given_authorization
from registry.kept_answers import KeptAnswers
from registry.trqp import AuthorizationAnswer
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import (
    EDU,
    LICENSING,
    NOW,
    UNI,
    a_grant,
    a_question,
    a_registry,
    an_authority,
    as_file,
    known_from,
)
from tests.registry.told import SERVICE
from tests.registry.wing import Wing
from wire import parse_utc

pytestmark = pytest.mark.anyio

DEGREE = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
SUSPENDED, RESUMED, ENDED = "2026-11-24T12:00:30Z", "2026-11-24T12:01:00Z", "2026-11-24T12:10:00Z"
HISTORY = [{"state": "suspended", "since": SUSPENDED}, {"state": "active", "since": RESUMED}]
JSON = "application/json"


def body_of(**changes: str) -> bytes:
    return json.dumps(DEGREE | changes, separators=(",", ":")).encode()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now / 1_000_000


async def test_it_is_what_would_be_worked_out_at_any_time(place: Place) -> None:
    grants = [
        a_grant(valid_until=ENDED, history=HISTORY),
        a_grant(resource="Licence", valid_from=RESUMED),
        a_grant(entity_id=LICENSING, valid_until=None),
    ]
    bodies = [body_of(), body_of(resource="Licence"), body_of(entity_id=LICENSING), body_of(entity_id=EDU)]
    turns = [parse_utc(each) - NOW for each in (SUSPENDED, RESUMED, ENDED)]
    offsets = [0, 999_999, *(turn + off for turn in turns for off in (-1, 0, 1)), 10**9, 5]
    seen = set()
    async with a_database(place) as database:
        wing = Wing(database, clock := Clock())
        await wing.import_file(ADA, as_file(a_registry(authorizations=grants)))
        for offset in offsets:
            clock.now = NOW + offset
            for body in bodies:
                anew = Answering(wing.registry, SERVICE).authorization_now(body, JSON)
                told = [wing.answering.authorization_now(body, JSON) for _ in range(2)]

                assert anew is not None
                assert told == [anew, anew]
                seen.add(json.loads(anew.body)["status"])
    assert seen == {"active", "suspended", "expired", "pending", "unknown"}


async def test_what_was_given_is_not_worked_out_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_database(place) as database:
        wing = Wing(database, clock := Clock())
        await wing.import_file(ADA, as_file(a_registry()))
        first = wing.answering.authorization_now(body_of(), JSON)

        def never(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr("registry.answering.read_request", never)
        clock.now += 1_000_000

        again = wing.answering.authorization_now(body_of(), JSON)

        assert first is not None
        assert again is not None
        assert json.loads(again.body) == json.loads(first.body) | {
            "time_evaluated": "2026-11-24T12:00:01Z",
            "meta": json.loads(again.body)["meta"],
        }
        with pytest.raises(AssertionError):
            wing.answering.authorization_now(body_of(), "text/plain")


async def test_what_another_process_of_the_node_changes_is_seen_at_once(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    async with a_database(place) as ours, a_database(place) as theirs:
        here, there = (Wing(each, Clock(), index_path=path) for each in (ours, theirs))
        await there.import_file(ADA, as_file(a_registry()))
        await here.load()

        def is_authorized(**changes: str) -> object:
            answer = here.answering.authorization_now(body_of(**changes), JSON)
            assert answer is not None
            return json.loads(answer.body)["authorized"]

        assert (is_authorized(), is_authorized(entity_id=LICENSING)) == (True, False)

        await there.import_file(ADA, as_file(a_registry(authorizations=[a_grant(entity_id=LICENSING)])))
        assert (is_authorized(), is_authorized(entity_id=LICENSING)) == (False, True)

        defines = an_authority(EDU, ("issue", "Licence"))
        changed = a_registry(authorities=[defines, an_authority(LICENSING, ("issue", "Degree"))])
        await there.import_file(ADA, as_file(changed | {"authorizations": [], "recognitions": []}))
        with pytest.raises(NotDefined):
            is_authorized()


async def test_the_kinds_of_questions_are_told_apart(place: Place) -> None:
    async with a_database(place) as database:
        wing = Wing(database, Clock())
        await wing.import_file(ADA, as_file(a_registry()))

        for _ in range(2):
            authorization = wing.answering.authorization_now(body_of(), JSON)
            recognition = wing.answering.recognition_now(body_of(), JSON)

            assert authorization is not None
            assert recognition is not None
            assert json.loads(authorization.body)["authorized"] is True
            assert json.loads(recognition.body)["recognized"] is False


def an_answer() -> tuple[AuthorizationAnswer, Finding]:
    return given_authorization(known_from(), a_question(), NOW, 1)


def test_nothing_is_kept_beyond_its_state_or_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.kept_answers.MOST", 2)
    kept = KeptAnswers(lambda: "now")
    answer, found = an_answer()
    for state, body in [("before", b"1"), ("now", b"2"), ("now", b"3"), ("now", b"x" * 2_000)]:
        kept.keep(state, body, answer, found, NOW, 1)
        assert (kept.find(body, NOW) is not None) == (state == "now" and len(body) == 1)
    kept.keep("now", b"4", answer, found, NOW, 1)

    assert [kept.find(body, NOW) is not None for body in (b"1", b"2", b"3", b"4")] == [
        False,
        False,
        False,
        True,
    ]
    assert kept.find(b"4", NOW - 1) is None
