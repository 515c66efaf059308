"""Change sets over HTTP: drafted, approved by another person, given back, in conflict; and the emergency."""

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from operators import Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal
from proofs import KeySigner, sign_compact
from registry.editing.challenge_store import Challenge, add
from resolver.keys.multikey import multikey_of
from tests.actors import ROOT, Access
from tests.server.http_corpus.asking import Case, post
from tests.server.http_corpus.operators import at_operators, at_rest, doors, read, tell_alarms
from tests.server.http_corpus.reads import DEGREES
from tests.server.http_corpus.registry import EMPTY, REGISTRY
from tests.server.http_corpus.world import Scene, Step

CHANGE_SETS = f"{REGISTRY}/change-sets"
SUSPENSIONS = f"{REGISTRY}/suspensions"
EDUCATION, LICENSING = "open-higher-education", "professional-licensing"
DEGREE, FOREIGN = "university-of-rheintal-degrees", "kenmare-architects-licences"
RHEINTAL = "did:web:rheintal.example"
_ONE, _NONE = f"{CHANGE_SETS}/1", f"{CHANGE_SETS}/99"
_READS = ("", "/diff", "/comments")
_WRITES = (
    *("validate", "submit", "withdraw", "request-information", "rollback", "comments"),
    *("challenges", "challenges/c1"),
)
_OF_EDUCATION = f"authority:{EDUCATION}"
_HOLDER = Ed25519PrivateKey.from_private_bytes(b"corpus".ljust(32))
_MULTIKEY = multikey_of(_HOLDER.public_key())
_DID = f"did:key:{_MULTIKEY}"
_CHALLENGED = f"{CHANGE_SETS}/10"
_ROLES = {
    "eda": ("everything", Role.EDITOR),
    "amy": ("everything", Role.APPROVER),
    "ann": ("everything", Role.APPROVER),
    "fire": ("everything", Role.BREAK_GLASS),
    "edu-editor": (_OF_EDUCATION, Role.EDITOR),
    "edu-approver": (_OF_EDUCATION, Role.APPROVER),
    "edu-fire": (_OF_EDUCATION, Role.BREAK_GLASS),
    "licensing-editor": (f"authority:{LICENSING}", Role.EDITOR),
}


def cases() -> Iterator[Step]:
    yield at_rest
    yield people
    paths = [f"{one}{more}" for one in (_ONE, _NONE) for more in _READS]
    writes = [f"{one}/{what}" for one in (_ONE, _NONE) for what in _WRITES]
    yield from map(at_operators, doors((CHANGE_SETS, *paths), (CHANGE_SETS, SUSPENSIONS, *writes)))
    for part in (
        _refused,
        _drafted,
        _approved,
        _given_back,
        _conflicting,
        _taken_back,
        _imported,
        _suspended,
        _challenged,
    ):
        for step in part():
            is_ours = isinstance(step, Case) and step.target.startswith("/operator")
            yield at_operators(step) if is_ours else step
    yield tell_alarms
    yield at_operators(read("/operator/alarms", "eda"))


async def people(scene: Scene) -> None:
    """Add people with API keys, before they can approve."""
    access = Access(scene.services.database, scene.clock)
    for name in _ROLES:
        await access.changes.create(
            ROOT, CreatePrincipal(id=name, kind=Kind.PERSON, name=name, address=f"{name}@example.com")
        )
        scene.keys[name] = await access.key(name)
    for name, (scope, role) in _ROLES.items():
        await access.grants.grant(ROOT, name, AskedGrant(scope, role), decided=lambda *_: None)


async def later(scene: Scene) -> None:
    """Let a second pass, so that two changes are not at one time."""
    scene.clock.pass_(1.0)


def as_(who: str, path: str, body: object = b"", method: str = "POST", **headers: str) -> Case:
    sent = {"authorization": f"Bearer <key of {who}>"} | headers
    return post(path, body, **sent)._replace(method=method)


def draft(*operations: dict[str, Any], who: str = "eda", title: str = "A change", **members: Any) -> Case:
    return as_(who, CHANGE_SETS, {"title": title, "operations": operations} | members)


def suspend(**members: Any) -> dict[str, Any]:
    return {"op": "suspend", "kind": "authorization", "id": DEGREE, "reason": "an audit"} | members


