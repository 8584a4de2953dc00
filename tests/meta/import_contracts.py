"""Contracts of import-linter in which ``@plugins`` means every root package but the core.

So pyproject.toml names the packages of plugins once for all contracts.
"""

from __future__ import annotations

from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract

CORE = "hookserve"
PLUGINS = "@plugins"
Options = dict[str, Any]  # Any: import-linter's own


def _expand(session: Options, options: Options) -> Options:
    plugins = [name for name in session["root_packages"] if name != CORE]
    # The plugin of an event library is the one package that may import it.
    own = {f"{CORE}_{library}" for library in options.get("forbidden_modules", ())}
    chosen = [name for name in plugins if name not in own]
    return {
        key: [name for word in value for name in (chosen if word == PLUGINS else [word])]
        if isinstance(value, list)
        else value
        for key, value in options.items()
    }


class Forbidden(ForbiddenContract):
    """import-linter's contract "forbidden"."""

    def __init__(self, name: str, session_options: Options, contract_options: Options) -> None:
        super().__init__(name, session_options, _expand(session_options, contract_options))


class Independence(IndependenceContract):
    """import-linter's contract "independence"."""

    def __init__(self, name: str, session_options: Options, contract_options: Options) -> None:
        super().__init__(name, session_options, _expand(session_options, contract_options))
