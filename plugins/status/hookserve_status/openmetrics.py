"""A small registry of metrics, and its rendering as OpenMetrics 1.0 text.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from hookserve.worker.metrics import COUNTER, HISTOGRAM, Distribution, Metric

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = Mapping[str, str | int]
"""Names and values."""
_UNITS = {"s": "seconds", "By": "bytes"}
"""By UCUM's names; others are not part of a name."""


class Registry:
    """Metric families, in the order in which they are added."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.names: set[str] = set()
        """Of the families."""

    def counter(self, name: str, summary: str, values: Iterable[tuple[Labels, float]]) -> None:
        """A number that only grows, as labels and value; `name` is without ``_total``."""
        self._family(name, "counter", summary)
        self._add(f"{name}_total", values)

    def gauge(self, name: str, summary: str, values: Iterable[tuple[Labels, float]]) -> None:
        """A number that grows and falls, as labels and value."""
        self._family(name, "gauge", summary)
        self._add(name, values)

    def gauge_of_each(
        self, name: str, summary: str, labels: Sequence[str], values: Iterable[int | str]
    ) -> None:
        """A gauge with a sample for each of so many labels (`render_labels`)."""
        self._family(name, "gauge", summary)
        pairs = zip(labels, values, strict=True)
        self._lines += [f"{name}{each} {value}" for each, value in pairs]

    def info(self, name: str, summary: str, labels: Labels) -> None:
        """Texts that do not change while the process lives; `name` is without ``_info``."""
        self._family(name, "info", summary)
        self._lines.append(f"{name}_info{render_labels(labels)} 1")

    def histogram(
        self,
        name: str,
        summary: str,
        bounds: Sequence[float],
        buckets: Sequence[int],
        total: float,
        labels: Labels | None = None,
    ) -> None:
        """Counts by bucket, not cumulative, the last one without a bound; and the values' sum."""
        self._family(name, "histogram", summary)
        pairs, count = tuple((labels or {}).items()), 0
        for within, bucket in zip(_bucket_labels(pairs, tuple(bounds)), buckets, strict=True):
            count += bucket
            self._lines.append(f"{name}_bucket{within} {count}")
        self._lines.append(f"{name}_count{_render(pairs)} {count}")
        self._lines.append(f"{name}_sum{_render(pairs)} {_number(total)}")

    def add(self, metric: Metric, name: str = "") -> None:
        """A metric in OpenTelemetry's form, with its unit in the name; `name` in place of its
        own."""
        name = _name(name or metric.name, metric.unit)
        values = []
        for attributes, value in metric.samples:
            labels = {key.replace(".", "_"): each for key, each in attributes.items()}
            if isinstance(value, Distribution):
                bounds, counts = value.bounds, value.counts
                self.histogram(name, metric.description, bounds, counts, value.total, labels)
            else:
                values.append((labels, value))
        if metric.kind != HISTOGRAM:
            family = self.counter if metric.kind == COUNTER else self.gauge
            family(name, metric.description, values)

    def add_rendered(self, text: str) -> None:
        """Families that are text already, of other names, without an end."""
        self._lines += text.splitlines()

    def render(self) -> str:
        """All of it, as text."""
        return "\n".join([*self._lines, "# EOF", ""])

    def _add(self, name: str, values: Iterable[tuple[Labels, float]]) -> None:
        self._lines += [f"{name}{render_labels(each)} {_number(value)}" for each, value in values]

    def _family(self, name: str, kind: str, summary: str) -> None:
        if name in self.names:
            raise ValueError(f"there is a metric {name} already")
        self.names.add(name)
        self._lines += _head(name, kind, summary)


# For what does not change from one scrape to the next: much of a scrape's time is text.
_made_once = lru_cache(maxsize=4096)


@_made_once
def _name(name: str, unit: str) -> str:
    """That of a family, of OpenTelemetry's name and UCUM's unit."""
    name, unit = name.replace(".", "_"), _UNITS.get(unit, "")
    return f"{name}_{unit}" if unit and not name.endswith(f"_{unit}") else name


@_made_once
def _head(name: str, kind: str, summary: str) -> list[str]:
    unit = name.rpartition("_")[2]
    units = [f"# UNIT {name} {unit}"] if unit in _UNITS.values() else []
    return [f"# TYPE {name} {kind}", *units, f"# HELP {name} {_escaped(summary)}"]


@_made_once
def _bucket_labels(pairs: tuple[tuple[str, str | int], ...], bounds: Sequence[float]) -> list[str]:
    return [_render((*pairs, ("le", _number(float(bound))))) for bound in (*bounds, math.inf)]


def render_labels(labels: Labels) -> str:
    """Labels as they follow the name of a sample."""
    return _render(tuple(labels.items()))


@_made_once
def _render(pairs: tuple[tuple[str, str | int], ...]) -> str:
    inside = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in pairs)
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return str(value)
