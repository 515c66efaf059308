"""
A request's JSON read into a shape, or every fault of it with its pointer. Pure.
"""

from typing import TypeVar

import msgspec

from registry.editing.errors import InvalidChangeSet
from registry.editing.shapes import MAX_BYTES
from registry.errors import RegistryFileError
from registry.imports.faults import read_json
from registry.imports.shape import shape_faults
from wire import MalformedBody, PayloadTooLarge, require_media_type

T = TypeVar("T")


def read_request(data: bytes, content_type: str | None, shape: type[T]) -> T:
    """
    Read a body.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedBody: as `wire.read_body`; a member that is there twice too.
        InvalidChangeSet: it is not of the shape.
    """
    require_media_type(content_type, "application/json")
    if len(data) > MAX_BYTES:
        raise PayloadTooLarge(f"expected at most {MAX_BYTES} bytes")
    try:
        document = read_json(data, max_bytes=MAX_BYTES)
    except RegistryFileError as error:
        raise MalformedBody(error.faults[0].detail, pointer=error.faults[0].pointer) from None
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError:
        raise InvalidChangeSet(list(shape_faults(document, shape))) from None
