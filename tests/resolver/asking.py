"""A request's bytes to its answer, in one step: read, then answered as the layer in front or the route would."""

from typing import Any

from resolver import Resolver
from resolver.binding import answering
from resolver.binding.options import NOTHING_GIVEN, Given
from resolver.binding.request import read_request
from wire import Answer


def answer_now(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    **manner: Any,
) -> Answer | None:
    """Return what needs no network; None where that is needed. `manner`: as of `read_request`."""
    request = read_request(resolver.planner, raw_path, query_string, accept, given, **manner)
    return answering.answer_now(resolver, request)


async def answer(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    *,
    wait_to_renew: answering.WaitToRenew = lambda: 0.0,
    **manner: Any,
) -> Answer:
    """Return the answer; as `answer_now`."""
    request = read_request(resolver.planner, raw_path, query_string, accept, given, **manner)
    return await answering.answer(resolver, request, wait_to_renew)


def may_fetch(resolver: Resolver, raw_path: bytes, query_string: bytes) -> bool:
    """Tell whether a request may make us ask an origin."""
    request = read_request(resolver.planner, raw_path, query_string, None)
    return answering.may_fetch(resolver, request)
