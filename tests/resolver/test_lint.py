"""The linter: what it finds, where, and how grave; that it finds nothing in good documents and never fails."""

import io
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver import FeatureNotSupported, InvalidDidDocument, InvalidOptions, Options, Resolver
from resolver.__main__ import main
from resolver.documents.document import MAX_DOCUMENT_BYTES, read_document
from resolver.documents.members import DID_V1, DID_V1_1, RELATIONSHIPS
from resolver.encoding import encode_base58btc, encode_varint
from resolver.lint.findings import MAX_WARNINGS, Finding, Severity, lint, lint_bytes, warnings_of
from resolver.lint.omissions import without_omissions
from resolver.lint.rules import RULES, RULES_FOR_ACCEPTED
from resolver.lint.terms import CONTEXTS, terms_of
from resolver.lint_command import lint_target
from resolver.methods.formats import FORMATS
from resolver.results import Fetched, FetchPlan, JsonObject
from tests.resolver.methods.test_did_pkh import VECTORS as PKH_VECTORS
from tests.vectors import vectors
from wire import encode

ROOT = Path(__file__).parents[2]
DOCUMENTATION = ROOT / "docs/did-lint.md"
DID = "did:web:example.com"
ED25519 = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
X25519 = "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
BLS12_381_G2 = (
    "zUC7EK3ZakmukHhuncwkbySmomv3FmrkmS36E4Ks5rsb6VQSRpoCrx6Hb8e2Nk6UvJFSdyw9NK1scFXJp21gNNYFjVWNgaqyGnkyhtagagCpQb5"
    "B7tagJu3HDbjQ8h5ypoHjwBb"
)
NO_POINT_OF_BLS = "z" + encode_base58btc(encode_varint(0xEB) + bytes(96))
SR25519 = "z" + encode_base58btc(encode_varint(0xEF) + bytes(32))
NOW = 1_790_000_000.0  # in 2026
METHOD = {"id": f"{DID}#key", "type": "Multikey", "controller": DID, "publicKeyMultibase": ED25519}
SERVICE = {"id": f"{DID}#s", "type": "DIDCommMessaging", "serviceEndpoint": "https://a.example"}


def document(**members: Any) -> JsonObject:
    good = {
        "@context": [DID_V1_1, "https://didcomm.org/messaging/contexts/v2"],
        "id": DID,
        "verificationMethod": [METHOD],
        "assertionMethod": [f"{DID}#key"],
        "service": [SERVICE],
    }
    return {name: value for name, value in (good | members).items() if value is not ...}


def method(**members: Any) -> JsonObject:
    changed = {name: value for name, value in (METHOD | members).items() if value is not ...}
    return document(verificationMethod=[changed])


def found(document: JsonObject) -> list[tuple[str, str, str]]:
    return [(finding.severity.value, finding.code, finding.pointer) for finding in lint(document, now=NOW)]


def test_a_good_document_has_no_findings() -> None:
    assert lint(document(), now=NOW) == []
    assert lint_bytes(encode(document()), now=NOW) == []
    assert warnings_of(document(), now=NOW) == []


SERVICES = "SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHBzOi8vYS5leGFtcGxlIiwiYSI6WyJkaWRjb21tL3YyIl0sInIiOltdfX0"
KEYS = [vector["did"] for vector in vectors("did-key-positive")]
JWKS = [vector["did"] for vector in vectors("did-jwk-cases") if vector["expect"] == "ok"]
PEERS = [f"did:peer:0{ED25519}", f"did:peer:0{X25519}", f"did:peer:2.V{ED25519}.E{X25519}.{SERVICES}"]


