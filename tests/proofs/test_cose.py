"""COSE_Sign1: ours, the vectors of the working groups, and forgeries."""

import base64
import itertools
import subprocess
import sys
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proofs import Algorithm, KeySigner, MalformedProof, ProofInvalid, sign_with
from proofs.certificates.chains import MAX_CHAIN_BYTES
from proofs.cose import KID, MAX_HEADERS_BYTES, X5CHAIN, read_sign1, sign1, verify_sign1
from tests.proofs.documents import KEYS, SIGNERS
from wire.cbor import read_cbor

PAYLOAD = b"This is the content."
each_algorithm = pytest.mark.parametrize("algorithm", Algorithm)


def point(curve: ec.EllipticCurve, x: str, y: str) -> ec.EllipticCurvePublicKey:
    """Return the key with the coordinates of a JWK."""
    numbers = [int.from_bytes(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (x, y)]
    return ec.EllipticCurvePublicNumbers(numbers[0], numbers[1], curve).public_key()


KEY_11 = point(
    ec.SECP256R1(),
    "usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8",
    "IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4",
)
KEY_P384 = point(
    ec.SECP384R1(),
    "kTJyP2KSsBBhnb4kjWmMF7WHVsY55xUPgb7k64rDcjatChoZ1nvjKmYmPh5STRKc",
    "mM0weMVU2DKsYDxDJkEP9hZiRZtB8fPfXbzINZj_fF7YQRynNWedHEyzAJOX2e8s",
)
KEY_ED25519 = Ed25519PublicKey.from_public_bytes(
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
)
CONTENT = "54546869732069732074686520636f6e74656e742e"  # PAYLOAD as a byte string
R_OF_11 = "eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1"  # R of most examples with key 11

# cose-wg/Examples: the key that each verifies with, and the bytes.
PASS: dict[str, tuple[object, str]] = {
    "ecdsa-examples/ecdsa-sig-01": (
        KEY_11,
        f"d28445a201260300a104423131{CONTENT}5840{R_OF_11}"
        "72727f48461fabbba2e343492ddecac3983686250bc68e9f1a7a07d41225b59f",
    ),
    "ecdsa-examples/ecdsa-sig-02": (
        KEY_P384,
        f"d28444a1013822a1044450333834{CONTENT}5860"
        "b8f85eff78c88f5351ced2f1887b79b296490795594b62e41e22529bb90208b7d8cddd4a46d0e9c986464d83d0a5d1ed"
        "f39b3e2c5750364230d0e8d76460d8808e76c83830fbbd1978cc174066eb437f17887979ecf027dcc9d51baf6c4fd8c0",
    ),
    "eddsa-examples/eddsa-sig-01": (
        KEY_ED25519,
        f"d28445a201270300a104423131{CONTENT}5840"
        "7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87"
        "11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d",
    ),
    "sign1-tests/sign-pass-03 (without the tag)": (
        KEY_11,
        f"8443a10126a104423131{CONTENT}5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
    ),
}
# The same working group's, which must not verify, and why they do not here.
FAIL: dict[str, tuple[str, str]] = {
    "sign1-tests/sign-fail-01 (another tag)": (
        f"d903e68443a10126a104423131{CONTENT}5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
        "a tag is not read here",
    ),
    "sign1-tests/sign-fail-02 (changed content)": (
        f"d28443a10126a104423131{CONTENT[:-2]}2f5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
        "not this key's",
    ),
    "sign1-tests/sign-fail-03 (another alg)": (
        f"d28445a1013903e6a104423131{CONTENT}5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
        "expected alg",
    ),
    "sign1-tests/sign-fail-04 (alg is a text)": (
        f"d2844aa10167756e6b6e6f776ea104423131{CONTENT}5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
        "expected alg",
    ),
    "sign1-tests/sign-fail-06 (a protected label added)": (
        f"d28445a201260300a104423131{CONTENT}5840{R_OF_11}"
        "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
        "not this key's",
    ),
    "sign1-tests/sign-fail-07 (a protected label taken away)": (
        f"d28443a10126a104423131{CONTENT}5840{R_OF_11}"
        "72727f48461fabbba2e343492ddecac3983686250bc68e9f1a7a07d41225b59f",
        "not this key's",
    ),
    # Good by the standard, and refused here.
    "sign1-tests/sign-pass-01 (alg unprotected)": (
        f"d28441a0a20126044231 31{CONTENT}5840{R_OF_11}"
        "1a02e5f0344bf2d4ee5c7fd75a68a9f5e0b3cc1f1fc1409c189566586ff9d610",
        "expected alg in the protected header",
    ),
    "sign1-tests/sign-pass-02 (external data)": (
        f"d28443a10126a104423131{CONTENT}5840{R_OF_11}"
        "55388b10c4f1b59a6733eab416870a945111a4b2fbdbef33a77234b1deff2f9b",
        "not this key's",
    ),
    "ecdsa-examples/ecdsa-sig-04 (P-256 with SHA-512)": (
        f"d28444a1013823a104423131{CONTENT}5840{R_OF_11}"
        "4a37288571498a1b64ba08d2063b8749d75cdc9d7f61eb752d23819473f6bd65",
        "expected alg",
    ),
}


@pytest.mark.parametrize("name", PASS)
def test_an_example_of_the_working_group_verifies(name: str) -> None:
    key, encoded = PASS[name]

    assert verify_sign1(bytes.fromhex(encoded), key).payload == PAYLOAD


@pytest.mark.parametrize("name", FAIL)
def test_an_example_that_must_fail_does(name: str) -> None:
    encoded, reason = FAIL[name]

    with pytest.raises((MalformedProof, ProofInvalid), match=reason):
        verify_sign1(bytes.fromhex(encoded), KEY_11)


def test_the_signed_status_list_of_the_draft_verifies() -> None:
    """draft-ietf-oauth-status-list, section 5.2 (examples/status_list_cwt.md), with the key of its src/util.py."""
    key = point(
        ec.SECP256R1(),
        "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
        "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
    )
    token = bytes.fromhex(
        "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b63"
        "7774a1044231325850a502782168747470733a2f2f6578616d706c652e636f6d2f73"
        "74617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda2"
        "646269747301636c73744a78dadbb918000217015d584093fa4d01032b18c35e2fe1"
        "101b77fd6cc9440022caa4694450c4e4e9feab4e99d1fa6d9772ce2bf3a12e0323de"
        "d7c982c5e101a5e67f0cbc1e2b6f57ce99c279"
    )

    found = verify_sign1(token, key)

    assert found.protected == {1: -7, 16: "application/statuslist+cwt"}
    assert found.unprotected == {4: b"12"}
    assert read_cbor(found.payload, max_bytes=1_000) == {
        2: "https://example.com/statuslists/1",
        6: 1_686_920_170,
        4: 2_291_720_170,
        65_534: 43_200,
        65_533: {"bits": 1, "lst": bytes.fromhex("78dadbb918000217015d")},
    }


@each_algorithm
def test_ours_verifies_and_names_its_algorithm_and_its_key(algorithm: Algorithm) -> None:
    signer = SIGNERS[algorithm]

    found = verify_sign1(sign1(PAYLOAD, signer, protected={16: "application/x"}), signer.public_key)

    assert found.payload == PAYLOAD
    assert found.protected == {1: {"Ed25519": -8, "P-256": -7, "P-384": -35}[algorithm], 16: "application/x"}
    assert found.unprotected == {KID: signer.jws_key_id.encode()}
    assert found.key_id == signer.jws_key_id.encode()
    assert found.certificates == ()


@each_algorithm
def test_ours_is_the_same_each_time_and_is_tagged(algorithm: Algorithm) -> None:
    first = sign1(PAYLOAD, SIGNERS[algorithm], protected={33: b"b", 16: "a"})

    assert first == sign1(PAYLOAD, SIGNERS[algorithm], protected={16: "a", 33: b"b"})
    assert first[:2] == b"\xd2\x84"


def test_what_is_signed_is_what_another_library_encodes() -> None:
    """RFC 9052, section 4.4, written out by cbor2 alone."""
    token = sign1(PAYLOAD, SIGNERS[Algorithm.P256])
    header, _, payload, signature = cbor2.loads(token).value

    assert header == b"\xa1\x01\x26"
    assert signature == sign_with(KEYS[Algorithm.P256], cbor2.dumps(["Signature1", header, b"", payload]))


@pytest.mark.parametrize("certificates", [(b"leaf",), (b"leaf", b"intermediate")], ids=["one", "two"])
def test_certificates_that_name_the_key_are_in_the_protected_header(certificates: tuple[bytes, ...]) -> None:
    """RFC 9360, section 2: one stands alone, several in an array, the leaf first. ISO/IEC 18013-5: protected."""
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=certificates)

    found = read_sign1(sign1(PAYLOAD, signer, key_name="certificates"), max_bytes=1_000)

    assert found.unprotected == {}
    assert found.protected[X5CHAIN] == (b"leaf" if len(certificates) == 1 else list(certificates))
    assert found.certificates == certificates


