"""What is said to clients that ask too fast, and when others are asked too fast; and by what is set otherwise."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from resolver.outbound.fetch import GuardLimits
from tests.server.http_corpus.asking import Case, get, of, post
from tests.server.http_corpus.checks import check, entry
from tests.server.http_corpus.identifiers import ACCEPTS, BASE, KEY, OWN
from tests.server.http_corpus.operators import SETS, as_admin, at_operators
from tests.server.http_corpus.origins import GOOD, TAGGED, document, passing
from tests.server.http_corpus.reads import DEGREES, LIST
from tests.server.http_corpus.world import Step
from tests.simulator import Host, World

SLOW = 0.01  # requests a second: one at once, then a hundred seconds
RATES: dict[str, Any] = {
    "rate_hot_per_second": 5.0,
    "rate_cpu_per_second": SLOW,
    "rate_outbound_per_second": 1.0,
    "rate_no_cache_per_second": SLOW,
    "trusted_proxies": ("203.0.113.7/32",),
}
BUSY = GuardLimits(host_rate_per_second=SLOW, host_burst=1, turn_seconds=0.0)


def build(web: World) -> dict[str, Host]:
    host = web.host("good.example")
    host.publish("/.well-known/did.json", document(GOOD))
    host.publish("/a/did.json", document(f"{GOOD}:a"))
    web.host("tagged.example").publish("/.well-known/did.json", document(TAGGED))
    return {}


def cases() -> Iterator[Step]:
    """Each client has one token of a kind; a read is asked twice."""
    asked = (
        get("/livez"),
        get("/docs"),
        get(f"{BASE}/{KEY}"),
        get(f"{BASE}/{GOOD}"),
        get(f"{BASE}/{OWN}"),
        get(f"{BASE}/did:nope:x"),
        get(f"{BASE}/did:web:nobody.example"),
        get(LIST),
        get("/nothing"),
        get("//livez"),
        of("HEAD", "/livez"),
        of("OPTIONS", "/livez"),
        of("DELETE", "/livez"),
        post(f"{BASE}/{KEY}", {"explain": True}),
        post(f"{BASE}/{TAGGED}"),
        post(BASE, {"dids": [KEY, OWN, GOOD, TAGGED]}),
        post("/trqp/authorization", DEGREES),
        check("good.example", *[entry(f"h{number}.example") for number in range(8)]),
    )
    for number, case in enumerate(asked):
        yield from [by(case, f"198.51.100.{number}")] * 3
    yield passing(200)
    yield by(get("/livez"), "198.51.100.0")
    yield from [by(get("/.well-known/did.json"), "192.0.2.3")] * 7
    for given in ("192.0.2.9, 192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "junk", "", "203.0.113.7"):
        yield from [get("/livez", x_forwarded_for=given)] * 2


def by(case: Case, client: str) -> Case:
    return case._replace(headers=(*case.headers, ("x-forwarded-for", client)))


def renewing() -> Iterator[Step]:
    """Each client may go around the cache once."""
    for name in (f"{GOOD}:a", GOOD):
        target = f"{BASE}/{quote(name, safe='')}"
        yield get(f"{target}?noCache=true")
        yield post(target, {"noCache": True})
        yield post(BASE, {"dids": [name], "options": {"noCache": True}})
        yield get(target, cache_control="no-cache")
        yield passing(200)
        yield get(target, cache_control="no-cache")
        yield passing(200)


def full() -> Iterator[Step]:
    """An issuer has all the entries that it may have."""
    yield at_operators(as_admin(SETS, {"id": "more", "purposes": ["revocation"], "issuerId": "default"}))
    yield at_operators(as_admin(SETS, {"id": "more", "purposes": ["revocation"], "issuerId": "acme"}))


def busy() -> Iterator[Step]:
    """A host may be asked once."""
    yield get(f"{BASE}/{GOOD}")
    yield get(f"{BASE}/{GOOD}:a")
    yield get(f"{BASE}/{GOOD}:a", accept="application/did+ld+json")
    yield post(f"{BASE}/{GOOD}:a")
    yield get(f"{BASE}/{quote(f'{GOOD}:a#k1', safe='')}")
    yield get(f"{BASE}/{quote(f'{GOOD}:a', safe='')}?explain=true")
    yield get(f"{BASE}/{quote(GOOD, safe='')}?noCache=true")
    yield post(BASE, {"dids": [GOOD, f"{GOOD}:a", TAGGED, f"{TAGGED}:a"]})
    yield check("good.example", entry("good.example"))


def preferring() -> Iterator[Step]:
    """What is the default answer, where another is set."""
    for identifier in (KEY, OWN, GOOD, "did:nope:x", "junk", quote(f"{GOOD}#k1", safe=""), f"{GOOD}:absent"):
        for accept in ACCEPTS[:17]:
            yield get(f"{BASE}/{identifier}", accept=accept)
        yield post(f"{BASE}/{identifier}")
    yield post(BASE, {"dids": [KEY, GOOD, "did:nope:x"]})
