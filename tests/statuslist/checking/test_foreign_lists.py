"""Lists as others publish them: media types that say little, numbers and times at the edge of what can be read."""

import pytest

from proofs import sign_compact
from statuslist.errors import StatusRetrievalError, StatusVerificationError
from tests.statuslist.house import House
from tests.statuslist.stranger import secured
from wire import MediaType, choose, encode, parse_utc

pytestmark = pytest.mark.anyio

SAYS_LITTLE = [
    "application/octet-stream",
    "binary/octet-stream",
    "text/plain",
    "text/plain; charset=utf-8",
    "application/json",
    "application/json; charset=us-ascii",
    "Application/JSON",
    "",
]


def serve_as(house: House, content_type: str | None, form: str) -> None:
    body = secured(house.issuer.list_document(), house.issuer.signer, form)
    house.issuer.serve(body, **({} if content_type is None else {"content_type": content_type}))


@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
@pytest.mark.parametrize("content_type", [*SAYS_LITTLE, None])
async def test_list_is_read_where_its_media_type_says_little(
    house: House, content_type: str | None, form: str
) -> None:
    """Bitstring Status List, 3.2, names no media type: the proof decides. GitHub Pages, for one, knows none."""
    serve_as(house, content_type, form)

    assert (await house.check(house.issuer.entry())).valid is True


async def test_server_that_knows_no_type_of_ours_is_asked_for_what_it_has(house: House) -> None:
    house.issuer.publish_list()

    await house.check(house.issuer.entry())

    accept = house.world.requests[0].headers["accept"]
    types = (
        "application/vc",
        "application/json",
        "application/vc+jwt",
        "text/plain",
        "application/octet-stream",
    )
    assert [bool(choose(accept, (MediaType(name),))) for name in types] == [True] * 5
    assert choose(accept, tuple(MediaType(name) for name in types)) == MediaType("application/vc")


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/vc", "jcs"),
        ("application/ld+json", "jcs"),
        ("application/vc+ld+json", "jcs"),
        ("application/VC", "jcs"),
        ("text/json", "jcs"),
        ("application/vnd.api+json", "jcs"),
        ("application/jwt", "jwt"),
        ("application/vc+jwt", "jwt"),
        ("application/VC+JWT;charset=utf-8", "jwt"),
        ("application/vc+ld+json+jwt", "jwt"),
        ("application/vc+ld+jwt", "jwt"),
    ],
)
async def test_list_is_read_as_every_type_of_its_form(house: House, content_type: str, form: str) -> None:
    serve_as(house, content_type, form)

    assert (await house.check(house.issuer.entry())).valid is True


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "text/html; charset=utf-8", "application/xml", "image/png", "text/javascript"],
)
async def test_list_as_a_type_of_something_else_is_refused(house: House, content_type: str) -> None:
    serve_as(house, content_type, "jcs")

    with pytest.raises(StatusRetrievalError, match="neither"):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain", "application/json", ""])
@pytest.mark.parametrize("body", [b"", b"not found", b"<html>a.b.c.d</html>", b"[]", b'"a"'])
async def test_body_that_is_no_list_is_refused_whatever_it_is_called(
    house: House, content_type: str, body: bytes
) -> None:
    house.issuer.serve(body, content_type=content_type)

    with pytest.raises(StatusRetrievalError, match="neither"):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
@pytest.mark.parametrize(
    ("mark", "encoding"), [("EF BB BF", "utf-8"), ("FF FE", "utf-16-le"), ("FE FF", "utf-16-be")]
)
async def test_byte_order_mark_before_a_list_is_named(
    house: House, mark: str, encoding: str, form: str
) -> None:
    """As text editors save a file; GitHub Pages serves it so."""
    body = secured(house.issuer.list_document(), house.issuer.signer, form)
    house.issuer.serve(bytes.fromhex(mark) + body.decode().encode(encoding), content_type="text/plain")

    with pytest.raises(StatusVerificationError, match=rf"byte order mark \({mark}\)"):
        await house.check(house.issuer.entry())


async def test_list_without_a_proof_is_refused_whatever_it_is_called(house: House) -> None:
    house.issuer.serve(encode(house.issuer.list_document()), content_type="text/plain")

    with pytest.raises(StatusVerificationError, match="proof"):
        await house.check(house.issuer.entry())


async def test_list_is_valid_until_the_end_of_a_day(house: House) -> None:
    """XML Schema 1.1 part 2, 3.3.7: 24:00:00 is the midnight at the end of the day."""
    house.issuer.publish_list(house.issuer.list_document() | {"validUntil": "2036-12-31T24:00:00Z"})

    checked = await house.check(house.issuer.entry())

    assert checked.valid is True
    assert parse_utc(checked.results[0].list_valid_until or "") == parse_utc("2037-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "ttl",
    ["1" + "0" * 350, "1" + "0" * 15, "9007199254740991", "9007199254740992", "1e300", "1e999999999", "-1"],
)
async def test_list_with_any_ttl_has_an_answer(house: House, ttl: str) -> None:
    """Read, or refused with a problem of the standard: never 500, whatever it says."""
    payload = encode(house.issuer.list_document()).replace(b'"ttl":300000', b'"ttl":' + ttl.encode())
    house.issuer.serve(
        sign_compact(payload, header={"typ": "vc+jwt"}, signer=house.issuer.signer),
        content_type="application/vc+jwt",
    )

    response = await house.post_entries(house.issuer.entry())

    is_read = ttl in ("1" + "0" * 15, "9007199254740991")
    assert response.status_code == (200 if is_read else 502)
    assert is_read or response.json()["type"].startswith("https://www.w3.org/")


@pytest.mark.parametrize(
    "valid_until",
    [
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.999999999999999999-00:01",
        "9999-12-31T24:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0000-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
    ],
)
@pytest.mark.parametrize("form", ["jcs", "rdfc", "jwt"])
async def test_list_with_any_end_has_an_answer(house: House, valid_until: str, form: str) -> None:
    house.issuer.publish_list(house.issuer.list_document() | {"validUntil": valid_until}, form=form)

    response = await house.post_entries(house.issuer.entry())

    is_read = valid_until == "9999-12-31T23:59:59Z"
    assert response.status_code == (200 if is_read else 502)
    assert is_read or response.json()["type"].startswith("https://www.w3.org/")
    assert is_read or "year" in response.json()["detail"] or valid_until.startswith("10000")


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1e999999999", "1" + "0" * 350, "253402300800", "-1e308", "null", "{}"])
async def test_list_with_any_time_of_its_token_has_an_answer(house: House, claim: str, value: str) -> None:
    payload = encode(house.issuer.list_document())[:-1] + f',"{claim}":{value}}}'.encode()
    house.issuer.serve(
        sign_compact(payload, header={"typ": "vc+jwt"}, signer=house.issuer.signer),
        content_type="application/vc+jwt",
    )

    response = await house.post_entries(house.issuer.entry())

    assert response.status_code == 502
    assert response.json()["type"].endswith("#STATUS_VERIFICATION_ERROR")
