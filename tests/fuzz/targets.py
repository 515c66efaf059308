"""The entry points that are fuzzed, each with the CPU that one case may cost and its share of the cases."""

from collections.abc import Callable

import msgspec

from tests.fuzz import (
    answers,
    drivers,
    encodings,
    headers,
    identifiers,
    logs,
    origins,
    services,
    sign_in,
    signed,
    token_lists,
    trust,
)

Check = Callable[[bytes], None]


class Target(msgspec.Struct, frozen=True):
    """
    An entry point.

    Attributes:
        check: raises AssertionError where what it gives for a case is wrong; nothing else may be raised.
        share: its part of all cases, relative to the others.
        max_ms: CPU milliseconds of a case, the oracle included: the hang that we look for, not our budget per turn
            of the event loop, which tests/slow/test_worst_case.py measures without oracles.
    """

    check: Check
    share: int
    max_ms: float = 250.0


TARGETS: dict[str, Target] = {
    "request": Target(answers.request, 30),
    "document": Target(answers.document, 15),
    "origin": Target(answers.origin, 5),
    "driver": Target(drivers.driver, 5),
    "batch": Target(drivers.batch, 3),
    "origin_answer": Target(origins.origin_answer, 5),
    "changed_log": Target(logs.changed_log, 3),
    "hostile_log": Target(logs.hostile_log, 3, max_ms=600),
    "did": Target(identifiers.did, 5),
    "did_url": Target(identifiers.did_url, 6),
    "cache_key": Target(identifiers.cache_key, 5),
    "web": Target(identifiers.web, 8),
    "url": Target(identifiers.url, 5),
    "relative_ref": Target(services.relative_ref, 6),
    "multikey": Target(encodings.multikey, 6),
    "jwk": Target(encodings.jwk, 4),
    "base58btc": Target(encodings.base58btc, 3),
    "base64url": Target(encodings.base64url, 2),
    "unsigned_varint": Target(encodings.unsigned_varint, 2),
    "strict_json": Target(encodings.strict_json, 4, max_ms=600),
    "strict_cbor": Target(signed.strict_cbor, 3),
    "cose_sign1": Target(signed.cose_sign1, 2),
    "jwt_list": Target(token_lists.jwt_list, 2),
    "cwt_list": Target(token_lists.cwt_list, 2),
    "signed_note": Target(signed.signed_note, 2),
    "note_key": Target(signed.note_key, 1),
    "certificate_path": Target(signed.certificate_path, 2),
    "certificate_crl": Target(signed.certificate_crl, 2),
    "certificate_file": Target(signed.certificate_file, 1),
    "sign_in_token": Target(sign_in.sign_in_token, 2),
    "jwk_set": Target(sign_in.jwk_set, 1),
    "held": Target(trust.held, 3),
    "search": Target(trust.search, 3),
    "cursor": Target(trust.cursor, 2),
    "language": Target(trust.language, 1),
    "accept": Target(headers.accept, 3),
    "freshness": Target(headers.freshness, 1),
    "forwarded": Target(headers.forwarded, 1),
}
