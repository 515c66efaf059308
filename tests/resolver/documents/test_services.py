"""Services that a DID URL selects, and URLs at their endpoints that never leave them."""

import time
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.did import parse_did_url
from resolver.documents.dereference import dereference
from resolver.documents.services import MAX_ENDPOINTS, endpoint_urls
from resolver.errors import InvalidDidUrl, NotFound
from resolver.results import Dereferenced, JsonObject, Resolved

DID = "did:web:example.com"
FILES = {"id": "#files", "type": "LinkedDomains", "serviceEndpoint": "https://files.example/base/"}
MESSAGES = {
    "id": f"{DID}#messages",
    "type": ["DIDCommMessaging", "Other"],
    "serviceEndpoint": [{"uri": "https://a.example"}, "https://m.example/1", "http://m.example:8080/2?q#f"],
}
BARE = {"id": "bare", "type": "LinkedDomains", "serviceEndpoint": "https://bare.example"}
MAP = {"id": "#map", "type": "Map", "serviceEndpoint": {"uri": "https://map.example"}}
ANONYMOUS = {"type": "Anonymous", "serviceEndpoint": "https://anonymous.example/x"}
DOCUMENT: JsonObject = {
    "id": DID,
    "verificationMethod": [{"id": "#key"}],
    "service": [FILES, MESSAGES, BARE, MAP, ANONYMOUS],
}
RESOLVED = Resolved(did=DID, document=DOCUMENT, metadata={"versionId": "1"})


def found(suffix: str) -> Dereferenced:
    return dereference(RESOLVED, parse_did_url(DID + suffix))


def content(suffix: str) -> JsonObject:
    content = found(suffix).content
    assert content is not None
    return content


@pytest.mark.parametrize(
    ("query", "services"),
    [
        ("service=files", [FILES]),
        ("service=%23files", [FILES]),
        ("service=did:web:example.com%23files", [FILES]),
        ("service=messages", [MESSAGES]),
        ("service=%23messages", [MESSAGES]),
        ("service=bare", [BARE]),
        ("service=%23bare", [BARE]),
        ("serviceType=LinkedDomains", [FILES, BARE]),
        ("serviceType=Other", [MESSAGES]),
        ("serviceType=Anonymous", [ANONYMOUS]),
        ("service=files&serviceType=LinkedDomains", [FILES]),
        ("serviceType=LinkedDomains&service=bare", [BARE]),
        ("service=files&other=1", [FILES]),
    ],
)
def test_services_are_selected_by_id_and_by_type(query: str, services: list[JsonObject]) -> None:
    dereferenced = found(f"?{query}")

    assert dereferenced.content == {**DOCUMENT, "service": services}
    assert dereferenced.content_metadata == {"versionId": "1"}
    assert not dereferenced.names_url


@pytest.mark.parametrize(
    "query",
    [
        "service=Files",
        "service=did:web:other.example%23files",
        "service=",
        "serviceType=linkeddomains",
        "serviceType=Linked",
        "service=files&serviceType=Other",
        "service=none&relativeRef=a",
    ],
)
def test_a_service_that_is_not_there_leaves_the_document_without_services(query: str) -> None:
    """By the letter of section 5.4.1, which keeps the services selected, and no others."""
    dereferenced = found(f"?{query}")

    assert dereferenced.content == {**DOCUMENT, "service": []}
    assert (dereferenced.urls, dereferenced.names_url) == ((), False)


def test_a_relative_reference_to_an_endpoint_that_is_a_map_leaves_the_document() -> None:
    dereferenced = found("?service=map&relativeRef=a")

    assert dereferenced.content == {**DOCUMENT, "service": [MAP]}
    assert (dereferenced.urls, dereferenced.names_url) == ((), False)


def test_a_relative_reference_is_checked_even_where_no_service_is_found() -> None:
    with pytest.raises(InvalidDidUrl):
        found("?service=none&relativeRef=%2F%2Fother.example")


