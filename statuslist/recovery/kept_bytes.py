"""
Whether the row of a published form is as it was made: its bytes, and what is sent beside them. Store.
"""

from statuslist.errors import StatusListError
from statuslist.formats.compression import GZIP, inflated
from statuslist.formats.forms import MEDIA_TYPES
from statuslist.publishing.artefacts import Artefact, digest_of, served_digest
from statuslist.publishing.rendering import with_gzip
from storage import Transaction
from wire import etag_of


def kept_fault(tx: Transaction, artefact: Artefact) -> str | None:
    """Return what is wrong, to go on after the name of the form; None: nothing is."""
    published = served_digest(tx, artefact.list_id, artefact.version, artefact.form)
    if published is None and _is_ours(artefact):
        return f"of version {artefact.version} was never published"
    if published not in (None, digest_of(artefact.body)):
        return f"of version {artefact.version} is not what was published"
    if artefact.media_type != MEDIA_TYPES[artefact.form]:
        return "has another media type"
    if _is_ours(artefact) and artefact.etag != etag_of(artefact.body, artefact.media_type):
        return "has the entity tag of something else"
    return _fault_of_gzip(artefact)


def _fault_of_gzip(artefact: Artefact) -> str | None:
    """Another zlib may compress it to other bytes, so that what they expand to is compared."""
    if artefact.gzip is None:
        is_missing = with_gzip(artefact).gzip is not None and _is_ours(artefact)
        return "is not kept compressed, which would be smaller" if is_missing else None
    try:
        is_same = inflated(artefact.gzip, GZIP, max_bytes=len(artefact.body)) == artefact.body
    except (ValueError, StatusListError):
        is_same = False
    return None if is_same else "is not what its compressed bytes say"


def _is_ours(artefact: Artefact) -> bool:
    """Tell whether this release made it, or one since 0.3; earlier ones noted less."""
    return artefact.content != ""
