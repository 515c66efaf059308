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

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_FIELD_CHARS = 1_024  # characters of one log field; the rest is cut

_LOG_FIELDS = ("request_id", "method", "route", "status", "duration_ms", "client", "error")

Gauge = Callable[[], Iterable[tuple[str, str, float]]]


class Telemetry:
    """
    The counters of one process. Only the event loop's thread touches them, so they need no lock.

    `requests` is keyed by (route template, method, status); `gauges` are asked when metrics are rendered and
    give (name, help, value).
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.gauges: list[Gauge] = []
        self.started_at = time.time()

    def count(self, route: str, method: str, status: int) -> None:
        """Count one answered request."""
        self.requests[route, method, status] += 1

    def render(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self))  # type: ignore[arg-type]
        return generate_latest(registry)


class _Collector:
    """Hands the plain integers to the Prometheus client when they are asked for."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterable[object]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        requests = CounterMetricFamily(
            "touchstone_http_requests", "Answered requests.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in sorted(self._telemetry.requests.items()):
            requests.add_metric([route, method, str(status)], count)
        yield requests
        for gauge in self._telemetry.gauges:
            for name, documentation, value in gauge():
                yield GaugeMetricFamily(name, documentation, value=value)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and the known extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage()[:MAX_FIELD_CHARS],
        }
        for name in _LOG_FIELDS:
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
