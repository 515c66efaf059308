"""
What a list says in our words: who is trusted with what, from when on. Pure.

The list speaks of services of an organisation, each known by identifiers of its own; ours are entities with
identifiers. So an entity is the identifiers of which the list says the same: a certificate that is listed for one
service is never taken for that of another, nor yesterday's for today's.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from registry.identifiers import is_https_url
from registry.imports.lote.identities import identifiers_of
from registry.imports.lote.members import EntityInformation, Service
from registry.imports.lote.reading import CurrentList, newest_first
from registry.imports.lote.turns import Turns, best_of, turns_of, windows_of
from registry.imports.terms import Right, Since
from registry.items import EntityItem, GrantItem, IdentifierItem, LinkItem, Reference
from registry.model import State
from registry.placed import Finding, Placed
from wire import parse_utc

_TRUSTED_LISTS = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"  # ETSI TS 119 612, section 5.5.4
_PUB_EAA = "http://uri.etsi.org/19602/PubEAAProvidersList/SvcStatus/"  # ETSI TS 119 602, annex H
STATES: dict[str, State] = {
    f"{_TRUSTED_LISTS}granted": "active",
    f"{_TRUSTED_LISTS}recognisedatnationallevel": "active",
    f"{_TRUSTED_LISTS}withdrawn": "revoked",
    f"{_TRUSTED_LISTS}deprecatedatnationallevel": "revoked",
    f"{_PUB_EAA}notified": "active",
    f"{_PUB_EAA}withdrawn": "revoked",
}
MAX_LINKS = 20  # as `items.EntityItem` has it
_LANGUAGE = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class ListTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What an operator says of a list.

    Attributes:
        authority_id: in whose name the list grants.
        rights: what a service may do, by its ServiceTypeIdentifier; services of other types are passed over.
        states: what a ServiceStatus means, beside `STATES`.
    """

    authority_id: Reference
    rights: dict[str, tuple[Right, ...]]
    states: dict[str, State] = {}


class ListMeaning(msgspec.Struct, frozen=True):
    """
    What a list says.

    Attributes:
        remarks: what is in the list and not in the items, and why.
    """

    items: tuple[Placed, ...]
    remarks: tuple[Finding, ...]


class _Period(msgspec.Struct, frozen=True):
    """
    How a service is, or was.

    Attributes:
        since: None: the list does not say from when.
        state: None: as if it were not listed.
    """

    since: int | None
    state: State | None
    identifiers: dict[str, IdentifierItem]


class _Listed(msgspec.Struct, frozen=True):
    """What the list says of one identifier: as of which service, of which entity, with which rights, and when."""

    entity: int
    pointer: str
    rights: tuple[Right, ...]
    turns: Turns


def meaning_of(current: CurrentList, terms: ListTerms, since: Since) -> ListMeaning:
    """
    Return what a list says.

    1. Of each service: from when to when it was known by which identifier, and in which state it was.
    2. Identifiers of which the same is said are one entity, with the names of the first organisation that has them.
    3. An entity is granted the rights of all its services.

    Args:
        since: when what the list gives no time for began.
    """
    remarks: list[Finding] = []
    known_by: dict[str, IdentifierItem] = {}
    listed: defaultdict[str, list[_Listed]] = defaultdict(list)
    for entity, pointer, service in _services(current):  # 1.
        rights = terms.rights.get(service.service_information.service_type_identifier or "", ())
        if not rights:
            remarks.append((pointer, "passed over: the terms give services of its type no right"))
            continue
        periods = _periods(service, pointer, terms, remarks)
        for identifier, item in {
            key: each for period in periods for key, each in period.identifiers.items()
        }.items():
            known_by[identifier] = item
            turns = _turns(periods, identifier, partial(since, identifier, rights[0]))
            listed[identifier].append(_Listed(entity, pointer, rights, turns))
    alike: defaultdict[tuple[_Listed, ...], list[IdentifierItem]] = defaultdict(list)
    for identifier, said in listed.items():  # 2.
        alike[tuple(said)].append(known_by[identifier])
    items: list[Placed] = []
    for services, identifiers in alike.items():  # 3.
        if grants := list(_grants(terms, identifiers[0].value, services)):
            items += [_entity(current, services[0].entity, identifiers), *grants]
    return ListMeaning(tuple(items), tuple(remarks))


