"""
What each operators' route reads and answers; see `operations.py`. Pure.
"""

from collections.abc import Mapping

from observatory.key_alarms import (
    Acknowledge,
    Announce,
    Announced,
    KeyChangePage,
    KeyChangeView,
    ObservationPage,
)
from observatory.operator_routes import KEY_CHANGES, OBSERVATIONS, PURGE
from observatory.purges import AskedPurge, PurgeView
from operators.access.routes import KEYS, PRINCIPALS
from operators.access.views import (
    ApiKeyPage,
    ApiKeyView,
    AskedGrant,
    CreateKey,
    CreatePrincipal,
    MadeKey,
    Me,
    PrincipalPage,
    PrincipalView,
    RotateKey,
)
from operators.alarms.model import AcknowledgeAlarm, AlarmPage, AlarmView
from operators.alarms.routes import ALARMS
from operators.approvals.change import ApprovalView
from operators.approvals.routes import APPROVALS
from operators.approvals.views import ApprovalPage, Decide
from operators.audit.routes import AUDIT
from operators.audit.views import AnchorView, AuditPage
from operators.issuers.key_routes import ISSUERS
from operators.issuers.views import AddKey, CompromiseKey, CreateIssuer, IssuerKeyView, IssuerPage, IssuerView
from registry.editing.routes import CHANGE_SETS, SUSPENSIONS
from registry.editing.shapes import (
    ChallengePage,
    ChangeSetPage,
    ChangeSetView,
    CommentPage,
    Difference,
    Draft,
    Met,
    NewComment,
    Response,
    Suspension,
    Validation,
)
from registry.feed.changes import ChangePage
from registry.feed.operator_routes import OPERATORS_CHANGES, SUBSCRIBERS
from registry.feed.views import CreateSubscriber, Replay, SubscriberPage, SubscriberView
from registry.listing import GrantPage
from registry.operator_routes import GRANTS, PROFILE, REGISTRY
from registry.reports.routes import CHECK, HISTORY, REPORTS
from registry.reports.shapes import AccessPage, ApprovedPage, ChangesPage, Checked, DuePage, History
from registry.sources.model import LetPass, SourceDetail, SourceList, SourceView
from registry.sources.operator_routes import SOURCE, SOURCES
from server.identity.papers import AskCertificate, CertificateRequest, GivenCertificates
from server.routes.explain import Explanation
from server.routes.operations import JSON, OBJECT, PUBLIC, Content, Route
from statuslist.entries.operator_routes import FIND_PATH
from statuslist.entries.requests import (
    Allocate,
    Allocated,
    Changed,
    ChangeSettings,
    ChangeStatuses,
    CreateSet,
    EntryView,
    FindEntries,
    FoundEntries,
    Released,
    ReleaseEntries,
    SetPage,
    SetView,
)

_READ = (400, 401, 403, 404, 503)
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 503)
_SETS = "/operator/status-lists"
_ISSUER_KEYS = f"{ISSUERS}/{{issuer_id}}/keys"
_CHANGED_KEY: Mapping[int, Content] = {200: {JSON: IssuerKeyView}}
_ACTIVATED_KEY: Mapping[int, Content] = {200: {JSON: IssuerKeyView}, 202: {JSON: ApprovalView}}
_APPROVAL = f"{APPROVALS}/{{number}}"
_SHOWN_APPROVAL: Mapping[int, Content] = {200: {JSON: ApprovalView}}
_CHANGE_SET = f"{CHANGE_SETS}/{{change_set}}"
_SHOWN_CHANGE_SET: Mapping[int, Content] = {200: {JSON: ChangeSetView}}
_PRINCIPAL = f"{PRINCIPALS}/{{principal_id}}"
_CHANGED_PRINCIPAL: Mapping[int, Content] = {200: {JSON: PrincipalView}, 202: {JSON: ApprovalView}}
_MADE_KEY: Mapping[int, Content] = {201: {JSON: MadeKey}, 202: {JSON: MadeKey}}

