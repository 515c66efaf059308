"""
How a command asks the operator API: with the key in a file, wherever the server runs.

    with operator_api() as api:
        for page in api.pages("/operator/alarms", AlarmPage): ...
        view = api.post("/operator/alarms/acknowledge", AlarmView, AcknowledgeAlarm(alarm=17))

Whatever goes wrong ends the command with a message and an exit code (see `cli.py`). The server may be a wrong one,
or hostile. So the key goes over https, or to loopback; no redirect is followed; an answer has limits of time
and size; and what is not an answer of the operator API is not read.

A write carries an Idempotency-Key, so that it is sent a second time where the connection broke, and done once.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import click
import msgspec

from server.commands.remote.refused import (
    MAX_CHARS,
    Awaited,
    ShownProblem,
    end_awaited,
    fail_away,
    fail_other_release,
    fail_refused,
    fail_strange,
)
from server.commands.terminal import EXIT_NOT_FOUND, EXIT_USAGE, fail, settings_or_exit, told
from server.settings import Settings
from server.settings.settings import is_loopback, reason_of
from storage import RELEASE
from wire.body import NO_ROUTE
from wire.json import JsonError, decode, encode
from wire.problem import PROBLEM_JSON

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Query = str | int | None

MAX_ANSWER_BYTES = 33_554_432  # 32 MiB, in memory; a registry of 16 MiB, exported with more spaces
CONNECT_SECONDS = 10.0
EXCHANGE_SECONDS = 120.0  # for all of a request; a token, or the host of a DID, may take its time
MAX_PAGES = 1_000_000  # of one listing; 500 million rows of the audit trail
MAX_REASON_CHARS = 500  # characters
JSON = "application/json"
_REASON = "touchstone.reason"  # in the context of the command


def _keep_reason(context: click.Context, _: click.Parameter, reason: str | None) -> None:
    if reason is not None and not (
        reason.strip() and reason.isprintable() and len(reason) <= MAX_REASON_CHARS
    ):
        raise click.BadParameter(f"expected 1 to {MAX_REASON_CHARS} characters on one line")
    context.meta[_REASON] = reason


def _reason_option(*, required: bool) -> Callable[[F], F]:
    return click.option(
        "--reason",
        metavar="TEXT",
        required=required,
        expose_value=False,
        callback=_keep_reason,
        help="Why, for the audit trail.",
    )


# For every command that changes something; `given_reason` finds it in the context.
REASON, NEEDED_REASON = _reason_option(required=False), _reason_option(required=True)


def given_reason() -> str | None:
    """Return why the command runs; None: nobody said."""
    reason: str | None = click.get_current_context().meta.get(_REASON)
    return reason


@contextmanager
def operator_api() -> Iterator["OperatorApi"]:
    """Open the operator API of the settings for the command that runs; what fails inside ends it."""
    settings = settings_or_exit()
    with told():
        try:
            yield OperatorApi(settings, given_reason())
        except UnicodeEncodeError:
            fail("expected arguments in UTF-8", EXIT_USAGE)


class Exchanged(msgspec.Struct, frozen=True):
    """An answer as it came; nothing in it is believed yet."""

    status: int
    media_type: str
    body: bytes


class _TooLong(Exception):
    """The answer is over `MAX_ANSWER_BYTES`."""


class OperatorApi:
    """
    Args:
        reason: why the command runs; None: nobody said.

    Raises:
        KeyFileError, OSError: the key, or the certificates to verify the server with, cannot be read.
    """

    def __init__(self, settings: Settings, reason: str | None = None) -> None:
        from server.commands.remote.api_key_file import read_api_key

        self.url = settings.operator_api_url
        self._is_secure = self.url.startswith("https:")
        if not self._is_secure:
            _refuse_clear_text(self.url)
        self._trust = _trust_of(settings) if self._is_secure else None
        self._key_file = settings.operator_key_path
        self._headers = {
            "authorization": f"Bearer {read_api_key(self._key_file)}",
            "accept-encoding": "identity",  # What is compressed could be of any size.
            "user-agent": f"touchstone/{RELEASE}",
        }
        if reason is not None:
            self._headers["touchstone-reason"] = quote(reason)

    def get(self, path: str, shape: type[T], **query: Query) -> T:
        """Return what is there; a parameter of the query that is None is left out."""
        return self._read(self._ask("GET", path, query=query), shape)

    def pages(self, path: str, shape: type[T], **query: Query) -> Iterator[T]:
        """
        Yield page after page; `shape` has `next`, with which the page after it is asked for as `after`.

        Numbers and names of pages grow, names by code point: who leads in a circle is no server of ours.
        """
        after: Any = query.pop("after", None)
        for _ in range(MAX_PAGES):
            page = self.get(path, shape, after=after, **query)
            yield page
            before, after = after, getattr(page, "next", None)
            if after is None:
                return
            self.expect(before is None or after > before, "a page that does not go on")
        self.expect(False, f"over {MAX_PAGES} pages")

    def expect(self, is_so: bool, found: str) -> None:
        """End the command where an answer is about something else than what was asked: `found`."""
        if not is_so:
            fail_strange(self.url, found)

    def post(self, path: str, shape: type[T], asked: msgspec.Struct | None = None) -> T:
        """Do what `asked` says; where that waits for an approval, tell so and end the command."""
        return self.send("POST", path, shape, b"" if asked is None else encode(asked))

    def send(
        self, method: str, path: str, shape: type[T], body: bytes, media_type: str = JSON, **query: Query
    ) -> T:
        """As `post`, by any method and with any body."""
        headers = {"idempotency-key": secrets.token_hex(16)} | ({"content-type": media_type} if body else {})
        answer = self._ask(method, path, query=query, headers=headers, content=body)
        if answer.status == 202 and (awaited := _awaited_of(answer)) is not None:
            end_awaited(awaited)
        return self._read(answer, shape)

    def change(
        self,
        method: str,
        path: str,
        shape: type[T],
        asked: msgspec.Struct | None = None,
        if_match: str | None = None,
    ) -> T:
        """
        Do what `asked` says; what it became is in the answer, also where that waits for an approval.

        Args:
            if_match: the ETag of what was looked at; None: whatever is there.
        """
        headers = {"idempotency-key": secrets.token_hex(16)}
        headers |= {} if asked is None else {"content-type": JSON}
        headers |= {} if if_match is None else {"if-match": if_match}
        content = b"" if asked is None else encode(asked)
        return self._read(self._ask(method, path, headers=headers, content=content), shape)

    def send_once(self, path: str, shape: type[T], asked: msgspec.Struct) -> T:
        """As `post`, for what makes something new each time: never sent a second time."""
        headers = {"content-type": JSON}
        answer = self._ask("POST", path, headers=headers, content=encode(asked), is_repeated=False)
        return self._read(answer, shape)

    def fetch(self, path: str, media_type: str, **query: Query) -> str:
        """Return the text that is there, of a media type that is not read here."""
        answer = self._ask("GET", path, query=query, headers={"accept": f"{media_type}, {PROBLEM_JSON}"})
        if answer.media_type != media_type:
            fail_strange(self.url, answer.media_type)
        try:
            return answer.body.decode()
        except UnicodeDecodeError:
            fail_strange(self.url, "what is not UTF-8")

    def _read(self, answer: Exchanged, shape: type[T]) -> T:
        if answer.media_type != JSON:
            fail_strange(self.url, f"{answer.status}, {answer.media_type or 'of no type'}")
        try:
            # Its values are not counted: its size is limited, and this process reads nothing beside it.
            return decode(answer.body, shape, max_bytes=MAX_ANSWER_BYTES, max_values=None)
        except JsonError as error:
            fail_strange(self.url, f"what this release does not understand: {error}")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Query] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
        is_repeated: bool = True,
    ) -> Exchanged:
        """Return a good answer; end the command with what any other says."""
        headers = {"accept": f"{JSON}, {PROBLEM_JSON}"} | self._headers | (headers or {})
        params = {name: value for name, value in (query or {}).items() if value is not None}
        request = {"params": params, "headers": headers, "content": content}
        answer = self._exchange(method, path, request, is_repeated=is_repeated)
        if answer.media_type == PROBLEM_JSON and answer.status >= 400:
            problem = self._problem_of(answer)
            if answer.status == 405 or (answer.status == 404 and problem.detail == NO_ROUTE):
                fail_other_release(self.url)
            fail_refused(answer.status, problem, self._key_file)
        if not 200 <= answer.status < 300:
            follows = ", a redirect, which the key does not follow" if answer.status < 400 else ""
            fail_strange(self.url, f"{answer.status}{follows}")
        return answer

    def _problem_of(self, answer: Exchanged) -> ShownProblem:
        try:
            return decode(answer.body, ShownProblem, max_bytes=MAX_ANSWER_BYTES)
        except JsonError:
            fail_strange(self.url, f"{answer.status}, and says not why")

    def _exchange(self, method: str, path: str, request: dict[str, Any], *, is_repeated: bool) -> Exchanged:
        """Send a request; where it can be repeated, a second time if the connection broke."""
        import httpx

        try:
            try:
                return asyncio.run(self._exchange_once(method, path, request))
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not is_repeated:
                    raise
                return asyncio.run(self._exchange_once(method, path, request))
        except (TimeoutError, httpx.TimeoutException):
            fail_away(self.url, f"no whole answer came within {EXCHANGE_SECONDS:g} seconds")
        except _TooLong:
            fail_strange(self.url, f"over {MAX_ANSWER_BYTES} bytes")
        except httpx.TransportError as error:
            fail_away(self.url, str(error) or type(error).__name__)

    async def _exchange_once(self, method: str, path: str, request: dict[str, Any]) -> Exchanged:
        import httpx

        timeout = httpx.Timeout(EXCHANGE_SECONDS, connect=CONNECT_SECONDS)
        # A proxy of the environment leads to other machines, never to this one.
        options: Any = {"verify": self._trust or False, "trust_env": self._is_secure, "timeout": timeout}
        async with (
            asyncio.timeout(EXCHANGE_SECONDS),
            httpx.AsyncClient(**options) as http,
            http.stream(method, self.url + path, **request) as response,
        ):
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    raise _TooLong
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Exchanged(response.status_code, media_type, bytes(body))


def segment(text: str) -> str:
    """Return a name as one segment of a path; end the command where nothing can have it, such as `..`."""
    if text in ("", ".", "..") or "/" in text or not text.isprintable():
        fail(f"there is nothing of the name {text[:MAX_CHARS]!r}", EXIT_NOT_FOUND)
    return quote(text, safe="")


def _refuse_clear_text(url: str) -> None:
    if not is_loopback(f"{urlsplit(url).hostname}:0"):
        fail(
            f"{url} is neither https nor this machine: whoever is on the way could read the API key.\n"
            "Put TLS before the operator listener and name it in TOUCHSTONE_OPERATOR_URL as https://..., or go"
            " through a tunnel such as ssh -L"
        )


def _trust_of(settings: Settings) -> ssl.SSLContext:
    from resolver.outbound.trust import trust_of

    file = settings.operator_ca_file
    try:
        return trust_of(file)
    except OSError as error:
        why = "expected PEM certificates" if isinstance(error, ssl.SSLError) else reason_of(error)
        fail(f"TOUCHSTONE_OPERATOR_CA_FILE={file}: {why}")


def _awaited_of(answer: Exchanged) -> Awaited | None:
    try:
        return decode(answer.body, Awaited, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        return None
