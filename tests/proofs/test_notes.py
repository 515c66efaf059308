"""Signed notes: ours, those of Go's sumdb/note and of Rekor, and forgeries."""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from proofs import Algorithm, KeySigner, MalformedProof, ProofInvalid
from proofs.notes import (
    MAX_NOTE_BYTES,
    MAX_NOTE_KEY_CHARS,
    MAX_SIGNATURES,
    NoteKey,
    read_note,
    read_note_key,
    sign_note,
    verify_note,
)
from tests.proofs.documents import SIGNERS

NAME = "log.example/audit"
TEXT = "log.example/audit\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

# golang.org/x/mod, sumdb/note, the example of its documentation.
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# A checkpoint of Rekor, and the key of its log as transparency-dev/formats has it: ECDSA on P-256, type 0x02.
REKOR_KEY = (
    "rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l"
    "+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc="
)
REKOR_NOTE = (
    "rekor.sigstore.dev - 2605736670972794746\n64319120\nW7/06fgDSjOxApliccDgG4fKqDxExG6JO0e4FGf9gIw=\n"
    "Timestamp: 1706845443714164712\n\n— rekor.sigstore.dev"
    " wNI9ajBFAiEAnduIhP1Jjz8E0ZAP8e1x0aKqzJCtmWZyV1mRJB/PlOoCIBoeHdjeONYmxlD2Za7sU0NeK/60skNnwoelsa3m2M8z\n"
).encode()

BAD_NAMES = ("", "a b", "a+b", "a\u2003b", "a\nb")
each_algorithm = pytest.mark.parametrize("algorithm", Algorithm)


def key_of(algorithm: Algorithm, name: str = NAME) -> NoteKey:
    return NoteKey(name, SIGNERS[algorithm].public_key)


def test_the_note_of_go_is_made_byte_for_byte() -> None:
    signer = KeySigner(Ed25519PrivateKey.from_private_bytes(GO_SEED), "did:web:a.example#key")

    assert sign_note(GO_TEXT, "PeterNeumann", signer) == GO_NOTE
    assert NoteKey("PeterNeumann", signer.public_key).text == GO_KEY
    assert verify_note(GO_NOTE, [read_note_key(GO_KEY)]) == GO_TEXT


def test_a_checkpoint_of_rekor_verifies() -> None:
    assert verify_note(REKOR_NOTE, [read_note_key(REKOR_KEY)]).startswith("rekor.sigstore.dev - ")


def test_a_changed_checkpoint_of_rekor_is_refused() -> None:
    with pytest.raises(ProofInvalid, match="is none"):
        verify_note(REKOR_NOTE.replace(b"64319120", b"64319121"), [read_note_key(REKOR_KEY)])


@each_algorithm
def test_a_key_of_each_algorithm_signs_and_is_given_to_others(algorithm: Algorithm) -> None:
    note = sign_note(TEXT, NAME, SIGNERS[algorithm])
    key = read_note_key(key_of(algorithm).text + "\n")

    assert key == key_of(algorithm)
    assert verify_note(note, [key]) == TEXT


@each_algorithm
def test_whatever_byte_is_changed_the_note_is_refused(algorithm: Algorithm) -> None:
    note = sign_note(TEXT, NAME, SIGNERS[algorithm])
    for place in range(len(note)):
        changed = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        with pytest.raises((MalformedProof, ProofInvalid)):
            verify_note(changed, [key_of(algorithm)])


def test_a_signature_of_another_key_is_passed_over() -> None:
    ed25519, p256 = (sign_note(TEXT, NAME, SIGNERS[name]) for name in (Algorithm.ED25519, Algorithm.P256))
    both = ed25519 + p256.rpartition(b"\n\n")[2]

    assert (
        verify_note(both, [key_of(Algorithm.P256)]) == verify_note(both, [key_of(Algorithm.ED25519)]) == TEXT
    )


def test_a_known_key_whose_signature_is_none_spoils_the_note() -> None:
    ed25519 = sign_note(TEXT, NAME, SIGNERS[Algorithm.ED25519])
    p256 = sign_note("x\n" + TEXT, NAME, SIGNERS[Algorithm.P256])
    keys = [key_of(Algorithm.ED25519), key_of(Algorithm.P256)]

    with pytest.raises(ProofInvalid, match="is none"):
        verify_note(ed25519 + p256.rpartition(b"\n\n")[2], keys)