def test_a_key_that_has_certificates_is_named_by_its_did_url_unless_asked_otherwise() -> None:
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=(b"leaf",))

    found = read_sign1(sign1(PAYLOAD, signer), max_bytes=1_000)

    assert found.unprotected == {KID: b"did:web:a.example#k"}


def test_a_key_without_certificates_cannot_be_named_by_them() -> None:
    with pytest.raises(ValueError, match="has no certificates"):
        sign1(PAYLOAD, SIGNERS[Algorithm.P256], key_name="certificates")


def test_the_caller_cannot_choose_the_algorithm() -> None:
    with pytest.raises(ValueError, match="alg"):
        sign1(PAYLOAD, SIGNERS[Algorithm.P256], protected={1: -8})


@pytest.mark.parametrize(
    ("protected", "why"),
    [
        ({4: b"k"}, "in both headers"),
        ({2: [16]}, "crit"),
        ({"long": bytes(MAX_HEADERS_BYTES)}, "the headers have over"),
        ({"big": 2**64}, "a tag"),
        ({"set": {1, 2}}, "a tag"),
        ({False: 1}, "neither integer, text nor bytes"),
        ({b"k": 1}, "neither integer nor text"),
    ],
    ids=["kid", "crit", "long", "big integer", "set", "boolean label", "label of bytes"],
)
def test_what_nobody_here_would_read_is_not_signed(protected: dict[Any, Any], why: str) -> None:
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=(b"leaf",))

    with pytest.raises(ValueError, match=why):
        sign1(PAYLOAD, signer, protected=protected)


