"""A distribution that is written from templates.

The templates are files, under ``templates/KIND/``
or ``templates/KIND-INTERFACE/``: as they are to be, with ``$name`` and its like
where the name belongs (`string.Template`), ``PACKAGE`` in their paths, and ``.template`` at the
end, so that no tool takes them for what they are not.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from hookserve import API_LEVEL, HookserveError, UsageError, __version__

KINDS = ("worker", "protocol")
"""What can be begun; each has a folder of templates."""
INTERFACES = ("wsgi", "asgi")
"""What a worker may be for; each but the first has templates of its own, ``KIND-INTERFACE``."""

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_SUFFIX = ".template"


class Project:
    """The distribution ``hookserve-NAME`` in a directory; raises UsageError for a name that
    cannot be one."""

    def __init__(
        self, kind: str, name: str, directory: Path, interface: str = INTERFACES[0]
    ) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"new: {name!r} cannot be a {kind}'s name: it is made of lower-case letters and"
                " digits, a letter first, with single hyphens or underscores between them"
            )
        self.kind = kind
        self.interface = interface
        self.name = name
        self.package = name.replace("-", "_")
        """What follows ``hookserve_``."""
        self.folder = directory / f"hookserve-{name}"
        prefix = self.package.title().replace("_", "")
        self._words = {
            "name": name,
            "package": self.package,
            "prefix": prefix,
            "class_name": f"{prefix}{kind.title()}",
            "version": __version__,
            "api_level": API_LEVEL,
        }

    def write(self) -> list[str]:
        """Write all files and return their paths in the folder; raises HookserveError, and then
        leaves no file."""
        texts = self._render()
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir()
        except OSError as error:
            raise HookserveError(
                f"new: cannot make {self.folder}: {error.strerror} (nothing is overwritten; another"
                " place is chosen with --directory)"
            ) from None
        try:
            for path, text in texts.items():
                target = self.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise HookserveError(f"new: cannot write {self.folder}: {error.strerror}") from None
        return list(texts)

    def _render(self) -> dict[str, str]:
        own = f"{self.kind}-{self.interface}"
        folder = self.kind if self.interface == INTERFACES[0] else own
        root = files("hookserve_scaffold").joinpath("templates", folder)
        return {
            path.replace("PACKAGE", self.package).removesuffix(_SUFFIX): Template(
                template.read_text(encoding="utf-8")
            ).substitute(self._words)
            for path, template in sorted(_walk(root))
        }


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """The templates below a folder, by their paths in it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{prefix}{entry.name}", entry
