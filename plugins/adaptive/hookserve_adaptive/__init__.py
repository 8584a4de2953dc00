"""As many workers as the load asks for.

policy
    how many workers the load asks for, without a server
scaler
    moves the number of workers as the policy says
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import ConfigError, Setting, hookimpl
from hookserve.config.values import integer, number, optional_interval, seconds

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def share(value: object) -> float:
    """A share of the whole: above 0, at most 1."""
    found = number(value)
    if not 0 < found <= 1:
        raise ValueError("expected a number above 0, at most 1")
    return found


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "adaptive_max",
        0,
        integer,
        "let the number of workers follow the load, up to this many; 0: it stays what workers says",
    ),
    Setting(
        "adaptive_min",
        0,
        integer,
        "never fewer workers than this while the number follows the load; 0: what workers says",
        needs=("adaptive_max",),
    ),
    Setting(
        "adaptive_busy",
        0.75,
        share,
        "the share of the workers' capacity from which on there are too few of them",
        metavar="SHARE",
        needs=("adaptive_max",),
    ),
    Setting(
        "adaptive_idle_time",
        60.0,
        seconds,
        "how long one worker less must have been enough before there is one less",
        needs=("adaptive_max",),
    ),
    Setting(
        "adaptive_interval",
        1.0,
        optional_interval,
        "how often the load is looked at; 0: at each tick",
        needs=("adaptive_max",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """The range, and when to move within it."""
    return SETTINGS


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The scaler, when there is a maximum; raises ConfigError for an empty range."""
    if not config.adaptive_max:
        return []
    name = "adaptive_min" if config.adaptive_min else "workers"
    least = getattr(config, name)
    if least != "auto" and least > config.adaptive_max:
        raise ConfigError(
            f"adaptive_max ({config.origin('adaptive_max')}): {config.adaptive_max} is less than"
            f" {name}, which is {least} (raise the one or lower the other)"
        )
    from hookserve_adaptive.scaler import Scaler

    return [Scaler(config)]
