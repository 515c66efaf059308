"""
What is told of all lists at once, from what is in memory: which there are, what changed, the lists themselves.
Pure.

Nothing of entries is told, and nothing of what waits: a set stands under the position at which it was published.
"""

from collections.abc import Callable, Iterator

import msgspec

from statuslist.formats.forms import TOKEN_CWT, TOKEN_FORMS, FormName, list_url
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.published import PublishedLists
from wire import Answer, encode, etag_of, format_utc
from wire.base64url import encode_base64url

MAX_SETS = 500  # of one answer
MAX_BYTES = 8_388_608  # 8 MiB of lists in one bundle, beyond the first set
FRESH_SECONDS = 60  # that caches may keep the names of all lists of an issuer
JSON = "application/json"

IssuerOf = Callable[[str], str]  # the issuer's id, by that of a set


class Aggregation(msgspec.Struct, frozen=True):
    """The URIs of an issuer's token lists (Token Status List, section 9.3)."""

    status_lists: tuple[str, ...]


class ChangedForm(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One form of a list: its permanent URL, its entity tag, and until when it holds."""

    url: str
    etag: str
    valid_until: str


class ChangedSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A set that was published: the version that readers get, and all forms of its lists. Compare their tags."""

    set_id: str
    issuer_id: str
    version: int
    position: int
    forms: tuple[ChangedForm, ...]


class ChangedSets(msgspec.Struct, frozen=True):
    """Sets in the order of their positions; `next` is the `since` of the next question, `more`: ask it now."""

    sets: tuple[ChangedSet, ...]
    next: int
    more: bool


class BundledList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list as it is served at `url`; a body that is no text is in base64url."""

    url: str
    list_id: str
    version: int
    position: int
    media_type: str
    body: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """
    Lists of an issuer in one form, in the order of their positions.

    Attributes:
        manifest: says which lists there are, and of which version at least (`Manifests`); null: not signed yet.
        next: the `since` of the next question; `more`: whether to ask it now.
    """

    manifest: str | None
    lists: tuple[BundledList, ...]
    next: int
    more: bool


def answer_aggregation(
    lists: PublishedLists, issuer_of: IssuerOf, issuer_id: str, *, now: float
) -> Answer | None:
    """Name all token lists of an issuer, in both forms; None where it has published none."""
    urls = [
        list_url(lists.policy.base_url, found.list_id, form)
        for _, set_id in lists.since(0)
        if issuer_of(set_id) == issuer_id
        for found in lists.of_set(set_id)
        for form in found.forms
        if form in TOKEN_FORMS
    ]
    if not urls:
        return None
    body = encode(Aggregation(status_lists=tuple(urls)))
    return Answer(body=body, etag=etag_of(body, JSON), made_at=now, fresh_until=now + FRESH_SECONDS)


def answer_changes(
    lists: PublishedLists, issuer_of: IssuerOf, issuer_id: str | None, since: int, *, now: float
) -> Answer:
    """
    Tell which sets were published after a position, at most `MAX_SETS` of them.

    Args:
        issuer_id: whose sets; None: everybody's.
    """
    found = _positions(lists, issuer_of, issuer_id, since)
    told = found[:MAX_SETS]
    page = ChangedSets(
        sets=tuple(_changed(lists, issuer_of(set_id), set_id, position) for position, set_id in told),
        next=told[-1][0] if told else since,
        more=len(found) > len(told),
    )
    return _answer(encode(page), now)


def answer_bundle(
    lists: PublishedLists,
    issuer_of: IssuerOf,
    issuer_id: str,
    form: FormName,
    since: int,
    *,
    manifest: str | None,
    now: float,
) -> Answer:
    """Give the lists of an issuer that were published after a position, as many as one answer may have."""
    found = _positions(lists, issuer_of, issuer_id, since)
    bundled, last = _bundled(lists, found, form, since)
    bundle = Bundle(
        manifest=manifest, lists=tuple(bundled), next=last, more=bool(found) and last < found[-1][0]
    )
    return _answer(encode(bundle), now)


def has_lists(lists: PublishedLists, issuer_of: IssuerOf, issuer_id: str) -> bool:
    """Tell whether an issuer has published a list."""
    return any(issuer_of(set_id) == issuer_id for _, set_id in lists.since(0))


def _positions(
    lists: PublishedLists, issuer_of: IssuerOf, issuer_id: str | None, since: int
) -> list[tuple[int, str]]:
    return [
        (position, set_id)
        for position, set_id in lists.since(since)
        if issuer_id is None or issuer_of(set_id) == issuer_id
    ]


def _changed(lists: PublishedLists, issuer_id: str, set_id: str, position: int) -> ChangedSet:
    version = lists.version_of_set(set_id)
    return ChangedSet(
        set_id=set_id,
        issuer_id=issuer_id,
        version=version,
        position=position,
        forms=tuple(_form(lists, artefact) for artefact in _artefacts(lists, set_id)),
    )


def _artefacts(lists: PublishedLists, set_id: str) -> Iterator[Artefact]:
    return (artefact for found in lists.of_set(set_id) for artefact in found.forms.values())


def _form(lists: PublishedLists, artefact: Artefact) -> ChangedForm:
    return ChangedForm(
        url=list_url(lists.policy.base_url, artefact.list_id, artefact.form),
        etag=artefact.etag,
        valid_until=format_utc(artefact.valid_until),
    )


def _bundled(
    lists: PublishedLists, found: list[tuple[int, str]], form: FormName, since: int
) -> tuple[list[BundledList], int]:
    """Return the lists of some sets up to `MAX_BYTES`, whole sets, and the last position."""
    bundled: list[BundledList] = []
    size, last = 0, since
    for position, set_id in found[:MAX_SETS]:
        wanted = [artefact for artefact in _artefacts(lists, set_id) if artefact.form == form]
        size += sum(len(artefact.body) for artefact in wanted)
        if size > MAX_BYTES and bundled:
            break
        bundled += [_bundled_list(lists, artefact, position) for artefact in wanted]
        last = position
    return bundled, last


def _bundled_list(lists: PublishedLists, artefact: Artefact, position: int) -> BundledList:
    is_binary = artefact.form == TOKEN_CWT
    return BundledList(
        url=list_url(lists.policy.base_url, artefact.list_id, artefact.form),
        list_id=artefact.list_id,
        version=artefact.version,
        position=position,
        media_type=artefact.media_type,
        body=encode_base64url(artefact.body) if is_binary else artefact.body.decode(),
    )


def _answer(body: bytes, now: float) -> Answer:
    """Return an answer that is good for this moment, and has a tag: who asks again for the same gets no bytes."""
    return Answer(body=body, etag=etag_of(body, JSON), made_at=now, fresh_until=now + 1, may_be_kept=False)
