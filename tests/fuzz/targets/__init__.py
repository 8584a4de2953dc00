"""What is fuzzed; `tests.fuzz` says what a target is made of."""

import importlib
import pkgutil


def names():
    """The targets there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name):
    """The module of a target."""
    return importlib.import_module(f"{__name__}.{name}")
