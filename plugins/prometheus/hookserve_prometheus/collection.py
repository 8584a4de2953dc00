"""The application's metrics, added up over all processes, as OpenMetrics."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from hookserve_prometheus.process_numbers import clear_ended

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_END = "# EOF\n"


class _Others:
    """Collects what no family of the server has the name of."""

    def __init__(self, directory: str, taken: Collection[str]) -> None:
        self._directory = directory
        self._taken = taken

    def collect(self) -> Iterable[Metric]:
        found = MultiProcessCollector.merge(list(_files(self._directory)))
        return [each for each in found if each.name not in self._taken]


def _files(directory: str) -> Iterator[str]:
    """The files of all processes.

    One that a process has only just made is empty, and prometheus_client fails on it.
    """
    for path in Path(directory).glob("*.db"):
        with contextlib.suppress(FileNotFoundError):  # its process has ended
            if path.stat().st_size:
                yield str(path)


def collect(directory: str, taken: Collection[str]) -> str:
    """The families but those whose names are `taken`: two of one name cannot be scraped."""
    with contextlib.suppress(OSError):  # a directory that this process may only read
        clear_ended(directory)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Others(directory, taken))
    text: str = generate_latest(registry).decode()
    return text.removesuffix(_END)