@pytest.mark.parametrize("form", [None, *FORMATS])
@pytest.mark.parametrize("did", KEYS + JWKS + PEERS + [f"did:pkh:{account}" for account, _ in PKH_VECTORS])
def test_the_documents_that_we_make_have_no_findings_but_for_what_is_old_or_rare(
    did: str, form: str | None
) -> None:
    options = Options(public_key_format=form, enable_experimental_public_key_types=True)
    try:
        resolved = Resolver().resolve_local(did, options)
    except (InvalidOptions, FeatureNotSupported):
        return  # A key of this type, or a method, has no such form.

    assert resolved is not None
    assert resolved.document is not None
    findings = lint(resolved.document, now=NOW)
    assert {finding.severity for finding in findings} <= {Severity.HINT}
    assert {finding.code for finding in findings} <= {"superseded-type", "unchecked-key"}


VM = "/verificationMethod/0"
SCOPED = {"DIDCommMessaging": {"@id": "x:y", "@context": {"p": "x:p"}}}


@pytest.mark.parametrize(
    ("doubtful", "finding"),
    [
        (method(secretKeyMultibase="z"), ("error", "private-key", VM)),
        (document(x=[{"a/b~c": {"kty": "oct", "k": "x"}}]), ("error", "private-key", "/x/0/a~1b~0c")),
        (document(x=[["-----BEGIN PRIVATE KEY-----"]]), ("error", "private-key", "")),
        (document(y={"z": "-----BEGIN PRIVATE KEY-----"}), ("error", "private-key", "/y")),
        (document(y={"-----BEGIN PRIVATE KEY-----": "z"}), ("error", "private-key", "/y")),
        (
            document(**{"@context": [DID_V1, {"a": {"kty": "oct", "k": "x"}}]}),
            ("error", "private-key", "/@context/1/a"),
        ),
        (
            document(verificationMethod=[METHOD, METHOD]),
            ("error", "duplicate-id", "/verificationMethod/1/id"),
        ),
        (
            document(verificationMethod=[METHOD, METHOD | {"id": "#key"}]),
            ("error", "duplicate-id", "/verificationMethod/1/id"),
        ),
        (document(authentication=[METHOD | {"x": 1}]), ("error", "duplicate-id", "/authentication/0/id")),
        (document(authentication=[METHOD, METHOD]), ("error", "duplicate-id", "/authentication/1/id")),
        (document(service=[SERVICE, SERVICE]), ("error", "duplicate-id", "/service/1/id")),
        (document(keyAgreement=["#none"]), ("error", "dangling-reference", "/keyAgreement/0")),
        (document(keyAgreement=[f"{DID}#none"]), ("error", "dangling-reference", "/keyAgreement/0")),
        (document(keyAgreement=["key"]), ("error", "dangling-reference", "/keyAgreement/0")),
        (method(publicKeyMultibase="z6Mk"), ("error", "undecodable-key", VM)),
        (method(publicKeyMultibase=5), ("error", "undecodable-key", VM)),
        (method(type="Ed25519VerificationKey2018", publicKeyBase58="2"), ("error", "undecodable-key", VM)),
        (method(publicKeyMultibase=BLS12_381_G2), ("hint", "unchecked-key", VM)),
        (method(publicKeyMultibase=NO_POINT_OF_BLS), ("hint", "unchecked-key", VM)),
        (method(publicKeyMultibase=SR25519), ("hint", "unchecked-key", VM)),
        (method(publicKeyMultibase=...), ("error", "undecodable-key", VM)),
        (
            method(type="JsonWebKey", publicKeyMultibase=..., publicKeyJwk={"kty": "EC"}),
            ("error", "undecodable-key", VM),
        ),
        (method(publicKeyMultibase=X25519), ("warning", "unusable-relationship", VM)),
        (method(expires="2020-01-01T00:00:00Z"), ("warning", "expired-key", f"{VM}/expires")),
        (method(revoked="2026-01-01T00:00:00.5+02:00"), ("warning", "revoked-key", f"{VM}/revoked")),
        (method(expires="2020-01-01T00:00:00"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="2020-01-01"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="20200101T000000Z"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="2020-W01-1T00:00:00Z"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="0001-01-01T00:00:00+23:59"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="2025-12-31T24:00:00Z"), ("warning", "expired-key", f"{VM}/expires")),
        (method(expires="2020-12-31T24:00:01Z"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(expires="9999-12-31T24:00:00Z"), ("warning", "malformed-date", f"{VM}/expires")),
        (method(revoked=True), ("warning", "malformed-date", f"{VM}/revoked")),
        (document(publicKey=[]), ("warning", "legacy-public-key", "/publicKey")),
        (method(id="did:web:other.example#key"), ("warning", "foreign-method", f"{VM}/id")),
        (method(controller="did:web:other.example"), ("warning", "foreign-controller", f"{VM}/controller")),
        (method(type="Strange2031"), ("warning", "unknown-type", f"{VM}/type")),
        (method(type="Ed25519VerificationKey2018"), ("hint", "superseded-type", f"{VM}/type")),
        (method(type="Secp256k1VerificationKey2018"), ("hint", "superseded-type", f"{VM}/type")),
        (document(**{"@context": ...}), ("hint", "no-context", "")),
        (
            document(**{"@context": ["https://w3id.org/security/v2", DID_V1]}),
            ("warning", "context-order", "/@context"),
        ),
        (
            document(**{"@context": [DID_V1_1, "https://own.example/v1"]}),
            ("hint", "unknown-context", "/@context/1"),
        ),
        (document(**{"@context": DID_V1}), ("warning", "undefined-term", f"{VM}/publicKeyMultibase")),
        (document(**{"@context": DID_V1}), ("warning", "undefined-type", f"{VM}/type")),
        (document(**{"@context": DID_V1_1}), ("hint", "undefined-type", "/service/0/type")),
        (document(extra=1), ("warning", "undefined-term", "/extra")),
        (document(**{"x" * 65: 1}), ("warning", "undefined-term", "")),
        (document(service=[SERVICE | {"priority": 1}]), ("warning", "undefined-term", "/service/0/priority")),
        (method(id="#key"), ("warning", "relative-id", f"{VM}/id")),
        (document(assertionMethod=["#key"]), ("warning", "relative-id", "/assertionMethod/0")),
        (document(service=[SERVICE | {"id": "s"}]), ("warning", "relative-id", "/service/0/id")),
        (document(assertionMethod=[]), ("hint", "unused-method", VM)),
        (document(id="https://a.example"), ("error", "no-did", "/id")),
        (document(id=...), ("error", "no-did", "/id")),
    ],
)
def test_what_is_doubtful_is_found_in_its_place(doubtful: JsonObject, finding: tuple[str, str, str]) -> None:
    assert finding in found(doubtful)


@pytest.mark.parametrize(
    "fine",
    [
        document(keyAgreement=["did:web:other.example#key"]),
        document(authentication=[METHOD | {"id": f"{DID}#embedded"}]),
        method(expires="2099-01-01T00:00:00Z", revoked="2098-12-31T23:59:59+02:00"),
        document(**{"@context": [DID_V1_1, {"@vocab": "https://own.example/"}]}, anything={"x": 1}),
        document(**{"@context": [DID_V1_1, {"extra": "x:extra", "DIDCommMessaging": "x:y"}]}, extra=1),
        document(**{"@context": [DID_V1_1, SCOPED]}, service=[SERVICE | {"p": 1}]),
        document(**{"x:extra": 1, "https://own.example/extra": 2}),
        document(service=[SERVICE | {"type": "https://own.example/Type"}]),
    ],
)
def test_what_is_fine_is_not_complained_of(fine: JsonObject) -> None:
    assert found(fine) == []


def test_nothing_is_said_of_terms_where_a_context_is_not_known() -> None:
    codes = {code for _, code, _ in found(document(**{"@context": [DID_V1, "https://own.example"]}, extra=1))}

    assert codes == {"unknown-context"}


def test_a_key_in_a_method_is_told_of_once() -> None:
    secret = method(type="JsonWebKey", publicKeyMultibase=..., publicKeyJwk={"kty": "OKP", "d": "x"})

    assert [finding for finding in found(secret) if finding[1] == "private-key"] == [
        ("error", "private-key", VM)
    ]


def jwk(**members: Any) -> JsonObject:
    return method(type="JsonWebKey", publicKeyMultibase=..., publicKeyJwk=members)


@pytest.mark.parametrize(
    ("doubtful", "code"),
    [
        (jwk(kty="oct", k="AA"), "private-key"),
        (jwk(kty="OKP", crv="Ed25519", x="AA", d="AA"), "private-key"),
        (method(publicKeyMultibase="z3u2en7t5LR2WtQH5PfFqMqwVHgeXouLzo6haApm8XHqvjxq"), "private-key"),
        (method(publicKeyMultibase="f00"), "private-key"),
        (method(publicKeyMultibase=5), "undecodable-key"),
        (method(type="JsonWebKey2020", publicKeyMultibase=..., publicKeyJwk="x"), "undecodable-key"),
    ],
)
def test_a_key_with_one_fault_has_one_error(doubtful: JsonObject, code: str) -> None:
    errors = [finding for finding in found(doubtful) if finding[0] == "error"]

    assert errors == [("error", code, VM)]


@pytest.mark.parametrize(
    ("kty", "crv"),
    [
        ("okp", "Ed25519"),
        ("OKP", "ed25519"),
        ("EC", "Ed25519"),
        ("OKP", "P-256"),
        ("OKP", "Nope"),
        ("FOO", ""),
    ],
)
def test_a_typing_mistake_in_a_jwk_is_an_error(kty: str, crv: str) -> None:
    assert ("error", "undecodable-key", VM) in found(jwk(kty=kty, crv=crv, x="AA", y="AA"))


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "OKP", "crv": "X448", "x": "AA"},
        {"kty": "EC", "crv": "BLS12381G2", "x": "AA", "y": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    ],
    ids=str,
)
def test_a_jwk_of_a_type_that_others_know_is_not_checked(key: JsonObject) -> None:
    assert found(jwk(**key)) == [("hint", "unchecked-key", VM)]


