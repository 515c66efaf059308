"""
The documents that were seen of DIDs, each once by its digest, as far as there is room. Store.

The digest is the SHA-256 of the bytes, in hex; or a word for that there was none (`Nothing`).
"""

import hashlib

import msgspec

from observatory.key_changes import Keys
from storage import Transaction

# Bytes of documents kept of one DID within a day; of further ones the digest and the keys are kept. A document that
# is another at every look must not fill the disk.
MAX_BYTES_PER_DAY = 4_194_304
DAY = 86_400_000_000  # microseconds
_KEYS = msgspec.json.Decoder(Keys)


class Sighting(msgspec.Struct, kw_only=True, eq=False):
    """
    A document seen from `first_at` to `last_at` by one process (microseconds since 1970).

    Attributes:
        document: empty once it is stored, or there was no room for it.
        keys: those of the document; they stay.
        is_kept: False where there was no room for the document when it was written.
    """

    did: str
    digest: str
    document: bytes
    keys: Keys
    first_at: int
    last_at: int
    is_kept: bool = True


def keep(tx: Transaction, sighting: Sighting) -> bool:
    """Keep a document, or its digest and keys only where there is no room; return whether it is kept now."""
    known = tx.one(
        "SELECT length(body) AS size FROM observed_documents WHERE digest = :d", {"d": sighting.digest}
    )
    if known is not None and int(known["size"]) > 0:
        return True
    is_kept = _has_room(tx, sighting)
    tx.execute(
        "INSERT INTO observed_documents (digest, body, keys) VALUES (:digest, :body, :keys)"
        " ON CONFLICT (digest) DO UPDATE SET body = excluded.body"
        " WHERE length(observed_documents.body) = 0 AND length(excluded.body) > 0",
        {
            "digest": sighting.digest,
            "body": sighting.document if is_kept else b"",
            "keys": msgspec.json.encode(sighting.keys).decode(),
        },
    )
    return is_kept


def document_of(tx: Transaction, digest: str) -> bytes:
    """Return a document that was seen; empty where it was not kept."""
    row = tx.one("SELECT body FROM observed_documents WHERE digest = :digest", {"digest": digest})
    assert row is not None, "a foreign key keeps it"
    return bytes(row["body"])


def keys_by_digest(tx: Transaction, digest: str) -> Keys:
    """Return the keys of a document that was sighting."""
    row = tx.one("SELECT keys FROM observed_documents WHERE digest = :digest", {"digest": digest})
    assert row is not None, "a foreign key keeps it"
    return _KEYS.decode(row["keys"])


def faulty_documents(tx: Transaction, *, after: str, limit: int) -> tuple[list[str], str]:
    """
    Return which of the next `limit` documents beyond the digest `after` are not what their digest says, and the
    last digest looked at; "": there are no more.
    """
    rows = tx.all(
        "SELECT digest, body FROM observed_documents WHERE digest > :after ORDER BY digest LIMIT :limit",
        {"after": after, "limit": limit},
    )
    faulty = [row["digest"] for row in rows if not _is_as_seen(row["digest"], bytes(row["body"]))]
    return faulty, rows[-1]["digest"] if rows else ""


def _is_as_seen(digest: str, body: bytes) -> bool:
    """Tell whether a document has its digest; an empty one was not kept."""
    return not body or hashlib.sha256(body).hexdigest() == digest


def _has_room(tx: Transaction, sighting: Sighting) -> bool:
    """Tell whether what is kept of the DID's documents of the last day leaves room for one more."""
    row = tx.one(
        "SELECT coalesce(sum(length(body)), 0) AS bytes FROM observed_documents WHERE digest IN"
        " (SELECT digest FROM observations WHERE did = :did AND last_seen > :since)",
        {"did": sighting.did, "since": sighting.last_at - DAY},
    )
    return row is None or int(row["bytes"]) + len(sighting.document) <= MAX_BYTES_PER_DAY
