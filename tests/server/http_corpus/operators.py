"""Requests of the operators' listener, in an order that tells a story: sets, entries, revocations, alarms."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from statuslist.entries.store import StatusSet, insert_set
from tests.server.http_corpus.asking import Case, Raw, get, of, post
from tests.server.http_corpus.identifiers import KEY, OWN
from tests.server.http_corpus.reads import FRAMEWORK_PAGES
from tests.server.http_corpus.world import Scene, Step

FIRST, TOKEN = "103458", "65377"  # indexes that the set "badges" gives, with the key that it has here

SETS = "/operator/status-lists"
FIND = "/operator/status-entries/find"
ROUTES = (
    SETS,
    f"{SETS}/sample",
    f"{SETS}/sample/statuses/5",
    "/operator/observations",
    "/operator/key-changes",
    "/operator/alarms",
    f"/operator/explain?did={KEY}",
)
WRITES = (
    SETS,
    f"{SETS}/sample/allocations",
    f"{SETS}/sample/statuses",
    f"{SETS}/sample/releases",
    f"{SETS}/sample/forms",
    f"{SETS}/sample/settings",
    FIND,
    "/operator/observations/acknowledge",
    "/operator/observations/announce",
    "/operator/alarms/acknowledge",
    "/operator/cache/purge",
)
ISSUER_ROUTES = ("/operator/issuers", "/operator/issuers/acme", "/operator/issuers/acme/document")
ISSUER_WRITES = (
    "/operator/issuers",
    "/operator/issuers/keyless/keys",
    "/operator/issuers/keyless/keys/activate",
    "/operator/issuers/keyless/keys/keyless-2/activate",
    "/operator/issuers/keyless/keys/keyless-1/retire",
    "/operator/issuers/keyless/keys/keyless-1/compromised",
    "/operator/issuers/keyless/keys/keyless-1/certificate-request",
    "/operator/issuers/keyless/keys/keyless-1/certificates",
)
PAGES = ("/", "/docs", "/openapi.json", "/livez", "/readyz", "/metrics", "/problems/conflict")
PEOPLE = ("admin", "reader", "acme-admin", "acme-issuer", "acme-reader", "expired", "revoked")
METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PURGE")
AUTHORIZATIONS = (
    "",
    "Bearer",
    "Bearer x",
    "Basic YTpi",
    "bearer <key of admin>",
    "Bearer  <key of admin>",
    "Bearer <key of admin>x",
    "Bearer tsk_" + "A" * 12 + "_" + "B" * 43,
)
BODIES: tuple[object, ...] = (
    {},
    [],
    b"",
    b"{",
    {"unknown": 1},
    b'{"a": 1, "a": 2}',
    b'"' + b"a" * 70_000 + b'"',
    b'"' + b"a" * 1_100_000 + b'"',
)


def cases() -> Iterator[Step]:
    yield tell_alarms
    yield from map(at_operators, _pages())
    yield at_rest
    yield from map(at_operators, doors(ROUTES, WRITES))
    for part in (_sets, _allocations, _changes):
        yield from map(at_operators, part())
    yield publish
    yield from _published()
    yield tell_alarms
    yield from map(at_operators, _others())
    for told in (_formats, _references):
        yield from (at_operators(step) if isinstance(step, Case) else step for step in told())


def over_wire() -> Iterator[Step]:
    """What is asked of the operators' listener without an API key."""
    yield tell_alarms
    yield from map(at_operators, _pages())
    for path in (*ROUTES, *WRITES, *ISSUER_ROUTES, *ISSUER_WRITES):
        yield at_operators(get(path))
        yield at_operators(post(path, {}))
    yield Raw("no Host", b"GET /livez HTTP/1.1\r\n\r\n")
    yield Raw("an unknown method", b"BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n")


async def tell_alarms(scene: Scene) -> None:
    """Write what is wrong; in time a background step would."""
    await scene.services.operators.alarms.step()


async def at_rest(scene: Scene) -> None:
    """End what works in the background, so that nothing happens but what is asked for."""
    await scene.services.background.stop()


async def publish(scene: Scene) -> None:
    """Publish what changed; in time a background step would."""
    await scene.services.status.publisher.publish_dirty()


def at_operators(case: Case) -> Case:
    return case._replace(listener="operator")


