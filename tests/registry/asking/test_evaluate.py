"""What a wallet holds, evaluated: who is meant, what the formats call it, and whose word counts most."""

import base64
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography import x509
from msgspec.structs import replace

from registry.asking.evaluate import MAX_RESULTS, Sight, evaluate
from registry.asking.evaluation import Evaluation, Reason, read_evaluation_request
from registry.asking.moments import Moment
from registry.asking.x509 import read_chain
from registry.errors import TooManyToList
from registry.identifiers import certificate_identifier, key_identifier
from registry.model import (
    Authority,
    Definition,
    Delegation,
    Entity,
    Fact,
    Grant,
    Identifier,
    Logo,
    Resource,
    StateChange,
)
from tests.proofs.asking import LEAF, MID, ROOT
from tests.proofs.authorities import Authority as CertificateAuthority
from tests.proofs.authorities import der, key
from tests.registry.directory import History
from tests.registry.examples import NOW
from wire import MalformedBody, encode, format_utc, parse_utc

DAY = 86_400_000_000
SPRING = parse_utc("2026-06-01T00:00:00Z")  # when the certificates of the tests are valid
DID, ISS = "did:web:uni.example", "https://Uni.example/issuer"
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
DEGREE = Resource(
    id="Degree",
    types=("UniversityDegreeCredential",),
    vcts=("https://edu.example/degree",),
    doc_types=("org.example.degree.1",),
    requires_status=True,
)


def an_authority(name: str, *resources: Resource, **changes: Any) -> tuple[Fact, ...]:
    found = resources or (DEGREE,)
    did = f"did:web:{name}.example"
    return (
        Entity(id=name, names={"en": name.title()}, identifiers=(Identifier(value=did),)),
        Authority(
            id=name,
            governance_framework="https://edu.example/rules",
            defines=tuple(Definition(action="issue", resource=each.id) for each in found),
            resources=found,
            **changes,
        ),
    )


def an_entity(*identifiers: Identifier, **changes: Any) -> Entity:
    named = identifiers or (Identifier(value=DID), Identifier(value=ISS))
    return Entity(**({"id": "uni", "names": {"en": "University"}, "identifiers": named} | changes))


def a_grant(**changes: Any) -> Grant:
    members = {
        "id": "g1",
        "kind": "authorization",
        "authority_id": "edu",
        "entity_id": "uni",
        "action": "issue",
        "resource": "Degree",
        "valid_from": NOW - 900 * DAY,
    }
    return Grant(**(members | changes))  # type: ignore[arg-type]  # of a table


def ask(
    history: History, at: int = NOW, language: str | None = None, now: int = NOW, **members: Any
) -> Evaluation:
    """Return the verdict on UNI's degree, unless told otherwise."""
    question = {"did": DID, "type": "UniversityDegreeCredential"} | members
    body = encode({name: value for name, value in question.items() if value is not None})
    request = read_evaluation_request(body, "application/json")
    sight = Sight(history.known(), request, Moment(now, at))
    return evaluate(sight, request, freshness_seconds=900, accept_language=language)


def verdict(found: Evaluation) -> tuple[str, Reason]:
    return found.decision, found.reason


def a_registry(*facts: Fact) -> History:
    return History().tell(*an_authority("edu"), *facts)


def test_who_may_issue_it_may() -> None:
    logo = Logo(href="https://uni.example/logo.svg", digest="sha256-" + "A" * 43 + "=")
    found = ask(a_registry(an_entity(logo=logo), a_grant(constraints={"country": "LI"})))

    assert verdict(found) == ("yes", "active")
    (result,) = found.results
    assert result.authority.id == "edu"
    assert result.authority.identifiers == ("did:web:edu.example",)
    assert (result.resource, result.requires_status) == ("Degree", True)
    assert result.identifier is not None
    assert result.identifier.value == DID
    assert result.entity is not None
    assert (result.entity.id, result.entity.name, result.entity.logo) == ("uni", "University", logo)
    assert result.grant is not None
    assert (result.grant.state, result.grant.constraints) == ("active", {"country": "LI"})
    assert found.message.startswith("active since")


