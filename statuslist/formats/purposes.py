"""
The status purposes that we publish, and which changes they allow. Pure.

Bitstring Status List v1.0 (W3C REC, 2025-05-15), section 2.1: `revocation` is not reversible, `suspension`
is. Each purpose of a status set is a list of its own with one bit per credential. `refresh` and `message`
are read in foreign lists (`checking/`) and not published.
"""

from collections.abc import Iterable

from statuslist.errors import IrreversibleStatus, UnknownPurpose

REVOCATION = "revocation"
SUSPENSION = "suspension"
PURPOSES = (REVOCATION, SUSPENSION)


def check_purposes(purposes: Iterable[str]) -> tuple[str, ...]:
    """
    Return `purposes` in the order of `PURPOSES`.

    Raises:
        UnknownPurpose: none, one that is not in `PURPOSES`, or one twice.
    """
    found = list(purposes)
    for purpose in found:
        check_purpose(purpose)
    if not found or len(set(found)) != len(found):
        raise UnknownPurpose(f"expected {' or '.join(PURPOSES)} or both, each once", pointer="/purposes")
    return tuple(purpose for purpose in PURPOSES if purpose in found)


def check_purpose(purpose: str) -> None:
    """
    Raises:
        UnknownPurpose: `purpose` is not in `PURPOSES`.
    """
    if purpose not in PURPOSES:
        raise UnknownPurpose(f"expected {' or '.join(PURPOSES)}, found {purpose[:40]!r}")


def check_transition(purpose: str, old: int, new: int) -> None:
    """
    Refuse a change of status that the purpose does not allow; setting what is set already is allowed.

    Raises:
        UnknownPurpose: `purpose` is not in `PURPOSES`.
        IrreversibleStatus: a revocation would be taken back.
    """
    check_purpose(purpose)
    if purpose == REVOCATION and old == 1 and new != 1:
        raise IrreversibleStatus("a revocation is final; issue a new credential instead")
