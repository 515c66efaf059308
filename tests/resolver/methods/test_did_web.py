"""did:web: the URL of a DID, or none, and what an origin's answer means."""

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.did import parse_did
from resolver.errors import (
    FeatureNotSupported,
    InternalError,
    InvalidDid,
    InvalidDidDocument,
    InvalidOptions,
    NotFound,
)
from resolver.methods import WEB
from resolver.methods.web import normal_form
from resolver.results import Fetched, FetchPlan, Options
from tests.vectors import vectors

URLS = vectors("did-web-url-table")
DID = parse_did("did:web:example.com")
BODY = b'{"id": "did:web:example.com"}'


def _plan(did: str) -> FetchPlan:
    return WEB.plan(parse_did(did), Options())


def _read(status: int, content_type: str | None = "application/json", body: bytes = BODY) -> Any:
    headers = {} if content_type is None else {"content-type": content_type}
    return WEB.document(DID, Fetched(status=status, headers=headers, body=body))


@pytest.mark.parametrize("row", [row for row in URLS if "url" in row], ids=lambda row: row["did"])
def test_a_did_of_the_table_has_its_url(row: dict[str, str]) -> None:
    assert _plan(row["did"]).url == row["url"]


@pytest.mark.parametrize("row", [row for row in URLS if "url" not in row], ids=lambda row: row["why"][:30])
def test_a_did_of_the_table_without_a_url_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(InvalidDid):
        _plan(row["did"])


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:EXAMPLE.com:Path", "https://example.com/Path/did.json"),
        ("did:web:example.com%3a8443", "https://example.com:8443/.well-known/did.json"),
        ("did:web:example.com%3A443:a", "https://example.com/a/did.json"),
        ("did:web:example.com%3A65535", "https://example.com:65535/.well-known/did.json"),
        ("did:web:example.com%3A1024", "https://example.com:1024/.well-known/did.json"),
        ("did:web:a-b.example.com:%61%7E", "https://a-b.example.com/a~/did.json"),
        ("did:web:example.com:%C3%A4:b%3Ac%40d", "https://example.com/%C3%A4/b%3Ac%40d/did.json"),
        ("did:web:example.com:%26%3B%3D", "https://example.com/%26%3B%3D/did.json"),
        ("did:web:1.example.com", "https://1.example.com/.well-known/did.json"),
        ("did:web:example.xn--p1ai", "https://example.xn--p1ai/.well-known/did.json"),
        ("did:web:issuer.example", "https://issuer.example/.well-known/did.json"),
    ],
)
def test_a_did_has_one_url(did: str, url: str) -> None:
    assert _plan(did).url == url


@pytest.mark.parametrize(
    "identifier",
    [
        # hosts
        "a.local",
        "a.LOCAL",
        "a.internal",
        "a.test",
        "a.invalid",
        "a.onion",
        "a.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "a.localhost",
        "-a.example",
        "a-.example",
        "a..example",
        ".example.com",
        "a_b.example",
        "example.c-m",
        "example.c",
        "example.123",
        "example.0x7f",
        "example.xn--",
        "0177.0.0.1",
        "2130706433",
        "%5B%3A%3A1%5D",
        "ex%61mple.com",
        "b%C3%BCcher.example",
        ".".join(["a" * 62] * 4) + ".com",
        # ports
        "example.com%3A80",
        "example.com%3A22",
        "example.com%3A1023",
        "example.com%3A0443",
        "example.com%3A08443",
        "example.com%3A-1",
        "example.com%3A443%3A443",
        "example.com%3A443a",
        "example.com%3A%34%34%33",
        "example.com%253A443",
        # paths
        "example.com:a::b",
        "example.com:.",
        "example.com:..",
        "example.com:%2e%2E",
        "example.com:.%2E",
        "example.com:a%5Cb",
        "example.com:a%23b",
        "example.com:%2F",
        "example.com:%252E%252E",
        "example.com:a%25b",
        "example.com:%20a",
        "example.com:a%20",
        "example.com:%0D%0AHost",
        "example.com:a%7F",
        "example.com:%C2%80",
        "example.com:%E2%80%AE",
        "example.com:%C0%AE%C0%AE",
        "example.com:%ED%A0%80",
    ],
)
def test_a_host_port_or_path_that_could_lead_astray_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidDid):
        _plan(f"did:web:{identifier}")


@given(st.from_regex(r"[a-zA-Z0-9.%:_-]{1,40}", fullmatch=True) | st.text("aZ1.%2E5C3Fb:-", max_size=30))
def test_no_url_leaves_its_shape(identifier: str) -> None:
    try:
        plan = _plan(f"did:web:example.com:{identifier}")
    except InvalidDid:
        return

    segments = plan.path.split("/")
    assert re.fullmatch(r"https://example\.com(/([A-Za-z0-9._~-]|%[0-9A-F]{2})+)+/did\.json", plan.url)
    assert not {"", ".", ".."} & set(segments[1:])
    assert len(segments) == identifier.count(":") + 3


@given(st.from_regex(r"[a-zA-Z0-9.%_-]{1,40}", fullmatch=True))
def test_no_host_is_anything_but_dns_labels(host: str) -> None:
    try:
        plan = _plan(f"did:web:{host}")
    except InvalidDid:
        return

    assert re.fullmatch(r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]+(:\d{4,5})?/\.well-known/did\.json", plan.url)
    assert plan.port == 443 or 1_024 <= plan.port <= 65_535