@pytest.mark.parametrize(
    "held",
    [
        {"iss": ISS},
        {"iss": DID},
        {"jwk": JWK},
        {"ni": certificate_identifier(der(LEAF))},
        {"x509_hash": certificate_identifier(der(LEAF)).removeprefix("ni:///sha-256;")},
        {"x509_hash": certificate_identifier(der(LEAF)).replace("ni:///sha-256;", "x509_hash:")},
    ],
)
def test_whatever_is_held_finds_its_entity(held: dict[str, Any]) -> None:
    names = (DID, ISS, key_identifier(JWK), certificate_identifier(der(LEAF)))
    history = a_registry(an_entity(*(Identifier(value=each) for each in names)), a_grant())

    assert verdict(ask(history, did=None, **held)) == ("yes", "active")


@pytest.mark.parametrize(
    "credential",
    [
        {"type": "UniversityDegreeCredential"},
        {"vct": "https://edu.example/degree"},
        {"docType": "org.example.degree.1"},
        {"resource": "Degree"},
    ],
)
def test_whatever_the_credential_is_called_is_the_resource(credential: dict[str, str]) -> None:
    found = ask(a_registry(an_entity(), a_grant()), **({"type": None} | credential))

    assert verdict(found) == ("yes", "active")


def test_a_name_of_one_format_is_none_of_another() -> None:
    found = ask(a_registry(an_entity(), a_grant()), type=None, vct="UniversityDegreeCredential")

    assert verdict(found) == ("unknown", "not_defined")
    assert found.results == []


def test_what_no_authority_defines_is_not_known() -> None:
    history = a_registry(an_entity(), a_grant())

    assert verdict(ask(history, action="verify")) == ("unknown", "not_defined")
    assert verdict(ask(history, authority="did:web:nobody.example")) == ("unknown", "authority_unknown")
    assert verdict(ask(history, authority="nobody")) == ("unknown", "authority_unknown")


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ({}, "active"),
        ({"valid_from": NOW + DAY}, "not_yet_valid"),
        ({"valid_until": NOW - DAY}, "expired"),
        ({"history": (StateChange(state="suspended", since=NOW - DAY),)}, "suspended"),
        ({"history": (StateChange(state="revoked", since=NOW - DAY),)}, "revoked"),
        ({"resource": "Other"}, "not_granted"),
        ({"granted_by": "school"}, "delegation_missing"),
    ],
)
def test_the_reason_is_that_of_the_grant(grant: dict[str, Any], expected: str) -> None:
    found = ask(a_registry(an_entity(), a_grant(**grant)))

    assert verdict(found) == ("yes" if expected == "active" else "no", expected)


def test_a_stranger_is_refused_by_each_authority_that_might_have_known() -> None:
    history = a_registry().tell(*an_authority("trade"))
    found = ask(history)

    assert verdict(found) == ("no", "entity_unknown")
    assert [each.authority.id for each in found.results] == ["edu", "trade"]
    assert all(each.entity is None and each.identifier is None for each in found.results)


def test_one_authority_that_says_yes_is_enough_unless_one_is_named() -> None:
    history = a_registry(an_entity(), a_grant(authority_id="trade")).tell(*an_authority("trade"))
    found = ask(history)

    assert verdict(found) == ("yes", "active")
    assert [(each.authority.id, each.reason) for each in found.results] == [
        ("trade", "active"),
        ("edu", "not_granted"),
    ]
    assert verdict(ask(history, authority="did:web:edu.example")) == ("no", "not_granted")
    assert verdict(ask(history, authority="edu")) == ("no", "not_granted")


def test_a_key_that_one_authority_calls_compromised_counts_against_the_yes_of_another() -> None:
    revoked = StateChange(state="revoked", since=NOW - DAY, compromised_since=NOW - 9 * DAY)
    history = a_registry(
        an_entity(), a_grant(history=(revoked,)), a_grant(id="g2", authority_id="trade")
    ).tell(*an_authority("trade"))

    assert verdict(ask(history)) == ("no", "compromised")
    assert verdict(ask(history, at=NOW - 20 * DAY)) == ("unknown", "compromised_later")
    assert verdict(ask(history, at=NOW - 20 * DAY, time_is_proven=True)) == ("yes", "active")
    assert verdict(ask(history, authority="trade")) == ("yes", "active")