@pytest.mark.parametrize("account", [account for account, _ in PKH_VECTORS])
def test_of_a_document_that_nobody_can_change_nothing_is_advised(account: str) -> None:
    resolved = Resolver().resolve_local(f"did:pkh:{account}")

    assert resolved is not None
    assert resolved.document is not None
    assert lint(resolved.document, now=NOW) == []


def test_without_the_time_nothing_has_expired() -> None:
    assert lint(method(expires="2020-01-01T00:00:00Z")) == []


def test_the_advice_names_the_context_that_is_missing() -> None:
    advice = {finding.advice for finding in lint(document(**{"@context": DID_V1}))}

    assert "add https://w3id.org/security/multikey/v1 to @context" in advice


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "not-json"),
        (b"[]", "not-json"),
        (b'{"id":"did:web:example.com","id":"did:web:example.com"}', "not-json"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "not-json"),
        (b"[" * 1_000, "not-json"),
        (encode(document(controller=5)), "refused"),
        (encode(document(service={})), "refused"),
        (encode({"id": 5}), "no-did"),
    ],
)
def test_what_resolvers_refuse_is_an_error(body: bytes, code: str) -> None:
    first = lint_bytes(body)[0]

    assert (first.severity, first.code) == (Severity.ERROR, code)


def test_the_gravest_come_first() -> None:
    order = [severity for severity, _, _ in found(document(x=1, keyAgreement=["#none"], assertionMethod=[]))]

    assert order == sorted(order, key=["error", "warning", "hint"].index)
    assert set(order) == {"error", "warning", "hint"}