OPERATORS: dict[tuple[str, str], Route] = {
    ("get", "/operator/me"): Route(answers={200: {JSON: Me}}, problems=(400, 401, 503)),
    ("get", PRINCIPALS): Route(answers={200: {JSON: PrincipalPage}}, problems=_READ),
    ("post", PRINCIPALS): Route(
        answers={201: {JSON: PrincipalView}, 202: {JSON: ApprovalView}},
        body={JSON: CreatePrincipal},
        problems=_WRITE,
    ),
    ("get", _PRINCIPAL): Route(answers={200: {JSON: PrincipalView}}, problems=_READ),
    **{
        ("post", f"{_PRINCIPAL}/{path}"): Route(
            answers=_CHANGED_PRINCIPAL, body={JSON: AskedGrant}, problems=_WRITE
        )
        for path in ("grants", "grants/end")
    },
    **{
        ("post", f"{_PRINCIPAL}/{path}"): Route(answers=_CHANGED_PRINCIPAL, problems=_WRITE)
        for path in ("deactivate", "reactivate")
    },
    ("post", f"{_PRINCIPAL}/erase"): Route(answers={200: {JSON: PrincipalView}}, problems=_WRITE),
    ("get", f"{_PRINCIPAL}/keys"): Route(answers={200: {JSON: ApiKeyPage}}, problems=_READ),
    ("post", f"{_PRINCIPAL}/keys"): Route(
        answers=_MADE_KEY, body={JSON: CreateKey}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("post", f"{KEYS}/{{public_id}}/rotate"): Route(
        answers={201: {JSON: MadeKey}}, body={JSON: RotateKey}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("post", f"{KEYS}/{{public_id}}/revoke"): Route(
        answers={200: {JSON: ApiKeyView}}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("get", APPROVALS): Route(answers={200: {JSON: ApprovalPage}}, problems=_READ),
    ("get", _APPROVAL): Route(answers=_SHOWN_APPROVAL, problems=_READ),
    **{
        ("post", f"{_APPROVAL}/{path}"): Route(answers=_SHOWN_APPROVAL, body={JSON: Decide}, problems=_WRITE)
        for path in ("approve", "reject", "break-glass")
    },
    ("post", f"{_APPROVAL}/withdraw"): Route(answers=_SHOWN_APPROVAL, problems=_WRITE),
    ("get", "/operator/explain"): Route(answers={200: {JSON: Explanation}}, problems=(400, 401, 403, 503)),
    ("get", _SETS): Route(answers={200: {JSON: SetPage}}, problems=_READ),
    ("post", _SETS): Route(answers={201: {JSON: SetView}}, body={JSON: CreateSet}, problems=_WRITE),
    ("get", f"{_SETS}/{{set_id}}"): Route(answers={200: {JSON: SetView}}, problems=_READ),
    ("post", f"{_SETS}/{{set_id}}/forms"): Route(answers={200: {JSON: SetView}}, problems=_WRITE),
    ("post", f"{_SETS}/{{set_id}}/settings"): Route(
        answers={200: {JSON: SetView}}, body={JSON: ChangeSettings}, problems=_WRITE
    ),
    ("post", f"{_SETS}/{{set_id}}/releases"): Route(
        answers={200: {JSON: Released}}, body={JSON: ReleaseEntries}, problems=_WRITE
    ),
    ("post", FIND_PATH): Route(
        answers={200: {JSON: FoundEntries}},
        body={JSON: FindEntries},
        problems=(400, 401, 403, 404, 413, 415, 503),
        takes_idempotency_key=False,
    ),
    ("post", f"{_SETS}/{{set_id}}/allocations"): Route(
        answers={201: {JSON: Allocated}}, body={JSON: Allocate}, problems=_WRITE
    ),
    ("post", f"{_SETS}/{{set_id}}/statuses"): Route(
        answers={200: {JSON: Changed}}, body={JSON: ChangeStatuses}, problems=_WRITE
    ),
    ("get", f"{_SETS}/{{set_id}}/statuses/{{index}}"): Route(
        answers={200: {JSON: EntryView}}, problems=(*_READ, 422)
    ),
    ("get", ISSUERS): Route(answers={200: {JSON: IssuerPage}}, problems=_READ),
    ("post", ISSUERS): Route(answers={201: {JSON: IssuerView}}, body={JSON: CreateIssuer}, problems=_WRITE),
    ("get", f"{ISSUERS}/{{issuer_id}}"): Route(answers={200: {JSON: IssuerView}}, problems=_READ),
    ("get", f"{ISSUERS}/{{issuer_id}}/document"): Route(
        answers={200: {JSON: OBJECT}}, problems=(*_READ, 409)
    ),
    ("post", _ISSUER_KEYS): Route(answers={201: {JSON: IssuerKeyView}}, body={JSON: AddKey}, problems=_WRITE),
    ("post", f"{_ISSUER_KEYS}/activate"): Route(answers=_ACTIVATED_KEY, problems=_WRITE),
    ("post", f"{_ISSUER_KEYS}/{{key_id}}/activate"): Route(answers=_ACTIVATED_KEY, problems=_WRITE),
    ("post", f"{_ISSUER_KEYS}/{{key_id}}/retire"): Route(answers=_CHANGED_KEY, problems=_WRITE),
    ("post", f"{_ISSUER_KEYS}/{{key_id}}/compromised"): Route(
        answers=_CHANGED_KEY, body={JSON: CompromiseKey}, problems=_WRITE
    ),
    ("post", f"{_ISSUER_KEYS}/{{key_id}}/certificate-request"): Route(
        answers={200: {JSON: CertificateRequest}}, body={JSON: AskCertificate}, problems=_WRITE
    ),
    ("post", f"{_ISSUER_KEYS}/{{key_id}}/certificates"): Route(
        answers=_CHANGED_KEY, body={JSON: GivenCertificates}, problems=_WRITE
    ),
    ("put", REGISTRY): Route(
        answers={200: {JSON: OBJECT}, 202: {JSON: ApprovalView}},
        body={JSON: OBJECT},
        problems=_WRITE,
    ),
    ("get", CHANGE_SETS): Route(answers={200: {JSON: ChangeSetPage}}, problems=_READ),
    ("post", CHANGE_SETS): Route(answers={201: {JSON: ChangeSetView}}, body={JSON: Draft}, problems=_WRITE),
    ("get", _CHANGE_SET): Route(answers=_SHOWN_CHANGE_SET, problems=_READ),
    ("put", _CHANGE_SET): Route(answers=_SHOWN_CHANGE_SET, body={JSON: Draft}, problems=(*_WRITE, 412, 428)),
    ("post", f"{_CHANGE_SET}/validate"): Route(
        answers={200: {JSON: Validation}}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("get", f"{_CHANGE_SET}/diff"): Route(answers={200: {JSON: Difference}}, problems=(*_READ, 409, 422)),
    ("post", f"{_CHANGE_SET}/submit"): Route(
        answers={200: {JSON: ChangeSetView}, 202: {JSON: ChangeSetView}}, problems=(*_WRITE, 412)
    ),
    ("post", f"{_CHANGE_SET}/withdraw"): Route(answers=_SHOWN_CHANGE_SET, problems=_WRITE),
    ("post", f"{_CHANGE_SET}/request-information"): Route(
        answers=_SHOWN_CHANGE_SET, body={JSON: NewComment}, problems=_WRITE
    ),
    ("post", f"{_CHANGE_SET}/rollback"): Route(answers={201: {JSON: ChangeSetView}}, problems=_WRITE),
    ("get", f"{_CHANGE_SET}/comments"): Route(answers={200: {JSON: CommentPage}}, problems=_READ),
    ("post", f"{_CHANGE_SET}/comments"): Route(
        answers={201: {JSON: CommentPage}}, body={JSON: NewComment}, problems=_WRITE
    ),
    ("post", f"{_CHANGE_SET}/challenges"): Route(
        answers={201: {JSON: ChallengePage}}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("post", f"{_CHANGE_SET}/challenges/{{challenge_id}}"): Route(
        answers={200: {JSON: Met}}, body={JSON: Response}, problems=_WRITE, takes_idempotency_key=False
    ),
    ("post", SUSPENSIONS): Route(
        answers={201: {JSON: ChangeSetView}}, body={JSON: Suspension}, problems=_WRITE
    ),
    ("get", REGISTRY): Route(answers={200: {JSON: OBJECT}}, problems=(400, 401, 403, 422, 503)),
    ("get", GRANTS): Route(answers={200: {JSON: GrantPage}}, problems=(400, 401, 403, 503)),
    ("get", OPERATORS_CHANGES): Route(answers={200: {JSON: ChangePage}}, problems=_READ),
    ("get", SUBSCRIBERS): Route(answers={200: {JSON: SubscriberPage}}, problems=(400, 401, 403, 503)),
    ("post", SUBSCRIBERS): Route(
        answers={201: {JSON: SubscriberView}}, body={JSON: CreateSubscriber}, problems=_WRITE
    ),
    ("delete", f"{SUBSCRIBERS}/{{subscriber_id}}"): Route(
        answers={200: {JSON: SubscriberView}}, problems=_WRITE
    ),
    ("post", f"{SUBSCRIBERS}/{{subscriber_id}}/replay"): Route(
        answers={200: {JSON: SubscriberView}}, body={JSON: Replay}, problems=_WRITE
    ),
    ("get", PROFILE): Route(answers={200: {JSON: OBJECT}}, problems=_READ),
    ("get", f"{REPORTS}/access"): Route(answers={200: {JSON: AccessPage}}, problems=(400, 401, 403, 503)),
    ("get", f"{REPORTS}/approvals"): Route(
        answers={200: {JSON: ApprovedPage}}, problems=(400, 401, 403, 503)
    ),
    ("get", f"{REPORTS}/reviews"): Route(answers={200: {JSON: DuePage}}, problems=(400, 401, 403)),
    ("get", f"{REPORTS}/ends"): Route(answers={200: {JSON: DuePage}}, problems=(400, 401, 403)),
    ("get", f"{REPORTS}/changes"): Route(answers={200: {JSON: ChangesPage}}, problems=(400, 401, 403, 503)),
    ("get", HISTORY): Route(answers={200: {JSON: History}}, problems=_READ),
    ("get", CHECK): Route(answers={200: {JSON: Checked}}, problems=(*_READ, 410)),
    ("get", SOURCES): Route(answers={200: {JSON: SourceList}}, problems=(400, 401, 403, 503)),
    ("post", SOURCES): Route(answers={201: {JSON: SourceView}}, body={JSON: OBJECT}, problems=_WRITE),
    ("get", SOURCE): Route(answers={200: {JSON: SourceDetail}}, problems=_READ),
    ("post", f"{SOURCE}/refresh"): Route(answers={200: {JSON: SourceView}}, problems=_WRITE),
    ("post", f"{SOURCE}/pass"): Route(
        answers={200: {JSON: SourceView}}, body={JSON: LetPass}, problems=_WRITE
    ),
    ("delete", SOURCE): Route(answers={200: {JSON: SourceView}, 202: {JSON: ApprovalView}}, problems=_WRITE),
    ("get", OBSERVATIONS): Route(answers={200: {JSON: ObservationPage}}, problems=_READ),
    ("get", KEY_CHANGES): Route(answers={200: {JSON: KeyChangePage}}, problems=_READ),
    ("get", AUDIT): Route(answers={200: {JSON: AuditPage}}, problems=(400, 401, 403, 503)),
    ("get", f"{AUDIT}/anchor"): Route(answers={200: {JSON: AnchorView}}, problems=(401, 403, 404, 503)),
    ("post", f"{AUDIT}/anchor"): Route(answers={200: {JSON: AnchorView}}, problems=_WRITE),
    ("get", ALARMS): Route(answers={200: {JSON: AlarmPage}}, problems=(400, 401, 403, 503)),
    ("post", f"{ALARMS}/acknowledge"): Route(
        answers={200: {JSON: AlarmView}}, body={JSON: AcknowledgeAlarm}, problems=_WRITE
    ),
    ("post", f"{OBSERVATIONS}/acknowledge"): Route(
        answers={200: {JSON: KeyChangeView}}, body={JSON: Acknowledge}, problems=_WRITE
    ),
    ("post", f"{OBSERVATIONS}/announce"): Route(
        answers={200: {JSON: Announced}}, body={JSON: Announce}, problems=_WRITE
    ),
    ("post", PURGE): Route(answers={202: {JSON: PurgeView}}, body={JSON: AskedPurge}, problems=_WRITE),
}
ROUTES = PUBLIC | OPERATORS