def _services(current: CurrentList) -> Iterator[tuple[int, str, Service]]:
    for index, entity in enumerate(current.content.trusted_entities_list):
        for number, service in enumerate(entity.trusted_entity_services):
            yield (
                index,
                f"{current.pointer}/TrustedEntitiesList/{index}/TrustedEntityServices/{number}",
                service,
            )


def _periods(service: Service, pointer: str, terms: ListTerms, remarks: list[Finding]) -> list[_Period]:
    """
    Return the periods of a service, oldest first; what is passed over becomes a remark.

    The history may know the service by its key identifier alone. Its identifiers then are those of the period
    after it.
    """
    periods: list[_Period] = []
    identifiers: dict[str, IdentifierItem] = {}
    for place, each in newest_first(service):
        here = f"{pointer}{place}"
        found, passed_over = identifiers_of(each.service_digital_identity, f"{here}/ServiceDigitalIdentity")
        remarks += passed_over
        identifiers = found or identifiers
        if not identifiers:
            remarks.append((f"{here}/ServiceDigitalIdentity", "passed over: nothing in it names the service"))
        since = None if each.status_starting_time is None else parse_utc(each.status_starting_time)
        periods.append(_Period(since, _state(each.service_status, terms, here, remarks), identifiers))
    return periods[::-1]


def _state(status: str | None, terms: ListTerms, pointer: str, remarks: list[Finding]) -> State | None:
    """Return what a status means. Lists of some profiles have none: who is listed there is trusted."""
    if status is None:
        return "active"
    state = terms.states.get(status) or STATES.get(status)
    if state is None:
        remarks.append(
            (f"{pointer}/ServiceStatus", "taken for not listed: the terms do not say what it means")
        )
    return state


def _turns(periods: list[_Period], identifier: str, begun: Callable[[], int]) -> Turns:
    return turns_of(
        (
            begun() if each.since is None else each.since,
            each.state if identifier in each.identifiers else None,
        )
        for each in periods
    )


def _grants(terms: ListTerms, identifier: str, services: tuple[_Listed, ...]) -> Iterator[Placed]:
    granted: defaultdict[Right, list[Turns]] = defaultdict(list)
    for service in services:
        for right in service.rights:
            granted[right].append(service.turns)
    for right, several in granted.items():
        for valid_from, valid_until, history in windows_of(best_of(several)):
            grant = GrantItem(
                authority_id=terms.authority_id,
                entity_id=identifier,
                action=right.action,
                resource=right.resource,
                valid_from=valid_from,
                valid_until=valid_until,
                history=history,
            )
            yield Placed("authorization", grant, services[0].pointer)


def _entity(current: CurrentList, index: int, identifiers: list[IdentifierItem]) -> Placed:
    about = current.content.trusted_entities_list[index].trusted_entity_information
    item = EntityItem(names=_names(about), identifiers=identifiers, links=_links(about))
    return Placed("entity", item, f"{current.pointer}/TrustedEntitiesList/{index}")


def _names(about: EntityInformation) -> dict[str, str]:
    """Return the names by language; `und`, undetermined, where a language is none of BCP 47."""
    names: dict[str, str] = {}
    for text in about.te_name:
        primary, *others = text.lang.split("-")
        language = "-".join([primary.lower(), *others])
        known = language if _LANGUAGE.fullmatch(language) else "und"
        names.setdefault(known, unicodedata.normalize("NFC", text.value.strip()))
    return names


def _links(about: EntityInformation) -> list[LinkItem]:
    uris = dict.fromkeys(each.uri for each in about.te_information_uri if is_https_url(each.uri))
    return [LinkItem(rel="about", href=uri) for uri in list(uris)[:MAX_LINKS]]
