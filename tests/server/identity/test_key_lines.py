"""Which lines of a key log are believed: those of the issuer's own keys, and nobody else's."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from operators import Issuer, IssuerKey, KeyState
from operators.issuers.keys import key_id_of
from proofs import Algorithm, KeySigner, PrivateKey, sign_compact
from proofs.key_files import new_key
from server.identity.documents import method_ids
from server.identity.key_lines import TYPE, KeyLine, NotCounted, Replay, line_of, public_halves

SERVICE = "https://status.example"
ACME = Issuer(id="acme", did="did:web:status.example:issuers:acme")
OTHER = Issuer(id="other", did="did:web:status.example:issuers:other")
NOW = time.time_ns() // 1_000


class Key:
    """A private key, its row, and what signs with it."""

    def __init__(self, issuer: Issuer = ACME, algorithm: Algorithm = Algorithm.ED25519) -> None:
        self.private: PrivateKey = new_key(algorithm)
        self.algorithm = algorithm
        self.der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.id = key_id_of(self.der)
        self.issuer = issuer

    @property
    def signer(self) -> KeySigner:
        method, jwk = method_ids(self.issuer.did, self.id)
        return KeySigner(self.private, method, jws_key_id=jwk)

    def row(self, state: KeyState, **values: Any) -> IssuerKey:
        return IssuerKey(
            issuer_id=self.issuer.id,
            key_id=self.id,
            custody="file",
            locator=f"{self.id}.pem",
            state=state,
            announced_at=NOW,
            algorithm=self.algorithm.value,
            public_key=self.der,
            **({"compromised_since": NOW} if state is KeyState.COMPROMISED else {}),
            **values,
        )


FIRST, SECOND, THIRD = Key(), Key(algorithm=Algorithm.P256), Key(algorithm=Algorithm.P384)
STRANGER = Key()
ANNOUNCED, ACTIVE, RETIRED, COMPROMISED = KeyState
BACKUP = (FIRST.row(ACTIVE), SECOND.row(ANNOUNCED))


def line(key: Key, *rows: IssuerKey, at: int = NOW, **values: Any) -> bytes:
    record = KeyLine(service=SERVICE, did=key.issuer.did, written_at=at, keys=public_halves(rows))
    return line_of(msgspec.structs.replace(record, **values), key.signer)


# Two rotations, as they are written down.
HONEST = (
    line(FIRST, *BACKUP),
    line(SECOND, FIRST.row(RETIRED), SECOND.row(ACTIVE), THIRD.row(ANNOUNCED), at=NOW + 1),
    line(THIRD, FIRST.row(RETIRED), SECOND.row(RETIRED), THIRD.row(ACTIVE), at=NOW + 2),
)


def replayed(
    lines: Sequence[bytes],
    known: Sequence[IssuerKey] = BACKUP,
    is_held: Callable[[IssuerKey], bool] = lambda _: False,
) -> tuple[dict[str, KeyState], list[str]]:
    """Return the states of the keys, and why lines did not count."""
    replay, faults = Replay(SERVICE, ACME, known, is_held), []
    for each in lines:
        try:
            replay.take(each)
        except NotCounted as error:
            faults.append(str(error))
    return {key_id: key.state for key_id, key in replay.keys.items()}, faults


def test_two_rotations_are_followed_from_the_keys_of_the_backup() -> None:
    assert replayed(HONEST) == ({FIRST.id: RETIRED, SECOND.id: RETIRED, THIRD.id: ACTIVE}, [])


def test_a_backup_that_is_newer_than_the_log_knows_better_and_hears_no_complaint() -> None:
    newer = (FIRST.row(RETIRED), SECOND.row(COMPROMISED), THIRD.row(ACTIVE))

    assert replayed(HONEST, newer) == ({FIRST.id: RETIRED, SECOND.id: COMPROMISED, THIRD.id: ACTIVE}, [])


def test_lines_that_are_missing_at_the_end_leave_what_was_before() -> None:
    assert replayed(HONEST[:2]) == ({FIRST.id: RETIRED, SECOND.id: ACTIVE, THIRD.id: ANNOUNCED}, [])


def test_a_line_whose_signer_was_told_of_in_a_line_that_is_missing_does_not_count() -> None:
    states, faults = replayed((HONEST[0], HONEST[2]))

    assert states == {FIRST.id: ACTIVE, SECOND.id: ANNOUNCED}
    assert faults == [f"it is signed with '{THIRD.id}', which nobody knows to be the issuer's"]


def test_a_key_that_is_held_here_counts_though_no_line_before_tells_of_it() -> None:
    states, faults = replayed((HONEST[2],), is_held=lambda key: key.public_key == THIRD.der)

    assert (states, faults) == ({FIRST.id: RETIRED, SECOND.id: RETIRED, THIRD.id: ACTIVE}, [])


@pytest.mark.parametrize("locator", ["../key.pem", "/etc/ssl/key.pem", "", ".pem", "a/b.pem", "a\n"])
def test_nobody_is_asked_for_a_key_outside_the_key_directory(locator: str) -> None:
    asked: list[IssuerKey] = []
    rows = (FIRST.row(RETIRED), msgspec.structs.replace(THIRD.row(ACTIVE), locator=locator))
    states, faults = replayed((line(THIRD, *rows),), is_held=lambda key: not asked.append(key))

    assert (states[FIRST.id], len(faults)) == (ACTIVE, 1)
    assert asked == []


def test_what_a_stranger_wrote_reaches_the_terminal_in_no_spelling_that_it_obeys() -> None:
    escape = "\x1b]0;title\x07" + "x" * 500
    _, faults = replayed(
        (
            line(FIRST, *BACKUP, service=escape),
            line(FIRST, *BACKUP, did=escape),
            line(STRANGER, STRANGER.row(ACTIVE)).replace(b".", b"A.", 1),
            sign_compact(b'{"service": "\x1b"}', header={"typ": escape}, signer=STRANGER.signer),
        )
    )

    assert len(faults) == 4
    assert all(fault.isprintable() and len(fault) < 500 for fault in faults)


def test_an_old_line_that_is_put_at_the_end_takes_nothing_back() -> None:
    states, faults = replayed((*HONEST, HONEST[1]))

    assert states == {FIRST.id: RETIRED, SECOND.id: RETIRED, THIRD.id: ACTIVE}
    assert faults == ["it is not later than a line before it"]


def test_the_last_line_says_which_keys_there_are() -> None:
    """So whoever once wrote a line with a stolen key is rid of by the next line of ours."""
    stolen = line(FIRST, *BACKUP, STRANGER.row(ANNOUNCED), at=NOW + 1)
    ours = line(SECOND, FIRST.row(COMPROMISED), SECOND.row(ACTIVE), at=NOW + 2)
    later = line(STRANGER, FIRST.row(COMPROMISED), STRANGER.row(ACTIVE), at=NOW + 3)
    states, faults = replayed((HONEST[0], stolen, ours, later))

    assert states == {FIRST.id: COMPROMISED, SECOND.id: ACTIVE}
    assert faults == [f"it is signed with '{STRANGER.id}', which nobody knows to be the issuer's"]


def test_another_key_does_not_pass_for_one_that_a_line_told_of() -> None:
    told = line(FIRST, *BACKUP, msgspec.structs.replace(THIRD.row(ANNOUNCED), key_id="key-1"))
    other = msgspec.structs.replace(STRANGER.row(ACTIVE), key_id="key-1")
    forged = line(STRANGER, FIRST.row(RETIRED), other, at=NOW + 2)
    states, faults = replayed((told, forged))

    assert states == {FIRST.id: ACTIVE, SECOND.id: ANNOUNCED, "key-1": ANNOUNCED}
    assert faults == ["key-1 is another key"]


@pytest.mark.parametrize("state", [RETIRED, COMPROMISED])
def test_a_key_that_signs_no_more_brings_no_key_in(state: KeyState) -> None:
    known = (FIRST.row(state), SECOND.row(ACTIVE))
    forged = line(FIRST, FIRST.row(ACTIVE), SECOND.row(RETIRED), STRANGER.row(ANNOUNCED), at=NOW + 9)
    states, faults = replayed((forged,), known)

    assert states == {FIRST.id: state, SECOND.id: ACTIVE}
    assert faults == [f"it is signed with {FIRST.id}, which is {state} by then"]


_MINE = line(STRANGER, FIRST.row(RETIRED), STRANGER.row(ACTIVE), at=NOW + 5)
_NEXT = line(FIRST, *BACKUP, at=NOW + 5)
_HERS = Key(OTHER)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(_MINE, id="a key that nobody knows"),
        pytest.param(
            line_of(
                KeyLine(service=SERVICE, did=ACME.did, written_at=NOW + 5, keys=(FIRST.row(ACTIVE),)),
                KeySigner(STRANGER.private, *method_ids(ACME.did, FIRST.id)),
            ),
            id="another key under the name of ours",
        ),
        pytest.param(line(FIRST, FIRST.row(RETIRED), SECOND.row(ACTIVE), at=NOW + 5), id="signer not active"),
        pytest.param(line(_HERS, _HERS.row(ACTIVE), at=NOW + 5), id="a line of another issuer"),
        pytest.param(line(FIRST, *BACKUP, _HERS.row(ANNOUNCED), at=NOW + 5), id="a key of another issuer"),
        pytest.param(
            line(FIRST, *BACKUP, at=NOW + 5, service="https://old.example"), id="another deployment"
        ),
        pytest.param(line(FIRST, *BACKUP, at=NOW + 5, did=OTHER.did), id="another DID"),
        pytest.param(line(FIRST, *BACKUP, at=2**62), id="the end of time"),
        pytest.param(line(FIRST, *BACKUP, at=-1), id="before time"),
        pytest.param(
            line(
                FIRST,
                FIRST.row(ACTIVE),
                msgspec.structs.replace(STRANGER.row(ANNOUNCED), key_id=SECOND.id),
                at=NOW + 5,
            ),
            id="another key of the same id",
        ),
        pytest.param(
            line(
                FIRST,
                FIRST.row(ACTIVE),
                msgspec.structs.replace(SECOND.row(ANNOUNCED), locator="../x.pem"),
                at=NOW + 5,
            ),
            id="a way out of the key directory",
        ),
        pytest.param(
            line(
                FIRST,
                FIRST.row(ACTIVE),
                msgspec.structs.replace(SECOND.row(ANNOUNCED), custody="disk", locator="/etc/shadow"),
                at=NOW + 5,
            ),
            id="a custody that we do not have",
        ),
        pytest.param(
            line(
                FIRST,
                FIRST.row(ACTIVE),
                msgspec.structs.replace(SECOND.row(ANNOUNCED), algorithm=None),
                at=NOW + 5,
            ),
            id="a row that cannot be",
        ),
        pytest.param(
            line(
                FIRST,
                *BACKUP,
                msgspec.structs.replace(THIRD.row(ANNOUNCED), key_id="key-0123456789ab"),
                at=NOW + 5,
            ),
            id="the id of another key",
        ),
        pytest.param(
            line(
                FIRST, *BACKUP, msgspec.structs.replace(THIRD.row(ANNOUNCED), key_id="third#key"), at=NOW + 5
            ),
            id="an id that no release gives",
        ),
        pytest.param(
            line(FIRST, *BACKUP, msgspec.structs.replace(THIRD.row(ANNOUNCED), algorithm="RSA"), at=NOW + 5),
            id="an algorithm that we do not have",
        ),
        pytest.param(
            line(
                FIRST, *BACKUP, msgspec.structs.replace(THIRD.row(ANNOUNCED), algorithm="P-256"), at=NOW + 5
            ),
            id="the algorithm of another key",
        ),
        pytest.param(
            line(
                FIRST,
                *BACKUP,
                msgspec.structs.replace(THIRD.row(ANNOUNCED), public_key=b"junk", key_id=key_id_of(b"junk")),
                at=NOW + 5,
            ),
            id="a key that is none",
        ),
        pytest.param(
            line(
                FIRST,
                *BACKUP,
                msgspec.structs.replace(THIRD.row(ANNOUNCED), public_key=None, algorithm=None),
                at=NOW + 5,
            ),
            id="an id of a key that is not told",
        ),
        pytest.param(
            sign_compact(_NEXT.split(b".")[1], header={"typ": TYPE}, signer=FIRST.signer), id="no JSON"
        ),
        pytest.param(
            sign_compact(
                msgspec.json.encode(KeyLine(service=SERVICE, did=ACME.did, written_at=NOW + 5, keys=BACKUP)),
                header={"typ": "vc+jwt"},
                signer=FIRST.signer,
            ),
            id="signed for something else",
        ),
        pytest.param(
            sign_compact(b'{"service":"\xe4"}', header={"typ": TYPE}, signer=FIRST.signer), id="no UTF-8"
        ),
        pytest.param(_NEXT[:-40], id="cut off"),
        pytest.param(_NEXT[:-6] + b"AAAAAA", id="another signature"),
        pytest.param(b"\xff\x00 no line", id="no line"),
        pytest.param(b"a" * 1_048_577, id="too long"),
    ],
)
def test_a_forged_or_damaged_line_changes_nothing_and_the_next_one_counts(forged: bytes) -> None:
    states, faults = replayed((HONEST[0], forged, *HONEST[1:]))

    assert states == {FIRST.id: RETIRED, SECOND.id: RETIRED, THIRD.id: ACTIVE}
    assert len(faults) == 1


def test_a_row_of_a_release_before_0_3_is_believed_only_where_its_key_is_held() -> None:
    nameless = msgspec.structs.replace(FIRST.row(ACTIVE), public_key=None, algorithm=None)
    held = replayed(
        HONEST, (nameless, SECOND.row(ANNOUNCED)), is_held=lambda key: key.public_key == FIRST.der
    )
    lost = replayed(HONEST[:1], (nameless, SECOND.row(ANNOUNCED)))

    assert held == ({FIRST.id: RETIRED, SECOND.id: RETIRED, THIRD.id: ACTIVE}, [])
    assert len(lost[1]) == 1