def _refused() -> Iterator[Case]:
    for body in (
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"title":"a","title":"b"}',
        b'{"operations":[{"op":"a","op":"b"}]}',
    ):
        yield as_("eda", CHANGE_SETS, body)
    yield as_("eda", CHANGE_SETS, b"{}", content_type="text/plain")
    yield draft()
    yield draft(suspend(), title="")
    yield draft(suspend(), title="a\u202eb")
    yield draft(suspend(), effective_at="2026-02-30T00:00:00Z")
    yield draft(suspend(), base_version=99)
    for wrong in (
        {"op": "rename"},
        {"kind": "school"},
        {"id": "g-nothing"},
        {"if_match": 9},
        {"if_match": 0},
        {"since": "2026-01-01T00:00:00Z"},
        {"since": "yesterday"},
        {"reason": "a\u200bb"},
        {"fact": {}},
        {"compromised_since": "2026-01-01T00:00:00Z"},
        {"more": 1},
        {"op": "add"},
        {"op": "change", "fact": {"names": 1, "more": 2}},
        {"op": "resume"},
        {"kind": "entity", "id": RHEINTAL},
    ):
        yield draft(suspend(**wrong))
    yield draft(suspend(), suspend(op="revoke"))
    for foreign in (FOREIGN, "g-nothing"):
        yield draft(suspend(id=foreign), who="edu-editor")
    yield draft({"op": "change", "kind": "entity", "id": RHEINTAL, "fact": {}}, who="edu-editor")
    yield draft({"op": "change", "kind": "entity", "id": RHEINTAL, "fact": {}})
    for fact in (DEGREE, EDUCATION, RHEINTAL):
        for who in ("edu-editor", "licensing-editor"):
            yield read(f"/operator/registry/history?id={fact}", who)


def _drafted() -> Iterator[Step]:
    for key in ("k1", "k1"):
        yield as_("eda", CHANGE_SETS, {"title": "A change", "operations": [suspend()]}, idempotency_key=key)
    yield draft(suspend(reason="of one authority"), who="edu-editor")
    for who in ("eda", "amy", "edu-editor", "licensing-editor"):
        yield from (read(CHANGE_SETS + query, who) for query in ("", "?state=draft", "?limit=1", "?after=1"))
        yield from (read(f"{CHANGE_SETS}/{number}{more}", who) for number in (1, 2) for more in _READS)
    for query in ("?state=x", "?limit=0", "?limit=101", "?after=-1", "?who=eda"):
        yield read(CHANGE_SETS + query, "eda")
    for number in ("0", "-1", "x", "%C2%B2", "9223372036854775808"):
        yield read(f"{CHANGE_SETS}/{number}", "eda")
    other = {"title": "Another", "operations": [suspend(reason="other")]}
    for match in ("", "1", '"1', '"7"', '"1"', '"1"'):
        yield as_("eda", _ONE, other, method="PUT", if_match=match)
    yield as_("edu-editor", _ONE, other, method="PUT", if_match='"2"')
    yield as_("eda", f"{_ONE}/validate")
    yield as_("eda", f"{_ONE}/validate", b"{}")
    for text in ("Why?", "a\nb", "", "a\u202eb", "x" * 4_001):
        yield as_("amy", f"{_ONE}/comments", {"text": text})
    yield read(f"{_ONE}/comments", "eda")


def _approved() -> Iterator[Step]:
    yield as_("eda", f"{_ONE}/submit", if_match='"1"')
    yield as_("edu-editor", f"{_ONE}/submit")
    yield as_("eda", f"{_ONE}/rollback")
    yield as_("eda", f"{_ONE}/submit", if_match='"2"')
    yield as_("eda", f"{_ONE}/submit")
    yield as_("eda", _ONE, {"title": "Late", "operations": [suspend()]}, method="PUT", if_match='"2"')
    yield as_("eda", "/operator/approvals/1/approve", {"reason": "mine"})
    yield post("/trqp/authorization", DEGREES)
    yield as_("amy", "/operator/approvals/1/approve", {"reason": "seen"})
    yield post("/trqp/authorization", DEGREES)
    yield later
    for path in ("", "/diff"):
        yield read(_ONE + path, "eda")
    yield as_("eda", f"{_ONE}/submit")
    yield as_("eda", f"{_ONE}/withdraw")


def _given_back() -> Iterator[Step]:
    second = f"{CHANGE_SETS}/2"
    yield as_("edu-editor", f"{second}/submit")  # Its fact was suspended meanwhile.
    yield draft(suspend(op="resume"), who="edu-editor")
    third = f"{CHANGE_SETS}/3"
    yield as_("edu-editor", f"{third}/submit")
    yield as_("edu-editor", f"{third}/request-information", {"text": "Which decision?"})
    yield as_("edu-approver", f"{third}/request-information", {"text": ""})
    yield as_("edu-approver", f"{third}/request-information", {"text": "Which decision?"})
    yield as_("edu-approver", f"{third}/request-information", {"text": "Which decision?"})
    yield as_("edu-editor", f"{third}/submit")
    yield as_("edu-approver", "/operator/approvals/3/reject", {"reason": "no grounds"})
    yield read(third, "edu-editor")
    yield as_("edu-editor", f"{third}/submit")
    yield as_("edu-editor", f"{second}/withdraw")
    yield as_("edu-editor", f"{second}/withdraw")


