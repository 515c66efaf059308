"""
What an operator sees: plain-integer counters, their Prometheus rendering, and structured JSON logs.

No DID, key, credential or full client address is ever a label or a log field. A request is counted under its
route's template; a client address is logged without its last byte (IPv4) or beyond its /48 (IPv6).
"""

import ipaddress
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from operators.alarms.model import AlarmView
from server.telemetry.board import Board, Snapshot, merged
from wire import Fault, Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_SHARED_ALARMS = 50  # on the board, of one process; each takes 1 KiB at most
MAX_FIELD_CHARS = 1_024  # characters of one log field; the rest is cut

_LOG_FIELDS = ("request_id", "method", "route", "status", "duration_ms", "client", "principal", "error")
_EVENT_FIELDS = ("event", "alarm", "kind", "subject", "added", "removed", "changed")

ANSWERED, LIMITED = "answered", "limited"  # what became of a trusted caller's request; LIMITED: 429

RequestKey = tuple[str, str, int, Fault]
Source = Callable[[], Iterable[Reading]]


class Telemetry:
    """
    The counters of one process. Only the event loop's thread touches them, so they need no lock.

    `requests` is keyed by (route template, method, status, whose fault a 5xx is), `trusted` by (what a caller is
    trusted for, what became of its request), `service_keys` by what a look-up of an API key found. `sources` are
    asked when metrics are rendered or put on the board, and `unwritten` for the alarms that the database takes not.
    A process that was started anew goes on counting from what is in its slot.
    """

    def __init__(self, board: Board | None = None, slot: int = 0) -> None:
        self.requests: Counter[RequestKey] = Counter()
        self.trusted: Counter[tuple[str, str]] = Counter()
        self.service_keys: Counter[str] = Counter()
        self.sources: list[Source] = []
        self.unwritten: Callable[[], tuple[AlarmView, ...]] = tuple
        self._board = board
        self._slot = slot
        self._before = Snapshot()  # What an earlier process of this slot counted.
        if board is not None:
            earlier = board.get(slot)
            kept = tuple(reading for reading in earlier.readings if reading.merge == "sum")
            self._before = Snapshot(earlier.requests, kept)

    def count(self, route: str, method: str, status: int, fault: Fault = "") -> None:
        """Count one answered request; `fault` counts where the status is 5xx only."""
        self.requests[route, method, status, fault if status >= 500 else ""] += 1

    def share(self) -> None:
        """Put the numbers on the board, for the other processes of this node."""
        if self._board is not None:
            own = msgspec.structs.replace(self._own(), alarms=self.unwritten()[:MAX_SHARED_ALARMS])
            self._board.put(self._slot, own)

    def unwritten_elsewhere(self) -> list[AlarmView]:
        """Return the alarms that other processes of this node hold and could not write."""
        return [alarm for snapshot in self._others() for alarm in snapshot.alarms]

    def values_of(self, name: str) -> dict[str, float]:
        """Return the readings of that name over all processes, by the value of their one label."""
        readings = merged([self._own(), *self._others()]).readings
        return {
            next(iter(reading.labels.values()), ""): reading.value
            for reading in readings
            if reading.name == name
        }

    def render(self) -> bytes:
        """Return the metrics of all processes of this node in the Prometheus text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(merged([self._own(), *self._others()])))  # type: ignore[arg-type]
        return generate_latest(registry)

    def _others(self) -> list[Snapshot]:
        return self._board.others(self._slot) if self._board is not None else []

    def _own(self) -> Snapshot:
        requests = tuple((*key, count) for key, count in self.requests.items())
        readings = tuple(reading for source in self.sources for reading in source())
        return merged([Snapshot(requests, readings), self._before])


class _Collector:
    """Hands the plain integers to the Prometheus client when they are asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[object]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        requests = CounterMetricFamily(
            "touchstone_http_requests", "Answered requests.", labels=["route", "method", "status", "fault"]
        )
        for route, method, status, fault, count in sorted(self._snapshot.requests):
            requests.add_metric([route, method, str(status), fault], count)
        yield requests
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._snapshot.readings:
            names, values = list(reading.labels), list(reading.labels.values())
            family = families.setdefault(
                reading.name, GaugeMetricFamily(reading.name, reading.help, labels=names)
            )
            family.add_metric(values, reading.value)
        yield from families.values()


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and the known extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage()[:MAX_FIELD_CHARS],
        }
        for name in _LOG_FIELDS + _EVENT_FIELDS:
            if (value := getattr(record, name, None)) is not None:
                entry[name] = value[:MAX_FIELD_CHARS] if isinstance(value, str) else value
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=True)


def configure_logging(level: str) -> None:
    """Send every log line to stderr as JSON; the libraries' own lines from WARNING upward."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("touchstone").setLevel(level)


def coarse_address(peer: str) -> str:
    """Return `peer` without what tells one client from its neighbours: /24 for IPv4, /48 for IPv6."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False))


@lru_cache(maxsize=1_024)
def coarse_client(client: str) -> str:
    """Return `coarse_address` of a client's key, which is an address or a network."""
    return coarse_address(client.partition("/")[0])
