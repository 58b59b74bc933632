"""What Prometheus may scrape: the live board's numbers and the outbox. No label names a person or a phone number."""

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dialer.live import LiveBoard

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_WORD = re.compile(r"^[a-z][a-z0-9_]*$")


class _BoardCollector(Collector):
    """Every number on the live board as `dialer_<kind>_<field>{id="…"}`: campaign, agent, trunk."""

    def __init__(self, board: LiveBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for topic, data in self._board.snapshot().items():
            kind, _, identity = topic.partition("/")
            for field, value in _numbers(data):
                name = f"dialer_{kind}_{field}"
                if not _WORD.match(name):
                    continue
                family = families.setdefault(name, GaugeMetricFamily(name, f"{field} of each {kind}", labels=["id"]))
                family.add_metric([identity], value)
        yield from families.values()


def _numbers(data: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for field, value in data.items():
        if isinstance(value, int | float):
            yield field, float(value)


class Metrics:
    """The registry of one process."""

    def __init__(self, board: LiveBoard) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_BoardCollector(board))
        self._waiting = Gauge(
            "dialer_outbox_waiting", "Events that wait for a destination", ["destination"], registry=self._registry
        )

    def outbox(self, waiting: Mapping[str, int]) -> None:
        """Events that wait, per destination."""
        for destination, count in waiting.items():
            self._waiting.labels(destination).set(count)

    def exposition(self) -> bytes:
        """The text format."""
        return generate_latest(self._registry)
