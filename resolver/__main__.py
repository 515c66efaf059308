"""
`python -m resolver did:...`: resolve a DID or dereference a DID URL, and print what was found. Command.

Exit status: 0 found, 1 failure (a deactivated DID is one), 2 usage, 3 not found, 6 origin unavailable.
With `--lint` as in `lint/command.py`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence

import msgspec

from resolver.binding.forms import form_for, shape_of
from resolver.binding.representation import present
from resolver.binding.request import MADE_HERE
from resolver.did import parse_did_url
from resolver.errors import InternalError, InvalidOptions, NotFound, ResolutionError
from resolver.lint_command import lint_target
from resolver.options import DEREFERENCING_NAMES, options_of, refuse_unsupported
from resolver.resolution import Resolver
from resolver.results import Dereferenced, Options, Resolved
from resolver.terminal import FAILURE, complain, unwritten
from wire import Answer

OK, USAGE, NOT_FOUND, UNAVAILABLE = 0, 2, 3, 6

_FORMATS = {
    "result": "application/did-resolution, application/did-url-dereferencing;q=0.9",
    "document": "application/did",
    "legacy": 'application/ld+json;profile="https://w3id.org/did-resolution"',
}


def main(arguments: Sequence[str] | None = None, make_resolver: Callable[[], Resolver] = Resolver) -> int:
    """Run the command; return its exit status."""
    asked = _parser().parse_args(arguments)
    if asked.lint:
        return lint_target(asked.did, as_json=asked.json, strict=asked.strict, make_resolver=make_resolver)
    try:
        accept = _FORMATS[asked.format]
        found = asyncio.run(_find(make_resolver, asked.did, _given(asked.option), accept))
    except ResolutionError as error:
        return complain(f"{error.type.rpartition('#')[2]}: {error.detail}", _exit_status(error))
    answer = present(found, accept, did_url=isinstance(found, Dereferenced))
    try:
        print(_text_of(found, answer), flush=True)
    except OSError as error:
        return unwritten(error)
    if (found.resolved if isinstance(found, Dereferenced) else found).deactivated:
        return complain("the DID is deactivated")
    return OK


def _text_of(found: Resolved | Dereferenced, answer: Answer) -> str:
    """Return what to print, in ASCII, since a document may try to talk to the terminal."""
    if isinstance(found, Dereferenced) and answer.status == 303:
        return "\n".join(found.urls)
    return json.dumps(json.loads(answer.body or b"null"), indent=2)


async def _find(
    make_resolver: Callable[[], Resolver], did_url: str, given: dict[str, object], accept: str
) -> Resolved | Dereferenced:
    async with make_resolver() as resolver:
        options = _options(resolver, did_url, given)
        found = await _found(resolver, did_url, options)
        form = form_for(accept, shape_of(found), "result")
        if did_url.startswith(MADE_HERE) and form is not None and form.is_old:
            return await _found(resolver, did_url, msgspec.structs.replace(options, old_suites=True))
        return found


async def _found(resolver: Resolver, did_url: str, options: Options) -> Resolved | Dereferenced:
    if set("/?#").isdisjoint(did_url):
        return await resolver.resolve(did_url, options)
    return await resolver.dereference(did_url, options)


def _options(resolver: Resolver, did_url: str, given: dict[str, object]) -> Options:
    """Read the options; what is wrong with the DID is told first, as in the resolution algorithm."""
    did, planner = parse_did_url(did_url).did, resolver.planner
    planner.require_method(did)
    refuse_unsupported(given.keys(), did.method, planner.versions_of(did), dereferences=did_url != did.text)
    return options_of(given)


def _given(pairs: list[str]) -> dict[str, object]:
    given: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in given:
            raise InvalidOptions(f"expected --option NAME=VALUE, each name once, found {pair[:80]!r}")
        given[name] = value
    return given


def _exit_status(error: ResolutionError) -> int:
    if isinstance(error, InvalidOptions):
        return USAGE
    if isinstance(error, NotFound):
        return NOT_FOUND
    return UNAVAILABLE if isinstance(error, InternalError) else FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m resolver",
        description="Resolve a DID, or dereference a DID URL. Only did:web and did:webvh need the network.",
        epilog="Exit status: 0 found, 1 failure or deactivated, 2 usage, 3 not found, 6 origin unavailable.",
    )
    parser.add_argument("did", metavar="DID", help="a DID, or a DID URL such as did:key:z6Mk...#z6Mk...")
    parser.add_argument(
        "--format",
        choices=sorted(_FORMATS),
        default="result",
        help="result: document and metadata (default); document: the document, or the part named, alone; "
        "legacy: the result of the CCG drafts",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"a resolution option, repeatable: {', '.join(sorted(DEREFERENCING_NAMES))}",
    )
    lint = parser.add_argument_group("linting")
    lint.add_argument(
        "--lint",
        action="store_true",
        help="tell what is doubtful about the document; of a file or - (stdin), too",
    )
    lint.add_argument("--json", action="store_true", help="print the findings as a JSON array")
    lint.add_argument("--strict", action="store_true", help="count warnings as errors")
    return parser


if __name__ == "__main__":
    sys.exit(main())
