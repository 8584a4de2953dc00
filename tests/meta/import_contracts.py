"""Contracts of import-linter with two names for many modules.

``@plugins`` means every root package but the core, so pyproject.toml names the packages of plugins
once.  ``@private`` means every module of the core that docs/reference/public.toml does not list.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.protected import ProtectedContract

CORE = "hookserve"
PLUGINS = "@plugins"
PRIVATE = "@private"
ROOT = Path(__file__).parents[2]
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


class Protected(ProtectedContract):
    """import-linter's contract "protected", module by module."""

    def __init__(self, name: str, session_options: Options, contract_options: Options) -> None:
        options = {**contract_options, "as_packages": "False"}
        if options.get("protected_modules") == [PRIVATE]:
            options["protected_modules"] = sorted(private_modules())
        super().__init__(name, session_options, options)


def private_modules() -> set[str]:
    """The modules of the core that nothing outside it may import; packages are empty."""
    public = tomllib.loads((ROOT / "docs" / "reference" / "public.toml").read_text())["modules"]
    names = set()
    for path in (ROOT / CORE).rglob("*.py"):
        if path.name not in ("__init__.py", "__main__.py"):
            names.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {
        name
        for name in names - {each["name"] for each in public}
        # What is below `testing` comes by its package.
        if not name.startswith(f"{CORE}.testing.")
    }
