"""
A request for every operators' route, which the walker asks as everybody and for every resource.

A new route needs one line in `EXAMPLES`. A name in braces becomes that of a resource which is in the scope of the
caller, in another one, or nowhere (`places.py`): {issuer}, {set}, {index}, {scope}; the signing keys {active},
{announced}, {unwanted} (is taken back) and {certified}; the principals {worker}, {leaver} (is deactivated),
{returner} (was deactivated) and {erased} (a person who was deactivated); the API keys {rotated} and {revoked}; the
requests for approval {asked}, {rejected}, {approved} and {burning}; the {authority} of the registry with what it
{granted} to an {entity}, its draft {change_set}, and one that is {effective}; {new} is another id for each request.
"""

from typing import Any

import msgspec

_OWN_DID = "did:web:localhost%3A8000"
_GRANT = {"scope": "{scope}", "role": "viewer"}


class Example(msgspec.Struct, frozen=True):
    """
    A request that is answered 2xx where it is let in, but for:

    Attributes:
        also: other statuses that say that it was let in.
        never_done: why none of the walker's requests is answered 2xx.
    """

    path: str
    body: Any = None
    also: frozenset[int] = frozenset()
    never_done: str = ""


def _again(path: str, body: Any = None) -> Example:
    """Something that is done once, and refused (409) the second time."""
    return Example(path, body, also=frozenset({409}))


_QUESTION = (
    "authority=did:web:education.example&entity=did:web:rheintal.example&action=issue"
    "&resource=UniversityDegreeCredential"
)
_REGISTRY = {"version": 1, "authorities": [], "entities": [], "authorizations": [], "recognitions": []}
_CHANGE_SETS = "/operator/registry/change-sets"
_CHANGE_SET = _ONE = f"{_CHANGE_SETS}/{{change_set}}"
_DRAFT = {
    "title": "An audit",
    "operations": [{"op": "suspend", "kind": "authorization", "id": "{granted}", "reason": "an audit"}],
}
_CONFLICT = frozenset({409})
_ISSUER = "/operator/issuers/{issuer}"
_APPROVALS, _WHY = "/operator/approvals", {"reason": "seen"}
_KEYS = f"{_ISSUER}/keys"
_SET = "/operator/status-lists/{set}"
_NO_ALARM = frozenset({404})  # There is none of that number; who may, is told.

_NO_SOURCE = frozenset({404})  # There is none of that name; who may, is told.
_SOURCE = {
    "kind": "pem",
    "url": "https://lists.example/anchors.pem",
    "authority_id": "did:web:education.example",
    "rights": [{"action": "issue", "resource": "CourseCompletionCredential"}],
}
_NO_SUBSCRIBER = frozenset({404})

