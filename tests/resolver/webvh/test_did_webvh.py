"""A did:webvh to the URLs of its log and its witness file; everything else is refused before any traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import (
    FeatureNotSupported,
    InvalidDid,
    InvalidOptions,
    Options,
    ResolutionError,
    parse_did,
    read_spelling,
)
from resolver.methods import WEBVH
from resolver.methods.webvh import normal_form, witness_plan
from resolver.results import DEFAULT_OPTIONS

SCID = "QmXhVjFG6EBTosDastaaHMRypm2qSv4SMGctADsx878Yux"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("example.com", "https://example.com/.well-known/did.jsonl"),
        ("issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"),
        ("example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
        ("example.com%3A3000:dids:issuer", "https://example.com:3000/dids/issuer/did.jsonl"),
        ("example.com%3a3000", "https://example.com:3000/.well-known/did.jsonl"),
        ("xn--jp-cd2fp15c.xn--fsq.jp:%E7%94%A8", "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8/did.jsonl"),
        (f"example.com:{SCID}", f"https://example.com/{SCID}/did.jsonl"),
    ],
)
def test_the_log_is_at_the_url_of_the_specification_and_the_witness_file_beside_it(
    place: str, url: str
) -> None:
    plan = WEBVH.plan(parse_did(f"did:webvh:{SCID}:{place}"), DEFAULT_OPTIONS)

    assert plan.url == url
    assert witness_plan(plan).url == url.removesuffix("did.jsonl") + "did-witness.json"


@pytest.mark.parametrize(
    "identifier",
    [
        "example.com",
        SCID,
        f"{SCID[:-1]}:example.com",
        f"{SCID}x:example.com",
        f"{SCID[:-1]}0:example.com",
        f"Q{SCID[:-1]}:example.com",
        f"%51{SCID[1:]}:example.com",
        f"{SCID}:localhost",
        f"{SCID}:127.0.0.1",
        f"{SCID}:127%2E0%2E0%2E1",
        f"{SCID}:127.0.0.1%3a8080",
        f"{SCID}:example.com%3A22",
        f"{SCID}:example.com:..:..:admin",
        f"{SCID}:example.com:%2E%2E:admin",
        f"{SCID}:example.com:a%2Fb",
        f"{SCID}:example.com::a",
        f"{SCID}:user%40example.com",
    ],
)
def test_another_form_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidDid, match=r"^did:webvh: "):
        WEBVH.plan(parse_did(f"did:webvh:{identifier}"), DEFAULT_OPTIONS)


def test_two_versions_exclude_one_another_and_a_format_is_not_supported() -> None:
    did = parse_did(f"did:webvh:{SCID}:example.com")

    with pytest.raises(InvalidOptions):
        WEBVH.plan(did, Options(version_id="1-x", version_number=1))
    with pytest.raises(FeatureNotSupported):
        WEBVH.plan(did, Options(public_key_format="JsonWebKey2020"))


def test_spellings_of_one_did_ask_one_question_whatever_the_version() -> None:
    texts = [f"did:webvh:{SCID}:{place}" for place in ("Example.com%3a8443:%61", "example.com%3A8443:a")]
    questions = {WEBVH.question(parse_did(text), Options(version_number=n)) for n, text in enumerate(texts)}

    assert {question.did for question in questions} == {texts[1]}
    assert len(questions) == 1


def test_a_spelling_that_is_not_the_normal_one_is_not_written_down() -> None:
    assert read_spelling(f"did:webvh:{SCID}:example.com").method == "webvh"
    with pytest.raises(InvalidDid, match="normal form"):
        read_spelling(f"did:webvh:{SCID}:Example.com")


@given(st.text(st.sampled_from("aQm1.:%3A2F5E~-_\\/"), max_size=30))
def test_no_did_leads_to_a_url_outside_its_host(place: str) -> None:
    try:
        did = parse_did(f"did:webvh:{SCID}:{place}")
        plan = WEBVH.plan(did, DEFAULT_OPTIONS)
    except ResolutionError:
        return

    host = place.partition(":")[0].partition("%")[0].lower()
    assert plan.url.startswith((f"https://{host}/", f"https://{host}:"))
    assert plan.url.endswith("/did.jsonl")
    assert normal_form(parse_did(normal_form(did))) == normal_form(did)
