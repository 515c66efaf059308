"""
A request for a DID or DID URL, read once. Pure.

The layer in front reads it from the bytes, charges the client for it, answers what needs no wait, and hands it on
to the route; the items of a batch are read in the same way.
"""

import msgspec

from resolver.binding.forms import WHOLE, Form, Preferred, form_for, shape_of_document
from resolver.binding.options import (
    NOTHING_GIVEN,
    NOTHING_NAMED,
    Given,
    NamedOptions,
    joined,
    query_options,
    read_options,
    wanted_accept,
)
from resolver.binding.target import Target, read_target
from resolver.did import DidUrl, parse_did_url
from resolver.errors import ResolutionError
from resolver.options import NO_CACHE, with_parameters
from resolver.planning import Computed, Plan, Planner, Published
from resolver.results import DEFAULT_OPTIONS, Options

# Of the state in an ASGI scope: who has read the request leaves it there for the route.
STATE_KEY = "did_request"

# Whose documents we make ourselves, so that they can have the suites of the form that is asked for.
MADE_HERE = ("did:key:", "did:web:", "did:peer:0")
_OLD_SUITES = Options(old_suites=True)
_NO_CACHE = Options(no_cache=True)


class DidRequest(msgspec.Struct, frozen=True):
    """
    What is asked for.

    Attributes:
        target: the identifier as meant, and the options in the query.
        did_url: its parts, or why it is neither DID nor DID URL.
        header: the Accept header.
        no_cache: `Cache-Control: no-cache` was sent.
        preferred: what who has no preference gets.
        accept: the option `accept` where it can be read, else the header.
        plan: where the document comes from, with the options that were checked; or why there is nothing to find.
        form: of the answer, where it is known before the document is.
        in_query: the options in the query, for whoever adds those of a body.
        names_no_cache: the option `noCache` was given itself.
    """

    target: Target
    did_url: DidUrl | ResolutionError
    header: str | None
    no_cache: bool
    preferred: Preferred
    accept: str | None
    plan: Plan | ResolutionError
    form: Form | None = None
    in_query: NamedOptions = NOTHING_NAMED
    names_no_cache: bool = False


def read_request(
    planner: Planner,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    *,
    no_cache: bool = False,
    preferred: Preferred = "result",
) -> DidRequest:
    """
    Read a request; what is wrong with it is told in its `plan`, or `did_url`.

    Args:
        raw_path, query_string: as in the ASGI scope.
        accept: the Accept header; the option of this name goes over it.
        given: options from a body.
        no_cache: `Cache-Control: no-cache` was sent: the option `noCache`, where that is not given itself.
        preferred: what who has no preference gets.
    """
    target = read_target(raw_path, query_string)
    did_url: DidUrl | ResolutionError
    try:
        did_url = parse_did_url(target.identifier)
    except ResolutionError as error:
        did_url = error
    return _planned(planner, target, did_url, accept, query_options(target), given, no_cache, preferred)


def with_options(planner: Planner, request: DidRequest, given: Given) -> DidRequest:
    """Return the request with the options of its body, which came after its head."""
    if not given:
        return request
    return _planned(
        planner,
        request.target,
        request.did_url,
        request.header,
        request.in_query,
        given,
        request.no_cache,
        request.preferred,
    )


def _planned(
    planner: Planner,
    target: Target,
    did_url: DidUrl | ResolutionError,
    header: str | None,
    in_query: NamedOptions,
    given: Given,
    no_cache: bool,
    preferred: Preferred,
) -> DidRequest:
    named = joined(in_query, given)
    accept = header if named is NOTHING_NAMED else wanted_accept(named, header)
    form: Form | None = None
    plan: Plan | ResolutionError
    if isinstance(did_url, ResolutionError):
        plan = did_url
    else:
        try:
            options = _NO_CACHE if no_cache else DEFAULT_OPTIONS
            if named is not NOTHING_NAMED:
                options = read_options(planner, target, did_url, named, no_cache=no_cache)
            plan = planner.plan(did_url.did, with_parameters(options, did_url))
            if target.identifier.startswith(MADE_HERE) and not target.is_did_url:
                plan, form = _in_form(plan, accept, preferred)
        except ResolutionError as error:
            plan = error
    return DidRequest(
        target, did_url, header, no_cache, preferred, accept, plan, form, in_query, NO_CACHE in named.names
    )


def _in_form(plan: Plan, accept: str | None, preferred: Preferred) -> tuple[Plan, Form | None]:
    """Return the plan for a whole document made here, and the form of its answer; None: the document tells."""
    if isinstance(plan, Published):
        form = form_for(accept, shape_of_document(plan.document), preferred)
    elif isinstance(plan, Computed):
        form = form_for(accept, WHOLE, preferred)
    else:
        return plan, None
    return (in_old_suites(plan) if form is not None and form.is_old else plan), form


def in_old_suites(plan: Plan) -> Plan:
    """Return the plan of a document whose form is one of the old generation."""
    options = plan.options
    old = _OLD_SUITES if options is DEFAULT_OPTIONS else msgspec.structs.replace(options, old_suites=True)
    return msgspec.structs.replace(plan, options=old)