# In the order in which they are asked.
EXAMPLES: dict[tuple[str, str], Example] = {
    ("GET", "/operator/me"): Example("/operator/me"),
    # principals
    ("GET", "/operator/principals"): Example("/operator/principals"),
    ("POST", "/operator/principals"): Example(
        "/operator/principals", {"id": "{new}", "kind": "service", "grants": [_GRANT]}
    ),
    ("GET", "/operator/principals/{principal_id}"): Example("/operator/principals/{worker}"),
    ("POST", "/operator/principals/{principal_id}/grants"): _again(
        "/operator/principals/{worker}/grants", _GRANT
    ),
    ("POST", "/operator/principals/{principal_id}/grants/end"): _again(
        "/operator/principals/{worker}/grants/end", {"scope": "{scope}", "role": "allocator"}
    ),
    ("POST", "/operator/principals/{principal_id}/deactivate"): _again(
        "/operator/principals/{leaver}/deactivate"
    ),
    ("POST", "/operator/principals/{principal_id}/reactivate"): _again(
        "/operator/principals/{returner}/reactivate"
    ),
    ("POST", "/operator/principals/{principal_id}/erase"): Example("/operator/principals/{erased}/erase"),
    ("GET", "/operator/principals/{principal_id}/keys"): Example("/operator/principals/{worker}/keys"),
    ("POST", "/operator/principals/{principal_id}/keys"): Example("/operator/principals/{worker}/keys", {}),
    ("POST", "/operator/keys/{public_id}/rotate"): _again("/operator/keys/{rotated}/rotate", {}),
    ("POST", "/operator/keys/{public_id}/revoke"): _again("/operator/keys/{revoked}/revoke"),
    # approvals
    ("GET", "/operator/approvals"): Example("/operator/approvals"),
    ("GET", "/operator/approvals/{number}"): Example(f"{_APPROVALS}/{{asked}}"),
    ("POST", "/operator/approvals/{number}/reject"): _again(f"{_APPROVALS}/{{rejected}}/reject", _WHY),
    ("POST", "/operator/approvals/{number}/approve"): _again(f"{_APPROVALS}/{{approved}}/approve", _WHY),
    ("POST", "/operator/approvals/{number}/break-glass"): _again(
        f"{_APPROVALS}/{{burning}}/break-glass", _WHY
    ),
    ("POST", "/operator/approvals/{number}/withdraw"): Example(
        f"{_APPROVALS}/{{asked}}/withdraw",
        also=frozenset({403, 404}),
        never_done="only who asked takes it back",
    ),
    # issuers
    ("GET", "/operator/issuers"): Example("/operator/issuers"),
    ("POST", "/operator/issuers"): Example("/operator/issuers", {"id": "{new}"}),
    ("GET", "/operator/issuers/{issuer_id}"): Example(_ISSUER),
    ("GET", "/operator/issuers/{issuer_id}/document"): Example(f"{_ISSUER}/document"),
    ("POST", "/operator/issuers/{issuer_id}/keys"): Example(f"{_KEYS}", {}),
    ("POST", "/operator/issuers/{issuer_id}/keys/activate"): _again(f"{_KEYS}/activate"),
    ("POST", "/operator/issuers/{issuer_id}/keys/{key_id}/activate"): _again(
        f"{_KEYS}/{{announced}}/activate"
    ),
    ("POST", "/operator/issuers/{issuer_id}/keys/{key_id}/retire"): _again(f"{_KEYS}/{{unwanted}}/retire"),
    ("POST", "/operator/issuers/{issuer_id}/keys/{key_id}/compromised"): _again(
        f"{_KEYS}/{{active}}/compromised", {}
    ),
    ("POST", "/operator/issuers/{issuer_id}/keys/{key_id}/certificate-request"): Example(
        f"{_KEYS}/{{certified}}/certificate-request", {"subject": "CN=A"}
    ),
    ("POST", "/operator/issuers/{issuer_id}/keys/{key_id}/certificates"): Example(
        f"{_KEYS}/{{certified}}/certificates",
        {"certificates": "x"},
        also=frozenset({422}),
        never_done="nobody certified a key",
    ),
    # status lists
    ("GET", "/operator/status-lists"): Example("/operator/status-lists"),
    ("POST", "/operator/status-lists"): Example(
        "/operator/status-lists", {"id": "{new}", "purposes": ["revocation"], "issuerId": "{issuer}"}
    ),
    ("GET", "/operator/status-lists/{set_id}"): Example(_SET),
    ("POST", "/operator/status-lists/{set_id}/allocations"): Example(f"{_SET}/allocations", {}),
    ("POST", "/operator/status-lists/{set_id}/statuses"): Example(
        f"{_SET}/statuses",
        {"changes": [{"statusListIndex": "{index}", "statusPurpose": "revocation", "status": 1}]},
    ),
    ("POST", "/operator/status-lists/{set_id}/forms"): Example(f"{_SET}/forms"),
    ("POST", "/operator/status-lists/{set_id}/settings"): Example(f"{_SET}/settings", {"cadenceSeconds": 2}),
    ("POST", "/operator/status-lists/{set_id}/releases"): Example(
        f"{_SET}/releases", {"entries": [{"statusListIndex": "{unissued}"}]}
    ),
    ("POST", "/operator/status-entries/find"): Example(
        "/operator/status-entries/find", {"reference": "nobody", "issuerId": "{issuer}"}
    ),
    ("GET", "/operator/status-lists/{set_id}/statuses/{index}"): Example(f"{_SET}/statuses/{{index}}"),
    # alarms, observations, caches
    ("GET", "/operator/alarms"): Example("/operator/alarms"),
    ("POST", "/operator/alarms/acknowledge"): Example(
        "/operator/alarms/acknowledge", {"alarm": 99}, also=_NO_ALARM, never_done="there is no such alarm"
    ),
    ("GET", "/operator/observations"): Example("/operator/observations"),
    ("GET", "/operator/key-changes"): Example("/operator/key-changes"),
    ("POST", "/operator/observations/acknowledge"): Example(
        "/operator/observations/acknowledge",
        {"alarm": 99},
        also=_NO_ALARM,
        never_done="there is no such alarm",
    ),
    ("POST", "/operator/observations/announce"): Example(
        "/operator/observations/announce",
        {"did": "did:web:education.example", "notAfter": "2026-10-01T00:00:00Z"},
    ),
    ("POST", "/operator/cache/purge"): Example("/operator/cache/purge", {"did": "did:web:issuer.example"}),
    ("GET", "/operator/explain"): Example(f"/operator/explain?did={_OWN_DID}"),
    # the registry
    ("GET", "/operator/registry"): Example("/operator/registry"),
    ("GET", "/operator/registry/grants"): Example("/operator/registry/grants"),
    ("GET", "/operator/registry/profile"): Example("/operator/registry/profile?id=did:web:education.example"),
    ("GET", "/operator/registry/reports/access"): Example("/operator/registry/reports/access"),
    ("GET", "/operator/registry/reports/approvals"): Example("/operator/registry/reports/approvals"),
    ("GET", "/operator/registry/reports/reviews"): Example("/operator/registry/reports/reviews"),
    ("GET", "/operator/registry/reports/ends"): Example("/operator/registry/reports/ends"),
    ("GET", "/operator/registry/reports/changes"): Example("/operator/registry/reports/changes"),
    ("GET", "/operator/registry/history"): Example(
        "/operator/registry/history?id={granted}",
        also=frozenset({404}),  # Of others it is as if it were not there.
    ),
    ("GET", "/operator/registry/check"): Example(f"/operator/registry/check?{_QUESTION}"),
    ("GET", "/operator/registry/sources"): Example("/operator/registry/sources"),
    ("POST", "/operator/registry/sources"): Example("/operator/registry/sources", _SOURCE | {"id": "{new}"}),
    ("GET", "/operator/registry/sources/{source_id}"): Example(
        "/operator/registry/sources/nothing", also=_NO_SOURCE, never_done="there is no such source"
    ),
    ("POST", "/operator/registry/sources/{source_id}/refresh"): Example(
        "/operator/registry/sources/nothing/refresh", also=_NO_SOURCE, never_done="there is no such source"
    ),
    ("POST", "/operator/registry/sources/{source_id}/pass"): Example(
        "/operator/registry/sources/nothing/pass",
        {"sha256": "0" * 64},
        also=_NO_SOURCE,
        never_done="there is no such source",
    ),
    ("DELETE", "/operator/registry/sources/{source_id}"): Example(
        "/operator/registry/sources/nothing", also=_NO_SOURCE, never_done="there is no such source"
    ),
    ("GET", "/operator/registry/changes"): Example("/operator/registry/changes"),
    ("GET", "/operator/registry/subscribers"): Example("/operator/registry/subscribers"),
    ("POST", "/operator/registry/subscribers"): Example(
        "/operator/registry/subscribers", {"id": "{new}", "url": "https://a.example/", "audience": "a"}
    ),
    ("POST", "/operator/registry/subscribers/{subscriber_id}/replay"): Example(
        "/operator/registry/subscribers/nobody/replay",
        {"from": 0},
        also=_NO_SUBSCRIBER,
        never_done="there is no such subscriber",
    ),
    ("DELETE", "/operator/registry/subscribers/{subscriber_id}"): Example(
        "/operator/registry/subscribers/nobody", also=_NO_SUBSCRIBER, never_done="there is no such subscriber"
    ),
    ("GET", _CHANGE_SETS): Example(_CHANGE_SETS),
    ("POST", _CHANGE_SETS): Example(_CHANGE_SETS, _DRAFT),
    ("GET", _CHANGE_SET): Example(_ONE),
    ("PUT", _CHANGE_SET): Example(
        _ONE, _DRAFT, also=frozenset({428}), never_done="it says not which revision was looked at"
    ),
    ("POST", f"{_ONE}/challenges"): Example(f"{_CHANGE_SET}/challenges"),
    ("POST", f"{_ONE}/challenges/{{challenge_id}}"): Example(
        f"{_CHANGE_SET}/challenges/none", {}, also=frozenset({400}), never_done="nobody signed anything"
    ),
    ("POST", f"{_CHANGE_SET}/validate"): Example(f"{_ONE}/validate"),
    ("GET", f"{_CHANGE_SET}/diff"): Example(f"{_ONE}/diff"),
    ("GET", f"{_CHANGE_SET}/comments"): Example(f"{_ONE}/comments"),
    ("POST", f"{_CHANGE_SET}/comments"): Example(f"{_ONE}/comments", {"text": "seen"}),
    ("POST", f"{_CHANGE_SET}/rollback"): Example(f"{_CHANGE_SETS}/{{effective}}/rollback"),
    ("POST", f"{_CHANGE_SET}/submit"): Example(
        f"{_ONE}/submit", also=_CONFLICT, never_done="only its author does"
    ),
    ("POST", f"{_CHANGE_SET}/withdraw"): Example(
        f"{_ONE}/withdraw", also=_CONFLICT, never_done="only its author does"
    ),
    ("POST", f"{_CHANGE_SET}/request-information"): Example(
        f"{_ONE}/request-information", {"text": "why?"}, also=_CONFLICT, never_done="it was not submitted"
    ),
    ("POST", "/operator/registry/suspensions"): _again(
        "/operator/registry/suspensions",
        {"entity": "{entity}", "authority": "{authority}", "reason": "its key was stolen"},
    ),
    ("PUT", "/operator/registry"): Example("/operator/registry", _REGISTRY),  # It waits for another person.
    # the audit trail
    ("GET", "/operator/audit"): Example("/operator/audit"),
    ("GET", "/operator/audit/anchor"): Example("/operator/audit/anchor"),
    ("POST", "/operator/audit/anchor"): Example("/operator/audit/anchor"),
}
