"""A request is read once, and what it costs to read it has a bound: it is read before the client is charged."""

from typing import Any

import pytest

from resolver import FeatureNotSupported, InvalidDidUrl, InvalidOptions, Resolver
from resolver.binding import options
from resolver.binding.options import MAX_OPTIONS, read_options_body
from resolver.binding.request import DidRequest, read_request, with_options
from resolver.did import MAX_PARAMETERS

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
ENCODED = b"/1.0/identifiers/" + KEY.replace(":", "%3A").encode()
MANY = "&".join(f"o{number}=" for number in range(4_000)).encode()


def _read(raw_path: bytes, query: bytes) -> DidRequest:
    return read_request(Resolver().planner, raw_path, query, None)


@pytest.mark.parametrize("query", [MANY, b"{" + b",".join(b'"o%d":1' % n for n in range(4_000)) + b"}"])
def test_far_more_options_than_there_are_are_refused_and_not_read(
    monkeypatch: pytest.MonkeyPatch, query: bytes
) -> None:
    monkeypatch.setattr(options, "parse_parameters", lambda query: pytest.fail("read") if query else {})

    request = _read(ENCODED, query)

    assert isinstance(request.plan, FeatureNotSupported | InvalidOptions)


def test_as_many_options_as_there_may_be_are_read() -> None:
    query = "&".join(f"o{number}=" for number in range(MAX_OPTIONS)).encode()

    assert "'o0'" in str(_read(ENCODED, query).plan)


def test_a_did_url_has_so_many_parameters_and_no_more() -> None:
    path = ENCODED.replace(b"%3A", b":")
    most = "&".join(f"o{number}=" for number in range(MAX_PARAMETERS))

    assert not isinstance(_read(path, most.encode()).plan, Exception)
    assert isinstance(_read(path, MANY).plan, InvalidDidUrl)


def test_a_body_of_far_more_options_than_there_are_is_not_decoded() -> None:
    body = b"{" + b",".join(b'"o%d":1' % number for number in range(4_000)) + b"}"

    assert isinstance(read_options_body(body, "application/json"), InvalidOptions)


def test_the_options_of_query_and_body_are_each_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(read: Any) -> Any:
        return lambda given, **most: seen.append(str(given)) or read(given, **most)

    monkeypatch.setattr(options, "read", counted(options.read))
    monkeypatch.setattr(options, "parse_parameters", counted(options.parse_parameters))
    request = _read(ENCODED, b"noCache=true")
    given = read_options_body(b'{"accept": "application/did"}', "application/json")
    found = with_options(Resolver().planner, request, given)

    assert found.accept == "application/did"
    assert found.names_no_cache
    assert [text for text in seen if text] == ["noCache=true", str(b'{"accept": "application/did"}')]