def test_warnings_are_json_without_hints_and_bounded() -> None:
    many = document(verificationMethod=[METHOD | {"id": f"#{n}"} for n in range(200)], assertionMethod=[])

    warnings = warnings_of(many)

    assert len(warnings) == MAX_WARNINGS
    assert {warning["severity"] for warning in warnings} == {"warning"}
    assert warnings[0] == {
        "code": "relative-id",
        "pointer": "/verificationMethod/0/id",
        "severity": "warning",
        "detail": "relative: not all software makes it absolute",
        "advice": f"write {DID}#...",
    }


def test_what_a_document_says_is_repeated_shortened() -> None:
    name = "\x1b[31m" + "x" * 100_000

    finding = next(finding for finding in lint(method(type=name)) if finding.code == "unknown-type")

    assert len(finding.detail) < 200
    assert "\x1b" not in finding.detail


@pytest.mark.parametrize(
    "worst",
    [
        document(authentication=[f"{DID}#key"] * 8_000),
        document(authentication=["a:b"] * 40_000),
        document(**{f"{n}:": 1 for n in range(24_000)}),
        document(verificationMethod=[METHOD | {"id": f"{DID}#{n}"} for n in range(256)]),
        document(x=[{}] * 60_000),
        document(**{"@context": [DID_V1_1, {f"t{n}": "a:b" for n in range(15_000)}]}),
        document(**{"@context": [DID_V1_1] * 7_000}),
    ],
    ids=["references", "foreign references", "members", "methods", "maps", "definitions", "contexts"],
)
def test_warnings_cost_little_at_worst(worst: JsonObject) -> None:
    """Ten milliseconds on a quiet machine, and room for a slow one: what is quadratic takes seconds."""
    assert len(encode(worst)) <= MAX_DOCUMENT_BYTES
    began = time.process_time()

    warnings_of(worst, now=NOW)

    assert time.process_time() - began < 0.2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([DID, "#key", f"{DID}#key", DID_V1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "controller", "expires", "@context", "kty", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "@context",
        "verificationMethod",
        "service",
        "publicKey",
        "alsoKnownAs",
        "controller",
        "x",
        *RELATIONSHIPS,
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # A busy machine is no fault of ours.
@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_any_json_can_be_linted_and_what_is_refused_is_an_error(members: JsonObject) -> None:
    body = encode({**members, "id": DID})

    findings = lint_bytes(body, now=NOW)

    json.dumps([finding.as_json() for finding in findings])
    try:
        accepted = read_document(body, DID)
    except InvalidDidDocument:
        assert any(finding.severity is Severity.ERROR for finding in findings)
    else:
        warnings = warnings_of(accepted, now=NOW)
        grave = [finding.as_json() for finding in findings if finding.severity is not Severity.HINT]
        assert all(warning in grave for warning in warnings)


def test_the_rules_left_out_for_accepted_documents_find_nothing_in_them_or_hints() -> None:
    left_out = {rule.__name__ for rule in RULES if rule not in RULES_FOR_ACCEPTED}

    assert left_out == {"private_keys", "duplicate_ids", "_omissions", "service_types", "unused_methods"}


@pytest.mark.parametrize("url", CONTEXTS)
def test_each_context_defines_what_its_own_types_use(url: str) -> None:
    terms = terms_of([DID_V1, url])

    for kind, members in CONTEXTS[url].by_type.items():
        assert terms.defines_type(kind)
        assert all(terms.defines(member, [kind]) for member in members)
    assert not terms.defines("anything", list(CONTEXTS[url].by_type))


NULL_SECRETS = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik",
    "d": None,
    "kid": None,
}


@pytest.mark.parametrize(
    ("served", "pointers", "kept"),
    [
        (document(alsoKnownAs="word"), ["/alsoKnownAs"], document()),
        (document(alsoKnownAs="https://a.example"), ["/alsoKnownAs"], document()),
        (document(alsoKnownAs={"a": 1}), ["/alsoKnownAs"], document()),
        (document(alsoKnownAs=[None, 5, []]), [f"/alsoKnownAs/{n}" for n in range(3)], document()),
        (
            document(alsoKnownAs=[None, "https://a.example"]),
            ["/alsoKnownAs/0"],
            document(alsoKnownAs=["https://a.example"]),
        ),
        (
            method(type="JsonWebKey", publicKeyMultibase=..., publicKeyJwk=NULL_SECRETS),
            [f"{VM}/publicKeyJwk/kid", f"{VM}/publicKeyJwk/d"],
            method(
                type="JsonWebKey",
                publicKeyMultibase=...,
                publicKeyJwk={name: value for name, value in NULL_SECRETS.items() if value is not None},
            ),
        ),
        (method(privateKeyBase58=None), [f"{VM}/privateKeyBase58"], document()),
    ],
)
def test_what_says_nothing_is_left_out_and_told(
    served: JsonObject, pointers: list[str], kept: JsonObject
) -> None:
    """A null hides no key, and an alias that is none names nobody: the keys beside them are sound."""
    passed_on, told = without_omissions(read_document(encode(served), DID))

    assert passed_on == kept
    assert [finding["pointer"] for finding in told] == pointers
    assert not [finding for finding in found(served) if finding[0] == "error"]


def test_a_finding_is_told_with_its_place_and_what_to_do() -> None:
    finding = Finding("a-code", "/a", Severity.HINT, "what", "do")

    assert finding.as_json() == {
        "code": "a-code",
        "pointer": "/a",
        "severity": "hint",
        "detail": "what",
        "advice": "do",
    }


def test_every_code_is_documented_and_no_other() -> None:
    documented = re.findall(
        r"`([a-z]+(?:-[a-z]+)+|refused)`(?=[^|]*\| (?:error|warning|hint))", DOCUMENTATION.read_text()
    )
    rules = ["lint/key_rules", "lint/reference_rules", "lint/rules", "lint/term_rules"]
    places = ["lint/findings", "lint/omissions", *rules, "methods/web"]
    code = "".join((ROOT / f"resolver/{name}.py").read_text() for name in places)
    used = set(re.findall(r'(?:Finding|_refusal)\(\s*f?"([^"]+)"', code))

    assert set(documented) == (used - {"{_PAST[name]}-key"}) | {"expired-key", "revoked-key"}


def run(target: str, *options: str) -> int:
    return main([target, "--lint", *options])


def test_the_command_prints_a_table_and_tells_by_its_status(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "did.json"
    file.write_bytes(encode(document(keyAgreement=["#none"], extra="\x1b[31m", **{"\x9b\u202e": 1})))

    assert run(str(file)) == 1

    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["error", "dangling-reference", "/keyAgreement/0", *THERE_IS_NONE]
    assert out.splitlines()[1].strip() == "-> add the method, or drop the reference"
    assert all(character.isprintable() and character.isascii() for character in out.replace("\n", ""))


THERE_IS_NONE = ["there", "is", "no", "verification", "method", "with", "this", "id"]


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--strict",), 1)])
def test_warnings_fail_where_they_are_meant_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], status: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encode(method(id="#key")))))

    assert run("-", "--json", *options) == status

    codes = [finding["code"] for finding in json.loads(capsys.readouterr().out)]
    assert codes == ["relative-id"]


@pytest.mark.parametrize(
    ("target", "status", "out"),
    [
        (f"did:key:{ED25519}", 0, "nothing found\n"),
        ("did:key:z6Mk", 1, ""),
        ("did:none:x", 1, ""),
        ("/nowhere/did.json", 2, ""),
        ("/", 2, ""),
    ],
)
def test_what_cannot_be_linted_is_told_on_stderr(
    capsys: pytest.CaptureFixture[str], target: str, status: int, out: str
) -> None:
    assert run(target) == status

    told = capsys.readouterr()
    assert told.out == out
    assert bool(told.err) is (status != 0)


def test_what_a_resolution_tells_of_how_a_document_was_served_is_among_the_findings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The document that is passed on no longer has what was left out of it."""
    served = document(keyAgreement=None, alsoKnownAs=["word"], authentication=["#key"])

    async def fetch(plan: FetchPlan, headers: object = None) -> Fetched:
        return Fetched(status=200, headers={"content-type": "text/plain"}, body=encode(served))

    status = lint_target(DID, as_json=True, make_resolver=lambda: Resolver(fetcher=fetch))

    findings = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [finding["code"] for finding in findings] == [
        "media-type",
        "null-member",
        "malformed-alias",
        "relative-id",
    ]
