"""
What names and identifiers look like to people, so that two that are taken for one another are found. Pure.

After the skeletons of Unicode Technical Standard #39, section 4, with a table of our own: see
docs/decisions/0036-look-alikes.md for what it does not know. A skeleton is for comparing, never for showing.
"""

import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from registry.model import Entity

# Letters of other scripts by the Latin ones that they look like. Capitals stand for themselves, since a capital
# and its small letter may look like two different ones: Greek Η like H, and η like n.
_CAPITALS = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" "АВЕЅІЈКМНОРСТУХЗԌԚԜӀ" "ՏԼՕՍՈ",
    "abezhikmnoptyx" "abesijkmhopctyx3gqwl" "slous",
)  # fmt: skip
_SMALL = str.maketrans(
    "αβγεηικμνορςστυχω" "авгезиіјкмнопрсѕтухһԁԛԝӏєьґ" "օոսհցզ" "ıɑɡøłđħ",
    "abyenlkuvopcotuxw" "abre3uljkmhonpcstyxhdqwlebr" "onuhgq" "lagoldh",
)  # fmt: skip
_ALIKE = str.maketrans("01i|", "olll")
_PAIRS = (("rn", "m"), ("vv", "w"), ("æ", "ae"), ("œ", "oe"))
MAX_CHARS = 512  # characters of a text that are compared


def look_of_name(name: str) -> str:
    """Return what a name looks like: no case, no marks, no spaces, no difference of scripts."""
    return f"name:{_skeleton(name)}"


def look_of_identifier(identifier: str) -> str | None:
    """
    Return what the host and the path of an identifier look like; None where it has none, such as a key's.

    So a did:web looks like the https URL of the same host: they should be one entity's.
    """
    if identifier.startswith("did:web:"):
        parts = [unquote(part) for part in identifier.split(":")[2:]]
    elif identifier.startswith("did:webvh:"):
        parts = [unquote(part) for part in identifier.split(":")[3:]]
    elif identifier[:8].lower() == "https://":
        split = urlsplit(identifier)
        parts = [split.netloc, *split.path.split("/")]
    else:
        return None
    host, *path = parts or [""]
    return "at:" + "/".join([_host(host), *(_skeleton(part) for part in path if part)])


def looks_of(entity: Entity) -> Iterator[str]:
    """Yield what the names and the identifiers of an entity look like; a look may come twice."""
    for name in entity.names.values():
        yield look_of_name(name)
    for identifier in entity.identifiers:
        if (look := look_of_identifier(identifier.value)) is not None:
            yield look


def _host(host: str) -> str:
    return ".".join(_skeleton(_label(label)) for label in host.lower().split("."))


def _label(label: str) -> str:
    """Return a label of a host name as people are shown it: an A-label in its own letters."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _skeleton(text: str) -> str:
    text = text[:MAX_CHARS]
    latin = text.lower() if text.isascii() else _in_latin(text)
    kept = "".join(filter(str.isalnum, latin.translate(_ALIKE)))
    for pair, single in _PAIRS:
        kept = kept.replace(pair, single)
    return kept


def _in_latin(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return plain.translate(_CAPITALS).casefold().translate(_SMALL)
