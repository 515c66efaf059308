"""Keys in a PKCS#11 token: made there, never read, and what happens when the token is not there."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, ObjectClass

from proofs import Algorithm, SignerAway, is_signature
from proofs.pkcs11 import Token, TokenKey, TokenSigner
from proofs.pkcs11.forms import EC_PARAMS, parse_token_uri
from proofs.pkcs11.session import PATIENCE_SECONDS
from tests.machine import wait_until
from tests.process import holds_in_a_fork
from tests.softhsm import LABEL, PIN, SoftHsm

METHOD = "did:web:lists.example#key-1"


def key_id_of(public_key: bytes) -> str:
    return f"key-{hashlib.sha256(public_key).hexdigest()[:12]}"


@pytest.fixture
def token(softhsm: SoftHsm) -> Token:
    return Token(softhsm.module, LABEL, softhsm.pin_file)


@pytest.fixture
def key(token: Token) -> TokenKey:
    return token.create_key(Algorithm.P256, key_id_of)


@pytest.fixture
def signer(token: Token, key: TokenKey) -> TokenSigner:
    return token.signer(key.locator, METHOD)


def signs(signer: TokenSigner) -> bool:
    return is_signature(signer.public_key, signer.sign(b"data"), b"data")


def label_of(key: TokenKey) -> str:
    return parse_token_uri(key.locator).object


def test_a_process_without_a_token_does_not_load_the_package() -> None:
    code = "import proofs, server.app, server.commands.cli, sys; sys.exit('pkcs11' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# What is made.


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_is_named_after_its_public_half(softhsm: SoftHsm, token: Token, algorithm: Algorithm) -> None:
    key = token.create_key(algorithm, key_id_of)
    key_id = key_id_of(key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    assert key.locator == f"pkcs11:token={LABEL};object={key_id};type=private"
    with softhsm.session() as session:
        for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
            half = session.get_key(object_class=kind, label=key_id, id=key_id.encode())
            assert half[Attribute.TOKEN]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_private_half_never_leaves_the_token(
    softhsm: SoftHsm, token: Token, algorithm: Algorithm
) -> None:
    key = token.create_key(algorithm, key_id_of)

    with softhsm.session() as session:
        private_key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label_of(key))
        with pytest.raises(pkcs11.AttributeSensitive):
            private_key[Attribute.VALUE]
        for name in ("ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "PRIVATE", "SIGN"):
            assert private_key[Attribute[name]], name
        for name in ("EXTRACTABLE", "DECRYPT", "UNWRAP", "DERIVE"):
            assert not private_key[Attribute[name]], name


def test_a_key_that_cannot_be_named_is_taken_away_again(softhsm: SoftHsm, token: Token) -> None:
    with pytest.raises(ZeroDivisionError):
        token.create_key(Algorithm.P256, lambda _: str(1 // 0))

    with softhsm.session() as session:
        assert list(session.get_objects()) == []


def test_a_curve_that_the_token_has_not_makes_no_key(
    softhsm: SoftHsm, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EC_PARAMS, Algorithm.P256, b"\x13\x01x")

    with pytest.raises(SignerAway, match="the token 'touchstone': "):
        token.create_key(Algorithm.P256, key_id_of)


# Which key signs.


def test_a_key_of_another_token_is_refused(token: Token, key: TokenKey) -> None:
    with pytest.raises(SignerAway, match="in the token 'other'"):
        token.signer(key.locator.replace(LABEL, "other"), METHOD)


def test_a_key_that_is_not_there_is_refused(token: Token, key: TokenKey) -> None:
    with pytest.raises(SignerAway, match="no such key that may sign"):
        token.signer(key.locator.replace("key-", "key-0"), METHOD)


def test_a_locator_that_is_none_is_refused(token: Token) -> None:
    with pytest.raises(ValueError, match="expected pkcs11:"):
        token.signer("key-1.pem", METHOD)


def test_a_verification_method_without_a_fragment_is_refused(token: Token, key: TokenKey) -> None:
    with pytest.raises(ValueError, match="a DID URL with a fragment"):
        token.signer(key.locator, "did:web:lists.example")


@pytest.mark.parametrize(
    ("key_type", "made", "reason"),
    [
        (KeyType.EC, {Attribute.EC_PARAMS: bytes.fromhex("06052b81040023")}, "another curve"),  # P-521
        (KeyType.RSA, None, "expected a key on an elliptic curve"),
    ],
)
def test_a_key_of_another_algorithm_is_refused(
    softhsm: SoftHsm, token: Token, key_type: KeyType, made: dict[Attribute, bytes] | None, reason: str
) -> None:
    with softhsm.session() as session:
        if made is None:
            session.generate_keypair(key_type, 2048, store=True, label="foreign")
        else:
            session.create_domain_parameters(key_type, made, local=True).generate_keypair(
                store=True, label="foreign"
            )

    with pytest.raises(SignerAway, match=reason):
        token.signer(f"pkcs11:token={LABEL};object=foreign;type=private", METHOD)


def test_of_two_keys_of_one_label_neither_signs(softhsm: SoftHsm, token: Token, key: TokenKey) -> None:
    token.create_key(Algorithm.P256, lambda _: label_of(key))

    with pytest.raises(SignerAway, match="several keys of this label"):
        token.signer(key.locator, METHOD)


def test_a_private_half_that_was_swapped_signs_nothing(softhsm: SoftHsm, token: Token, key: TokenKey) -> None:
    other = token.create_key(Algorithm.P256, key_id_of)
    with softhsm.session() as session:
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label_of(key)).destroy()
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label_of(other))[Attribute.LABEL] = (
            label_of(key)
        )
    signer = token.signer(key.locator, METHOD)

    with pytest.raises(SignerAway, match="does not verify"):
        signer.sign(b"data")


# The token away, and back.


def test_a_token_that_was_pulled_out_signs_when_it_is_back(
    softhsm: SoftHsm, token: Token, signer: TokenSigner
) -> None:
    assert signs(signer)
    with softhsm.pulled_out():
        for _ in range(2):
            with pytest.raises(
                SignerAway, match="no slot of the module has a token of this label; put it in"
            ):
                signer.sign(b"data")
        with pytest.raises(SignerAway, match="put it in"):
            token.check()
        with pytest.raises(SignerAway, match="put it in"):
            token.create_key(Algorithm.P256, key_id_of)

    assert signs(signer)
    token.check()


def test_a_session_that_is_lost_costs_nothing(softhsm: SoftHsm, token: Token, signer: TokenSigner) -> None:
    assert signs(signer)
    pkcs11.lib(str(softhsm.module)).reinitialize()

    assert signs(signer)
    token.close()
    assert signs(signer)


def test_a_key_that_was_deleted_is_missed_and_the_others_sign(
    softhsm: SoftHsm, token: Token, key: TokenKey, signer: TokenSigner
) -> None:
    other = token.signer(token.create_key(Algorithm.ED25519, key_id_of).locator, METHOD)
    assert signs(signer)
    with softhsm.session() as session:
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label_of(key)).destroy()

    with pytest.raises(SignerAway, match="no such key that may sign"):
        signer.sign(b"data")
    assert signs(other)


def test_a_module_that_hangs_is_waited_for_by_one_and_by_nobody_else(
    softhsm: SoftHsm, key: TokenKey, signer: TokenSigner
) -> None:
    hasty = Token(softhsm.module, LABEL, softhsm.pin_file, patience_seconds=0.2)
    with softhsm.hanging():
        with pytest.raises(SignerAway, match=r"no answer within 0.2 s; see whether .*libsofthsm2.so hangs"):
            hasty.signer(key.locator, METHOD).sign(b"data")
        began = time.monotonic()
        with pytest.raises(SignerAway, match="no answer within 10 s"):
            signer.sign(b"data")
        assert time.monotonic() - began < PATIENCE_SECONDS

    wait_until(lambda: _signs_again(signer), "the token signs again")


def _signs_again(signer: TokenSigner) -> bool:
    try:
        return signs(signer)
    except SignerAway:
        return False


def test_two_of_one_process_share_a_token(softhsm: SoftHsm, key: TokenKey, signer: TokenSigner) -> None:
    second = Token(softhsm.module, LABEL, softhsm.pin_file)
    other = second.signer(key.locator, METHOD)

    assert signs(signer)
    assert signs(other)
    second.close()
    assert signs(signer)


def test_a_forked_process_signs_and_its_parent_too(signer: TokenSigner) -> None:
    assert signs(signer)

    assert holds_in_a_fork(lambda: signs(signer))
    assert signs(signer)


@pytest.mark.parametrize("content", [None, b"not a library"])
def test_a_module_that_cannot_be_loaded_is_told(
    tmp_path: Path, softhsm: SoftHsm, content: bytes | None
) -> None:
    module = tmp_path / "module.so"
    if content is not None:
        module.write_bytes(content)

    with pytest.raises(SignerAway, match=r"module\.so"):
        Token(module, LABEL, softhsm.pin_file).check()


def test_another_label_is_told(softhsm: SoftHsm) -> None:
    with pytest.raises(SignerAway, match="the token 'other': no slot of the module"):
        Token(softhsm.module, "other", softhsm.pin_file).check()


# PINs.


def test_a_wrong_pin_is_tried_once_until_its_file_changes(
    softhsm: SoftHsm, token: Token, key: TokenKey, signer: TokenSigner
) -> None:
    token.close()
    softhsm.write_pin("the new one")
    with pytest.raises(
        SignerAway, match=r"refused the PIN in .*pin, which is tried again when that file changes"
    ):
        signer.sign(b"data")
    softhsm.set_pin("the new one")

    # It would be right now; that it is not even tried shows that it would not be tried if it were still wrong.
    with pytest.raises(SignerAway, match="refused the PIN"):
        signer.sign(b"data")
    softhsm.pin_file.touch()
    assert signs(signer)


@pytest.mark.parametrize("flag", [pkcs11.TokenFlag.USER_PIN_FINAL_TRY, pkcs11.TokenFlag.USER_PIN_LOCKED])
def test_the_last_try_of_a_pin_is_left_to_people(
    softhsm: SoftHsm, token: Token, signer: TokenSigner, flag: pkcs11.TokenFlag
) -> None:
    token.close()
    softhsm.set_flags(flag)

    with pytest.raises(SignerAway, match="one more wrong PIN locks it"):
        signer.sign(b"data")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xff\n", b"1" * 257], ids=["empty", "newline", "latin", "long"]
)
def test_a_file_that_holds_no_pin_is_not_used(softhsm: SoftHsm, token: Token, content: bytes) -> None:
    softhsm.pin_file.write_bytes(content)

    with pytest.raises(SignerAway, match="expected a PIN and a newline"):
        token.check()


def test_a_pin_file_that_others_may_read_is_not_used(softhsm: SoftHsm, token: Token) -> None:
    softhsm.pin_file.chmod(0o640)

    with pytest.raises(SignerAway, match="mode 0640 lets others at the key; run: chmod 600"):
        token.check()


def test_a_pin_file_that_nobody_writes_is_not_waited_for(softhsm: SoftHsm, token: Token) -> None:
    softhsm.pin_file.unlink()
    os.mkfifo(softhsm.pin_file, 0o600)

    with pytest.raises(SignerAway, match="expected a regular file"):
        token.check()


def test_a_pin_file_that_is_missing_is_told_and_taken_up_when_it_is_back(
    softhsm: SoftHsm, token: Token
) -> None:
    softhsm.pin_file.unlink()
    with pytest.raises(SignerAway, match="no such PIN file; put it back"):
        token.check()
    softhsm.write_pin(PIN)

    token.check()


def test_no_pin_is_shown(softhsm: SoftHsm, token: Token, signer: TokenSigner) -> None:
    token.close()
    softhsm.write_pin(f"{PIN} no more")
    with pytest.raises(SignerAway) as refused:
        token.check()

    assert PIN not in f"{refused.value} {refused.value!r} {token!r} {signer!r}"
    assert repr(token) == f"Token('touchstone', module='{softhsm.module}')"
    assert repr(signer) == f"TokenSigner('{METHOD}')"