def test_certificates_that_the_header_has_no_room_for_are_not_signed() -> None:
    signer = KeySigner(
        KEYS[Algorithm.P256], "did:web:a.example#k", certificates=(bytes(MAX_HEADERS_BYTES), b"another")
    )

    with pytest.raises(ValueError, match="the headers have over"):
        sign1(PAYLOAD, signer, key_name="certificates")


def test_the_longest_chain_that_is_imported_is_read() -> None:
    chain = tuple(bytes(MAX_CHAIN_BYTES // 4) for _ in range(4))
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#key-1", certificates=chain)

    message = sign1(PAYLOAD, signer, key_name="certificates")

    assert verify_sign1(message, KEYS[Algorithm.P256].public_key()).certificates == chain


def signed(header: Any, unprotected: Any = None, algorithm: Algorithm = Algorithm.ED25519) -> bytes:
    """Sign any header, as an issuer who means harm can."""
    protected = header if isinstance(header, bytes) else cbor2.dumps(header)
    signature = sign_with(KEYS[algorithm], cbor2.dumps(["Signature1", protected, b"", PAYLOAD]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, PAYLOAD, signature]))


@pytest.mark.parametrize(
    ("algorithm", "number"),
    [(Algorithm.ED25519, -19), (Algorithm.P256, -9), (Algorithm.P384, -51)],
    ids=str,
)
def test_the_fully_specified_names_verify(algorithm: Algorithm, number: int) -> None:
    """RFC 9864, section 2: of the same meaning with these keys."""
    verify_sign1(signed({1: number}, algorithm=algorithm), KEYS[algorithm].public_key())


@pytest.mark.parametrize(("named", "used"), list(itertools.permutations(Algorithm, 2)), ids=str)
def test_a_key_verifies_no_algorithm_but_its_own(named: Algorithm, used: Algorithm) -> None:
    """The header names the algorithm of one key, the signature is good under another key."""
    with pytest.raises(ProofInvalid, match="the key needs alg"):
        verify_sign1(signed({1: named.cose}, algorithm=used), KEYS[used].public_key())


MALFORMED: dict[str, tuple[Any, Any, str]] = {
    "no alg": ({}, None, "expected alg"),
    "an empty header": (b"", None, "expected alg"),
    "alg as a text": ({1: "EdDSA"}, None, "expected alg"),
    "alg of a MAC": ({1: 5}, None, "expected alg"),
    "alg true": ({1: True}, None, "expected alg"),
    "alg as a number with a point": ({1: -8.0}, None, "expected alg"),
    "alg in the other header": ({}, {1: -8}, "expected alg"),
    "alg in both headers": ({1: -8}, {1: -8}, "both headers"),
    "kid in both headers": ({1: -8, 4: b"a"}, {4: b"b"}, "both headers"),
    "crit": ({1: -8, 2: [16], 16: "x"}, None, "crit"),
    "crit unprotected": ({1: -8}, {2: [16]}, "crit"),
    "a label of bytes": ({1: -8, b"x": 1}, None, "label"),
    "alg under true": ({True: -8}, None, "neither integer, text nor bytes"),
    "alg twice": (bytes.fromhex("a201270127"), None, "Duplicate"),
    "a header that is an array": ([1, -8], None, "not a map"),
    "a header that is cut off": (bytes.fromhex("a101"), None, "cut off"),
    "bytes after the header": (bytes.fromhex("a1012700"), None, "bytes after the end"),
    "an indefinite header": (bytes.fromhex("bf0127ff"), None, "indefinite"),
    "a tag in the header": (bytes.fromhex("a201271863c100"), None, "tag"),
    "a tag in the other header": ({1: -8}, {99: cbor2.CBORTag(0, "x")}, "tag"),
    "kid as a text": ({1: -8, 4: "x"}, None, "kid as bytes"),
    "kid null": ({1: -8, 4: None}, None, "kid as bytes"),
    "x5chain as a text": ({1: -8}, {33: "x"}, "x5chain"),
    "x5chain of one in an array": ({1: -8}, {33: [b"x"]}, "x5chain"),
    "x5chain of none": ({1: -8}, {33: []}, "x5chain"),
    "x5chain with a text in it": ({1: -8}, {33: [b"x", b"y", "z"]}, "x5chain"),
    "a header of 20 kB": ({1: -8, 99: b"x" * 20_000}, None, "over 16384 bytes"),
    "another header of 20 kB": ({1: -8}, {99: b"x" * 20_000}, "over 16384 bytes"),
    "headers of 2,000 items": ({1: -8}, {99: [1] * 2_000}, "over 1000 items"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_header_that_we_do_not_read_exactly_is_refused(name: str) -> None:
    header, unprotected, reason = MALFORMED[name]

    with pytest.raises(MalformedProof, match=reason):
        verify_sign1(signed(header, unprotected), KEYS[Algorithm.ED25519].public_key())


@pytest.mark.parametrize(
    "outer",
    [
        [],
        [b"", {}, PAYLOAD],
        [b"", {}, PAYLOAD, b"s", b"more"],
        [{}, {}, PAYLOAD, b"s"],
        [b"", [], PAYLOAD, b"s"],
        [b"", {}, None, b"s"],
        [b"", {}, "text", b"s"],
        [b"", {}, PAYLOAD, [b"s"]],
        {1: 2},
        b"bytes",
    ],
    ids=repr,
)
def test_what_has_not_the_shape_of_a_sign1_is_refused(outer: Any) -> None:
    with pytest.raises(MalformedProof, match="expected a COSE_Sign1"):
        read_sign1(cbor2.dumps(outer), max_bytes=1_000)


@pytest.mark.parametrize("tags", [(18, 18), (61, 18), (17,), (98,)], ids=str)
def test_another_tag_is_refused(tags: tuple[int, ...]) -> None:
    """61 is that of a CWT, which a status list must not have; 17 that of a MAC, 98 that of several signatures."""
    wrapped: Any = cbor2.loads(signed({1: -8})).value
    for tag in reversed(tags):
        wrapped = cbor2.CBORTag(tag, wrapped)

    with pytest.raises(MalformedProof, match="tag"):
        read_sign1(cbor2.dumps(wrapped), max_bytes=1_000)


@each_algorithm
def test_another_key_does_not_verify(algorithm: Algorithm) -> None:
    other: Any = {
        Algorithm.ED25519: KEY_ED25519,
        Algorithm.P256: KEY_11,
        Algorithm.P384: KEY_P384,
    }[algorithm]

    with pytest.raises(ProofInvalid, match="not this key's"):
        verify_sign1(sign1(PAYLOAD, SIGNERS[algorithm]), other)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048).public_key(), b"secret", None], ids=["RSA", "bytes", "None"]
)
def test_a_key_of_another_kind_verifies_nothing(key: object) -> None:
    with pytest.raises(ProofInvalid, match="expected"):
        verify_sign1(sign1(PAYLOAD, SIGNERS[Algorithm.P256]), key)


def test_every_bit_but_those_of_the_unprotected_header_matters() -> None:
    """`kid` is a hint, and nobody signed it; RFC 9052, section 3.1."""
    signer = SIGNERS[Algorithm.ED25519]
    token = sign1(b"1", signer)
    hint = token.index(signer.jws_key_id.encode())

    for position in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[position >> 3] ^= 1 << (position & 7)
        if (
            hint <= position >> 3 < hint + len(signer.jws_key_id) or position >> 3 == hint - 3
        ):  # kid; its label
            continue
        with pytest.raises((MalformedProof, ProofInvalid)):
            verify_sign1(bytes(flipped), signer.public_key)


def test_a_token_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(MalformedProof, match="limit is 50"):
        read_sign1(sign1(PAYLOAD, SIGNERS[Algorithm.P256]), max_bytes=50)


def test_importing_proofs_does_not_load_cbor2() -> None:
    code = "import proofs, sys; sys.exit('cbor2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
