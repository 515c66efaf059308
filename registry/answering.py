"""
TRQP, from the bytes of a request to an answer. Service.
"""

from collections.abc import Callable
from typing import Any

from registry.asking import trqp_answers
from registry.known import Known
from registry.registry import Registry
from registry.trqp import TrqpRequest, read_request
from wire import Answer, encode


class Answering:
    """Answers questions from what the registry knows."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def authorization(self, body: bytes, content_type: str | None) -> Answer:
        """
        Answer `POST /trqp/authorization`.

        Raises:
            MalformedBody, UnsupportedMediaType, PayloadTooLarge: see `trqp.read_request`.
            NotDefined: see `trqp_answers.authorization`.
        """
        return self._answer(body, content_type, trqp_answers.authorization)

    def recognition(self, body: bytes, content_type: str | None) -> Answer:
        """Answer `POST /trqp/recognition`; raises as `authorization`."""
        return self._answer(body, content_type, trqp_answers.recognition)

    def _answer(
        self, body: bytes, content_type: str | None, ask: Callable[[Known, TrqpRequest, int], Any]
    ) -> Answer:
        request = read_request(body, content_type)
        with self._registry.reading() as known:
            return Answer(body=encode(ask(known, request, self._registry.now())))
