"""
How one key of an issuer follows another: the steps, each within the transaction of its caller. Store.

Nobody verifies with a key that he has not seen. So a key signs only when every cached copy of the document has had
time to be replaced: twice the time to live after it was announced, once for caches and once for caches behind
caches. An issuer without an active key has nothing to overlap with: its next key is active at once.
"""

from collections.abc import Callable

from operators import noting
from operators.grants import Principal
from operators.issuers import key_store
from operators.issuers.keys import MAX_PUBLISHED, IssuerKey, KeyState, active_key, signed_last, successors
from operators.issuers.views import key_view
from storage import Transaction
from wire import Conflict, ResourceNotFound

CACHES_IN_A_ROW = 2  # whose time to live a new key waits for

# Has the lists of an issuer signed anew, and returns when the last of what is published of them ends, or None.
SignAnew = Callable[[Transaction, str], int | None]


def ready_at(key: IssuerKey, keys: list[IssuerKey], ttl_seconds: int, now: int) -> int:
    """
    Return from when an announced key of a hosted document may sign, in microseconds since 1970; 0: at once.

    One that was announced by a clock that was ahead, and is right again at `now`, is as one that is announced now.
    """
    if active_key(keys) is None:
        return 0
    return min(key.announced_at, now) + CACHES_IN_A_ROW * ttl_seconds * 1_000_000


def require_room(keys: list[IssuerKey], now: int) -> None:
    """
    Require that one more key of an issuer fits into its document, which everybody must be able to read.

    Raises:
        Conflict: MAX_PUBLISHED are there.
    """
    if sum(key.is_published(now) for key in keys) >= MAX_PUBLISHED:
        raise Conflict(
            f"the issuer has {MAX_PUBLISHED} keys in its DID document, and no more fit: retire announced ones,"
            " or wait until retired ones have left it"
        )


def known_key(keys: list[IssuerKey], key_id: str) -> IssuerKey:
    """
    Return the key of that id.

    Raises:
        ResourceNotFound: the issuer never had it.
    """
    found = next((key for key in keys if key.key_id == key_id), None)
    if found is None:
        raise ResourceNotFound(f"the issuer has no key {key_id[:63]!r}")
    return found


def next_key(keys: list[IssuerKey], key_id: str | None) -> IssuerKey:
    """
    Return the announced key of that id, or (None) of those like the active key the one that is known for longest.

    Raises:
        ResourceNotFound: the issuer never had it.
        Conflict: it is not announced, or (None) no key is, or only keys of another kind are.
    """
    if key_id is None:
        return _next_of_the_kind(keys)
    key = known_key(keys, key_id)
    if key.state is not KeyState.ANNOUNCED:
        raise Conflict(f"only an announced key can become active, and {key_id} is {key.state}")
    return key


def _next_of_the_kind(keys: list[IssuerKey]) -> IssuerKey:
    last = signed_last(keys)
    waiting = successors(keys, last)
    if not waiting:
        raise Conflict("only an announced key can become active, and there is none; add a key first")
    if last is not None and waiting[0].kind != last.kind:
        raise Conflict(
            f"every announced key is of another kind than {last.key_id}, {_described(last)}; name the one that"
            f" shall sign, such as {waiting[0].key_id}, {_described(waiting[0])}"
        )
    return waiting[0]


def _described(key: IssuerKey) -> str:
    custody, algorithm = key.kind
    return f"{algorithm} in {'a token' if custody == 'pkcs11' else 'a file'}"


def activate(tx: Transaction, key: IssuerKey, sign_anew: SignAnew, *, actor: Principal, at: int) -> bool:
    """Let an announced key sign from now on, have the issuer's lists signed anew; False: it is not announced."""
    before = key_store.signing_key(tx, key.issuer_id)
    if not key_store.activate(tx, key, at):
        return False
    ends = sign_anew(tx, key.issuer_id)
    if before is not None and ends is not None:
        # Nodes of a release before 0.3 sign with it as well, and note nothing.
        key_store.note_signed(tx, key.issuer_id, before, ends)
    note(tx, key, "issuer-key.activate", actor=actor, at=at, retired=before)
    return True


def compromise(
    tx: Transaction, key: IssuerKey, since: int, sign_anew: SignAnew, *, actor: Principal, at: int
) -> bool:
    """Let a key leave the document, and have what it may have signed signed anew; False: that was known."""
    if not key_store.compromise(tx, key, since, at):
        return False
    note(tx, key, "issuer-key.compromised", actor=actor, at=at, since=since)
    if key.state is not KeyState.ANNOUNCED:
        sign_anew(tx, key.issuer_id)
    return True


def note(
    tx: Transaction,
    key: IssuerKey,
    action: str,
    *,
    actor: Principal,
    at: int,
    is_new: bool = False,
    **detail: object,
) -> None:
    """Write the audit row of a change of a key, which was as `key` says, or was not known."""
    now = next(one for one in key_store.keys_of(tx, key.issuer_id) if one.key_id == key.key_id)
    before = None if is_new else key_view(key, ())
    subject = f"{key.issuer_id}#{key.key_id}"
    noting.note(tx, actor, action, subject, at=at, before=before, after=key_view(now, ()), **detail)
