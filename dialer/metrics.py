"""What Prometheus may scrape: the live board's numbers and the outbox. No label names a person or a phone number."""

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dialer.live import LiveBoard, LiveData

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_WORD = re.compile(r"^[a-z][a-z0-9_]*$")


class _BoardCollector(Collector):
    """Every number on the live board as `dialer_<kind>_<field>{id="…"}`: campaign, agent, trunk."""

    def __init__(self) -> None:
        self.snapshot: Mapping[str, LiveData] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called by the registry at every scrape."""
        families: dict[str, GaugeMetricFamily] = {}
        for topic, data in self.snapshot.items():
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
        self._live = board
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._board = _BoardCollector()
        self._registry.register(self._board)
        self._waiting = Gauge(
            "dialer_outbox_waiting", "Events that wait for a destination", ["destination"], registry=self._registry
        )
        self._dead = Gauge(
            "dialer_outbox_dead_letters", "Events given up for a destination", ["destination"], registry=self._registry
        )

    def observe(self, waiting: Mapping[str, int], dead: Mapping[str, int]) -> None:
        """Takes today's numbers: the live board's, and per destination the events that wait and those given up."""
        self._board.snapshot = self._live.snapshot()
        for gauge, counts in ((self._waiting, waiting), (self._dead, dead)):
            gauge.clear()  # a destination without any is not in the counts: its last number must not stay
            for destination, count in counts.items():
                gauge.labels(destination).set(count)

    def exposition(self) -> bytes:
        """The text format of what was observed. Reads /proc: not for the event loop."""
        return generate_latest(self._registry)
