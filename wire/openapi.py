"""
How a route that reads its own body describes it in the OpenAPI document. Routes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema


def reads(example: Mapping[str, Any], *text_media_types: str) -> type[Operation]:
    """
    Return the operation of a route with a JSON body such as `example`, or with text of the other media types.

    Our routes decode bodies themselves (`wire.read_body` is stricter than the framework), so that it cannot
    see their type.
    """
    content = {
        "application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), example=dict(example))
    }
    for media_type in text_media_types:
        content[media_type] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))

    @dataclass
    class Reading(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content=content, required=True)

    return Reading
