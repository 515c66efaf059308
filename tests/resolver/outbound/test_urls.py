"""Which URLs of strangers' documents are fetched at all."""

import pytest

from resolver.outbound.errors import UrlRefused
from resolver.outbound.fetch import plan_for_url
from resolver.results import FetchPlan


def plan(url: str) -> FetchPlan:
    return plan_for_url(url, accept="application/vc", max_bytes=10)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://issuer.example/lists/1", ("issuer.example", 443, "/lists/1")),
        ("https://issuer.example", ("issuer.example", 443, "/")),
        ("https://issuer.example?a=1", ("issuer.example", 443, "/?a=1")),
        ("https://Issuer.Example:8443/Lists/1?x=%20&y=/?", ("issuer.example", 8443, "/Lists/1?x=%20&y=/?")),
        ("https://issuer.example:443/a%2Fb//c", ("issuer.example", 443, "/a%2Fb//c")),
    ],
)
def test_a_plan_has_the_parts_of_the_url(url: str, parts: tuple[str, int, str]) -> None:
    found = plan(url)

    assert (found.host, found.port, found.path) == parts
    assert (found.accept, found.max_bytes) == ("application/vc", 10)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://issuer.example/",
        "HTTPS://issuer.example/",
        "//issuer.example/",
        "https:issuer.example/",
        "https:///issuer.example",
        "https://user@issuer.example/",
        "https://user:pw@issuer.example/",
        "https://issuer.example\\@127.0.0.1/",
        "https://issuer.example/#fragment",
        "https://issuer.example/a b",
        "https://issuer.example/\r\nx: y",
        "https://issuer.example/\x00",
        "https://issuer.example/\u00e9",
        "https://issuer.example/%zz",
        "https://issuer.example/%2",
        'https://issuer.example/?q="',
        "https://issuer.example/a/../b",
        "https://issuer.example/a/%2e%2E/b",
        "https://issuer.example/..",
        "https://issuer.example/./a",
        "https://issuer.example:22/",
        "https://issuer.example:0/",
        "https://issuer.example:99999/",
        "https://issuer.example:0443/",
        "https://issuer.example:/",
        "https://localhost/",
        "https://issuer/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://issuer.example./",
        "https://-issuer.example/",
        "https://b\u00fccher.example/",
        "https://issuer.example/" + "a" * 2_048,
    ],
)
def test_every_other_url_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        plan(url)
