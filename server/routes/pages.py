"""
The pages about the server itself: problem types, OpenAPI and its page, the root. Routes.

The documentation page is one HTML file without scripts: it lists every operation of the OpenAPI document and
loads nothing from elsewhere.
"""

import asyncio
import html
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from server.edge.problems import PAGE_HEADERS, problem_page
from server.routes.openapi import complete
from wire import Answer, encode, etag_of

PAGE_FRESH_SECONDS = 3_600  # seconds; the pages change with a release
DESCRIBE_KEY = "describe"  # of the application's state: a callable that returns its OpenAPI document


def page_routes(clock: Callable[[], float], *, root_page: bytes) -> list[HTTPRouteHandler]:
    """Return the pages that people read: problem types, the API's documentation, the root (`root_page`)."""
    api_pages = _made_once()

    @get("/problems/{slug:str}", tags=["Pages"], summary="What a problem type means")
    async def problem(slug: FromPath[str]) -> Answer:
        return _fresh(problem_page(slug), clock())

    @get("/openapi.json", tags=["Pages"], summary="This API as OpenAPI 3.1")
    async def openapi(request: Request[Any, Any, Any]) -> Answer:
        return _fresh((await asyncio.to_thread(api_pages, request.app)).openapi, clock())

    @get("/docs", tags=["Pages"], summary="This API as a page")
    async def docs(request: Request[Any, Any, Any]) -> Answer:
        return _fresh((await asyncio.to_thread(api_pages, request.app)).docs, clock())

    @get("/", tags=["Pages"], summary="Where to go from here")
    async def root() -> Answer:
        return Answer(body=root_page, media_type="application/json")

    return [problem, openapi, docs, root]


ROOT = encode(
    {
        "service": "Touchstone",
        "resolve": "/1.0/identifiers/{did}",
        "trust": ["/trqp/authorization", "/trqp/recognition"],
        "status": ["/status-lists/{id}", "/status/check"],
        "verification": ["/verify", "/verify/batch"],
        "documentation": ["/docs", "/openapi.json"],
    }
)


OPERATOR_ROOT = encode(
    {
        "service": "Touchstone, operator API",
        "issuers": "/operator/issuers",
        "statusLists": "/operator/status-lists",
        "observations": "/operator/observations",
        "alarms": "/operator/alarms",
        "keyChanges": "/operator/key-changes",
        "purge": "/operator/cache/purge",
        "health": ["/livez", "/readyz", "/metrics"],
        "documentation": ["/docs", "/openapi.json"],
    }
)


class ApiPages(NamedTuple):
    """What an application tells of itself; the same for as long as it lives."""

    openapi: Answer
    docs: Answer


def _made_once() -> Callable[[Litestar], ApiPages]:
    """Return what makes the pages at their first use: that takes some 50 ms, hence a thread, and once."""
    making = Lock()

    @cache
    def api_pages(app: Litestar) -> ApiPages:
        schema = complete(app.state[DESCRIBE_KEY]().to_schema())
        return ApiPages(
            _page(encode(schema), "application/json"), _page(docs_page(schema), "text/html; charset=utf-8")
        )

    def made_once(app: Litestar) -> ApiPages:
        with making:
            return api_pages(app)

    return made_once


def _page(body: bytes, media_type: str) -> Answer:
    headers = PAGE_HEADERS if media_type.startswith("text/html") else ()
    return Answer(body=body, media_type=media_type, etag=etag_of(body, media_type), headers=headers)


def _fresh(page: Answer, now: float) -> Answer:
    return msgspec.structs.replace(page, fresh_until=now + PAGE_FRESH_SECONDS)


def docs_page(schema: dict[str, Any]) -> bytes:
    """Return the HTML page that lists the operations of an OpenAPI document."""
    operations = [
        _operation(method, path, operation)
        for path, item in sorted(schema.get("paths", {}).items())
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    title = html.escape(schema["info"]["title"])
    return DOCS.format(title=title, operations="\n".join(operations)).encode()


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    responses = "".join(
        f"<li><code>{html.escape(status)}</code> {html.escape(response.get('description', ''))}</li>"
        for status, response in operation.get("responses", {}).items()
    )
    return (
        f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        f"<p><strong>{html.escape(operation.get('summary', ''))}</strong> "
        f"{html.escape(operation.get('description', ''))}</p><ul>{responses}</ul></section>"
    )


DOCS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:54rem;margin:2rem auto;padding:0 1rem}}
section{{border-top:1px solid #ccc}}h2{{font-size:1rem}}</style>
<h1>{title}</h1>
<p>The machine-readable form of this page is <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
{operations}
</html>
"""