def test_the_chain_of_authority_is_told_from_the_authority_down() -> None:
    def power(name: str, grantor: str, delegate: str, further: int) -> Delegation:
        return Delegation(
            id=name,
            authority_id="edu",
            grantor_id=grantor,
            delegate_id=delegate,
            actions=("issue",),
            further=further,
            valid_from=NOW - 900 * DAY,
            review_due=NOW,
        )

    found = ask(
        a_registry(
            an_entity(),
            an_entity(Identifier(value="did:web:state.example"), id="state"),
            an_entity(Identifier(value="did:web:office.example"), id="office"),
            power("d1", "edu", "state", 1),
            power("d2", "state", "office", 0),
            a_grant(granted_by="office"),
        )
    )

    assert verdict(found) == ("yes", "active")
    assert [(each.id, each.grantor_id, each.delegate_id) for each in found.results[0].chain] == [
        ("d1", "edu", "state"),
        ("d2", "state", "office"),
    ]
    assert all(each.review_due is None for each in found.results[0].chain), "that is for operators"


def test_it_expires_with_the_freshness_of_the_authority_or_the_next_change() -> None:
    ends = a_grant(valid_until=NOW + DAY)
    in_a_minute = a_grant(valid_until=NOW + 60_000_000)

    assert ask(a_registry(an_entity(), ends)).expires_at == format_utc(NOW + 900_000_000)
    assert ask(a_registry(an_entity(), in_a_minute)).expires_at == format_utc(NOW + 60_000_000)
    hurried = History().tell(*an_authority("edu", freshness_seconds=30), an_entity(), ends)
    assert ask(hurried).expires_at == format_utc(NOW + 30_000_000)
    two = a_registry(an_entity(), ends).tell(*an_authority("trade", freshness_seconds=30))
    assert ask(two).expires_at == format_utc(NOW + 30_000_000)


SOON = NOW + 10_000_000


@pytest.mark.parametrize("named", [None, "edu", "did:web:edu.example"])
@pytest.mark.parametrize("begins", ["authority", "entity", "identifier"])
def test_it_expires_when_an_authority_begins_to_answer(begins: str, named: str | None) -> None:
    entity, authority = an_authority("edu")
    assert isinstance(entity, Entity)
    later = Identifier(value="did:web:edu.example", valid_from=SOON)
    changed = {
        "authority": (entity, replace(authority, valid_from=SOON)),
        "entity": (replace(entity, valid_from=SOON), authority),
        "identifier": (replace(entity, identifiers=(later,)), authority),
    }
    history = History().tell(*changed[begins], an_entity(), a_grant())

    found = ask(history, authority=named)

    assert found.decision == "unknown"
    assert found.expires_at == format_utc(SOON)


def test_what_was_learned_late_is_told_as_late() -> None:
    late = StateChange(state="suspended", since=NOW - 30 * DAY)
    history = a_registry(an_entity(), a_grant()).tell(a_grant(history=(late,)), recorded_at=NOW - DAY)

    (then,) = ask(history, at=NOW - 10 * DAY).results
    (now,) = ask(history).results
    assert (then.reason, then.late, then.recorded_at) == ("suspended", True, format_utc(NOW - DAY))
    assert (now.reason, now.late) == ("suspended", False)


def test_names_are_shown_in_the_language_that_is_asked_for() -> None:
    history = a_registry(an_entity(names={"de": "Universität", "en": "University"}), a_grant())

    for language, expected in (("de-CH, en;q=0.5", "de"), ("fr, en", "en"), (None, "en"), ("*", "en")):
        (result,) = ask(history, language=language).results
        assert result.entity is not None
        assert result.entity.language == expected
        assert result.entity.name == result.entity.names[expected]


def x5c(*certificates: Any) -> dict[str, Any]:
    return {"did": None, "x5c": [base64.b64encode(der(each)).decode() for each in certificates]}


def registered(certificate: Any, **changes: Any) -> Identifier:
    data = der(certificate)
    return Identifier(
        value=certificate_identifier(data), certificate=base64.b64encode(data).decode(), **changes
    )