def _pages() -> Iterator[Case]:
    for path in PAGES:
        yield get(path)
        yield get(path, if_none_match="*")
        yield from (of(method, path) for method in (*METHODS, "POST"))
    yield from map(get, FRAMEWORK_PAGES)
    for path in (
        "/1.0/identifiers/" + KEY,
        "/status-lists/sample-revocation",
        "/livez/",
        "/operator",
        "/operator/",
    ):
        yield get(path)


def doors(routes: Iterable[str], writes: Iterable[str]) -> Iterator[Case]:
    """Who gets in where."""
    for path in routes:
        yield from (get(path, authorization=f"Bearer <key of {name}>") for name in PEOPLE)
        yield from (get(path, authorization=given) for given in AUTHORIZATIONS)
        yield from (of(method, path) for method in METHODS)
    for path in writes:
        yield from (post(path, b"{", authorization=f"Bearer <key of {name}>") for name in PEOPLE)
        yield post(path, {})
        yield from (as_admin(path, body) for body in BODIES)
        yield as_admin(path, {}, content_type="text/plain")
        yield as_admin(path, {}, content_type="")
        yield from (of(method, path, authorization="Bearer <key of admin>") for method in METHODS)


def as_admin(path: str, body: object, **headers: str) -> Case:
    return post(path, body, **({"authorization": "Bearer <key of admin>"} | headers))


def read(target: str, who: str = "admin") -> Case:
    return get(target, authorization=f"Bearer <key of {who}>")


def _sets() -> Iterator[Case]:
    wanted: tuple[dict[str, Any], ...] = (
        {"id": "badges", "purposes": ["revocation"], "issuerId": "default"},
        {"id": "badges", "purposes": ["revocation"], "issuerId": "default"},
        {"purposes": ["suspension"], "issuerId": "acme"},
        {"id": "both", "purposes": ["revocation", "suspension"], "issuerId": "acme", "length": 262_144},
        {"id": "none", "purposes": ["revocation"]},
        {"id": "none", "purposes": ["revocation"], "issuerId": "nobody"},
        {"id": "none", "purposes": ["revocation"], "issuerId": "keyless"},
        {"id": "twice", "purposes": ["revocation", "revocation"], "issuerId": "default"},
        {"id": "none", "purposes": ["message"], "issuerId": "default"},
        {"id": "none", "purposes": [], "issuerId": "default"},
        {"id": "BAD ID", "purposes": ["revocation"], "issuerId": "default"},
        {"id": "a" * 49, "purposes": ["revocation"], "issuerId": "default"},
        {"id": "short", "purposes": ["revocation"], "issuerId": "default", "length": 8},
        {"id": "odd", "purposes": ["revocation"], "issuerId": "default", "length": 131_073},
        {"id": "long", "purposes": ["revocation"], "issuerId": "default", "length": 2**27},
        {"id": "null", "purposes": ["revocation"], "issuerId": "a\x00b"},
    )
    yield from (as_admin(SETS, body) for body in wanted)
    mine = {"id": "mine", "purposes": ["revocation"]}
    for key in ("k1", "k1", "", "a b", "x" * 256):
        yield as_admin(SETS, mine | {"issuerId": "default"}, idempotency_key=key)
    yield as_admin(SETS, mine | {"issuerId": "acme"}, idempotency_key="k1")
    for name in ("reader", "acme-admin", "acme-issuer", "acme-reader"):
        yield post(
            SETS, {"id": f"of-{name}", "purposes": ["revocation"]}, authorization=f"Bearer <key of {name}>"
        )
        yield post(
            SETS,
            {"id": f"of-{name}-2", "purposes": ["revocation"], "issuerId": "default"},
            authorization=f"Bearer <key of {name}>",
        )
    for query in (
        "",
        "?limit=2",
        "?limit=2&after=both",
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?after=A%20B",
        "?x=1",
    ):
        yield read(SETS + query)
        yield read(SETS + query, "acme-reader")
    for set_id in ("badges", "both", "mine", "nothing", "BAD", "%62adges"):
        yield read(f"{SETS}/{set_id}")
        yield read(f"{SETS}/{set_id}", "acme-reader")


