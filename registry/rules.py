"""
What facts must be like, beyond their shape: references, windows, histories, texts, identifiers. Pure.

Rules look at the registry as it would be with all changes made.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

from registry.certificates import certificate_fault
from registry.identifiers import is_https_url
from registry.known import Known, question_of
from registry.model import (
    FINAL,
    Authority,
    Definition,
    Delegation,
    Entity,
    Fact,
    FactKind,
    Grant,
    Identifier,
    LocalisedText,
    StateChange,
    definitions_of,
    kind_of,
    meet,
)
from registry.overlaps import Holders, SameGrants
from registry.placed import Finding, PlacedFact

# Unicode general categories that no display text may hold: controls, formats (bidi overrides, zero width),
# surrogates, private use, unassigned, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Nothing is drawn for them, though no category says so: the fillers of Hangul, and the blank of Braille.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_VARIATION = re.compile(r"[\ufe00-\ufe0f]")  # they choose another look of what is before them

_TAG = re.compile(r"<[A-Za-z/!?]")  # where HTML begins a tag, an end of one, a comment

UNDEFINED = "the authority does not define this action for this resource"


def faults(known: Known, facts: Iterable[PlacedFact]) -> Iterator[Finding]:
    """
    Yield the pointer and the reason of every fault in facts.

    What is wrong between two facts is told of one: of identifiers, of the one that is listed later; of windows, of
    the one that begins later. What is not listed is not at fault.

    Args:
        known: the registry as it would be with all of them.
    """
    listed = list(facts)
    others = _Others(known, listed)
    for each in listed:
        for within, detail in _faults_of(known, each.fact, others):
            yield each.placed.at(within), detail


class _Others:
    """What is there besides the fact that is looked at; sorted once for all."""

    def __init__(self, known: Known, listed: Iterable[PlacedFact]) -> None:
        """Take the facts that are looked at."""
        self._known = known
        self._places: defaultdict[FactKind, dict[str, str]] = defaultdict(dict)  # pointers, by kind and id
        for each in listed:
            self._places[kind_of(each.fact)][each.fact.id] = each.placed.pointer
        self._same: dict[tuple[str, ...], SameGrants] = {}
        self.holders = Holders(known.entities_named, self._places["entity"].keys())

    def same_grants(self, grant: Grant) -> SameGrants:
        question = question_of(grant)
        if question not in self._same:
            self._same[question] = SameGrants(self._known.grants(*question), self._places[grant.kind].keys())
        return self._same[question]

    def place(self, kind: FactKind, fact_id: str) -> str:
        return self._places[kind].get(fact_id, fact_id)


def _faults_of(known: Known, fact: Fact, others: _Others) -> Iterator[Finding]:
    if isinstance(fact, Entity):
        yield from _entity(fact, others)
        others.holders.take_in(fact)
    elif isinstance(fact, Authority):
        yield from _authority(known, fact)
    elif isinstance(fact, Grant):
        yield from _grant(known, fact, others)
    else:
        yield from _delegation(known, fact)


def _entity(entity: Entity, others: _Others) -> Iterator[Finding]:
    yield from _texts(entity.names, "/names")
    yield from _texts(entity.description, "/description")
    yield from _window(entity.valid_from, entity.valid_until)
    yield from _urls(entity)
    for index, identifier in enumerate(entity.identifiers):
        here = f"/identifiers/{index}"
        yield from _window(identifier.valid_from, identifier.valid_until, here)
        text = identifier.certificate
        if text is not None and (fault := certificate_fault(identifier.value, text)):
            yield f"{here}/certificate", fault
        if any(_clash(identifier, each) for each in entity.identifiers[:index]):
            yield f"{here}/value", "the identifier is already there, at the same time"
        elif other := others.holders.of(entity, identifier):
            yield f"{here}/value", f"the identifier is already used at {others.place('entity', other)}"


def _urls(entity: Entity) -> Iterator[Finding]:
    for index, link in enumerate(entity.links):
        if not is_https_url(link.href):
            yield f"/links/{index}/href", "expected an https URL without query and fragment"
    if entity.logo is not None and not is_https_url(entity.logo.href):
        yield "/logo/href", "expected an https URL without query and fragment"


def clashing(known: Known, entity: Entity, identifier: Identifier) -> str | None:
    """Return the id of another entity that has an identifier at some time at which this one has it."""
    return Holders(known.entities_named, {entity.id}).of(entity, identifier)


def _clash(one: Identifier, other: Identifier) -> bool:
    windows = (one.valid_from, one.valid_until), (other.valid_from, other.valid_until)
    return one.value == other.value and meet(*windows)


def _authority(known: Known, authority: Authority) -> Iterator[Finding]:
    entity = known.entity(authority.id)
    if entity is None:
        yield "/id", "neither an entity of the registry nor of the file has this id or identifier"
    elif not any(each.value.startswith("did:") for each in entity.fact.identifiers):
        yield "/id", "expected a DID: an authority is found by resolving it"
    yield from _window(authority.valid_from, authority.valid_until)
    urls = {"/governance_framework": authority.governance_framework}
    urls |= {
        f"/governance_documents/{index}/href": each.href
        for index, each in enumerate(authority.governance_documents)
    }
    for pointer, url in urls.items():
        if not is_https_url(url):
            yield pointer, "expected an https URL without query and fragment"
    for index, document in enumerate(authority.governance_documents):
        if document.version is not None and (fault := text_fault(document.version)):
            yield f"/governance_documents/{index}/version", fault
    yield from _definitions(authority)


def _definitions(authority: Authority) -> Iterator[Finding]:
    for index, definition in enumerate(authority.defines):
        yield from _texts(definition.description, f"/defines/{index}/description")
        yield from _window(definition.valid_from, definition.valid_until, f"/defines/{index}")
        if any(_same_pair(definition, each) for each in authority.defines[:index]):
            yield f"/defines/{index}", "the action is already defined for this resource, at the same time"
    names = [each.id for each in authority.resources]
    for index, resource in enumerate(authority.resources):
        yield from _texts(resource.description, f"/resources/{index}/description")
        if resource.id in names[:index]:
            yield f"/resources/{index}/id", "the resource is already there"


def _same_pair(one: Definition, other: Definition) -> bool:
    windows = (one.valid_from, one.valid_until), (other.valid_from, other.valid_until)
    return (one.action, one.resource) == (other.action, other.resource) and meet(*windows)


def _grant(known: Known, grant: Grant, others: _Others) -> Iterator[Finding]:
    authority = known.authority(grant.authority_id)
    if authority is None:
        yield "/authority_id", "`authorities` does not have this identifier"
    elif not definitions_of(
        authority.fact, grant.action, grant.resource
    ):  # At any time: what ended stays, and so do its grants.
        yield "", UNDEFINED
    if grant.kind == "recognition" and grant.authority_id == grant.entity_id:
        yield "/entity_id", "an authority does not recognise itself"
    for name, text in grant.constraints.items():
        if fault := text_fault(text):
            yield f"/constraints/{name}", fault
    times = list(_times(grant))
    yield from times
    if not times:
        for other in others.same_grants(grant).overlapping(grant):
            yield "", f"the window overlaps the one of the same grant at {others.place(grant.kind, other.id)}"


def _delegation(known: Known, delegation: Delegation) -> Iterator[Finding]:
    if known.authority(delegation.authority_id) is None:
        yield "/authority_id", "`authorities` does not have this identifier"
    if delegation.delegate_id in (delegation.authority_id, delegation.grantor_id):
        yield "/delegate_id", "nobody is delegated what is its own"
    elif _leads_back(known, delegation):
        yield "/delegate_id", "the delegations lead in a circle"
    yield from _times(delegation)


def _leads_back(known: Known, delegation: Delegation) -> bool:
    """Tell whether whoever delegates has its power from the delegate, be it by many steps."""
    waiting, seen = [delegation.grantor_id], {delegation.grantor_id}
    while waiting:
        for found in known.delegations_to(delegation.authority_id, waiting.pop()):
            grantor = found.fact.grantor_id
            if grantor == delegation.delegate_id:
                return True
            if grantor not in seen:
                seen.add(grantor)
                waiting.append(grantor)
    return False


def _texts(texts: LocalisedText, pointer: str) -> Iterator[Finding]:
    for language, text in texts.items():
        if fault := text_fault(text):
            yield f"{pointer}/{language}", fault


def text_fault(text: str) -> str | None:
    """
    Return why `text` may not be shown to people, or None where it may.

    Whoever shows it escapes it; but it is shown by others too, and no name needs a tag.
    """
    if _TAG.search(text):
        return "expected no markup: a < begins a tag here"
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            return f"the character U+{ord(character):04X} is a control or format character"
    if found := _VARIATION.search(text):
        return f"the character U+{ord(found[0]):04X} is a variation selector"
    if not unicodedata.is_normalized("NFC", text):
        return "expected Unicode normalization form C"
    if text != text.strip():
        return "begins or ends with white space"
    is_seen = not text or (text[0] not in _BLANK and any(_is_visible(each) for each in text))
    return None if is_seen else "begins with a character that shows nothing, or shows nothing at all"


def _is_visible(character: str) -> bool:
    return character not in _BLANK and not character.isspace() and unicodedata.category(character)[0] != "M"


def _window(valid_from: int | None, valid_until: int | None, pointer: str = "") -> Iterator[Finding]:
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        yield f"{pointer}/valid_until", "expected a time after `valid_from`"


def _times(fact: Grant | Delegation) -> Iterator[Finding]:
    window = list(_window(fact.valid_from, fact.valid_until))
    yield from window or _history(fact)


def _history(fact: Grant | Delegation) -> Iterator[Finding]:
    """Yield what breaks the story: changes in order and in the window, each a change, a final one the last."""
    state, after = "active", fact.valid_from - 1
    for index, change in enumerate(fact.history):
        here = f"/history/{index}"
        if change.reason is not None and (fault := text_fault(change.reason)):
            yield f"{here}/reason", fault
        if state in FINAL:
            yield here, "nothing follows a revocation; to grant it again, add a grant that begins after it"
        elif change.state == state:
            yield f"{here}/state", f"it is {state} already"
        yield from _since(fact, change, after, here)
        state, after = change.state, change.since


def _since(fact: Grant | Delegation, change: StateChange, after: int, pointer: str) -> Iterator[Finding]:
    if change.since <= after:
        yield (
            f"{pointer}/since",
            "expected a time after the change before it, and not before `valid_from`",
        )
    elif fact.valid_until is not None and change.since >= fact.valid_until:
        yield f"{pointer}/since", "expected a time before `valid_until`"
    if change.compromised_since is not None and change.state not in FINAL:
        yield f"{pointer}/compromised_since", "only what is revoked or superseded was compromised"