def test_a_chain_speaks_for_whoever_registered_the_authority_above_it() -> None:
    found = ask(
        a_registry(an_entity(registered(ROOT.certificate)), a_grant()),
        at=SPRING,
        **x5c(LEAF, MID.certificate, ROOT.certificate),
    )

    assert verdict(found) == ("yes", "active")
    identifier = found.results[0].identifier
    assert identifier is not None
    assert identifier.path == tuple(
        certificate_identifier(der(each)) for each in (LEAF, MID.certificate, ROOT.certificate)
    )
    assert identifier.revocation is not None


def test_a_chain_that_is_not_valid_at_that_time_speaks_for_nobody() -> None:
    history = a_registry(an_entity(registered(ROOT.certificate)), a_grant())
    found = ask(history, at=NOW, **x5c(LEAF, MID.certificate, ROOT.certificate))

    assert verdict(found) == ("no", "certificate_not_valid")
    assert "no valid path" in found.message


def test_a_chain_that_nobody_registered_is_a_stranger() -> None:
    assert verdict(ask(a_registry(an_entity(), a_grant()), at=SPRING, **x5c(LEAF))) == (
        "no",
        "entity_unknown",
    )


def test_the_nearest_certificate_to_which_something_was_granted_counts() -> None:
    suspended = StateChange(state="suspended", since=SPRING - DAY)
    history = a_registry(
        an_entity(registered(ROOT.certificate), id="root"),
        an_entity(registered(LEAF)),
        a_grant(id="g2", entity_id="root"),
    )
    chain = x5c(LEAF, MID.certificate, ROOT.certificate)

    assert verdict(ask(history, at=SPRING, **chain)) == ("yes", "active")
    history.tell(a_grant(history=(suspended,)))
    assert verdict(ask(history, at=SPRING, **chain)) == ("no", "suspended")


def test_a_compromised_certificate_counts_though_the_one_above_it_is_granted() -> None:
    history = a_registry(
        an_entity(registered(ROOT.certificate), id="root"),
        an_entity(registered(LEAF, compromised_since=SPRING - DAY)),
        a_grant(id="g2", entity_id="root"),
    )

    found = ask(history, at=SPRING, **x5c(LEAF, MID.certificate, ROOT.certificate))
    assert verdict(found) == ("no", "compromised")
    assert found.results[0].compromised_since == format_utc(SPRING - DAY)


def key_of_leaf(**changes: Any) -> Identifier:
    return Identifier(value=read_chain(x5c(LEAF)["x5c"]).key, **changes)


@pytest.mark.parametrize("of", ["key", "certificate"])
@pytest.mark.parametrize("ended", ["identifier", "entity"])
def test_a_compromised_key_stays_so_when_it_is_nobodys_any_more(of: str, ended: str) -> None:
    end = SPRING - DAY
    window = {"valid_until": end} if ended == "identifier" else {}
    make = key_of_leaf if of == "key" else partial(registered, LEAF)
    compromised = make(compromised_since=end - DAY, **window)
    former = an_entity(compromised, id="former", valid_until=end if ended == "entity" else None)
    history = a_registry(an_entity(registered(ROOT.certificate)), former, a_grant())

    found = ask(history, at=SPRING, **x5c(LEAF, MID.certificate, ROOT.certificate))

    assert verdict(found) == ("no", "compromised")


def test_an_identifier_that_is_no_key_is_as_good_as_at_that_time() -> None:
    repaired = (
        Identifier(value=DID, valid_until=NOW - 9 * DAY, compromised_since=NOW - 10 * DAY),
        Identifier(value=DID, valid_from=NOW - 8 * DAY),
    )

    assert verdict(ask(a_registry(an_entity(*repaired), a_grant()))) == ("yes", "active")


@pytest.mark.parametrize("turn", ["begins", "ends", "compromised"])
def test_what_a_chain_leads_to_holds_until_the_next_turn_that_is_known(turn: str) -> None:
    soon = SPRING + 10_000_000
    changes = {"begins": {"valid_from": soon}, "ends": {"valid_until": soon}}.get(turn, {})
    own = {x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier(b"\x01"), False)}
    above = {x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(b"\x01", None, None), False)}
    root = CertificateAuthority("Known", extensions=own)
    leaf = root.leaf(extensions=above)
    others = (Identifier(value=certificate_identifier(der(leaf)), compromised_since=soon),)
    anchor = registered(root.certificate, ski="01", **changes)
    history = a_registry(an_entity(anchor, *(others if turn == "compromised" else ())), a_grant())

    found = ask(history, at=SPRING, now=SPRING, **x5c(leaf))

    assert found.expires_at == format_utc(soon)


