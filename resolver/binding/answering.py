"""
The HTTP(S) binding of DID Resolution v1 without a web framework: a request that was read to an `Answer`. Service.
"""

import math
from collections.abc import Callable
from contextlib import suppress

import msgspec

from resolver.binding.forms import form_for, shape_of
from resolver.binding.representation import present, present_error, present_in
from resolver.binding.request import MADE_HERE, DidRequest, in_old_suites
from resolver.binding.target import RAW_BASE_PATH, read_target
from resolver.did import DidUrl, parse_did_url
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, ResolutionError
from resolver.planning import Plan, Seen, Sought
from resolver.resolution import Resolver, dereferenced
from resolver.results import DEFAULT_OPTIONS, Dereferenced, Resolved
from wire import Answer

WaitToRenew = Callable[[], float]


def _at_once() -> float:
    return 0.0


def answer_now(resolver: Resolver, request: DidRequest) -> Answer | None:
    """Answer what needs no network, errors included; None where the network is needed (or its cache)."""
    try:
        found = _found_now(resolver, request)
    except ResolutionError as error:
        return _refused(request, error)
    return None if found is None else _presented(request, found)


async def answer(resolver: Resolver, request: DidRequest, wait_to_renew: WaitToRenew = _at_once) -> Answer:
    """
    Answer anything.

    Args:
        wait_to_renew: takes a token for going around the cache; returns 0, or the seconds until there is one.
    """
    now = answer_now(resolver, request)
    return now if now is not None else await answer_later(resolver, request, wait_to_renew)


async def answer_later(
    resolver: Resolver, request: DidRequest, wait_to_renew: WaitToRenew = _at_once
) -> Answer:
    """Answer what `answer_now` has no answer to; arguments as `answer`."""
    try:
        plan = _within_budget(_plan_of(request), wait_to_renew, was_named=request.names_no_cache)
        found = _named(request, await resolver.find(plan), plan)
    except ResolutionError as error:
        return _refused(request, error)
    return _presented(request, found)


def may_fetch(resolver: Resolver, request: DidRequest) -> bool:
    """
    Tell whether a request may make us ask an origin, for the limits on clients; does not ask it.

    False for what is computed, for our own DIDs, and for what is refused before any network traffic.
    """
    return isinstance(request.plan, (Seen, Sought)) and resolver.may_fetch(request.plan)


def touch(resolver: Resolver, raw_path: bytes) -> None:
    """Count a use of what `raw_path` identifies, for whoever keeps answers; nothing for other paths."""
    if raw_path.startswith(RAW_BASE_PATH):
        with suppress(ResolutionError):
            did = parse_did_url(read_target(raw_path, b"").identifier).did
            resolver.touch(resolver.planner.plan(did, DEFAULT_OPTIONS))


def _found_now(resolver: Resolver, request: DidRequest) -> Resolved | Dereferenced | None:
    """Return what needs no network; a DID that breaks a rule of its method is that, whatever an option is."""
    try:
        plan = _plan_of(request)
        resolved = resolver.find_now(plan)
        if resolved is None:
            return None
        found = _named(request, resolved, plan)
        return _in_old_suites(resolver, request, found, plan) if isinstance(found, Dereferenced) else found
    except (InvalidOptions, FeatureNotSupported):
        _require_valid(resolver, request)
        raise


def _plan_of(request: DidRequest) -> Plan:
    """Return the plan; raises what is wrong with the request, if anything is."""
    if isinstance(request.plan, ResolutionError):
        raise request.plan
    return request.plan


def _named(request: DidRequest, resolved: Resolved, plan: Plan) -> Resolved | Dereferenced:
    """Return the resolution, or what the DID URL names in it."""
    if not request.target.is_did_url or not isinstance(request.did_url, DidUrl):
        return resolved
    return dereferenced(resolved, request.did_url, plan.options)


def _in_old_suites(
    resolver: Resolver, request: DidRequest, found: Dereferenced, plan: Plan
) -> Resolved | Dereferenced:
    """Return what a DID URL names, once more where its form is an old one: that is known only once it is found."""
    form = form_for(request.accept, shape_of(found), request.preferred)
    if form is None or not form.is_old or not request.target.identifier.startswith(MADE_HERE):
        return found
    plan = in_old_suites(plan)
    again = resolver.find_now(plan)
    return found if again is None else _named(request, again, plan)


def _presented(request: DidRequest, found: Resolved | Dereferenced) -> Answer:
    if request.form is not None:
        return present_in(request.form, found)
    did_url = request.target.is_did_url
    return present(found, request.accept, did_url=did_url, preferred=request.preferred)


def _refused(request: DidRequest, error: ResolutionError) -> Answer:
    did_url = request.target.is_did_url
    return present_error(error, request.accept, did_url=did_url, preferred=request.preferred)


def _within_budget(plan: Plan, wait_to_renew: WaitToRenew, *, was_named: bool) -> Plan:
    """
    Return the plan of a client that wants to go around the cache, as far as it may.

    Past its budget the option is refused, as the specification says (DID Resolution v1, Security Considerations);
    the header of a browser's reload is answered from the cache instead, whose Age tells so.

    Raises:
        FeatureNotSupported: the option was given; Retry-After says when it may be again.
    """
    if not plan.options.no_cache:
        return plan
    seconds = math.ceil(wait_to_renew())
    if seconds and was_named:
        raise FeatureNotSupported(
            f"this client may not go around the cache now; noCache is permitted again in {seconds} s",
            headers={"retry-after": str(seconds)},
        )
    cached = msgspec.structs.replace(plan.options, no_cache=False)
    return msgspec.structs.replace(plan, options=cached) if seconds else plan


def _require_valid(resolver: Resolver, request: DidRequest) -> None:
    """Refuse a DID that breaks a rule of its method; whatever else is wrong with it is told in its turn."""
    if not isinstance(request.did_url, DidUrl):
        return
    try:
        resolver.resolve_local(request.did_url.did.text)
    except InvalidDid:
        raise
    except ResolutionError:
        return
