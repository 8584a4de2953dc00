"""What the kernel is set to: accept queues (listen(2)), the source of its clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hookserve import Diagnosis

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_SLOW_CLOCKS = frozenset({"hpet", "acpi_pm", "xen", "pit", "jiffies", "refined-jiffies"})
"""Reading one of these takes a system call, or worse."""


def check_kernel(config: Config, root: str = "/") -> Iterator[Diagnosis]:
    """The queue of each listener, and the clock, where the kernel says something of them."""
    net = Path(root, "proc/sys/net")
    yield from _check_queue(config.backlog, _number(net / "core/somaxconn"))
    if _number(net / "ipv4/tcp_abort_on_overflow"):
        yield Diagnosis(
            "warning",
            "full accept queue",
            "clients are reset when the accept queue is full (tcp_abort_on_overflow)",
            "sysctl net.ipv4.tcp_abort_on_overflow=0: they try again then",
        )
    source = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    yield from _check_clock(_text(Path(root, source)))


def _check_queue(backlog: int, limit: int | None) -> Iterator[Diagnosis]:
    if limit is None:
        return
    text = f"backlog {backlog}, net.core.somaxconn {limit}"
    if backlog > limit:
        remedy = f"sysctl net.core.somaxconn={backlog}, or a lower backlog: the kernel cuts it off"
        yield Diagnosis("warning", "accept queue", text, remedy)
    else:
        yield Diagnosis("ok", "accept queue", text)


def _check_clock(source: str) -> Iterator[Diagnosis]:
    if source in _SLOW_CLOCKS:
        remedy = "boot with clocksource=tsc, or let the hypervisor offer kvm-clock"
        text = f"the clock source {source} is slow, and each request reads the clock"
        yield Diagnosis("warning", "clock", text, remedy)
    elif source:
        yield Diagnosis("ok", "clock", f"the clock source is {source}")


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None