def _allocations() -> Iterator[Case]:
    allocations: tuple[dict[str, Any], ...] = (
        {},
        {"count": 3},
        {"count": 0},
        {"count": 10_001},
        {"count": 1, "mediaType": "application/vc+jwt", "reference": "batch 7"},
        {"mediaType": "text/html"},
        {"reference": ""},
        {"expiresAt": "2027-01-01T00:00:00Z"},
        {"expiresAt": "tomorrow"},
        {"expiresAt": "2001-01-01T00:00:00Z"},
        {"references": ["a\u0085"]},
    )
    for body in allocations:
        yield as_admin(f"{SETS}/badges/allocations", body)
    yield as_admin(f"{SETS}/nothing/allocations", {})
    for key in ("a1", "a1"):
        yield as_admin(f"{SETS}/both/allocations", {}, idempotency_key=key)
    yield as_admin(f"{SETS}/both/allocations", {"count": 2}, idempotency_key="a1")
    for name in ("reader", "acme-issuer", "acme-reader"):
        yield post(f"{SETS}/badges/allocations", {}, authorization=f"Bearer <key of {name}>")
        yield post(f"{SETS}/both/allocations", {}, authorization=f"Bearer <key of {name}>")
    for _ in range(14):
        yield as_admin(f"{SETS}/badges/allocations", {"count": 10_000})


def changes(*given: tuple[str, str, int]) -> dict[str, Any]:
    return {
        "changes": [
            {"statusListIndex": index, "statusPurpose": purpose, "status": status}
            for index, purpose, status in given
        ]
    }


def _changes() -> Iterator[Case]:
    path = f"{SETS}/badges/statuses"
    revoked = changes((FIRST, "revocation", 1))
    bodies: tuple[dict[str, Any], ...] = (
        revoked,
        revoked,
        changes((TOKEN, "revocation", 0)),
        changes((TOKEN, "suspension", 1)),
        changes((FIRST, "revocation", 0)),
        changes((TOKEN, "revocation", 1), (TOKEN, "revocation", 1)),
        changes(("1", "revocation", 1)),
        changes(("131072", "revocation", 1)),
        changes(("007", "revocation", 1)),
        changes((FIRST, "message", 1)),
        changes((FIRST, "revocation", 2)),
        changes(),
        changes(*[(FIRST, "revocation", 1)] * 1_001),
        {"changes": [revoked["changes"][0] | {"reason": "lost"}]},
        {"changes": [revoked["changes"][0] | {"reason": "x" * 257}]},
    )
    yield from (as_admin(path, body) for body in bodies)
    for key in ("s1", "s1"):
        yield as_admin(path, revoked, idempotency_key=key)
    yield as_admin(path, changes((TOKEN, "revocation", 1)), idempotency_key="s1")
    for name in PEOPLE:
        yield post(path, revoked, authorization=f"Bearer <key of {name}>")
    yield as_admin(f"{SETS}/nothing/statuses", revoked)
    yield as_admin(f"{path}?dryRun=true", revoked)
    for index in (FIRST, TOKEN, "1", "131072", "007", "-1", "x", "999999999", "1000000000"):
        yield read(f"{SETS}/badges/statuses/{index}")
    yield read(f"{SETS}/badges/statuses/{FIRST}", "acme-reader")
    yield read(f"{SETS}/nothing/statuses/{FIRST}")


async def lose_reference_key(scene: Scene) -> None:
    """Break the file of the key before anybody needed it."""
    path = scene.services.resources.settings.reference_key_path
    path.with_suffix(".kept").write_bytes(path.read_bytes())
    path.write_bytes(b"lost")


async def find_reference_key(scene: Scene) -> None:
    path = scene.services.resources.settings.reference_key_path
    path.write_bytes(path.with_suffix(".kept").read_bytes())


async def make_older_sets(scene: Scene) -> None:
    """Have two sets as release 0.2 made them, one of them with an id that no new set may have."""
    older = StatusSet(
        id="older",
        issuer_id="default",
        length=131_072,
        purposes=("revocation",),
        permutation_key=bytes(32),
        next_number=0,
        created_at=0,
        profile="default",
        cadence_ms=1_000,
        has_tokens=False,
        version=0,
        wanted_version=1,
    )
    for set_id in ("older", "older-revocation"):
        made = msgspec.structs.replace(older, id=set_id)
        await scene.services.database.write(lambda tx, made=made: insert_set(tx, made))