def test_the_urls_of_a_service_are_those_of_http_in_their_order() -> None:
    assert found("?service=messages").urls == ("https://m.example/1", "http://m.example:8080/2?q#f")
    assert found("?service=map").urls == ()


def test_of_many_endpoints_the_first_are_looked_at_and_cost_little() -> None:
    many = [f"https://a.example/{n}/" + "%25" * 600 for n in range(100)]
    began = time.process_time()

    urls = endpoint_urls([{"serviceEndpoint": [{}, *many]}], "x/../y", None)

    assert urls == tuple(f"{endpoint}/y" for endpoint in many[:MAX_ENDPOINTS])
    assert time.process_time() - began < 0.2


def test_the_example_of_the_specification_is_answered_as_it_says() -> None:
    """Section 5.5.2; by RFC 3986 alone the path of the endpoint would be lost."""
    service = {"id": "#messages", "type": "A", "serviceEndpoint": "https://example.com/messages/8377464"}
    resolved = Resolved(did=DID, document={"id": DID, "service": [service]})
    did_url = parse_did_url(f"{DID}?service=messages&relativeRef=%2Fsome%2Fpath%3Fquery#frag")

    dereferenced = dereference(resolved, did_url)

    assert dereferenced.urls == ("https://example.com/messages/8377464/some/path?query#frag",)
    assert dereferenced.names_url


@pytest.mark.parametrize(
    ("endpoint", "relative_ref", "url"),
    [
        ("https://a.example", "/resume.pdf", "https://a.example/resume.pdf"),
        ("https://a.example", "resume.pdf", "https://a.example/resume.pdf"),
        ("https://a.example/base/", "x/y?z", "https://a.example/base/x/y?z"),
        ("https://a.example/base/", "/base/x", "https://a.example/base/x"),
        ("https://a.example/base/", "/x", "https://a.example/base/x"),
        ("https://a.example/base", "x", "https://a.example/base/x"),
        ("https://a.example/base", "/", "https://a.example/base/"),
        ("https://a.example/base", "", "https://a.example/base"),
        ("https://a.example/base?q", "?r", "https://a.example/base?r"),
        ("https://a.example/base", "#f", "https://a.example/base#f"),
        ("https://a.example/base/", "x/../y/./z", "https://a.example/base/y/z"),
        ("https://a.example/base/", "caf\u00e9", "https://a.example/base/caf%C3%A9"),
        ("https://a.example/base/", "a%2Fb", "https://a.example/base/a%2Fb"),
        ("HTTPS://[2001:db8::1]:8443/base/", "x", "HTTPS://[2001:db8::1]:8443/base/x"),
    ],
)
def test_a_relative_reference_is_resolved_below_the_endpoint(
    endpoint: str, relative_ref: str, url: str
) -> None:
    assert endpoint_urls([{"serviceEndpoint": endpoint}], relative_ref, None) == (url,)


@pytest.mark.parametrize(
    "relative_ref",
    [
        "../x",
        "/../x",
        "x/../../y",
        "..",
        "%2E%2E/x",
        "%2e./x",
        ".%2E/x",
        "%2E%2E%2Fx",
        "%252E%252E/x",
        "%252E%252E%252Fx",
        "%2525252525252E/x",
        "..\\x",
        "..%5Cx",
        "x/%2E%2E/%2E%2E/y",
        "..;/x",
        "..;a=b/x",
        "%00",
        "x%0D%0ALocation:%20y",
        "//other.example/base/x",
        "///other.example",
        "https://other.example/base/",
        "javascript:alert(1)",
        "x y",
        "x\r\ny",
        "\u202e" + "\x00",
        "%zz",
        "x" * 3_000,
    ],
)
@pytest.mark.parametrize("endpoint", ["https://a.example/base/", "https://a.example/base/file"])
def test_a_relative_reference_that_leaves_the_endpoint_is_an_invalid_did_url(
    endpoint: str, relative_ref: str
) -> None:
    with pytest.raises(InvalidDidUrl):
        endpoint_urls([{"serviceEndpoint": endpoint}], relative_ref, None)


