"""Serves the server's metrics to Prometheus, and with them what applications measure.

exporter
    an auxiliary process with an address of its own
bridge, process_numbers, unnumbered
    applications' metrics by prometheus_client: files that do not grow in number when workers, and
    other processes, come and go
directory, collection
    where these files are; what all of them together say
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Setting, hookimpl
from hookserve.config.values import addresses, boolean, convert_each

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def scrape_addresses(value: object) -> tuple[str, ...]:
    """``HOST:PORT`` and ``unix:PATH``; a string separates them by commas."""
    found: tuple[str, ...] = () if value is None else addresses(value)
    if found:
        from hookserve_status.address import check_any

        convert_each(check_any, found)
    return found


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "prometheus",
        (),
        scrape_addresses,
        "serve the metrics to Prometheus at this address: HOST:PORT or unix:PATH",
        metavar="ADDRESS",
        repeatable=True,
        details="They name no client and no target of a request; a client that reaches the"
        " address may read them.",
    ),
    Setting(
        "prometheus_client",
        False,
        boolean,
        "collect what the application measures with prometheus_client, from all workers",
        switch=True,
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Where metrics are served, and whose."""
    return SETTINGS


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The address, and the collection of the application's metrics, where they are wanted."""
    found: list[object] = []
    directory = None
    if config.prometheus_client:
        from hookserve_prometheus.bridge import Bridge

        bridge = Bridge(config)
        directory = bridge.directory
        found.append(bridge)
    if config.prometheus:
        from hookserve_status.address import check_any

        from hookserve.listeners.plugin_listeners import PluginListeners
        from hookserve_prometheus.exporter import Exporter

        listeners = PluginListeners("prometheus", map(check_any, config.prometheus))
        found += [listeners, Exporter(config, listeners, directory)]
    return found
