"""
An object store that a CDN reads from: what is there under a key, and its replacement by something newer. Client.

S3 and what speaks like it, Google Cloud Storage and Azure Blob Storage, through obstore (decision 0037). Its own
client connects, and never blocks the event loop: an operator named the address, and no input can.
"""

import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

LABEL = "listversion"  # Metadata of an object. Letters alone: Azure takes no hyphen, and proxies drop underscores.
MAX_REASON_CHARS = 300  # characters of what the store says
_QUERY = re.compile(r"\?\S*")  # Azure's may hold a signature that gives access.

T = TypeVar("T")


class BucketFailed(Exception):
    """The store did not do it, or nobody knows; the message is for operators, and has no secret."""


class Overtaken(BucketFailed):
    """Somebody else has replaced the object since it was looked at."""


class _NotThere(BucketFailed):
    """There is no such object; or, told of a write, no such bucket."""


class _NoConditions(BucketFailed):
    """The store knows no conditional writes."""


class Mark(msgspec.Struct, frozen=True):
    """By what a store knows one state of an object."""

    e_tag: str | None
    version: str | None


class Held(msgspec.Struct, frozen=True):
    """An object as it is there: its label and `Cache-Control`, "" where it has none."""

    label: str
    cache_control: str
    mark: Mark


class Bucket:
    """
    Args:
        store: its prefix, where it has one, stands before every key.
    """

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    async def look(self, key: str) -> Held | None:
        """
        Return what is there under a key, without its bytes; None: nothing.

        Raises:
            BucketFailed: the store does not say.
        """
        try:
            found = await _told(self._store.get_async(key, options={"head": True}))
        except _NotThere:
            return None
        named = found.attributes
        mark = Mark(found.meta.get("e_tag"), found.meta.get("version"))
        return Held(named.get(LABEL, ""), named.get("Cache-Control", ""), mark)

    async def put(
        self, key: str, body: bytes, *, media_type: str, cache_control: str, label: str, there: Held | None
    ) -> Held:
        """
        Put an object in the place of `there`, whole or not at all; return it as it is there now.

        A store without conditional writes replaces whatever is there: then only the look before is a protection.

        Raises:
            Overtaken: something else is there now.
            BucketFailed: the store did not take it, or nobody knows.
        """
        attributes = {"Content-Type": media_type, "Cache-Control": cache_control, LABEL: label}
        try:
            done = await self._put(key, body, attributes, "create" if there is None else _mode_of(there.mark))
        except _NoConditions:
            done = await self._put(key, body, attributes, "overwrite")
        except _NotThere as error:
            if there is None:
                raise
            raise Overtaken(str(error)) from None  # S3 says so of an object that was deleted meanwhile.
        return Held(label, cache_control, Mark(done.get("e_tag"), done.get("version")))

    async def _put(self, key: str, body: bytes, attributes: dict[str, str], mode: Any) -> Any:
        put = self._store.put_async(key, body, attributes=attributes, mode=mode, use_multipart=False)
        return await _told(put)


def _mode_of(mark: Mark) -> "UpdateVersion":
    """Return the condition under which an object is replaced; the client takes no None."""
    return {name: value for name, value in msgspec.structs.asdict(mark).items() if value is not None}  # type: ignore[return-value]


async def _told(asked: Awaitable[T]) -> T:
    """
    Return what the store answers.

    Raises:
        BucketFailed: of the kind that the answer tells.
    """
    from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError, PreconditionError

    try:
        return await asked
    except FileNotFoundError as error:
        raise _NotThere(reason_of_store(error)) from None
    except (AlreadyExistsError, PreconditionError) as error:
        raise Overtaken(reason_of_store(error)) from None
    except (NotSupportedError, NotImplementedError) as error:
        raise _NoConditions(reason_of_store(error)) from None
    except (BaseError, OSError, ValueError) as error:
        raise BucketFailed(reason_of_store(error)) from None


def reason_of_store(error: BaseException) -> str:
    """Return the first line of what a store says, without the queries of URLs."""
    return _QUERY.sub("", str(error).partition("\n")[0])[:MAX_REASON_CHARS]