@given(
    st.sampled_from(["/base/dir", "/base/dir/", "/base", "/"]),
    st.lists(
        st.sampled_from(
            [
                "../",
                "a",
                "dir",
                "dir2",
                "/",
                "%2e",
                "%252E",
                "%2F",
                "%5c",
                ";",
                ":",
                "?",
                "#",
                "@",
                "//",
                "\\",
                ".",
            ]
        ),
        max_size=8,
    ),
)
def test_no_relative_reference_ever_leaves_the_endpoint(path: str, parts: list[str]) -> None:
    """The oracle walks the segments of the most that any reader decodes."""
    try:
        (url,) = endpoint_urls([{"serviceEndpoint": f"https://a.example{path}"}], "".join(parts), None)
    except InvalidDidUrl:
        return

    found = urlsplit(url)
    decoded = found.path
    while decoded != unquote(decoded):
        decoded = unquote(decoded)
    below = [segment for segment in path.split("/") if segment]
    assert (found.scheme, found.netloc) == ("https", "a.example")
    assert [segment for segment in decoded.split("/") if segment][: len(below)] == below
    assert not {"..", "."} & set(decoded.replace("\\", "/").split("/"))


@pytest.mark.parametrize("sibling", ["../dir2", "/base/dir2", "../dir%32", "/base/dirx/"])
def test_a_sibling_whose_name_begins_as_the_endpoint_is_not_below_it(sibling: str) -> None:
    try:
        (url,) = endpoint_urls([{"serviceEndpoint": "https://a.example/base/dir"}], sibling, None)
    except InvalidDidUrl:
        return

    assert urlsplit(url).path.startswith("/base/dir/")


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://a.example",
        "did:web:other.example?service=x",
        "javascript:alert(1)",
        "https://user:secret@a.example/",
        "https:///x",
        "https://a.example/x y",
        "https://a.example/\r\nSet-Cookie: x",
        "https://\u00e4.example/",
        "https://a.example/%2E%2E/x",
        "//a.example/x",
        "/x",
        "https://a.example/" + "x" * 3_000,
        7,
        None,
    ],
)
@pytest.mark.parametrize("relative_ref", [None, "x"])
def test_nobody_is_sent_to_what_is_no_plain_http_url(endpoint: Any, relative_ref: str | None) -> None:
    assert endpoint_urls([{"serviceEndpoint": endpoint}], relative_ref, None) == ()


def test_a_url_inherits_the_fragment_of_the_did_url() -> None:
    assert found("?service=files&relativeRef=a#part").urls == ("https://files.example/base/a#part",)


@pytest.mark.parametrize("query", ["service=messages", "service=files&relativeRef=a%23b"])
def test_two_fragments_are_an_invalid_did_url(query: str) -> None:
    with pytest.raises(InvalidDidUrl):
        found(f"?{query}#part")


def test_a_fragment_may_name_a_part_of_the_document_with_the_services() -> None:
    assert content("?service=files#key") == {"id": "#key"}
    assert found("?service=files#key").content_metadata == {}


def test_a_fragment_that_is_not_in_the_document_can_only_mean_a_url() -> None:
    dereferenced = found("?service=files#elsewhere")

    assert dereferenced.content is None
    assert dereferenced.names_url
    assert dereferenced.urls == (f"{FILES['serviceEndpoint']}#elsewhere",)


def test_a_fragment_that_is_neither_is_not_found() -> None:
    with pytest.raises(NotFound):
        found("?service=map#elsewhere")


@given(st.text("abc/?#%&=+ \u00e9", max_size=10))
def test_a_service_id_is_compared_once_decoded(word: str) -> None:
    """Never a second decoding: the id `%61` is not the id `a`."""
    if word.startswith(("#", "?", "/")):
        return
    services = [{"id": f"#{word}", "type": "A", "serviceEndpoint": {}}]
    resolved = Resolved(did=DID, document={"id": DID, "service": services})

    dereferenced = dereference(resolved, parse_did_url(f"{DID}?service={quote(word, safe='')}"))

    assert dereferenced.content is not None
    assert dereferenced.content["service"] == services