def _formats() -> Iterator[Case | Step]:
    """Entries for credentials of each format; and a set of an earlier release, which has two of them at first."""
    for set_id in ("badges", "both"):
        for entry_format in ("application/vc", "application/vc+jwt", "dc+sd-jwt", "mso_mdoc", "ldp_vc"):
            yield as_admin(f"{SETS}/{set_id}/allocations", {"format": entry_format})
    for body in (
        {"format": "dc+sd-jwt", "mediaType": "application/vc"},
        {"format": "application/vc+jwt", "mediaType": "application/vc+jwt"},
        {"format": "dc+sd-jwt", "count": 2},
    ):
        yield as_admin(f"{SETS}/both/allocations", body)
    yield make_older_sets
    yield read(f"{SETS}/older")
    for wanted in ("application/vc", "dc+sd-jwt", "mso_mdoc"):
        yield as_admin(f"{SETS}/older/allocations", {"format": wanted})
    for set_id in ("older", "older", "older-revocation", "nothing"):
        yield as_admin(f"{SETS}/{set_id}/forms", b"", idempotency_key=f"of {set_id}".replace(" ", "-"))
    yield as_admin(f"{SETS}/older/allocations", {"format": "dc+sd-jwt"})
    for seconds in (600, 600, 900):
        wanted = {"cadenceSeconds": seconds}
        yield as_admin(f"{SETS}/older/settings", wanted, idempotency_key="settings")
    for body in (
        {"cadenceSeconds": 300},
        {"profile": "haip"},
        {"profile": "default", "cadenceSeconds": 600},
        {"cadenceSeconds": 0},
        {"cadenceSeconds": 3_601},
        {"profile": "other"},
        {"length": 262_144},
        {},
    ):
        yield as_admin(f"{SETS}/older/settings", body)
    yield as_admin(f"{SETS}/nothing/settings", {"cadenceSeconds": 600})


def _references() -> Iterator[Case | Step]:
    """Entries by their references: allocated, found, changed, released."""

    def named(reference: str, status: int = 1, purpose: str = "suspension") -> dict[str, Any]:
        one = {"reference": reference, "statusPurpose": purpose, "status": status}
        return {"changes": [one]}

    allocations, statuses, releases = (
        f"{SETS}/both/{what}" for what in ("allocations", "statuses", "releases")
    )
    wanted = {"count": 2, "references": ["student 4711", "student 4712"]}
    yield lose_reference_key
    yield as_admin(allocations, wanted)
    yield as_admin(FIND, {"reference": "student 4711", "issuerId": "acme"})
    yield find_reference_key
    for body in (
        wanted,
        wanted,
        wanted | {"format": "dc+sd-jwt"},
        wanted | {"count": 3},
        wanted | {"references": ["twice", "twice"]},
        wanted | {"references": ["one", ""]},
        {"references": "student 4711"},
    ):
        yield as_admin(allocations, body)
    for key in ("r1", "r1"):
        yield as_admin(allocations, {"references": ["student 4713"]}, idempotency_key=key)
    yield as_admin(allocations, {"references": ["student 4714"]}, idempotency_key="r1")
    for body in (
        {"reference": "student 4711", "issuerId": "acme"},
        {"reference": "student 4711"},
        {"reference": "nobody", "issuerId": "acme"},
        {"reference": "nobody", "issuerId": "nobody"},
        {"batch": "batch 7"},
        {"batch": "batch 7", "position": 1},
        {"batch": "batch 7", "reference": "student 4711"},
        {"reference": "student 4711", "position": 1},
    ):
        for who in ("admin", "acme-reader"):
            yield post(FIND, body, authorization=f"Bearer <key of {who}>")
    for body in (
        named("student 4711"),
        named("student 4711"),
        named("nobody"),
        named("student 4711", 0),
        named("student 4711", purpose="message"),
        {"changes": [named("student 4712")["changes"][0] | {"statusListIndex": "5"}]},
        {"changes": [{"statusPurpose": "suspension", "status": 1}]},
        named("student 4711", purpose="revocation"),
        named("student 4711", 0, purpose="revocation"),
    ):
        yield as_admin(statuses, body)
    for entries in (
        [{"reference": "student 4712"}],
        [{"reference": "student 4712"}],
        [{"reference": "student 4711"}],
        [{"reference": "nobody"}],
        [{"statusListIndex": "5"}],
        [{"statusListIndex": "262144"}],
        [{}],
        [],
    ):
        yield as_admin(releases, {"entries": entries})
    yield as_admin(statuses, named("student 4712"))
    yield as_admin(FIND, {"reference": "student 4712", "issuerId": "acme"})
    yield as_admin(f"{SETS}/nothing/releases", {"entries": [{"statusListIndex": "5"}]})
    for name in ("reader", "acme-admin", "acme-issuer", "acme-reader"):
        yield post(
            releases, {"entries": [{"reference": "student 4713"}]}, authorization=f"Bearer <key of {name}>"
        )


