"""What a stop takes at most, and when the platform sends KILL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hookserve import Diagnosis

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_PLATFORMS = (
    ("KUBERNETES_SERVICE_HOST", "kubernetes", 30.0, ", or raise terminationGracePeriodSeconds"),
    ("DYNO", "heroku", 30.0, ""),
)
"""A variable that shows the platform, its name, which is that of its profile (`behind`), the
seconds from TERM to KILL by default, and what else helps."""


def check_deadlines(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Diagnosis]:
    """The whole stop within the platform's time; requests within the time of a stop."""
    stop = config.drain_delay + config.graceful_timeout
    text = f"a stop takes up to {stop:g} s (drain_delay and graceful_timeout)"
    for variable, name, limit, otherwise in _PLATFORMS:
        is_there = variable in environ or config.get("behind") == name
        if is_there and stop >= limit:
            yield Diagnosis(
                "warning",
                "stop",
                f"{text}, and {name} sends KILL after {limit:g} s unless told otherwise",
                f"have drain_delay and graceful_timeout end before that (--behind {name} alone"
                f" does){otherwise}",
            )
            break
    else:
        yield Diagnosis("ok", "stop", text)
    if config.request_timeout > config.graceful_timeout:
        yield Diagnosis(
            "warning",
            "requests at a stop",
            f"a request may take {config.request_timeout:g} s (request_timeout), and a stop ends it"
            f" after {config.graceful_timeout:g} s (graceful_timeout)",
            "raise graceful_timeout, or lower request_timeout",
        )
