"""
The HTTP(S) binding of DID Resolution v1 without a web framework: a request's bytes to an `Answer`. Service.
"""

import math
from collections.abc import Callable, Set
from contextlib import suppress

import msgspec

from resolver.binding.asked import (
    BASE_PATH,
    NOTHING_GIVEN,
    Asked,
    Given,
    given_options,
    is_accept,
    option_names,
    read_asked,
    read_options_body,
    wanted_accept,
)
from resolver.binding.representation import Preferred, present, wants_old_suites
from resolver.did import Did, DidUrl, parse_did_url, parse_parameters
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, ResolutionError
from resolver.options import (
    ACCEPT,
    NO_CACHE,
    PUBLIC_KEY_FORMAT,
    VERSION_OPTIONS,
    options_of,
    refuse_format,
    refuse_unsupported,
)
from resolver.resolution import Resolver
from resolver.results import DEFAULT_OPTIONS, Dereferenced, Options, Resolved
from wire import Answer

__all__ = [
    "BASE_PATH",
    "NOTHING_GIVEN",
    "Asked",
    "Given",
    "answer",
    "answer_local",
    "may_fetch",
    "read_asked",
    "read_options_body",
    "touch",
]

# What asks nobody, whatever is configured; to parse it for that would be a tenth of a fresh did:key.
_COMPUTED = (f"{BASE_PATH}/did:key:".encode(), f"{BASE_PATH}/did:jwk:".encode())
_NO_CACHE = Options(no_cache=True)
# Whose documents we make ourselves; a did:web that needs no network is our own.
MADE_HERE = ("did:key:", "did:web:", "did:peer:0")

WaitToRenew = Callable[[], float]


def _at_once() -> float:
    return 0.0


def answer_local(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    *,
    no_cache: bool = False,
    preferred: Preferred = "result",
) -> Answer | None:
    """
    Answer what needs no network, errors included; None where the network is needed.

    Args:
        raw_path, query_string: as in the ASGI scope.
        accept: the Accept header; the option of this name goes over it.
        given: options from a body.
        no_cache: `Cache-Control: no-cache` was sent: the option `noCache`, where that is not given itself.
        preferred: what who has no preference gets.
    """
    asked = read_asked(raw_path, query_string)
    accept = wanted_accept(asked, given, accept)
    try:
        options = _options(resolver, asked, given, no_cache=no_cache)
        result = _local(resolver, asked, options)
        if (
            result is not None
            and asked.identifier.startswith(MADE_HERE)
            and wants_old_suites(result, accept, preferred=preferred)
        ):
            result = _local(resolver, asked, msgspec.structs.replace(options, old_suites=True))
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url, preferred=preferred)
    if result is None:
        return None
    return present(result, accept, did_url=asked.is_did_url, preferred=preferred)


async def answer(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    *,
    no_cache: bool = False,
    preferred: Preferred = "result",
    wait_to_renew: WaitToRenew = _at_once,
) -> Answer:
    """
    Answer anything; arguments as `answer_local`.

    Args:
        wait_to_renew: takes a token for going around the cache; returns 0, or the seconds until there is one.
    """
    local = answer_local(
        resolver,
        raw_path,
        query_string,
        accept,
        given,
        no_cache=no_cache,
        preferred=preferred,
    )
    if local is not None:
        return local
    asked = read_asked(raw_path, query_string)
    accept = wanted_accept(asked, given, accept)
    try:
        options = _options(resolver, asked, given, no_cache=no_cache)
        if options.no_cache:
            options = _within_budget(options, wait_to_renew, was_named=NO_CACHE in option_names(asked, given))
        result = await _remote(resolver, asked, options)
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url, preferred=preferred)
    return present(result, accept, did_url=asked.is_did_url, preferred=preferred)


def may_fetch(resolver: Resolver, raw_path: bytes, query_string: bytes) -> bool:
    """
    Tell whether a request may make us ask an origin, for the limits on clients; does not ask it.

    False for what is computed, for our own DIDs, and for what is refused before any network traffic. Options
    in a body are not looked at.
    """
    if raw_path.startswith(_COMPUTED):
        return False
    asked = read_asked(raw_path, query_string)
    try:
        if not resolver.may_fetch(parse_did_url(asked.identifier).did):
            return False
        return _local(resolver, asked, _options(resolver, asked, NOTHING_GIVEN, no_cache=False)) is None
    except ResolutionError:
        return False