def test_a_certificate_of_which_only_the_digest_is_known_is_not_refused() -> None:
    """Nobody registered it; one above it may be, and the digest does not tell."""
    ni = certificate_identifier(der(LEAF))
    history = a_registry(an_entity(registered(ROOT.certificate)), a_grant())

    assert verdict(ask(history, did=None, ni=ni)) == ("unknown", "chain_missing")


def test_a_chain_to_a_certificate_of_which_only_the_digest_is_registered_is_not_refused() -> None:
    """Its key identifier is registered too: with the certificate at hand the path can be validated."""
    ids = {x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier(b"\x01"), False)}
    above = {x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(b"\x01", None, None), False)}
    root = CertificateAuthority("Known", extensions=ids)
    leaf = root.leaf(extensions=above)
    ni = Identifier(value=certificate_identifier(root.der), ski="01")
    history = a_registry(an_entity(ni), a_grant())

    assert verdict(ask(history, at=SPRING, **x5c(leaf))) == ("unknown", "chain_missing")
    assert verdict(ask(history, at=SPRING, **x5c(leaf, root.certificate))) == ("yes", "active")
    forged = CertificateAuthority("Known", private_key=key("forger"), extensions=ids)
    assert verdict(ask(history, at=SPRING, **x5c(forged.leaf(extensions=above), forged.certificate))) == (
        "unknown",
        "chain_missing",
    )
    whole = x5c(forged.leaf(extensions=above), root.certificate)
    assert verdict(ask(history, at=SPRING, **whole)) == ("no", "certificate_not_valid")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"did": None}, None),
        ({"iss": ISS}, None),
        ({"type": None}, None),
        ({"vct": "x"}, None),
        ({"did": "did:web:"}, "/did"),
        ({"did": ISS}, "/did"),
        ({"did": None, "iss": "http://uni.example"}, "/iss"),
        ({"did": None, "iss": "urn:uuid:1"}, "/iss"),
        ({"did": None, "ni": "ni:///sha-256;x"}, "/ni"),
        ({"did": None, "x509_hash": DID}, "/x509_hash"),
        ({"did": None, "jwk": {"kty": "oct", "k": "AAAA"}}, "/jwk"),
        ({"did": None, "jwk": JWK | {"d": "AAAA"}}, "/jwk"),
        ({"did": None, "x5c": ["AAAA"]}, "/x5c"),
        ({"did": None, "x5c": []}, "/x5c"),
        ({"did": None, "x5c": ["AAAA"] * 6}, "/x5c"),
        ({"time": "2026-02-30T00:00:00Z"}, "/time"),
        ({"known_at": "yesterday"}, "/known_at"),
        ({"time_is_proven": 1}, "/time_is_proven"),
        ({"unknown": 1}, ""),
    ],
)
def test_what_is_no_question_is_refused_with_its_place(members: dict[str, Any], pointer: str | None) -> None:
    with pytest.raises(MalformedBody) as caught:
        ask(a_registry(), **members)

    assert caught.value.pointer == pointer


def test_too_many_authorities_are_refused_rather_than_left_out() -> None:
    history = History()
    for number in range(MAX_RESULTS + 1):
        history.tell(*an_authority(f"a{number}"))

    with pytest.raises(TooManyToList, match="name one"):
        ask(history)
    assert verdict(ask(history, authority="a7")) == ("no", "entity_unknown")


def test_every_reason_is_explained_to_those_who_ask() -> None:
    page = (Path(__file__).parents[3] / "docs/registry.md").read_text()
    table = page.partition("\nThe reasons:\n")[2].partition("\n## ")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    explained = {name for cell in first_cells for name in re.findall(r"`([a-z_]+)`", cell)}

    assert explained == set(_literals(Reason))


def _literals(kind: Any) -> Iterator[str]:
    for each in get_args(kind):
        if isinstance(each, str):
            yield each
        else:
            yield from _literals(each)
