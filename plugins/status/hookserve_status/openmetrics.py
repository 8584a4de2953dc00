"""A small registry of metrics, and its rendering as OpenMetrics 1.0 text.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from hookserve.worker.metrics import COUNTER, HISTOGRAM, Distribution, Metric

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = Mapping[str, object] | str
"""Names and values, or these as text (`render_labels`): for those that many samples have."""
Value = float | str
"""Of a sample; or as text."""
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
        self._lines += [f"{name}_total{_labels(labels)} {_number(v)}" for labels, v in values]

    def gauge(self, name: str, summary: str, values: Iterable[tuple[Labels, Value]]) -> None:
        """A number that grows and falls, as labels and value."""
        self._family(name, "gauge", summary)
        # Without a call for each: there are several of every worker.
        self._lines += [
            f"{name}{labels if isinstance(labels, str) else render_labels(labels)}"
            f" {value if value != math.inf else '+Inf'}"
            for labels, value in values
        ]

    def info(self, name: str, summary: str, labels: Mapping[str, object]) -> None:
        """Texts that do not change while the process lives; `name` is without ``_info``."""
        self._family(name, "info", summary)
        self._lines.append(f"{name}_info{_labels(labels)} 1")

    def histogram(
        self,
        name: str,
        summary: str,
        bounds: Sequence[float],
        buckets: Sequence[int],
        total: float,
        labels: Mapping[str, object] | None = None,
    ) -> None:
        """Counts by bucket, not cumulative, the last one without a bound; and the values' sum."""
        self._family(name, "histogram", summary)
        labels, count = labels or {}, 0
        for bound, bucket in zip((*bounds, math.inf), buckets, strict=True):
            count += bucket
            within = _labels({**labels, "le": _number(float(bound))})
            self._lines.append(f"{name}_bucket{within} {count}")
        self._lines.append(f"{name}_count{_labels(labels)} {count}")
        self._lines.append(f"{name}_sum{_labels(labels)} {_number(total)}")

    def add(self, metric: Metric, name: str = "") -> None:
        """A metric in OpenTelemetry's form, with its unit in the name; `name` in place of its
        own."""
        unit = _UNITS.get(metric.unit, "")
        name = (name or metric.name).replace(".", "_")
        if unit and not name.endswith(f"_{unit}"):
            name = f"{name}_{unit}"
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

    def _family(self, name: str, kind: str, summary: str) -> None:
        if name in self.names:
            raise ValueError(f"there is a metric {name} already")
        self.names.add(name)
        self._lines += _head(name, kind, summary)


@lru_cache(maxsize=512)
def _head(name: str, kind: str, summary: str) -> list[str]:
    unit = name.rpartition("_")[2]
    units = [f"# UNIT {name} {unit}"] if unit in _UNITS.values() else []
    return [f"# TYPE {name} {kind}", *units, f"# HELP {name} {_escaped(summary)}"]


def render_labels(labels: Mapping[str, object]) -> str:
    """Labels as they follow the name of a sample."""
    inside = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _labels(labels: Labels) -> str:
    return labels if isinstance(labels, str) else render_labels(labels)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return str(value)
