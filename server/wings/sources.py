"""
The lists that the registry follows, fetched through the guard: their URLs are an operator's, their hosts are not.
"""

from functools import partial

from operators.alarms.model import AlarmKind
from operators.approvals.change import Change
from operators.approvals.rules import APPLY
from operators.grants import EVERYTHING
from registry import Registry
from registry.sources.sources import SourceProblem, Sources
from resolver import plan_for_url
from resolver.outbound.fetch import Guard
from resolver.results import FetchPlan
from server.wings.operators import Operators
from server.wings.resources import Resources

MAX_FETCHED_BYTES = 8 * 1_048_576  # 8 MiB; some 3,000 entities with a certificate each
_ANY_CHANGE = Change(action=APPLY, scope=EVERYTHING, subject="registry", request={})
_ACCEPT = "application/jose, application/jwt, application/json, application/pem-certificate-chain, */*;q=0.1"


def open_sources(resources: Resources, operators: Operators, registry: Registry) -> Sources:
    """Return the standing sources; whatever is wrong with one is an alarm."""
    sources = Sources(
        registry,
        resources.database,
        fetch=partial(_fetch, resources.guard),
        check_url=_plan_of,
        on_problem=partial(operators.alarms.state, AlarmKind.REGISTRY_SOURCE),
        approvals=operators.approvals,
        needs_another=partial(operators.approvals.needs, _ANY_CHANGE),
    )
    operators.approvals.doers |= sources.doers()
    return sources


async def _fetch(guard: Guard, url: str) -> bytes:
    """Return what is at `url`; raises SourceProblem or FetchError where that is no 200."""
    fetched = await guard.fetch_stranger(_plan_of(url))
    if fetched.status != 200:
        raise SourceProblem(f"its host answered {fetched.status}")
    return fetched.body


def _plan_of(url: str) -> FetchPlan:
    """Return what to fetch for a source's URL; raises UrlRefused where we would not."""
    return plan_for_url(url, accept=_ACCEPT, max_bytes=MAX_FETCHED_BYTES)