@pytest.mark.parametrize("keys", [[], [key_of(Algorithm.P256)], [key_of(Algorithm.ED25519, "other.example")]])
def test_a_note_that_no_expected_key_signed_is_refused(keys: list[NoteKey]) -> None:
    with pytest.raises(ProofInvalid, match="none of the expected keys"):
        verify_note(sign_note(TEXT, NAME, SIGNERS[Algorithm.ED25519]), keys)


def test_a_key_that_collides_in_its_id_verifies_nothing() -> None:
    """An id has four bytes, so whoever wants makes a key that has it; here the signature bears it by hand."""
    note = sign_note(TEXT, NAME, KeySigner(Ed25519PrivateKey.generate(), "did:web:a.example#key"))
    head, _, line = note.decode().rpartition(" ")
    forged = b64encode(key_of(Algorithm.ED25519).key_id + b64decode(line)[4:]).decode()

    with pytest.raises(ProofInvalid, match="is none"):
        verify_note(f"{head} {forged}\n".encode(), [key_of(Algorithm.ED25519)])


def test_a_text_may_have_empty_lines() -> None:
    text = "a\n\n\nb\n\n— not a signature\n"
    note = sign_note(text, NAME, SIGNERS[Algorithm.ED25519])

    assert verify_note(note, [key_of(Algorithm.ED25519)]) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [("a b", NAME), ("", NAME), ("a\tb\n", NAME), ("a\r\n", NAME), *(("a\n", name) for name in BAD_NAMES)],
)
def test_what_no_note_can_have_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(ValueError, match="whole lines"):
        sign_note(text, name, SIGNERS[Algorithm.ED25519])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAAA",  # without the last newline
        b"text\n\n- a AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a\n",
        b"text\n\n\xe2\x80\x94 a AAAA\n",  # no byte of a signature
        b"text\n\n\xe2\x80\x94 a AAAAAAAA \n",
        b"text\n\n\xe2\x80\x94 a AAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAB=\n",  # bits that do not count
        b"text\n\n\xe2\x80\x94 a b AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a+b AAAAAAAA\n",
        b"te\x00xt\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"text\r\n\r\n\xe2\x80\x94 a AAAAAAAA\r\n",
        b"text\n\n" + b"\xe2\x80\x94 a AAAAAAAA\n" * (MAX_SIGNATURES + 1),
        b"text\n\n\xe2\x80\x94 a " + b64encode(bytes(8_193)) + b"\n",
        b"t" * MAX_NOTE_BYTES + b"\n\n\xe2\x80\x94 a AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(MalformedProof) as caught:
        read_note(body)

    assert 0 < len(str(caught.value)) < 200


def test_sixteen_signatures_are_taken() -> None:
    note = sign_note(TEXT, NAME, SIGNERS[Algorithm.ED25519])
    line = note.rpartition(b"\n\n")[2]

    assert verify_note(note + line * 15, [key_of(Algorithm.ED25519)]) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+00000000",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("ARpc", "Alpc"),  # as if it were of P-256
        GO_KEY.replace("ARpc", "BBpc"),  # of a type that we do not have
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY.replace("PeterNeumann", "Peter\x00Neumann"),
        REKOR_KEY[:-8],
        REKOR_KEY.replace("AjBZ", "/0VD"),
        "a" * MAX_NOTE_KEY_CHARS + GO_KEY,
    ],
)
def test_what_is_no_key_of_a_note_is_refused(text: str) -> None:
    with pytest.raises(MalformedProof):
        read_note_key(text)


def test_a_key_of_p384_is_not_taken_for_one_of_p256() -> None:
    """Type 0x02 may be on P-384 elsewhere, with SHA-256, which ours never sign with."""
    typed = b64decode(key_of(Algorithm.P384).text.split("+", 2)[2])
    spki = typed[typed.index(b"\x30\x76") :]

    with pytest.raises(MalformedProof, match="another kind"):
        read_note_key(f"{NAME}+00000000+{b64encode(bytes([2]) + spki).decode()}")


@given(st.text(), st.sampled_from(Algorithm))
def test_what_was_signed_is_read_again_or_was_refused(text: str, algorithm: Algorithm) -> None:
    try:
        note = sign_note(text, NAME, SIGNERS[algorithm])
    except (ValueError, UnicodeEncodeError):
        return

    assert verify_note(note, [key_of(algorithm)]) == text


def test_keys_of_one_pair_differ_by_name() -> None:
    assert len({key_of(Algorithm.ED25519, name).key_id for name in "abc"}) == 3
