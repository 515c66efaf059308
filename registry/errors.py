"""
The errors of the registry, by who must act. Pure.

    wire.Refusal
    +-- NotDefined                404  the caller asks what the authority does not define
    |   +-- AuthorityNotFound          no such authority here
    |   +-- DefinitionNotFound         the authority has no such action on such a resource
    +-- TimeOutOfRange            400  the caller asks about a time to come
    +-- TooManyToList             422  the caller asks for too long a list
    +-- IdentifierNotFound        404  the operator names what is not in the registry
    +-- SourceNotFound            404  the operator names a source that is not followed
    +-- RegistryFileError         422  the operator must mend the file; every fault has its place
    +-- ChangesThePast            409  the operator must say that he corrects what was said of the past
    +-- Overtaken                 409  others changed the registry again and again meanwhile; try again
    +-- KnownAtLost               410  a restore lost what was recorded at the time asked about
    +-- ListRefused               422  whoever signs the list of trusted entities must act
        +-- ListNotTrusted             not from whom it should be
        +-- ListExpired                it should have been replaced by now
        +-- ListWentBack               it is older than one that was seen

A malformed request is a `wire.MalformedBody` (400). A missing grant is no error: it is the answer `false`.
"""

import msgspec

from wire import BadRequest, Refusal, format_exact

MAX_FAULTS = 20  # faults told of one file; a longer list helps nobody


class Fault(msgspec.Struct, frozen=True):
    """
    One thing wrong with a registry file.

    Attributes:
        pointer: JSON pointer (RFC 6901) of the value at fault, "" for the document.
        line: the line it begins on, from 1.
        detail: what was expected and what was found.
    """

    pointer: str
    line: int
    detail: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.pointer or 'the document'}: {self.detail}"


class NotDefined(Refusal, status=404):
    """TRQP v2.0: the authority, or the action or resource asked about, is not recognised."""


class AuthorityNotFound(NotDefined, type="/problems/authority-not-found"):
    """This registry does not answer for the authority."""


class DefinitionNotFound(
    NotDefined, type="/problems/definition-not-found", title="Action or resource not defined"
):
    """The authority does not define the action on the resource; `pointer` names the member at fault."""


class TimeOutOfRange(BadRequest, type="/problems/time-out-of-range"):
    """The question is about a time to come; `pointer` names the member."""


class TooManyToList(Refusal, type="/problems/too-many-to-list", status=422):
    """The list would have to be made of too many facts; a narrower one may be had."""


class IdentifierNotFound(Refusal, type="/problems/identifier-not-found", status=404):
    """Neither an authority nor an entity of this registry has the identifier."""


class SourceNotFound(Refusal, type="/problems/source-not-found", status=404):
    """The registry follows no source of this id."""


class RegistryFileError(Refusal, type="/problems/invalid-registry-file", status=422):
    """
    The file is not a registry; nothing of it was imported. `faults` are in the order of the file.

    The message has every fault on a line of its own; the problem document has them under `errors`.
    """

    def __init__(self, faults: tuple[Fault, ...], found: int) -> None:
        more = f"\n  and {found - len(faults)} more" if found > len(faults) else ""
        listed = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(
            f"the registry file has {found} fault{'s' if found != 1 else ''}:{listed}{more}",
            errors=[msgspec.structs.asdict(fault) for fault in faults],
        )
        self.faults = faults
        self.found = found


class ListRefused(
    Refusal, type="/problems/list-refused", title="List of trusted entities refused", status=422
):
    """A list of trusted entities that says nothing: not what its entities may, and not that they may nothing."""


class ListNotTrusted(ListRefused):
    """Nobody whom the operator named answers for the list, or it is not made as the standard demands."""


class ListExpired(ListRefused):
    """Its `NextUpdate` has passed: what it says is not known to hold any more."""


class ListWentBack(ListRefused):
    """Its sequence number is lower than one that was seen, or another list had it."""


class ChangesThePast(Refusal, type="/problems/changes-the-past", status=409):
    """Something is said of the past that was not said before; that is a correction, and must be called one."""

    def __init__(self, kind: str, fact_id: str, at: int) -> None:
        super().__init__(
            f"the {kind} {fact_id}: this says something else of {format_exact(at)} than the registry did; allow"
            " corrections if that is meant, or let it begin now; what has ended begins anew under another id"
        )


class Overtaken(Refusal, type="/problems/registry-changed", status=409):
    """Others changed the registry while this was done, as often as it was tried; nothing was changed."""


class KnownAtLost(Refusal, type="/problems/known-at-lost", status=410):
    """The database was restored from a backup; what was recorded between the two is lost."""
