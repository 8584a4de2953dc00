"""The listings as text or JSON: workers, plugins, hooks, and the configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hookserve.launch.assembly import Assembly
from hookserve.launch.defaults import NAME as CORE
from hookserve.plugins.host import PluginHost
from hookserve.plugins.selection import WorkerRow, list_workers


def workers(host: PluginHost, as_json: bool, is_verbose: bool) -> str:
    """Every worker model, ready or not, with its fault and the remedy."""
    rows = list_workers(host)
    if as_json:
        return _json([_worker_object(row) for row in rows])
    if not rows:
        return "no worker is installed (pip install hookserve-gevent, for one)"
    table = [
        (row.name, row.state, f"{row.distribution} {row.version}", row.summary) for row in rows
    ]
    lines = _table(("WORKER", "STATE", "FROM", "SUMMARY"), table).splitlines()
    shown = [lines[0]]
    for row, line in zip(rows, lines[1:], strict=True):
        shown.append(line)
        if row.fault:
            shown.append(f"    {row.fault}")
            shown.append(f"    remedy: {row.remedy}")
        if is_verbose and row.type is not None:
            shown.extend(f"    {line}" for line in _capabilities(row))
    return "\n".join(shown)


def _worker_object(row: WorkerRow) -> dict[str, object]:
    capabilities = row.type.capabilities._asdict() if row.type is not None else {}
    if capabilities:
        capabilities["settings"] = sorted(capabilities["settings"])
    return {
        "name": row.name,
        "summary": row.summary,
        "distribution": row.distribution,
        "version": row.version,
        "state": row.state,
        "fault": row.fault,
        "remedy": row.remedy,
        "target": row.type.target if row.type is not None else None,
        "patches": row.type is not None and row.type.patch is not None,
        "capabilities": capabilities,
        "interfaces": list(row.type.interfaces) if row.type is not None else [],
    }


def _capabilities(row: WorkerRow) -> list[str]:
    assert row.type is not None
    can = row.type.capabilities
    return [
        f"concurrency: {can.concurrency}",
        f"parallel: {_yes(can.parallel)}, bodies complete before the application runs:"
        f" {_yes(can.buffered)}",
        f"request_timeout: {can.request_timeout}",
        f"keep-alive: {_yes(can.keepalive)}, sendfile: {_yes(can.sendfile)},"
        f" websocket: {_yes(can.websocket)}, take-over of connections: {_yes(can.hands_over)}",
        f"applications: {', '.join(row.type.interfaces)}",
        f"own settings: {', '.join(sorted(can.settings)) or 'none'}",
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def plugins(host: PluginHost, as_json: bool, is_verbose: bool = False) -> str:
    """Every plugin: where it comes from, what it implements, and its state."""
    records = [record for record in host.records if record.name != CORE]
    if as_json:
        return _json(
            [
                {
                    "name": record.name,
                    "distribution": record.distribution,
                    "version": record.version,
                    "hooks": record.hooks,
                    "state": record.state,
                    "cause": record.cause,
                    "remedy": record.remedy,
                    "import_time": record.import_time,
                }
                for record in records
            ]
        )
    table = [
        (
            record.name,
            record.state,
            f"{record.distribution} {record.version}",
            ", ".join(record.hooks) or "-",
        )
        for record in records
    ]
    lines = _table(("PLUGIN", "STATE", "FROM", "HOOKS"), table).splitlines()
    shown = [lines[0]]
    for record, line in zip(records, lines[1:], strict=True):
        shown.append(line)
        if is_verbose:
            shown.append(f"    imported in {record.import_time * 1000:.1f} ms")
        if record.cause:
            shown.append(f"    {record.cause}")
            shown.append(f"    remedy: {record.remedy}")
    return "\n".join(shown)


def hooks(host: PluginHost, only: str | None, as_json: bool) -> str:
    """For each hook its implementations in calling order."""
    table = host.explain(only)
    detailed = {
        hook: [
            {"plugin": each.plugin, "distribution": _from(host, each.plugin), "order": each.order}
            for each in found
        ]
        for hook, found in table.items()
    }
    if as_json:
        return _json(detailed)
    lines = []
    for hook, found in detailed.items():
        lines.append(hook)
        lines.extend(
            f"  {number}. {each['plugin']} ({each['distribution']}) {each['order']}".rstrip()
            for number, each in enumerate(found, 1)
        )
        if not found:
            lines.append("  no plugin")
    return "\n".join(lines)


def _from(host: PluginHost, name: str) -> str:
    record = host.record_of(name)
    if record.candidate is None:
        return "the core" if name == CORE else "no distribution"
    return f"{record.distribution} {record.version}"


def config(assembly: Assembly, as_json: bool) -> str:
    """Each setting's value and where it came from."""
    values, table = assembly.config, assembly.table
    names = [
        name for name in values if table[name].setting.foreign is None or values.was_given(name)
    ]
    if as_json:
        return _json(
            {
                name: {"value": getattr(values, name), "origin": values.origin(name)}
                for name in names
            }
        )
    rows = [(name, _shown(getattr(values, name)), values.origin(name)) for name in names]
    return _table(("SETTING", "VALUE", "FROM"), rows)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, default=str)