def test_the_plan_caps_the_body() -> None:
    assert _plan("did:web:example.com").max_bytes == 262_144


def test_options_that_cannot_be_honoured_are_refused() -> None:
    for options in (
        Options(version_id="1"),
        Options(version_time="2020"),
        Options(public_key_format="JsonWebKey2020"),
    ):
        with pytest.raises(FeatureNotSupported):
            WEB.plan(DID, options)
    with pytest.raises(InvalidOptions):
        WEB.plan(DID, Options(version_id="1", version_time="2020-12-20T19:17:47Z"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/did+json;charset="utf-8"',
        "application/did+ld+json",
        "application/did",
        "application/ld+json; profile=x",
        "text/json",
        "application/json; charset=us-ascii",
        "application/json; charset=latin1",  # RFC 8259, section 11: it has no effect
        "application/did;charset",
    ],
)
def test_a_document_served_as_json_is_read(content_type: str) -> None:
    assert _read(200, content_type) == {"id": "did:web:example.com"}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/html; charset=utf-8",
        "text/plain, text/html",
        "application/xml",
        "image/png",
        "plain",
        "json",
    ],
)
def test_a_document_served_as_anything_else_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidDidDocument, match="expected application/did or application/json"):
        _read(200, content_type)


def test_a_document_of_another_did_is_refused() -> None:
    with pytest.raises(InvalidDidDocument):
        _read(200, body=b'{"id": "did:web:example.org"}')


def test_gone_is_deactivated() -> None:
    assert _read(410, None, b"") is None


def test_not_found_is_not_found() -> None:
    with pytest.raises(NotFound):
        _read(404)


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 304, 400, 401, 403, 429, 500, 503])
def test_any_other_status_is_an_internal_error_that_tells_it(status: int) -> None:
    with pytest.raises(InternalError) as failed:
        _read(status)

    assert failed.value.members["originStatus"] == status


@pytest.mark.parametrize(
    ("identifier", "normal"),
    [
        ("EXAMPLE.com%3A443", "example.com"),
        ("example.com:%7e", "example.com:%7E"),
        ("example.com:.well-known", "example.com"),
        ("example.com:a:.well-known", "example.com:a:.well-known"),
    ],
)
def test_the_normal_form_names_the_same_resource(identifier: str, normal: str) -> None:
    """`.well-known` behind a path is a path: it was dropped, and the normal form was another DID."""
    plan = _plan(f"did:web:{identifier}")

    assert normal_form(plan) == f"did:web:{normal}"
    assert _plan(normal_form(plan)) == plan


@example("example.com", ["a", ".well-known"])
@example("example.com", [".well-known", ".well-known"])
@example("example.com", [".well-known"])
@example("example.com", ["did.json"])
@example("example.com", ["a~"])
@given(
    st.from_regex(r"[a-zA-Z0-9-]{1,8}(\.[a-zA-Z0-9-]{1,8}){0,3}(%3[aA][0-9]{1,6})?", fullmatch=True),
    st.lists(st.from_regex(r"([A-Za-z0-9._~-]|%[0-9A-Fa-f]{2}){1,8}", fullmatch=True), max_size=4),
)
def test_a_did_has_one_normal_form_and_its_url_is_the_same(host: str, segments: list[str]) -> None:
    try:
        plan = _plan(":".join(["did:web", host, *segments]))
    except InvalidDid:
        return
    normal = normal_form(plan)

    again = _plan(normal)
    assert (again.url, normal_form(again)) == (plan.url, normal)
    assert re.fullmatch(
        r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{4,5})?(/([A-Za-z0-9._~-]|%[0-9A-F]{2})+)+/did\.json",
        plan.url,
    )
    parts = urlsplit(plan.url)
    assert (parts.hostname, parts.port or 443, parts.path, parts.query, parts.username) == (
        plan.host,
        plan.port,
        plan.path,
        "",
        None,
    )


@given(
    st.lists(st.from_regex(r"[a-zA-Z0-9._~-]{1,4}|%[0-9A-Fa-f]{2}", fullmatch=True), min_size=1, max_size=4)
)
def test_spellings_share_a_normal_form_only_where_they_share_a_url(segments: list[str]) -> None:
    path = "".join(segments)
    found: dict[str, str] = {}
    for spelling in {path, path.upper(), path.lower(), quote(unquote_to_bytes(path), safe="")}:
        try:
            plan = _plan(f"did:web:example.com:{spelling}")
        except InvalidDid:
            continue
        assert found.setdefault(normal_form(plan), plan.url) == plan.url

    assert len(set(found.values())) == len(found)


@given(st.text(max_size=60) | st.from_regex(r"[^\s]{1,40}", fullmatch=True))
def test_whatever_is_asked_for_has_the_shape_of_a_did_web_url_or_is_refused(identifier: str) -> None:
    try:
        plan = _plan(f"did:web:{identifier}")
    except InvalidDid:
        return

    assert re.fullmatch(r"https://[a-z0-9.-]+(:\d{4,5})?(/[^/?#\s]+)+/did\.json", plan.url)
