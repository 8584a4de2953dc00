"""What is measured, installed: hookserve in one environment, other servers in another.

Neither is the checkout's own: an editable installation starts slower, and what the tests need
would be searched for plugins.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.contenders import COMPILED, FRAMEWORKS, PEER_REQUIREMENTS, UVLOOP, Contender

ROOT = Path(__file__).parent.parent
OURS = Path(__file__).parent / ".venv-ours"
OTHERS = Path(__file__).parent / ".venv-peers"
_PLUGINS = ("gevent", "eventlet", "tornado")
_FLAWS = (r"fatal error: (.+)", r"^\s*error: (command .+)", r"^ERROR: (.+)")
"""What pip's output is searched for, the most telling first."""


class EnvironmentsError(Exception):
    """Something that cannot be done without cannot be installed."""


def install() -> dict[str, str]:
    """Both environments, unless they are as they must be; which server is missing, and why."""
    install_ours()
    return _install_others()


def programs_of(contender: Contender) -> Path:
    """The folder with its programs."""
    return (OURS if contender.distribution == "hookserve" else OTHERS) / "bin"


def absent(contender: Contender, missing: dict[str, str]) -> str | None:
    """Why a contender cannot take part; None: it can."""
    if contender.distribution == "nginx":
        return None if shutil.which("nginx") else "nginx is not installed (apt-get install nginx)"
    flaw = missing.get(contender.distribution)
    return f"not installable here: {flaw}" if flaw else None


def versions() -> dict[str, str]:
    """Of everything in both environments."""
    found = {
        each.name: each.version
        for environment in (OTHERS, OURS)
        for each in _distributions(environment)
    }
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def install_ours() -> None:
    """hookserve as its users have it, a wheel of this checkout, with the plugins of its own."""
    pins = [*UVLOOP, *(pin for name in _PLUGINS for pin in PEER_REQUIREMENTS[name])]
    wanted = _fingerprint("\n".join(pins))
    if _is_installed(OURS, wanted):
        return
    print("installing hookserve into", OURS.relative_to(ROOT), flush=True)
    venv.create(OURS, with_pip=True, clear=True)
    sources = [str(ROOT), *(str(ROOT / "plugins" / name) for name in _PLUGINS)]
    flaw = _pip(OURS, *sources, *pins, *FRAMEWORKS)
    if flaw:
        raise EnvironmentsError(f"hookserve cannot be installed: {flaw}")
    _stamp(OURS).write_text(wanted)


def _install_others() -> dict[str, str]:
    """Those that can be had here; a later run tries the others again."""
    pins = [pin for group in PEER_REQUIREMENTS.values() for pin in group]
    wanted = "\n".join((sys.version, *pins, *FRAMEWORKS))
    if _is_installed(OTHERS, wanted):
        return {}
    in_part = f"{wanted}\nin part"
    if not _is_installed(OTHERS, in_part):
        print("installing the other servers into", OTHERS.relative_to(ROOT), flush=True)
        venv.create(OTHERS, with_pip=True, clear=True)
        ready_made = [
            pin
            for name, group in PEER_REQUIREMENTS.items()
            if name not in COMPILED
            for pin in group
        ]
        # If this fails, none of them is there, and each is tried by itself.
        _pip(OTHERS, *ready_made, *FRAMEWORKS)
    missing = {}
    present = {each.name.lower() for each in _distributions(OTHERS)}
    for name, group in {**PEER_REQUIREMENTS, "flask": FRAMEWORKS}.items():
        flaw = None if name in present else _pip(OTHERS, *group)
        if flaw:
            missing[name] = flaw
    if "flask" in missing:
        raise EnvironmentsError(f"the other servers cannot be installed: {missing['flask']}")
    _stamp(OTHERS).write_text(in_part if missing else wanted)
    return missing


def _pip(environment: Path, *words: str) -> str | None:
    """None, or what went wrong, in a line."""
    command = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return flaw_of(done.stderr + done.stdout) if done.returncode else None


def flaw_of(output: str) -> str:
    """The line of pip's output that says what went wrong."""
    for expression in _FLAWS:
        match = re.search(expression, output, re.MULTILINE)
        if match:
            return match[1].strip()
    return "pip does not say why"


def _distributions(environment: Path) -> Iterable[Distribution]:
    (site,) = environment.glob("lib/python*/site-packages")
    return distributions(path=[str(site)])


def _stamp(environment: Path) -> Path:
    return environment / "installed"


def _is_installed(environment: Path, wanted: str) -> bool:
    stamp = _stamp(environment)
    return stamp.exists() and stamp.read_text() == wanted


def _fingerprint(text: str) -> str:
    """Of everything that ours is made of."""
    digest = hashlib.sha256(f"{sys.version}\n{text}".encode())
    folders = (ROOT / "hookserve", ROOT / "plugins")
    for path in sorted(
        (ROOT / "pyproject.toml", *(file for each in folders for file in each.rglob("*")))
    ):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
