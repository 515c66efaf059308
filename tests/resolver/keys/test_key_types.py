"""The table of key types: codes, lengths and prefixes as they are registered."""

import csv

import pytest
from multiformats import multicodec

from resolver.encoding import read_varint
from resolver.keys.types import BY_PREFIX, KEY_TYPES, SECRET_CODES, UNSUPPORTED_CODES, KeyType
from tests.reference import needs_reference, reference

# Codec, code, bytes of the key: multiformats/multicodec @ 45c88b8, did:key v0.9 and v0.7, FIPS 203, 204, 205.
FACTS = {
    "secp256k1-pub": (0xE7, 33),
    "x25519-pub": (0xEC, 32),
    "ed25519-pub": (0xED, 32),
    "p256-pub": (0x1200, 33),
    "p384-pub": (0x1201, 49),
    "p521-pub": (0x1202, 67),
    "rsa-pub": (0x1205, None),
    "jwk_jcs-pub": (0xEB51, None),
    "mldsa-44-pub": (0x1210, 1_312),
    "mldsa-65-pub": (0x1211, 1_952),
    "mldsa-87-pub": (0x1212, 2_592),
    "bls12_381-g1-pub": (0xEA, 48),
    "bls12_381-g2-pub": (0xEB, 96),
    "bls12_381-g1g2-pub": (0xEE, 144),
    "ed448-pub": (0x1203, 57),
    "x448-pub": (0x1204, 56),
    "sm2-pub": (0x1206, 33),
    "bip340-pub": (0x1340, 32),
    "mlkem-512-pub": (0x120B, 800),
    "mlkem-768-pub": (0x120C, 1_184),
    "mlkem-1024-pub": (0x120D, 1_568),
    "slhdsa-sha2-128s-pub": (0x1220, 32),
    "slhdsa-shake-128s-pub": (0x1221, 32),
    "slhdsa-sha2-128f-pub": (0x1222, 32),
    "slhdsa-shake-128f-pub": (0x1223, 32),
    "slhdsa-sha2-192s-pub": (0x1224, 48),
    "slhdsa-shake-192s-pub": (0x1225, 48),
    "slhdsa-sha2-192f-pub": (0x1226, 48),
    "slhdsa-shake-192f-pub": (0x1227, 48),
    "slhdsa-sha2-256s-pub": (0x1228, 64),
    "slhdsa-shake-256s-pub": (0x1229, 64),
    "slhdsa-sha2-256f-pub": (0x122A, 64),
    "slhdsa-shake-256f-pub": (0x122B, 64),
}
SETTLED = set(list(FACTS)[:11])


def test_codes_and_lengths_are_the_registered_ones() -> None:
    assert {kind.codec: (kind.code, kind.size) for kind in KEY_TYPES.values()} == FACTS
    assert all(code == kind.code for code, kind in KEY_TYPES.items())
    assert {len(prefix) for prefix in BY_PREFIX} == {2, 3}  # as long as those that are looked for
    assert all(read_varint(prefix) == (kind.code, b"") for prefix, kind in BY_PREFIX.items())


def test_a_type_without_a_specification_is_experimental() -> None:
    assert {kind.codec for kind in KEY_TYPES.values() if not kind.experimental} == SETTLED


@pytest.mark.parametrize(
    "kind",
    # The package has the table of 2024.
    [kind for kind in KEY_TYPES.values() if multicodec.exists(code=kind.code)],
    ids=lambda kind: kind.codec,
)
def test_a_prefix_is_what_the_multicodec_package_unwraps(kind: KeyType) -> None:
    row = multicodec.get(kind.codec)

    assert (row.code, row.tag) == (kind.code, "key")
    assert multicodec.unwrap(kind.prefix + b"key") == (row, b"key")


@needs_reference("multicodec")
def test_every_key_of_the_newest_multicodec_table_is_public_or_secret() -> None:
    table = reference("multicodec") / "multicodec-table.csv"
    rows = list(csv.reader(table.read_text().splitlines(), skipinitialspace=True))
    keys = {row[0].strip(): int(row[2], 16) for row in rows if row[1].strip() == "key"}
    assert len(keys) > 60

    for name, code in keys.items():
        is_public = code in KEY_TYPES or code in UNSUPPORTED_CODES
        assert is_public == name.endswith("-pub"), name
        assert (code in SECRET_CODES) == (not name.endswith(("-pub", "-pub-share"))), name
        assert code not in KEY_TYPES or KEY_TYPES[code].codec == name


def test_every_key_of_the_packaged_multicodec_table_is_public_or_secret() -> None:
    for row in multicodec.table():
        if row.tag == "key":
            is_public = row.code in KEY_TYPES or row.code in UNSUPPORTED_CODES
            assert is_public == row.name.endswith("-pub"), row.name
            assert is_public != (row.code in SECRET_CODES), row.name
