"""The application's metrics, added up over all processes, as OpenMetrics.

What an application has got wrong costs a scrape that one file or family, and nothing else.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from hookserve.wording import describe
from hookserve_prometheus.directory import as_owner
from hookserve_prometheus.process_numbers import clear_ended
from hookserve_prometheus.unnumbered import add_up_ended

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_END = "# EOF\n"
_SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
}
"""By the type of a family: what follows its name in the names of its samples."""
_ALL_SUFFIXES = {"_info", *(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)}
_Part = TypeVar("_Part")
_Whole = TypeVar("_Whole")


class ApplicationMetrics:
    """Reads the files of one directory whenever it is asked."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._reported: set[str] = set()

    def render(self, taken: Collection[str]) -> str:
        """All families but those whose names are `taken`: two of one name cannot be scraped."""
        with as_owner(self._directory):
            with suppress(OSError):  # a directory that this process may only read
                clear_ended(self._directory)
                add_up_ended(self._directory)
            found = self._use(_merge, _files(self._directory))
        reserved = {name + suffix for name in taken for suffix in _ALL_SUFFIXES}
        for each in found:
            if each.name in reserved:
                self._report(each.name, "the server has a metric of that name")
        return self._use(_text, [each for each in found if each.name not in reserved])

    def _use(self, function: Callable[[Sequence[_Part]], _Whole], parts: Sequence[_Part]) -> _Whole:
        """The function's result, of those parts that it takes."""
        try:
            return function(parts)
        except Exception:  # the application may have stored anything
            return function([each for each in parts if self._is_taken(function, each)])

    def _is_taken(self, function: Callable[[Sequence[_Part]], object], part: _Part) -> bool:
        try:
            function([part])
        except Exception as error:
            self._report(str(getattr(part, "name", part)), describe(error))
            return False
        return True

    def _report(self, name: str, reason: str) -> None:
        """Once of each."""
        if name not in self._reported:
            self._reported.add(name)
            logging.getLogger("hookserve").error(
                "the application's metrics are scraped without %s: %s", name, reason
            )


def _files(directory: str) -> list[str]:
    """The files of all processes, the latest first: a family is of the type that it has there.

    One that a process has only just made is empty, and prometheus_client fails on it.
    """
    found = []
    for entry in os.scandir(directory):
        with suppress(FileNotFoundError):  # its process has ended
            status = entry.stat(follow_symlinks=False)
            if entry.name.endswith(".db") and stat.S_ISREG(status.st_mode) and status.st_size:
                found.append((-status.st_mtime, entry.path))
    return [path for _, path in sorted(found)]


def _merge(files: Sequence[str]) -> list[Metric]:
    return [*map(_of_one_type, MultiProcessCollector.merge(list(files)))]


def _of_one_type(metric: Metric) -> Metric:
    """Without the samples of another type, which it had before a reload."""
    suffixes = _SUFFIXES[metric.type]
    length = len(metric.name)
    metric.samples = [each for each in metric.samples if each.name[length:] in suffixes]
    return metric


class _Fixed:
    """A collector of what has been collected."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _text(metrics: Sequence[Metric]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(metrics))
    text: str = generate_latest(registry).decode()
    return text.removesuffix(_END)