def touch(resolver: Resolver, raw_path: bytes) -> None:
    """Count a use of what `raw_path` identifies, for whoever keeps answers; nothing for other paths."""
    if raw_path.startswith(f"{BASE_PATH}/".encode()):
        with suppress(ResolutionError):
            resolver.touch(parse_did_url(read_asked(raw_path, b"").identifier).did)


def _local(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced | None:
    """Return what needs no network; a DID that breaks a rule of its method is that, whatever an option is."""
    try:
        return _local_in_any_order(resolver, asked, options)
    except (InvalidOptions, FeatureNotSupported):
        _require_valid(resolver, parse_did_url(asked.identifier).did)
        raise


def _local_in_any_order(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced | None:
    if asked.is_did_url:
        return resolver.dereference_local(asked.identifier, options)
    return resolver.resolve_local(asked.identifier, options)


def _within_budget(options: Options, wait_to_renew: WaitToRenew, *, was_named: bool) -> Options:
    """
    Return the options of a client that wants to go around the cache, as far as it may.

    Past its budget the option is refused, as the specification says (DID Resolution v1, Security Considerations);
    the header of a browser's reload is answered from the cache instead, whose Age tells so.

    Raises:
        FeatureNotSupported: the option was given; Retry-After says when it may be again.
    """
    seconds = math.ceil(wait_to_renew())
    if seconds and was_named:
        raise FeatureNotSupported(
            f"this client may not go around the cache now; noCache is permitted again in {seconds} s",
            headers={"retry-after": str(seconds)},
        )
    return msgspec.structs.replace(options, no_cache=False) if seconds else options


async def _remote(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced:
    if asked.is_did_url:
        return await resolver.dereference(asked.identifier, options)
    return await resolver.resolve(asked.identifier, options)


def _options(resolver: Resolver, asked: Asked, given: Given, *, no_cache: bool) -> Options:
    """
    Read the options, of the query and of the body, in the order of the resolution algorithm.

    1. Syntax of the DID URL, its method, and what the method says of the syntax: the last is the resolution's
       part, and done here only where it would not come to that, since an option is refused.
    2. Is every option supported? A version in the DID URL itself counts as one.
    3. Is each of them valid?

    Raises:
        ResolutionError: as `refuse_unsupported`, `options_of`; InvalidOptions also for an option given twice.
    """
    if not asked.option_query and not given:
        return _NO_CACHE if no_cache else DEFAULT_OPTIONS
    did_url = parse_did_url(asked.identifier)  # 1.
    if asked.is_verbatim:
        parse_parameters(asked.option_query)
    own = parse_parameters(did_url.query).keys() & VERSION_OPTIONS
    resolver.require_method(did_url.did)
    try:
        return _options_of(resolver, asked, given, did_url, own, no_cache=no_cache)
    except ResolutionError:
        _require_valid(resolver, did_url.did)
        raise


def _options_of(
    resolver: Resolver, asked: Asked, given: Given, did_url: DidUrl, own: Set[str], *, no_cache: bool
) -> Options:
    """Steps 2 and 3 of `_options`."""
    versions = resolver.versions_of(did_url.did)
    names = own | option_names(asked, given)
    refuse_unsupported(names, did_url.did.method, versions, dereferences=asked.is_did_url)  # 2.
    named = given_options(asked, given)
    refuse_format(named.get(PUBLIC_KEY_FORMAT), did_url.did.method)  # Its value decides.
    accept = named.pop(ACCEPT, "*/*")
    options = options_of({NO_CACHE: True} | named if no_cache else named)
    if not is_accept(accept):
        raise InvalidOptions("the option accept must be written as an Accept header is")
    return options


def _require_valid(resolver: Resolver, did: Did) -> None:
    """Refuse a DID that breaks a rule of its method; whatever else is wrong with it is told in its turn."""
    try:
        resolver.resolve_local(did.text)
    except InvalidDid:
        raise
    except ResolutionError:
        return
