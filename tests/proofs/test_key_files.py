"""Key files: made, read, and refused."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from proofs import (
    Algorithm,
    KeyFileInvalid,
    KeyFileMissing,
    KeyFileUnsafe,
    algorithm_of,
    create_key_file,
    read_key_file,
)
from tests.proofs.documents import PRIVATE_KEY, PUBLIC_KEY


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_created_key_is_read_again(tmp_path: Path, algorithm: Algorithm) -> None:
    created = create_key_file(tmp_path / "key.pem", algorithm)
    read = read_key_file(tmp_path / "key.pem")

    assert algorithm_of(read) is algorithm
    assert read.public_key() == created.public_key()


def test_a_key_is_of_ed25519_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    assert algorithm_of(create_key_file(tmp_path / "key.pem")) is Algorithm.ED25519


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_key_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        create_key_file(tmp_path / "key.pem")
    finally:
        os.umask(before)

    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        create_key_file(path)

    assert path.read_bytes() == b"precious"


def test_a_dangling_symbolic_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        create_key_file(tmp_path / "key.pem")

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o610, 0o644])
def test_a_key_file_open_to_others_is_refused_with_the_command_to_run(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    create_key_file(path)
    path.chmod(mode)

    with pytest.raises(KeyFileUnsafe, match=f"chmod 600 {path}"):
        read_key_file(path)


def test_a_read_only_key_file_is_read(tmp_path: Path) -> None:
    create_key_file(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o400)

    assert read_key_file(tmp_path / "key.pem")


def test_a_missing_key_file_is_to_be_put_back_and_not_to_be_made_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing, match=r"put it back from its backup$"):
        read_key_file(tmp_path / "key.pem")


def _pem(key: object, encryption: serialization.KeySerializationEncryption) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"\xff" * 5000,
        _pem(ec.generate_private_key(ec.SECP521R1()), serialization.NoEncryption()),
        _pem(ec.generate_private_key(ec.SECP256K1()), serialization.NoEncryption()),
        _pem(rsa.generate_private_key(65537, 2048), serialization.NoEncryption()),
        PUBLIC_KEY.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        _pem(PRIVATE_KEY, serialization.BestAvailableEncryption(b"secret")),
        _pem(PRIVATE_KEY, serialization.NoEncryption())[:60],
        _pem(PRIVATE_KEY, serialization.NoEncryption()) * 2,
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    ],
    ids=[
        "empty",
        "text",
        "too long",
        "P-521",
        "secp256k1",
        "RSA",
        "public",
        "encrypted",
        "cut off",
        "two keys",
        "SEC1",
    ],
)
def test_a_file_without_a_key_that_signs_here_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeyFileInvalid) as caught:
        read_key_file(path)

    assert not any(line in str(caught.value) for line in content.decode("latin-1").splitlines()[1:])


def test_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    """Nor is it waited for until somebody writes there."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(KeyFileInvalid, match="regular file"):
        read_key_file(tmp_path / "pipe")
