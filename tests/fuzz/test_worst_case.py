"""
What the dearest inputs cost that we accept, and what those cost that are over a cap: 10 ms and 1 ms of CPU.

`-s` prints what each case took.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP521R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from registry.trqp import read_request
from resolver import Resolver
from resolver.binding.batch import MAX_BATCH_BODY_BYTES, read_batch
from resolver.binding.batch import MAX_VALUES as MAX_BATCH_VALUES
from resolver.binding.options import read_options_body
from resolver.binding.representation import present
from resolver.did import parse_did_url
from resolver.documents.conversion import converted
from resolver.documents.dereference import dereference
from resolver.documents.document import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_VALUES, read_document
from resolver.documents.ids import relative_ids_expanded
from resolver.documents.members import DID_V1_1, KEY_MATERIAL, RELATIONSHIPS
from resolver.encoding import encode_base58btc, encode_varint
from resolver.errors import InvalidDidDocument
from resolver.keys.multikey import multibase_of, multikey_of
from resolver.keys.types import RSA
from resolver.lint.findings import warnings_of
from resolver.lint.omissions import without_omissions
from resolver.results import Resolved
from statuslist.checking.requests import EntryCheck
from statuslist.entries.requests import MAX_CHANGES_BODY_BYTES, read_changes
from tests.fuzz.answers import BASE, DID
from tests.fuzz.costs import ACCEPTED_MS, DEAR_NUMBERS, REFUSED_MS, base64url, many, milliseconds, names
from tests.keys import DEAR_DER
from tests.resolver.asking import answer_now
from wire import MalformedBody, encode, read_again, read_body
from wire.body import MAX_BODY_BYTES
from wire.json import MAX_VALUES

pytestmark = pytest.mark.slow

JSON = "application/json"
KEY = b"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
RESOLVER = Resolver()
_RSA = multikey_of(RSAPublicNumbers(65_537, (1 << 8_191) | 1).public_key()).encode()
_P521 = multikey_of(derive_private_key(1, SECP521R1()).public_key()).encode()
_DEAR = multibase_of(RSA, DEAR_DER).encode()
_OKP = '{"kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"'


def _asked(
    path: bytes, query: bytes = b"", accept: str | None = None, body: bytes = b""
) -> Callable[[], object]:
    def run() -> object:
        given = read_options_body(body, "application/json")
        return answer_now(RESOLVER, BASE + path, query, accept, given)

    return run


def _did_jwk(extra: str) -> bytes:
    return b"did:jwk:" + base64url(f"{_OKP},{extra}}}")


def _did_peer_4(document: str) -> bytes:
    encoded = "z" + encode_base58btc(encode_varint(0x0200) + document.encode())
    digest = encode_base58btc(bytes((0x12, 0x20)) + sha256(encoded.encode()).digest())
    return f"did:peer:4z{digest}:{encoded}".encode()


REQUESTS: dict[str, Callable[[], object]] = {
    "did:key of RSA 8192": _asked(b"did:key:" + _RSA),
    "did:key of RSA 8192 as a JWK": _asked(b"did%3Akey%3A" + _RSA, b"publicKeyFormat=JsonWebKey"),
    "did:key of Diffie-Hellman in the place of RSA": _asked(b"did:key:" + _DEAR),
    "1,536 characters of base58": _asked(b"did:key:z" + b"z" * 1_536),
    "did:web of 4,000 segments": _asked(b"did:web:example.com" + b":a" * 4_080),
    "did:web of 2,000 escapes": _asked(b"did:web:example.com" + b":%61" * 2_040),
    "8 KiB of colons": _asked(b"did:x:" + b":" * 6_132 + b"a"),
    "1,300 parameters": _asked(KEY, b"&".join(b"%x=1" % number for number in range(1_300))),
    "a path of 4,000 segments": _asked(KEY + b"/a" * 4_000),
    "16 KiB of escapes": _asked(b"did%3A" + b"%61" * 5_450),
    "3,000 options": _asked(KEY.replace(b":", b"%3A"), b"&".join(b"%x=" % number for number in range(3_000))),
    "did:jwk of 1,950 objects": _asked(_did_jwk(many("{}", 1_950))),
    "did:jwk of 600 names": _asked(_did_jwk(names(600))),
    "did:peer:2 of 39 keys": _asked(b"did:peer:2" + (b".V" + KEY[8:]) * 39),
    "did:peer:2 of 39 keys as JWKs": _asked(
        b"did%3Apeer%3A2" + (b".V" + KEY[8:]) * 39, b"publicKeyFormat=JsonWebKey"
    ),
    "did:peer:2 of 50 keys of P-521 as JWKs": _asked(
        b"did%3Apeer%3A2" + (b".V" + _P521) * 50, b"publicKeyFormat=JsonWebKey"
    ),
    "did:peer:2 of 1,900 services": _asked(b"did:peer:2.S" + base64url(f"[{','.join(['{}'] * 1_900)}]")),
    "did:peer:4 of 1,900 objects": _asked(_did_peer_4(f"{{{many('{}', 1_900)}}}")),
    "did:peer:4 of one long text": _asked(_did_peer_4(f'{{"a":"{"x" * 5_850}"}}')),
    "Accept of 255 ranges": _asked(KEY, accept=",".join(["*/*;q=0"] * 255)),
    "Accept of 512 types": _asked(KEY, accept=",".join(["a/b"] * 512)),
    "Accept of 2,048 letters": _asked(KEY, accept="a" * 2_048),
    "Accept of 500 parameters": _asked(KEY, accept="a/b;c=d" + ";c=d" * 500),
    "Accept of open quotes": _asked(KEY, accept='a/b;c="' * 290),
    "64 KiB of objects": _asked(KEY, body=f"{{{many('{}', 21_000)}}}".encode()),
    "64 KiB of dear numbers": _asked(KEY, body=f"{{{many('9e307', 10_900)}}}".encode()),
    "6,000 dear numbers": _asked(KEY, body=f"{{{many('9e307', 6_130)}}}".encode()),
    "64 KiB of names": _asked(KEY, body=f"{{{names(6_500)}}}".encode()),
    "64 KiB of brackets in a string": _asked(KEY, body=b'{"a":"' + b"[" * 65_000 + b'"}'),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_no_request_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    spent = milliseconds(REQUESTS[name])
    print(f"{spent:8.2f} ms  {name}")

    assert spent <= ACCEPTED_MS * slowness


def _change(reason: str) -> str:
    return f'{{"statusListIndex":"94567","statusPurpose":"revocation","status":1,"reason":"{reason}"}}'


def _changes(*items: str) -> bytes:
    return f'{{"changes":[{",".join(items)}]}}'.encode()


def _filled(opening: str, number: str, closing: str, max_bytes: int, max_values: int) -> bytes:
    """Return JSON with as many of a number as both caps let in."""
    count = min((max_bytes - len(opening) - len(closing)) // (len(number) + 1), max_values)
    return f"{opening}[{','.join([number] * (count - 20))}]{closing}".encode()


_QUESTION = '{"entity_id":"a","authority_id":"b","action":"c","resource":"d","x":'
_STATUS = '{"issuer":"did:web:a.example","credentialStatus":'


@pytest.mark.parametrize("name", DEAR_NUMBERS)
def test_no_number_in_a_body_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    """In a body whose shape lets anything stand somewhere, in one that has no place for numbers, and in options."""
    number = DEAR_NUMBERS[name]
    question = _filled(_QUESTION, number, "}", MAX_BODY_BYTES, MAX_VALUES)
    status = _filled(_STATUS, number, "}", MAX_BODY_BYTES, MAX_VALUES)
    batch = _filled('{"dids":', number, "}", MAX_BATCH_BODY_BYTES, MAX_BATCH_VALUES)
    many = _filled('{"dids":', number, "}", MAX_BATCH_BODY_BYTES, 100_000)

    spent = {
        "a question": milliseconds(lambda: read_request(question, JSON)),
        "entries to check": milliseconds(lambda: read_body(status, JSON, EntryCheck)),
        "a batch": milliseconds(lambda: read_batch(batch, JSON)),
        "a batch of too many": milliseconds(lambda: read_batch(many, JSON)),
    }
    print(f"{name:>28}: " + ", ".join(f"{what} {value:.2f} ms" for what, value in spent.items()))

    assert max(spent.values()) <= ACCEPTED_MS * slowness


MEBIBYTE = 1_000_000  # bytes, nearly
CHANGES: dict[str, bytes] = {
    "1,000 changes": _changes(*[_change("r" * 256)] * 1_000),
    "1,000 changes of two bytes a letter": _changes(*[_change("\u00e9" * 256)] * 1_000),
    "1,000 changes of escapes": _changes(*[_change("\\u00e9" * 140)] * 1_000),
    "1,000 changes but for the last": _changes(*[_change("r" * 256)] * 999, "{}"),
    "1 MiB of white space": _changes(" " * MEBIBYTE),
    "1 MiB of letters": _changes(f'"{"a" * MEBIBYTE}"'),
    "1 MiB of escapes": _changes(f'"{chr(92)}u00e9{"a" * 994_000}"'),
    "1 MiB of escaped quotes": _changes('"' + '\\"' * (MEBIBYTE // 2) + '"'),
    "1 MiB of empty texts": _changes('""' * (MEBIBYTE // 2)),
    "1 MiB of zeros": _changes("0," * (MEBIBYTE // 2) + "0"),
    "1 MiB of brackets": _changes("[" * MEBIBYTE),
    "5,900 numbers of 170 digits": _changes(*["9" * 170] * 5_900),
    "3,380 numbers of 309 digits": _changes(*["9" * 309] * 3_380),
    "5,900 names": _changes("{" + ",".join(f'"{number}{"k" * 160}":1' for number in range(5_900)) + "}"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_changes_cost_more_than_ten_milliseconds_to_read(name: str, slowness: float) -> None:
    def run() -> None:
        with suppress(MalformedBody):
            read_changes(CHANGES[name], "application/json")

    spent = milliseconds(run)
    print(f"{spent:8.2f} ms  {name}")

    assert len(CHANGES[name]) <= MAX_CHANGES_BODY_BYTES
    assert spent <= ACCEPTED_MS * slowness


def _document(extra: str) -> bytes:
    return f'{{"id":"{DID}",{extra}}}'.encode()


def _methods(count: int, **members: Any) -> str:
    method = {"type": "Multikey", "controller": DID, "publicKeyMultibase": KEY[8:].decode()} | members
    return '"verificationMethod":' + json.dumps([{"id": f"#k{number}", **method} for number in range(count)])


# A point of the curve of BLS12-381 G2; whether it is in the subgroup takes 2 ms to tell.
_G2 = (
    "zUC7EK3ZakmukHhuncwkbySmomv3FmrkmS36E4Ks5rsb6VQSRpoCrx6Hb8e2Nk6UvJFSdyw9NK1scFXJp21gNNYFjVWNgaqyGnkyhtagagCp"
    "Qb5B7tagJu3HDbjQ8h5ypoHjwBb"
)
_DEAR_PEM = f"-----BEGIN PUBLIC KEY-----\n{b64encode(DEAR_DER).decode()}\n-----END PUBLIC KEY-----\n"
EMBEDDING = ("verificationMethod", *RELATIONSHIPS)
_NESTED = '{"a":{"a":{"a":{"a":{"a":{}}}}}}'
DOCUMENTS: dict[str, bytes] = {
    "256 methods": _document(_methods(256, note="x" * 850)),
    "256 methods of P-521": _document(_methods(256, publicKeyMultibase=_P521.decode())),
    "256 methods of BLS12-381 G2": _document(_methods(256, publicKeyMultibase=_G2)),
    "70 methods of ML-DSA-87": _document(
        _methods(70, type="Ed25519VerificationKey2020", publicKeyMultibase="zMo" + "z" * 3_540)
    ),
    "160 methods of 1,500 characters": _document(
        _methods(160, type="Ed25519VerificationKey2018", publicKeyMultibase="z" + "z" * 1_500)
    ),
    "1,024 multibase texts": _document(many('{"publicKeyMultibase":"zz"}', 1_024)),
    "1,024 keys of ten characters": _document(many('{"publicKeyMultibase":"zzzzzzzzzz"}', 1_024)),
    "1,024 keys of 190 characters": _document(many(f'{{"publicKeyMultibase":"z{"z" * 190}"}}', 1_024)),
    "165 keys of 1,536 characters": _document(many(f'{{"publicKeyMultibase":"z{"z" * 1_536}"}}', 165)),
    "70 keys of ML-DSA-87": _document(many(f'{{"publicKeyMultibase":"zMo{"z" * 3_540}"}}', 70)),
    "1,024 JWKs in methods": _document(many('{"publicKeyJwk":{"kty":""}}', 1_024)),
    "32 methods of Diffie-Hellman in PEM": _document(
        _methods(32, publicKeyMultibase=None, type="RsaVerificationKey2018", publicKeyPem=_DEAR_PEM)
    ),
    "32 methods of Diffie-Hellman in the place of RSA": _document(
        _methods(32, type="RsaVerificationKey2018", publicKeyMultibase=_DEAR.decode())
    ),
    "3,000 objects": _document(many("{}", 3_066)),
    "3,000 JWKs": _document(many('{"kty":""}', 3_066)),
    "3,000 objects in contexts": _document('"@context":[' + ",".join(["{}"] * 3_060) + "]"),
    "1,500 contexts": _document(many('{"@context":{"kty":"a"}}', 1_500)),
    "contexts, 27 deep": _document('"a":' + '{"@context":' * 27 + f"[{','.join(['{}'] * 3_000)}]" + "}" * 27),
    "6,000 terms": _document(f'"@context":[{{{names(6_128)}}}]'),
    "6,000 texts": _document(many('"PRIVATE KEY"', 6_132)),
    "almost a private key in a name": _document('"' + "PRIVATE KEY----" * 17_000 + '":1'),
    "60 keys of 4,000 spaces": _document(many(f'{{"publicKeyMultibase":"{" " * 4_000}z"}}', 60)),
    "6,000 names": _document(names(6_132)),
    "6,000 references": _document('"authentication":[' + ",".join(['"#a"'] * 6_132) + "]"),
    "6,000 URIs": _document('"alsoKnownAs":[' + ",".join(['"a:b1234567"'] * 6_132) + "]"),
    "6,000 words": _document('"alsoKnownAs":[' + ",".join(['"b1234567"'] * 6_132) + "]"),
    "null in 256 methods": _document(
        _methods(256, **dict.fromkeys(sorted(KEY_MATERIAL - {"publicKeyMultibase"})))
    ),
    "one method in six properties": _document(
        ",".join(_methods(42).replace("verificationMethod", name) for name in EMBEDDING)
    ),
    "contexts in 256 methods": _document(
        f'"@context":"{DID_V1_1}",'
        + _methods(256, **{"@context": [{f"t{number}": "a:b" for number in range(4)}]})
    ),
    "6,000 floats": _document(many("1.234567890e9", 6_132)),
    "6,000 dear numbers": _document(many("9e307", 6_130)),
    "6,000 subnormal numbers": _document(many("5e-324", 6_130)),
    "4,600 numbers halfway": _document(many(DEAR_NUMBERS["halfway of 1"], 4_600)),
    "410 fractions of 618 digits": _document(many(DEAR_NUMBERS["618 digits and an exponent"], 410)),
    "840 integers of 309 digits": _document(many("7" * 309, 840)),
    "43,000 escapes": _document('"a":"' + "\\u00e9" * 43_000 + '"'),
    "depth 32": _document('"a":' + "[" * 29 + ",".join(["[]"] * 3_000) + "]" * 29),
    "5,000 objects, 27 deep": _document('"a":' + '{"a":' * 20 + f"[{','.join([_NESTED] * 860)}]" + "}" * 20),
    "almost a private key, 17,000 times": _document('"a":"' + "PRIVATE KEY----" * 17_000 + '"'),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    """Reading it; and, each for itself, what is done with it for a request: a turn of the event loop or less."""
    body = DOCUMENTS[name]
    document = read_document(body, DID)
    resolved = Resolved(did=DID, document=document, made_at=1.0, fresh_until=2.0)
    steps: dict[str, Callable[[], object]] = {
        "read": lambda: read_document(body, DID),
        "present": lambda: present(resolved, None),
        "as JWKs": lambda: converted(resolved, "JsonWebKey"),
        "as Multikeys": lambda: converted(resolved, "Multikey"),
        "dereference": lambda: dereference(resolved, parse_did_url(f"{DID}#nothing")),
        "warn": lambda: warnings_of(document, now=1_000.0),
        "leave out": lambda: without_omissions(document),
        "expand": lambda: relative_ids_expanded(document),
    }
    spent = {step: milliseconds(run) for step, run in steps.items()}
    print(f"{name:>36}: " + ", ".join(f"{step} {value:.2f} ms" for step, value in spent.items()))

    assert len(body) <= MAX_DOCUMENT_BYTES
    assert max(spent.values()) <= ACCEPTED_MS * slowness


def test_what_was_read_and_kept_is_as_cheap_to_read_again(slowness: float) -> None:
    kept = encode(read_document(DOCUMENTS["6,000 dear numbers"], DID))

    assert milliseconds(lambda: read_again(kept)) <= ACCEPTED_MS * slowness


def _read(body: bytes) -> Callable[[], object]:
    def run() -> object:
        with pytest.raises(InvalidDidDocument):
            read_document(body, DID)
        return None

    return run


REFUSED: dict[str, Callable[[], object]] = {
    "a DID of 8,193 bytes": _asked(b"did:web:example.com" + b":a" * 4_088),
    "a DID of 16 KiB": _asked(b"did:web:" + b"a" * 16_000),
    "1,537 characters of base58": _asked(b"did:key:z" + b"z" * 1_537),
    "Accept of 2,049 letters": _asked(KEY, accept="a" * 2_049),
    "a body of 65,537 bytes": _asked(KEY, body=b"[" * 65_537),
    "a document of over 256 KiB": _read(b"[" * (MAX_DOCUMENT_BYTES + 1)),
    "a document of over 6,144 values": _read(_document(many("0", MAX_DOCUMENT_VALUES))),
    "a document of 80,000 objects": _read(_document(many("{}", 80_000))),
    "depth 33": _read(b"[" * 33 + b"]" * 33),
    "a number of 310 digits": _read(_document('"a":' + "7" * 310)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_over_a_cap_is_refused_within_a_millisecond(name: str, slowness: float) -> None:
    spent = milliseconds(REFUSED[name])
    print(f"{spent:8.3f} ms  {name}")

    assert spent <= REFUSED_MS * slowness
