"""The base of gunicorn's objects: a view of one of hookserve's objects."""

from __future__ import annotations

from typing import Any


class View:
    """Shows `_native` under gunicorn's names; keeps the attributes that hooks set."""

    _native: Any  # Any: one of several of hookserve's objects

    def __init__(self, native: object) -> None:
        object.__setattr__(self, "_native", native)

    def __getattr__(self, name: str) -> Any:  # Any: as _native
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return getattr(self._native, name)
        except AttributeError:
            kind = type(self).__name__
            raise AttributeError(f"gunicorn's {kind} has no '{name}' in hookserve") from None

    @property
    def native(self) -> object:
        """hookserve's own object."""
        return self._native

    def show(self, native: object) -> None:
        """Be the view of another object from now on, with the attributes that were set."""
        object.__setattr__(self, "_native", native)

    def attributes(self) -> dict[str, object]:
        """What hooks have set."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}
