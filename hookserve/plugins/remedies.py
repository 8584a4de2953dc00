"""What to do about a plugin that is at fault, as messages say it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hookserve.wording import describe

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginRecord


def without_failed(record: PluginRecord, request: str) -> str:
    """How to start without one that cannot be loaded; `request` is what asks for it, as ``-P NAME``
    or ``NAME in HOOKSERVE_PLUGINS``, and empty where nothing does."""
    if record.candidate is not None and record.candidate.is_on_demand:
        return f"take {request} and its settings away" if request else "do without it"
    # Where it is not asked for, it is left out with a warning, or refuses each start.
    if request and not (record.is_fatal and record.candidate):
        return f"take {request} away"
    return f"leave it out with -P no:{record.name}"


def without(record: PluginRecord, request: str) -> str:
    """How to start without one that has raised in a hook; empty: no name leaves it out, as of a
    file's hooks."""
    if record.candidate is None:
        return f"take {request} away" if request else ""
    settings = " and without its settings" if "settings" in record.hooks else ""
    return f"leave it out with -P no:{record.name}{settings}"


def explain_import(record: PluginRecord, error: BaseException) -> tuple[str, str]:
    """Why a plugin module cannot be imported, and what to do about it."""
    candidate = record.candidate
    if isinstance(error, ModuleNotFoundError) and candidate is not None and error.name:
        if candidate.module == error.name or candidate.module.startswith(error.name + "."):
            return (
                f"its module {candidate.module} is not there, the installation is incomplete",
                f"pip install --force-reinstall {record.distribution}",
            )
        missing = candidate.missing_requirements()
        packages = " ".join(f"'{each}'" if ">" in each else each for each in missing)
        return describe(error), f"pip install {packages or error.name.partition('.')[0]}"
    if isinstance(error, AttributeError) and candidate is not None and candidate.attribute:
        cause = f"its module {candidate.module} has no {candidate.attribute}"
        if candidate.module in sys.modules:
            return cause, f"mend or upgrade {record.distribution}"
    culprit = "it" if candidate is None else record.distribution
    return describe(error), f"mend or upgrade {culprit}"
