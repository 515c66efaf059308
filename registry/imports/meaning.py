"""
What the shape of a registry file cannot say: identifiers, references, windows, histories, texts. Pure.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from registry.file_format import AuthorityItem, EntityItem, GrantItem, RegistryFile, read_time
from registry.identifiers import identifier_kind, is_https_url
from registry.imports.locate import step
from registry.imports.shape import Finding

# Unicode general categories that no display text may hold: controls, formats (bidi overrides, zero width),
# surrogates, private use, unassigned, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def meaning_faults(file: RegistryFile) -> Iterator[Finding]:
    """Yield the pointer and the reason of every fault in what `file` says."""
    yield from _repeated_ids(file)
    for index, authority in enumerate(file.authorities):
        yield from _authority_faults(authority, f"/authorities/{index}")
    for index, entity in enumerate(file.entities):
        yield from _entity_faults(entity, f"/entities/{index}")
    yield from _grants_faults(file, file.authorizations, "/authorizations")
    yield from _grants_faults(file, file.recognitions, "/recognitions")
    for index, grant in enumerate(file.recognitions):
        if grant.authority_id == grant.entity_id:
            yield f"/recognitions/{index}/entity_id", "an authority does not recognise itself"


def _repeated_ids(file: RegistryFile) -> Iterator[Finding]:
    first: dict[str, str] = {}
    places = [(item.id, f"/authorities/{index}/id") for index, item in enumerate(file.authorities)]
    places += [(item.id, f"/entities/{index}/id") for index, item in enumerate(file.entities)]
    for identifier, pointer in places:
        if first.setdefault(identifier, pointer) != pointer:
            yield pointer, f"the identifier is already used at {first[identifier]}"


def _authority_faults(authority: AuthorityItem, pointer: str) -> Iterator[Finding]:
    yield from _identifier_faults(authority.id, f"{pointer}/id", is_authority=True)
    yield from _text_faults(authority.names, f"{pointer}/names")
    yield from _text_faults(authority.description, f"{pointer}/description")
    if not is_https_url(authority.governance_framework):
        yield f"{pointer}/governance_framework", "expected an https URL without query and fragment"
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(authority.defines):
        yield from _text_faults(each.description, f"{pointer}/defines/{index}/description")
        if (each.action, each.resource) in seen:
            yield f"{pointer}/defines/{index}", "the action is already defined for this resource"
        seen.add((each.action, each.resource))


def _entity_faults(entity: EntityItem, pointer: str) -> Iterator[Finding]:
    yield from _identifier_faults(entity.id, f"{pointer}/id", is_authority=False)
    yield from _text_faults(entity.names, f"{pointer}/names")
    if entity.url is not None and not is_https_url(entity.url):
        yield f"{pointer}/url", "expected an https URL without query and fragment"


def _identifier_faults(identifier: str, pointer: str, *, is_authority: bool) -> Iterator[Finding]:
    try:
        kind = identifier_kind(identifier)
    except ValueError as error:
        yield pointer, str(error)
        return
    if is_authority and kind != "did":
        yield pointer, "expected a DID: an authority is found by resolving it"


def _text_faults(texts: dict[str, str], pointer: str) -> Iterator[Finding]:
    for language, text in texts.items():
        if fault := text_fault(text):
            yield pointer + step(language), fault


def text_fault(text: str) -> str | None:
    """Return why `text` may not be shown to people, or None where it may."""
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            return f"the character U+{ord(character):04X} is a control or format character"
    if not unicodedata.is_normalized("NFC", text):
        return "expected Unicode normalization form C"
    return "begins or ends with white space" if text != text.strip() else None


def _grants_faults(file: RegistryFile, grants: list[GrantItem], pointer: str) -> Iterator[Finding]:
    authorities = {
        item.id: {(each.action, each.resource) for each in item.defines} for item in file.authorities
    }
    known = authorities.keys() | {item.id for item in file.entities}
    windows: defaultdict[tuple[str, ...], list[tuple[int, int | None, int]]] = defaultdict(list)
    for index, grant in enumerate(grants):
        here = f"{pointer}/{index}"
        yield from _reference_faults(grant, authorities, known, here)
        time_faults = list(_time_faults(grant, here))
        yield from time_faults
        if not time_faults:
            key = (grant.authority_id, grant.entity_id, grant.action, grant.resource)
            windows[key].append((read_time(grant.valid_from), _end_of(grant), index))
    for of_one_key in windows.values():
        yield from _overlap_faults(of_one_key, pointer)


def _end_of(grant: GrantItem) -> int | None:
    """Return when a grant ended for good: at its revocation, after which another may follow, or with its window."""
    if grant.history and grant.history[-1].state == "revoked":
        return read_time(grant.history[-1].since)
    return read_time(grant.valid_until) if grant.valid_until is not None else None


def _reference_faults(
    grant: GrantItem, authorities: dict[str, set[tuple[str, str]]], known: set[str], pointer: str
) -> Iterator[Finding]:
    if grant.entity_id not in known:
        yield f"{pointer}/entity_id", "neither `entities` nor `authorities` has this identifier"
    defined = authorities.get(grant.authority_id)
    if defined is None:
        yield f"{pointer}/authority_id", "`authorities` does not have this identifier"
    elif (grant.action, grant.resource) not in defined:
        yield pointer, "the authority does not define this action for this resource"


def _time_faults(grant: GrantItem, pointer: str) -> Iterator[Finding]:
    unreadable = list(_unreadable_times(grant, pointer))
    if unreadable:
        yield from unreadable
        return
    starts = read_time(grant.valid_from)
    if grant.valid_until is not None and read_time(grant.valid_until) <= starts:
        yield f"{pointer}/valid_until", "expected a time after `valid_from`"
        return
    yield from _history_faults(grant, pointer)


def _unreadable_times(grant: GrantItem, pointer: str) -> Iterator[Finding]:
    """Yield the times that have the right shape and do not exist, such as 30 February."""
    times = {"valid_from": grant.valid_from, "valid_until": grant.valid_until}
    times |= {f"history/{index}/since": change.since for index, change in enumerate(grant.history)}
    for name, text in times.items():
        try:
            if text is not None:
                read_time(text)
        except ValueError:
            yield f"{pointer}/{name}", "there is no such day or time"


def _history_faults(grant: GrantItem, pointer: str) -> Iterator[Finding]:
    """Yield what breaks the story: changes in order and in the window, each a change, revocation the last."""
    state, after = "active", read_time(grant.valid_from) - 1
    for index, change in enumerate(grant.history):
        here, since = f"{pointer}/history/{index}", read_time(change.since)
        if change.reason is not None and (fault := text_fault(change.reason)):
            yield f"{here}/reason", fault
        if state == "revoked":
            yield here, "nothing follows a revocation; to grant it again, add a grant that begins after it"
        elif change.state == state:
            yield f"{here}/state", f"it is {state} already"
        if since <= after:
            yield f"{here}/since", "expected a time after the change before it, and not before `valid_from`"
        elif grant.valid_until is not None and since >= read_time(grant.valid_until):
            yield f"{here}/since", "expected a time before `valid_until`"
        state, after = change.state, since


def _overlap_faults(windows: list[tuple[int, int | None, int]], pointer: str) -> Iterator[Finding]:
    """
    Yield the windows of one grant that begin before an earlier one ended (`_end_of`); they are half-open.

    Nor may two begin at once, be the first revoked at once: the beginning is part of what identifies a grant.
    """
    windows.sort(key=lambda window: (window[0], window[2]))
    begun, end, holder = windows[0]
    for begins, until, index in windows[1:]:
        if end is None or begins < end or begins == begun:
            yield f"{pointer}/{index}", f"the window overlaps the one of the same grant at {pointer}/{holder}"
        begun = begins
        if end is not None and (until is None or until > end):
            end, holder = until, index
