"""What authors of plugins write is compared with hooks and settings by mypy, strictly."""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
from __future__ import annotations
from collections.abc import Generator, Iterable, Sequence
from hookserve import Setting, hookimpl, hooks, types
from hookserve.config.resolved import Config
from hookserve.config.values import integer
from hookserve.server import Server, WorkerInfo
from hookserve.worker.base import Worker
from hookserve.worker.context import ServerView
"""
GOOD = """
@hooks.post_fork
def post_fork(server: ServerView, worker: Worker) -> None: ...
@hooks.post_fork
def in_another_order(worker: Worker, server: ServerView) -> None: ...
@hooks.post_fork
def with_one(worker: Worker) -> None: ...
@hooks.post_fork
def with_none() -> None: ...
@hooks.post_fork
def with_more(worker: object, mine: int = 3) -> None: ...
@hooks.post_fork(tryfirst=True)
def first(server: ServerView) -> None: ...
@hooks.settings
def settings() -> list[Setting]: return []
@hooks.target_workers
def target(server: Server) -> int: return 3
@hooks.load_app(wrapper=True)
def around(config: Config) -> Generator[None, types.WSGIApplication, types.WSGIApplication]:
    return (yield)
@hooks.nworkers_changed
def changed(old_value: int | None, new_value: int) -> None: ...
@hookimpl
def worker_exit(server: ServerView) -> None: ...
class Greeter:
    @hooks.server_tick
    def server_tick(self, server: Server) -> None: ...
    @hooks.retired
    def retired(self) -> None: ...
    @hooks.post_request(trylast=True)
    def seen(self, resp: types.Response, worker: Worker) -> None: ...
"""
BAD = {
    "a wrong name of the hook": "@hooks.post_frok\ndef f(worker: Worker) -> None: ...",
    "a wrong name of an argument": (
        "@hooks.post_fork\ndef f(server: ServerView, wroker: Worker) -> None: ..."
    ),
    "a wrong name of the first argument": (
        "@hooks.post_fork\ndef f(wroker: Worker, server: ServerView) -> None: ..."
    ),
    "a wrong name of the only argument": "@hooks.post_fork\ndef f(wroker: Worker) -> None: ...",
    "a wrong name and no types": (
        "@hooks.post_fork\ndef f(server, wroker): ...  # type: ignore[no-untyped-def]"
    ),
    "a wrong type of an argument": "@hooks.pre_fork\ndef f(worker: Worker) -> None: ...",
    "a wrong result": "@hooks.post_fork\ndef f(worker: Worker) -> int: return 1",
    "a wrong result of a factory": "@hooks.target_workers\ndef f(server: Server) -> str: return ''",
    "a record instead of a list": "@hooks.commands\ndef f() -> types.Command: ...",
    "a list of something else": "@hooks.settings\ndef f() -> list[int]: return []",
    "a coroutine function": "@hooks.worker_idle\nasync def f(worker: Worker) -> None: ...",
    "a wrong option": "@hooks.post_fork(tryfrist=True)\ndef f(worker: Worker) -> None: ...",
    "a wrong argument after an option": (
        "@hooks.post_fork(tryfirst=True)\ndef f(wroker: Worker) -> None: ..."
    ),
    "a wrapper that is no generator": (
        "@hooks.load_app(wrapper=True)\ndef f(config: Config) -> None: ..."
    ),
    "a wrong argument of a method": (
        "class A:\n    @hooks.retired\n    def f(self, server: Server) -> None: ..."
    ),
    "a method without self": (
        "class A:\n    @hooks.server_tick\n    def f(me, server: Server) -> None: ..."
    ),
}


SETTINGS = """
from hookserve.config import core
from hookserve.config.values import items, optional_text
VOLUME = Setting("volume", 5, integer, "how loud")
NAMES: Setting[tuple[str, ...]] = Setting("names", (), items, "who")
FRIEND = Setting("friend", None, optional_text, "a friend")
def without_types() -> list[Setting]: return [VOLUME, NAMES, FRIEND]
def read(config: Config) -> None:
    volume: int = config.value(VOLUME)
    names: tuple[str, ...] = config.value(NAMES)
    friend: str | None = config.value(FRIEND)
    workers: int | str = config.value(core.WORKERS)
    bind: tuple[str, ...] = config.value(core.BIND)
    timeout: float = config.value(core.TIMEOUT)
    user: str | None = config.value(core.USER)
"""
WRONG_READS = """
    volume: str = config.value(VOLUME)
    friend: str = config.value(FRIEND)
    user: str = config.value(core.USER)
    config.value(core.WROKERS)
    config.value("workers")
A: Setting[int] = Setting("a", "not an integer", integer, "a")
B = Setting("b", "not an integer", integer, "b")
"""


MISREAD = f"{SETTINGS}def misread(config: Config) -> None:{WRONG_READS}"


def sources_of_bad():
    """One module with all of `BAD`, and the lines of each."""
    source, ranges = "", {}
    for number, (name, text) in enumerate(BAD.items()):
        begin = (HEAD + source).count("\n") + 1
        source += re.sub(r"\b(class A|def f)\b", rf"\g<1>{number}", text) + "\n"
        ranges[name] = range(begin, (HEAD + source).count("\n") + 1)
    ast.parse(HEAD + source)
    return source, ranges


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """What mypy says of each module: lines of the text, and its messages.

    Of all in one call, which reads hookserve once.
    """
    folder = tmp_path_factory.mktemp("typed")
    modules = {
        "good": GOOD,
        "bad": sources_of_bad()[0],
        "settings_read": SETTINGS,
        "settings_misread": MISREAD,
    }
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(HEAD + source)
    files = [f"{name}.py" for name in modules]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, *files],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""
    assert f"(checked {len(files)} source files)" in result.stdout
    found = {name: [] for name in modules}
    for name, line, message in re.findall(
        r"^(\w+)\.py:(\d+): error: (.*)$", result.stdout, re.MULTILINE
    ):
        found[name].append((int(line), message))
    return found


@pytest.mark.process
@pytest.mark.skipif(find_spec("mypy") is None, reason="no mypy")
def test_the_value_of_a_setting_has_its_type(errors):
    assert errors["settings_read"] == []

    first = (HEAD + SETTINGS).count("\n") + 2
    expected = range(first, first + WRONG_READS.strip().count("\n") + 1)
    assert [line for line, _ in errors["settings_misread"]] == list(expected)


@pytest.mark.process
@pytest.mark.skipif(find_spec("mypy") is None, reason="no mypy")
def test_right_implementations_pass_and_each_wrong_one_is_an_error(errors):
    assert errors["good"] == []

    found_errors = errors["bad"]
    assert not [message for _, message in found_errors if "already defined" in message]
    lines = {line for line, _ in found_errors}
    ranges = sources_of_bad()[1]
    assert [name for name, found in ranges.items() if not lines.intersection(found)] == []