def _published() -> Iterator[Case]:
    """What the public reads of the sets made above, and whether it holds."""
    for name in (
        "badges-revocation",
        "both-revocation",
        "both-suspension",
        "mine-revocation",
        "none-revocation",
    ):
        yield get(f"/status-lists/{name}/credential.json")
        yield get(f"/status-lists/{name}/credential.jwt")
        yield get(f"/status-lists/{name}")
    for index in (FIRST, TOKEN):
        entry = {
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": index,
            "statusListCredential": "http://localhost:8000/status-lists/badges-revocation/credential.json",
        }
        yield post("/status/check", {"issuer": OWN, "credentialStatus": entry})
        unpublished = "http://localhost:8000/status-lists/none-revocation/credential.json"
        yield post(
            "/status/check",
            {"issuer": OWN, "credentialStatus": entry | {"statusListCredential": unpublished}},
        )


def _others() -> Iterator[Case]:
    purges: tuple[object, ...] = (
        {"did": "did:web:a.example"},
        {"did": "did:web:A.example"},
        {"did": "junk"},
        {"did": KEY},
        {"host": "a.example"},
        {"host": "A B"},
        {"host": "a.example:80"},
        {"all": True},
        {"all": False},
        {"did": "did:web:a.example", "all": True},
        {"did": ""},
    )
    yield from (as_admin("/operator/cache/purge", body) for body in purges)
    for key in ("p1", "p1"):
        yield as_admin("/operator/cache/purge", {"all": True}, idempotency_key=key)
    for name in PEOPLE:
        yield post("/operator/cache/purge", {"all": True}, authorization=f"Bearer <key of {name}>")
    for query in (
        "",
        "?did=",
        f"?did={KEY}",
        f"?did={KEY}&did={KEY}",
        f"?did={KEY}%23x",
        f"?did={OWN.replace('%', '%25')}",
        "?did=did:web:127.0.0.1",
        "?did=did:nope:x",
        f"?did={KEY}&unknown=1",
        f"?did={KEY}&noCache=true",
        f"?did={KEY}&publicKeyFormat=JsonWebKey",
    ):
        yield read(f"/operator/explain{query}")
    for path in ("/operator/observations", "/operator/key-changes", "/operator/alarms"):
        for query in (
            "",
            "?limit=1",
            "?limit=0",
            "?limit=101",
            "?after=-1",
            "?after=9007199254740993",
            "?after=x",
        ):
            yield read(path + query)
        for query in (
            "?did=did:web:education.example",
            "?did=%C3%A9",
            "?kind=key-unreadable",
            "?kind=nothing",
        ):
            yield read(path + query)
    for path in ("/operator/observations/acknowledge", "/operator/alarms/acknowledge"):
        for body in ({"alarm": 1}, {"alarm": 0}, {"alarm": 99}, {"alarm": "1"}, {"alarm": 2**54}):
            yield as_admin(path, body)
        yield as_admin(path, {"alarm": 1}, idempotency_key="q1")
        yield as_admin(path, {"alarm": 2}, idempotency_key="q1")
        for name in PEOPLE:
            yield post(path, {"alarm": 1}, authorization=f"Bearer <key of {name}>")
    announced: tuple[dict[str, Any], ...] = (
        {"did": "did:web:education.example", "notAfter": "2026-09-30T00:00:00Z"},
        {"did": "did:web:education.example", "notAfter": "2027-09-30T00:00:00Z"},
        {"did": "did:web:education.example", "notAfter": "soon"},
        {"did": "did:web:nobody.example", "notAfter": "2026-09-30T00:00:00Z"},
        {"did": "a b", "notAfter": "2026-09-30T00:00:00Z"},
        {"did": "did:web:education.example"},
    )
    yield from (as_admin("/operator/observations/announce", body) for body in announced)
    for name in PEOPLE:
        yield post("/operator/observations/announce", announced[0], authorization=f"Bearer <key of {name}>")