def _conflicting() -> Iterator[Step]:
    yield draft(suspend(op="resume"))
    yield draft(suspend(op="revoke", compromised_since="2026-06-01T00:00:00Z"))
    for number in (4, 5):
        yield as_("eda", f"{CHANGE_SETS}/{number}/submit")
    for number in (4, 5):
        yield as_("ann", f"/operator/approvals/{number}/approve", {"reason": "seen"})
    yield later
    yield read(f"{CHANGE_SETS}/5", "eda")
    yield read(f"{CHANGE_SETS}/5/diff", "eda")
    yield post("/trqp/authorization", DEGREES)


def _taken_back() -> Iterator[Step]:
    for key in ("r1", "r1"):
        yield as_("eda", f"{CHANGE_SETS}/4/rollback", idempotency_key=key)
    yield as_("eda", f"{CHANGE_SETS}/5/rollback")
    yield read(f"{CHANGE_SETS}/6/diff", "eda")


def _imported() -> Iterator[Step]:
    def replace(query: str, who: str = "eda", **headers: str) -> Case:
        return as_(who, REGISTRY + query, EMPTY, method="PUT", **headers)

    yield replace("?dry_run=true")
    yield replace("?dry_run=true", idempotency_key="no key")
    yield replace("?dry_run=true", "amy")
    yield replace("?dry_run=x")
    for key in ("i1", "i1"):
        yield replace("", idempotency_key=key)
    yield read(f"{CHANGE_SETS}/7", "eda")
    yield as_("eda", f"{CHANGE_SETS}/7/withdraw")


def _suspended() -> Iterator[Step]:
    named = {"entity": RHEINTAL, "authority": EDUCATION, "reason": "its key was stolen"}
    for who in ("eda", "amy", "edu-editor", "licensing-editor"):
        yield as_(who, SUSPENSIONS, named)
    for wrong in (
        {"reason": ""},
        {"reason": "a\u202eb"},
        {"entity": None},
        {"ids": [DEGREE]},
        {"authority": LICENSING},
        {"authority": "e-nothing"},
        {"entity": "e-nothing"},
        {"more": 1},
    ):
        yield as_("edu-fire", SUSPENSIONS, named | wrong)
    yield as_("edu-fire", SUSPENSIONS, {"entity": RHEINTAL, "reason": "everywhere"})
    for key in ("s1", "s1"):
        yield as_("edu-fire", SUSPENSIONS, named, idempotency_key=key)
    yield later
    yield post("/trqp/authorization", DEGREES)
    yield as_("fire", SUSPENSIONS, named)
    yield as_("fire", SUSPENSIONS, {"ids": [FOREIGN], "reason": "and this"})
    yield read(f"{CHANGE_SETS}/8", "edu-editor")
    yield read(CHANGE_SETS, "eda")


def _challenged() -> Iterator[Step]:
    entity = {"id": "sonnenfeld", "names": {"de": "Sonnenfeld"}, "identifiers": [{"value": _DID}]}
    yield draft({"op": "add", "kind": "entity", "fact": entity})
    yield as_("eda", f"{_CHALLENGED}/validate")
    yield as_("eda", f"{_CHALLENGED}/challenges")
    yield as_("eda", f"{_CHALLENGED}/challenges", b"{}")
    yield as_("edu-editor", f"{_CHALLENGED}/challenges")
    yield given
    signer = KeySigner(_HOLDER, f"{_DID}#{_MULTIKEY}")
    for text in ("another text", "the text"):
        jws = sign_compact(text.encode(), header={}, signer=signer).decode()
        yield as_("eda", f"{_CHALLENGED}/challenges/c1", {"jws": jws})
        yield as_("edu-editor", f"{_CHALLENGED}/challenges/c1", {"jws": jws})
    for body in (b"", b"{}", {"jws": ""}, {"jws": "a.b.c"}, {"jws": "x", "more": 1}):
        yield as_("eda", f"{_CHALLENGED}/challenges/c1", body)
    yield as_("eda", f"{_CHALLENGED}/challenges/c2", {"jws": "a.b.c"})
    yield as_("eda", f"{_CHALLENGED}/validate")


async def given(scene: Scene) -> None:
    """Let a challenge have an id and a text that are known here."""
    ends = int((scene.clock() + 60) * 1_000_000)
    challenge = Challenge(challenge_id="c1", change_set=10, identifier=_DID, text="the text", expires_at=ends)
    await scene.services.database.write(lambda tx: add(tx, challenge))
